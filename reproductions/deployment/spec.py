"""What a deployment path is, and the registry that finds them. No framework is imported here.

A path is one module of ``paths/`` (or of a folder handed over): ``PATH``, and two functions,

    export(model, folder, request) -> Artefact      writes the artefact into an empty folder
    load(folder, request) -> predict                reads it in another process; predict(batch) -> logits

``model`` is the source framework's own: a PyTorch module in eval mode, or a Keras model. ``predict`` takes a NumPy
batch in the layout of :func:`reproductions.deployment.models.inputs` and gives float32 logits (rows, classes). A module
imports its packages inside the functions, so that all paths can be listed where none of them is installed.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import pathlib
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata
from types import MappingProxyType, ModuleType

from reproductions.errors import SurveyError

BUILT_IN = pathlib.Path(__file__).with_name("paths")
#: The models, by id of their workload, with the data set they are trained and tested on.
MODELS = MappingProxyType({"cnn_mnist": "mnist5k", "bert_encoder": "reuters_r8"})
#: Where a path's model comes from; ``keras_torch`` is Keras on the PyTorch back end.
FRAMEWORKS = ("pytorch", "tensorflow", "keras_torch")
#: What a row may say of itself.
STATUSES = ("ok", "wrong", "failed", "expected_failure", "skipped", "unsupported", "timeout", "oom")
#: How far a path came: packages there, artefact written, artefact read, answers given, answers right, all measured.
STAGES = ("install", "export", "load", "run", "numbers", "measure")
#: Batch sizes in which every path is measured; where a shape is fixed at export, an artefact is written for each.
BATCHES = (1, 32)
COMMAND = "command:"
#: How to get a command that no Python package brings.
COMMANDS = MappingProxyType(
    {
        "g++": "apt-get install g++",
        "node": "apt-get install nodejs",
        "npm": "apt-get install npm",
        "chromium": "apt-get install chromium",
        "java": "apt-get install default-jre-headless",
    }
)


@dataclass(frozen=True)
class Expectation:
    """A failure that is known upstream: if it happens as described, the row says so and is no fault of ours.

    stage   where it happens, one of :data:`STAGES`
    match   regular expression that the message or the process's log must hold
    reason  one sentence for the table
    report  address of the upstream report, or an empty string where none was found
    """

    stage: str
    match: str
    reason: str
    report: str = ""

    def __post_init__(self):
        if self.stage not in STAGES:
            raise ValueError(f"stage {self.stage!r} is not one of {', '.join(STAGES)}")
        re.compile(self.match)

    def meets(self, stage: str, *texts: str) -> bool:
        """Return whether a failure at ``stage`` that left ``texts`` is this one."""
        return stage == self.stage and any(re.search(self.match, text) for text in texts)


@dataclass(frozen=True)
class Artefact:
    """What an export left in its folder.

    main     file or folder, relative, that is deployed for batch 1; its size is the row's
    batches  batch sizes for which there is an artefact each, or None where one takes any
    needs    further files, relative, that have to go with it
    note     what a reader of the row must know
    """

    main: str
    batches: tuple[int, ...] | None = None
    needs: tuple[str, ...] = ()
    note: str = ""

    def bytes(self, folder: pathlib.Path) -> int:
        """Return what is deployed, in bytes."""
        return sum(size(folder / name) for name in (self.main, *self.needs))


@dataclass(frozen=True)
class Request:
    """What both functions of a path are told; plain values, so that it travels as JSON.

    model         id of the model, a key of :data:`MODELS`
    arrays        folder of the model's weights and rows, see :mod:`reproductions.deployment.models`
    framework     the path's framework: it decides layout and types of the inputs
    threads       compute threads
    sizes         the model's sizes
    batches       batch sizes that must be answered
    environments  prefix of each extra environment that may be used: ``{name: folder}``
    """

    model: str
    arrays: str
    framework: str
    threads: int = 1
    sizes: Mapping[str, int] = field(default_factory=dict)
    batches: tuple[int, ...] = BATCHES
    environments: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self):
        object.__setattr__(self, "batches", tuple(self.batches))

    def plain(self) -> dict:
        """Return the request as JSON takes it."""
        return asdict(self)

    def command(self, environment: str, name: str) -> str:
        """Return the path of a command of an extra environment."""
        return str(pathlib.Path(self.environments[environment]) / "bin" / name)


@dataclass(frozen=True)
class Path:
    """One way from a framework to answers.

    id                  name of its module
    title               as tables show it
    framework           one of :data:`FRAMEWORKS`
    runtime             what answers: ``torch``, ``onnxruntime``, ``litert``, ...
    artefact            ``file`` or ``folder``
    requires            what export and load need: distributions or ``command:name``; ``a|b``: one of them
    deploys             the distributions that loading needs, for ``install_bytes``; empty: all of ``requires``
    imports             modules of the runtime, imported before the loading is timed
    export_imports      modules of the exporter, imported before the export is timed
    models              ids of the models it is tried with
    expected            the failures that are known upstream, by model
    quantized           whether the artefact computes in fewer bits: then accuracy is judged, not the logits
    tolerance_logits    largest difference from the source framework's logits
    tolerance_accuracy  share of the test rows that a quantised model may get wrong in addition
    in_process          False for a path that answers in a browser or in Node
    single_threaded     whether the runtime computes on one thread only: with more it is not tried
    extra               an environment of environments.yaml beside the core one, or None
    tool                key of states.yaml
    environment         variables of the processes that export and load
    export_timeout_s    how long an export may take
    file                the module, set by the registry
    """

    id: str
    title: str
    framework: str
    runtime: str
    artefact: str = "file"
    requires: tuple[str, ...] = ()
    deploys: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    export_imports: tuple[str, ...] = ()
    models: tuple[str, ...] = tuple(MODELS)
    expected: Mapping[str, Expectation] = field(default_factory=dict)
    quantized: bool = False
    tolerance_logits: float = 1e-4
    tolerance_accuracy: float = 0.02
    in_process: bool = True
    single_threaded: bool = False
    extra: str | None = None
    tool: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    export_timeout_s: float = 300
    file: pathlib.Path | None = None

    def __post_init__(self):
        if self.framework not in FRAMEWORKS:
            raise ValueError(f"{self.id}: framework {self.framework!r} is not one of {', '.join(FRAMEWORKS)}")
        if self.artefact not in ("file", "folder"):
            raise ValueError(f"{self.id}: artefact {self.artefact!r} is neither file nor folder")

    def module(self) -> ModuleType:
        """Return the path's module."""
        return _module(self.file)

    def export(self, model: object, folder: pathlib.Path, request: Request) -> Artefact:
        """Write the artefact of a model into an empty folder; raises what the exporter raises."""
        return self.module().export(model, pathlib.Path(folder), request)

    def load(self, folder: pathlib.Path, request: Request) -> Callable:
        """Read an artefact; return ``predict``. Raises what the runtime raises."""
        return self.module().load(pathlib.Path(folder), request)

    def missing(self) -> list[str]:
        """Return what is not there, each with how to get it."""
        return [remedy for need in self.requires if (remedy := _lacking(need))]

    def versions(self) -> dict[str, str]:
        """Return ``{distribution: version}`` of what is required and there."""
        found = (distribution(need) for need in self.requires if not need.startswith(COMMAND))
        return {found_one.metadata["Name"]: found_one.version for found_one in found if found_one}

    def deployed(self) -> tuple[str, ...]:
        """Return the distributions that loading needs."""
        return self.deploys or tuple(need for need in self.requires if not need.startswith(COMMAND))

    def digest(self) -> str:
        """Return a sha256 over the module and what it shares with others."""
        digest = hashlib.sha256()
        for path in (self.file, *sorted(self.file.parent.glob("_*.py"))):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()


