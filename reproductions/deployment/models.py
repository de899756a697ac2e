"""The two models: trained once in PyTorch from the suite's workload folders, the same weights in both frameworks.

``<work>/models/<model>/`` holds arrays alone (npz, never unpickled) and what was done:

    weights.npz             canonical parameters, as the workload's weights.py has them
    rows.npz                test rows and labels, and real training rows for calibration
    logits-<framework>.npz  what the source framework answers eagerly, in the order of the test rows
    model.json              sizes, data, recipe, accuracy, key
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reproductions import batches, registry
from reproductions.deployment import spec
from reproductions.deployment.spec import Request
from reproductions.errors import SurveyError, WorkerFailed
from reproductions.files import sha256, write_json
from reproductions.spec import Workload

log = logging.getLogger(__name__)
SEED = 1
#: Rows of one eager answer.
BATCH = 32
#: The same weights must give the same logits in every framework before anything is exported from it.
AGREEMENT = 1e-4


@dataclass(frozen=True)
class Recipe:
    """How much is trained and tested.

    preset       of the workload; it gives the sizes
    epochs       by model
    examples     training rows, 0 for all
    tests        test rows, 0 for all
    calibration  training rows that quantisers see
    """

    name: str
    preset: str
    epochs: Mapping[str, int]
    examples: int = 0
    tests: int = 0
    calibration: int = 256


FULL = Recipe("full", "quick", {"cnn_mnist": 4, "bert_encoder": 8})
SMOKE = Recipe("smoke", "smoke", {"cnn_mnist": 2, "bert_encoder": 2}, examples=2000, tests=64, calibration=64)


# -- inside a process that holds one framework -------------------------------------------------------------------------
def inputs(framework: str, array: np.ndarray) -> np.ndarray:
    """Return rows as a framework's model takes them.

    Images are float32 (rows, 28, 28, 1), for PyTorch (rows, 1, 28, 28); texts int32 (rows, tokens), for PyTorch int64.
    """
    if framework != "pytorch":
        return np.ascontiguousarray(array)
    return np.ascontiguousarray(array.transpose(0, 3, 1, 2)) if array.ndim == 4 else array.astype(np.int64)


def rows(request: Request, part: str = "x_test") -> np.ndarray:
    """Return ``x_test`` or ``x_calibration`` in the layout of the request's framework."""
    with np.load(Path(request.arrays) / "rows.npz", allow_pickle=False) as arrays:
        return inputs(request.framework, arrays[part])


def sample(request: Request, count: int) -> np.ndarray:
    """Return ``count`` real training rows; exporters trace with them."""
    found = rows(request, "x_calibration")
    return np.ascontiguousarray(found[np.arange(count) % len(found)])


def source(request: Request) -> object:
    """Return the model of the request's framework with the trained weights, ready to answer; imports the framework."""
    workload = registry.find(request.model)
    weights = workload.module("weights")
    with np.load(Path(request.arrays) / "weights.npz", allow_pickle=False) as stored:
        parameters = {name: stored[name] for name in stored.files}
    if request.framework == "pytorch":
        import torch

        prepare_torch(request.threads)
        model = workload.module("pytorch").build(request.sizes)
        arrays = weights.to_pytorch(parameters, request.sizes)
        model.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in arrays.items()})
        return model.eval().requires_grad_(False)
    if request.framework == "keras_torch":
        prepare_torch(request.threads)
    else:
        prepare_tensorflow(request.threads)
    from reproductions.frameworks._keras import name_of

    model = workload.module("tensorflow").build(request.sizes)
    arrays = weights.to_tensorflow(parameters, request.sizes)
    for variable in model.variables:
        variable.assign(arrays[name_of(model, variable)])
    return model


def build(request: Request) -> object:
    """Return the model with its initial weights: what an eager deployment has beside its file of weights."""
    name = "pytorch" if request.framework == "pytorch" else "tensorflow"
    return registry.find(request.model).module(name).build(request.sizes)


def prepare_torch(threads: int) -> None:
    """Set PyTorch's threads; the second time in a process only those that may change."""
    import torch

    torch.set_num_threads(threads)
    if torch.get_num_interop_threads() != 1:
        torch.set_num_interop_threads(1)


def prepare_tensorflow(threads: int) -> None:
    """Set TensorFlow's threads before its first operation; does nothing if they are set already."""
    import tensorflow as tf

    settings = tf.config.threading
    if settings.get_intra_op_parallelism_threads() != threads:
        settings.set_intra_op_parallelism_threads(threads)
    if settings.get_inter_op_parallelism_threads() != 1:
        settings.set_inter_op_parallelism_threads(1)


def answers(predict: Callable, array: np.ndarray, batch: int, go_on: Callable[[], bool] = lambda: True) -> np.ndarray:
    """Return the logits (rows, classes) of rows asked in whole batches; the last one is filled up.

    go_on   asked before each batch but the first; rows after its first False are left out
    """
    found = []
    for start in range(0, len(array), batch):
        if found and not go_on():
            break
        picked = np.minimum(np.arange(start, start + batch), len(array) - 1)
        logits = np.asarray(predict(np.ascontiguousarray(array[picked])), np.float32)
        if logits.ndim != 2 or len(logits) != batch:
            raise ValueError(f"logits of shape {logits.shape} for a batch of {batch}")
        found.append(logits)
    return np.concatenate(found)[: len(array)]


def eager(model: object, framework: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return ``predict`` of a source model as the framework calls it eagerly."""
    if framework == "tensorflow":
        import tensorflow as tf

        return lambda batch: model(tf.constant(batch), training=False).numpy()
    import torch

    def predict(batch: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            tensor = torch.from_numpy(batch)
            return (model(tensor) if framework == "pytorch" else model(tensor, training=False)).numpy()

    return predict


def train(request: Request, data: Path, recipe: Recipe, out: Path) -> dict:
    """Train in PyTorch with the workload's optimiser; write ``weights.npz`` and ``rows.npz``. Returns what was done."""
    import torch

    from reproductions.frameworks.pytorch import Engine

    workload = registry.find(request.model)
    weights = workload.module("weights")
    sizes, batch_size = dict(request.sizes), workload.preset(recipe.preset).batch_size["train"]
    engine = Engine("eager", request.threads, "cpu", "float32")
    engine.build(workload.module("pytorch"), sizes, dict(workload.optimizer))
    rng = np.random.default_rng(SEED)
    engine.load(weights.to_pytorch(weights.initial(rng, sizes), sizes))
    examples = batches.Examples(workload, data)
    kept = rng.permutation(len(examples))[: recipe.examples or None]
    order = batches.epochs(rng, len(kept), batch_size)
    engine.enter("train")
    steps = recipe.epochs[request.model] * (len(kept) // batch_size)
    for _ in range(steps):
        loss = engine.train(engine.put(*examples.take("train", kept[next(order)], sizes)))
    if not torch.isfinite(loss):
        raise ValueError(f"the loss of step {steps} is {float(loss)}")
    parameters = {name: value.detach().numpy() for name, value in engine.model.named_parameters()}
    save(out / "weights.npz", weights.from_pytorch(parameters, sizes))
    tests = np.arange(len(examples.arrays["y_test"]))[: recipe.tests or None]
    x_test, y_test = examples.take("test", tests, sizes)
    x_calibration, _ = examples.take("train", rng.permutation(kept)[: recipe.calibration], sizes)
    save(out / "rows.npz", {"x_test": x_test, "y_test": y_test, "x_calibration": x_calibration})
    return {"steps": steps, "loss": float(loss), "train_rows": len(kept), "batch_size": batch_size}


def save(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays beside the target, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.part")
    with scratch.open("wb") as handle:
        np.savez(handle, **arrays)
    scratch.replace(path)


# -- outside: the process that orders ----------------------------------------------------------------------------------
@dataclass(frozen=True)
class Prepared:
    """A model that is ready.

    folder       with its arrays
    sizes        of the model
    data         id of the data set
    labels       of the test rows (rows,)
    logits       by framework, (rows, classes); a framework that is not there is missing
    problems     why a framework has no source logits
    key          hash of everything that decides the weights
    """

    model: str
    folder: Path
    sizes: Mapping[str, int]
    data: str
    labels: np.ndarray
    logits: Mapping[str, np.ndarray]
    problems: Mapping[str, WorkerFailed]
    key: str

    def request(self, framework: str, threads: int, environments: Mapping[str, str] | None = None) -> Request:
        """Return what a path of a framework is told."""
        return Request(
            model=self.model,
            arrays=str(self.folder.resolve()),
            framework=framework,
            threads=threads,
            sizes=dict(self.sizes),
            environments=dict(environments or {}),
        )

    def accuracy(self, framework: str) -> float:
        """Return the share of the test rows that the source framework gets right."""
        return float((self.logits[framework].argmax(1) == self.labels).mean())


def key(workload: Workload, recipe: Recipe, data: Path) -> str:
    """Return a short hash of what decides the weights and the rows."""
    torch = spec.distribution("torch")
    decisive = [
        workload.digest(),
        sha256(data),
        [recipe.name, recipe.preset, recipe.epochs[workload.id], recipe.examples, recipe.tests, recipe.calibration],
        sha256(Path(__file__)),
        torch.version if torch else "none",
    ]
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:12]


def prepare(
    model: str,
    folder: Path,
    cache: Path,
    recipe: Recipe,
    *,
    start: Callable,
    frameworks: tuple[str, ...] = spec.FRAMEWORKS,
) -> Prepared:
    """Return a model, trained if its folder does not hold it yet.

    folder      of the model's arrays
    cache       of data sets
    start       ``start(request, name)`` returns a started child process, see :mod:`reproductions.deployment.worker`
    frameworks  of which source logits are wanted

    Raises SurveyError if PyTorch is missing or the frameworks disagree about the logits.
    """
    from reproductions import datasets

    workload = registry.find(model)
    sizes = dict(workload.preset(recipe.preset).sizes)
    data = datasets.fetch(spec.MODELS[model], cache) / "arrays.npz"
    wanted = key(workload, recipe, data)
    known = _read(folder / "model.json")
    if known.get("key") != wanted:
        if spec.distribution("torch") is None:
            raise SurveyError(f"{model}: the models are trained in PyTorch and it is not installed; pip install torch")
        log.info("%s: training (%d epochs)", model, recipe.epochs[model])
        for old in folder.glob("logits-*.npz"):
            old.unlink()
        request = Request(model=model, arrays=str(folder.resolve()), framework="pytorch", sizes=sizes)
        try:
            with start(request, f"train-{model}") as child:
                known = child.ask("train", data=str(data.resolve()), recipe=_plain(recipe), out=str(folder.resolve()))
        except WorkerFailed as error:
            raise SurveyError(f"{model}: training failed: {error.message}") from error
        known |= {"key": wanted, "model": model, "data": spec.MODELS[model], "recipe": recipe.name, "sizes": sizes}
        write_json(folder / "model.json", known)
    logits, problems = {}, {}
    for framework in frameworks:
        file = folder / f"logits-{framework}.npz"
        if not file.is_file():
            request = Request(model=model, arrays=str(folder.resolve()), framework=framework, sizes=sizes)
            try:
                with start(request, f"source-{framework}-{model}") as child:
                    child.ask("source_logits", out=str(file.resolve()))
            except WorkerFailed as error:
                problems[framework] = error
                continue
        with np.load(file, allow_pickle=False) as arrays:
            logits[framework] = arrays["logits"]
    with np.load(folder / "rows.npz", allow_pickle=False) as arrays:
        labels = arrays["y_test"]
    _agree(model, logits)
    found = Prepared(model, folder, sizes, spec.MODELS[model], labels, logits, problems, wanted)
    accuracies = {framework: found.accuracy(framework) for framework in logits}
    write_json(folder / "model.json", known | {"test_rows": len(labels), "accuracy": accuracies})
    return found


def _agree(model: str, logits: Mapping[str, np.ndarray]) -> None:
    first = next(iter(logits), None)
    for framework, found in logits.items():
        difference = float(np.abs(found - logits[first]).max())
        if not difference <= AGREEMENT:
            raise SurveyError(
                f"{model}: with the same weights {framework} and {first} differ by {difference:.2g} in a logit; "
                f"run `python -m reproductions parity {model}`"
            )


def _plain(recipe: Recipe) -> dict:
    return {name: getattr(recipe, name) for name in Recipe.__dataclass_fields__} | {"epochs": dict(recipe.epochs)}


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