def distribution(need: str) -> metadata.Distribution | None:
    """Return the first installed distribution of ``a|b``, or None."""
    for name in need.split("|"):
        try:
            return metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def _lacking(need: str) -> str:
    if need.startswith(COMMAND):
        names = need.removeprefix(COMMAND).split("|")
        if any(map(shutil.which, names)):
            return ""
        return f"{names[0]} (get it: {COMMANDS.get(names[0], f'install {names[0]}')})"
    if distribution(need):
        return ""
    return f"{need.replace('|', ' or ')} (get it: pip install -c constraints.txt -e '.[deploy]')"


def size(path: pathlib.Path) -> int:
    """Return the bytes of a file, or of all files of a folder."""
    path = pathlib.Path(path)
    if path.is_dir():
        return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
    return path.stat().st_size


# -- registry ----------------------------------------------------------------------------------------------------------
def discover(folders: Iterable[pathlib.Path] = ()) -> dict[str, Path]:
    """Return ``{id: path}``, sorted by framework and id; ``folders`` hold further modules.

    Raises SurveyError for a module without ``PATH``, with another id than its name, or of a name that is taken.
    """
    found: dict[str, Path] = {}
    for folder in (BUILT_IN, *map(pathlib.Path, folders)):
        if not folder.is_dir():
            raise SurveyError(f"{folder}: not a folder; --paths takes a folder that holds modules of paths")
        for file in sorted(folder.glob("[!_]*.py")):
            path = _read(file)
            if path.id in found:
                raise SurveyError(f"{file}: a path {path.id!r} exists already in {found[path.id].file}; rename one")
            found[path.id] = path
    return dict(sorted(found.items(), key=lambda item: (FRAMEWORKS.index(item[1].framework), item[0])))


def find(name: str, folders: Iterable[pathlib.Path] = ()) -> Path:
    """Return one path or say which ones there are and which was probably meant."""
    found = discover(folders)
    if name not in found:
        close = difflib.get_close_matches(name, found, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(found)}"
        raise SurveyError(f"no deployment path {name!r}; {hint}")
    return found[name]


def _read(file: pathlib.Path) -> Path:
    path = getattr(_module(file), "PATH", None)
    if not isinstance(path, Path):
        raise SurveyError(f"{file}: has no PATH = Path(...); see reproductions/deployment/README.md")
    if path.id != file.stem:
        raise SurveyError(f"{file}: its id is {path.id!r}; a module is called as its path")
    return replace(path, file=file.resolve())


def _module(file: pathlib.Path) -> ModuleType:
    if pathlib.Path(file).resolve().parent == BUILT_IN.resolve():
        return importlib.import_module(f"reproductions.deployment.paths.{file.stem}")
    name = f"deployment_path_{file.stem}"
    loaded = sys.modules.get(name)
    if loaded is None or pathlib.Path(loaded.__file__).resolve() != pathlib.Path(file).resolve():
        found = importlib.util.spec_from_file_location(name, file)
        loaded = importlib.util.module_from_spec(found)
        sys.modules[name] = loaded
        found.loader.exec_module(loaded)
    return loaded
