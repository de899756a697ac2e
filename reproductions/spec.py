"""What a workload is: one folder, read into frozen dataclasses.

The folder holds ``workload.yaml`` (this specification), ``weights.py`` (initial parameters and their layout in each
framework, NumPy only) and one thin module a framework (``pytorch.py``, ``tensorflow.py``) with ``build(sizes)``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, ModuleType

import yaml

from reproductions.errors import SurveyError
from reproductions.files import read_yaml

#: The frameworks that are compared. An interpreter may be configured for each.
FRAMEWORKS = ("pytorch", "tensorflow")
#: Execution modes, in the order in which they are always listed. ``keras`` is the control: one source, two back ends.
MODES = MappingProxyType(
    {
        "pytorch": ("eager", "compile", "idiomatic"),
        "tensorflow": ("eager", "function", "xla", "idiomatic"),
        "keras": ("tensorflow", "torch"),
    }
)
#: What a workload is measured in where it names no modes: the matched ones of both frameworks.
DEFAULT_MODES = MappingProxyType({"pytorch": ("eager", "compile"), "tensorflow": ("eager", "function", "xla")})
#: Arithmetic of the layers. tf32 and float16 are a GPU's; bfloat16 is mixed: float32 weights, bfloat16 products.
PRECISIONS = ("float32", "tf32", "bfloat16", "float16")
IDIOMATIC = "idiomatic"
#: What the modules of a workload's folder must define.
PARTS = MappingProxyType(
    {
        "weights": ("initial", "to_pytorch", "from_pytorch", "to_tensorflow", "from_tensorflow"),
        "pytorch": ("build",),
        "tensorflow": ("build",),
        "data": ("make", "describe"),
    }
)
SCHEMA = Path(__file__).with_name("workload.schema.yaml")


@dataclass(frozen=True, order=True)
class Cell:
    """One framework in one execution mode and precision; measured in a process of its own."""

    framework: str
    mode: str
    precision: str = "float32"

    @property
    def id(self) -> str:
        """Return for example ``pytorch-eager`` or ``pytorch-eager-bfloat16``."""
        plain = f"{self.framework}-{self.mode}"
        return plain if self.precision == "float32" else f"{plain}-{self.precision}"

    @property
    def track(self) -> str:
        """Return ``matched`` or ``idiomatic``; the two are never compared with each other."""
        return "idiomatic" if self.mode == IDIOMATIC else "matched"

    @property
    def interpreter(self) -> str:
        """Return the framework whose interpreter runs the cell: the control runs in its back end's."""
        return {"torch": "pytorch"}.get(self.mode, self.mode) if self.framework == "keras" else self.framework


@dataclass(frozen=True, order=True)
class Point:
    """Where on the axes a cell is measured.

    phase       ``train``, ``infer`` or ``generate``
    batch_size  examples a step
    shape       input sizes that differ from the preset's, as sorted (name, value) pairs; empty at the base point
    """

    phase: str
    batch_size: int
    shape: tuple[tuple[str, int], ...] = ()

    @property
    def label(self) -> str:
        """Return the shape as it stands in rows: ``tokens=64`` or an empty string."""
        return ";".join(f"{name}={value}" for name, value in self.shape)


@dataclass(frozen=True)
class Preset:
    """How much of a workload is run.

    restarts       fresh sets of worker processes, the outer unit of the bootstrap
    rounds         blocks a cell and point inside one restart
    steps          steps a block, by phase
    environments   environment profiles, see environments.yaml; every mode and further axis is measured in the last of
                   them, what people use most in each
    batches        distinct batches that a block cycles through
    accuracy       epochs, seeds and training examples (0: all) of the accuracy run; None where it is not run
    timeout_s      seconds a worker may take for one request before it is stopped
    minutes        duration of the measurement on the reference machine, for the plan
    preparation_minutes  the same for parity and accuracy together
    sizes          the model's sizes, the workload's own keys
    batch_size     examples a step at the base point, by phase
    modes          the measured cells in float32
    precisions     arithmetic beside float32 for the matched modes of both frameworks
    threads        thread counts beside the run's own, measured at the base points
    sweep_points   points beside the base points
    sweep_cells    ids of the cells that are measured there
    """

    name: str
    restarts: int
    rounds: int
    steps: Mapping[str, int]
    environments: tuple[str, ...]
    batches: int
    accuracy: Mapping[str, int] | None
    timeout_s: float
    minutes: float
    preparation_minutes: float
    sizes: Mapping[str, int]
    batch_size: Mapping[str, int]
    modes: tuple[Cell, ...]
    precisions: tuple[str, ...] = ()
    threads: tuple[int, ...] = ()
    sweep_points: tuple[Point, ...] = ()
    sweep_cells: tuple[str, ...] = ()

    @property
    def base_points(self) -> tuple[Point, ...]:
        """Return one point a phase, in the declared order."""
        return tuple(Point(phase, size) for phase, size in self.batch_size.items())

    def cells(self, environment: str) -> tuple[Cell, ...]:
        """Return the cells of a profile: every mode and other precisions in the last, what people use most in each."""
        if environment != self.environments[-1]:
            return tuple(cell for cell in self.modes if (cell.framework, cell.mode) in USUAL)
        lower = [
            Cell(cell.framework, cell.mode, precision)
            for precision in self.precisions
            for cell in self.modes
            if cell.framework in FRAMEWORKS and cell.track == "matched" and (cell.framework, cell.mode) != EAGER_TF
        ]
        return (*self.modes, *lower)

    def points(self, cell: Cell, environment: str) -> tuple[Point, ...]:
        """Return where a cell is measured in a profile; the idiomatic track trains only."""
        base = self.base_points
        if cell.track == "idiomatic":
            return tuple(point for point in base if point.phase == "train")
        if cell.framework == "keras":
            return tuple(point for point in base if point.phase != "generate")
        swept = environment == self.environments[-1] and cell.id in self.sweep_cells
        return (*base, *(point for point in self.sweep_points if point not in base)) if swept else base


#: The modes that documentations teach for training and serving: a second environment profile is measured with them.
USUAL = {("pytorch", "eager"), ("pytorch", "compile"), ("tensorflow", "function")}
#: TensorFlow's eager mode is for debugging: measured in float32, left out of the axes that multiply the work.
EAGER_TF = ("tensorflow", "eager")


#: What the plan promises stands in lines of its own.
_MINUTES = re.compile(rb"(?m)^ *(?:preparation_)?minutes:.*\n")


@dataclass(frozen=True)
class Workload:
    """One workload as its folder declares it."""

    id: str
    folder: Path
    title: str
    task: str
    model: str
    input: str
    datasets: tuple[str, ...]
    optimizer: Mapping[str, float]
    tolerances: Mapping[str, float]
    batch_size: Mapping[str, int]
    modes: tuple[Cell, ...]
    presets: Mapping[str, Preset]

    @property
    def phases(self) -> tuple[str, ...]:
        """Return the measured phases, ``train``, ``infer`` and ``generate``, in the declared order."""
        return tuple(self.batch_size)

    def preset(self, name: str) -> Preset:
        """Return a preset or say which ones there are."""
        if name not in self.presets:
            raise SurveyError(
                f"{self.folder}/workload.yaml: presets: no preset {name!r}; choose one of {', '.join(self.presets)}"
            )
        return self.presets[name]

    def module(self, name: str) -> ModuleType:
        """Import ``<folder>/<name>.py`` without touching ``sys.path`` (it may be called ``tensorflow.py``)."""
        path = self.folder / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"workload_{self.id}_{name}", path)
        if spec is None or spec.loader is None or not path.is_file():
            raise SurveyError(f"{path}: missing; every workload needs weights.py, pytorch.py and tensorflow.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        if lacking := [part for part in PARTS.get(name, ()) if not hasattr(module, part)]:
            raise SurveyError(f"{path}: {', '.join(lacking)}: missing; write it as a neighbour's {name}.py has it")
        return module

    def digest(self) -> str:
        """Return a sha256 over the folder's code and specification, by file name and content.

        How many minutes the plan promises is no part of it: to correct them makes no measurement stale.
        """
        digest = hashlib.sha256()
        for path in sorted(self.folder.iterdir()):
            if path.suffix in (".py", ".yaml") and path.name != "mutations.yaml":
                content = path.read_bytes()
                if path.name == "workload.yaml":
                    content = _MINUTES.sub(b"", content)
                digest.update(path.name.encode() + b"\0" + content + b"\0")
        return digest.hexdigest()


def load(folder: Path) -> Workload:
    """Read and check ``<folder>/workload.yaml``; raise :class:`SurveyError` naming file, field and remedy."""
    from reproductions.validation import check

    folder = Path(folder)
    path = folder / "workload.yaml"
    try:
        raw = read_yaml(path)
    except OSError as error:
        raise SurveyError(f"{path}: cannot be read ({error.strerror}); a workload folder needs it") from error
    except yaml.YAMLError as error:
        raise SurveyError(f"{path}: not valid YAML: {error}") from error
    check(raw, read_yaml(SCHEMA), str(path))
    presets = {name: _preset(name, declared, raw, path) for name, declared in raw["presets"].items()}
    return Workload(
        id=folder.name,
        folder=folder,
        title=raw["title"],
        task=raw["task"],
        model=raw["model"],
        input=raw["input"],
        datasets=tuple(raw["datasets"]),
        optimizer=raw["optimizer"],
        tolerances=raw["tolerances"],
        batch_size=raw["batch_size"],
        modes=_cells(raw.get("modes", DEFAULT_MODES)),
        presets=presets,
    )


def _cells(modes: Mapping) -> tuple[Cell, ...]:
    """Return the cells of ``{framework: [mode, ...]}`` in the fixed order."""
    return tuple(
        Cell(framework, mode) for framework in MODES for mode in MODES[framework] if mode in modes.get(framework, ())
    )


def _preset(name: str, declared: Mapping, raw: Mapping, path: Path) -> Preset:
    """Return a preset with what it takes over from the workload."""
    values = dict(declared)
    batch_size = raw["batch_size"] | values.pop("batch_size", {})
    modes = _cells(values.pop("modes", raw.get("modes", DEFAULT_MODES)))
    sweep = values.pop("sweep", {"cells": [], "points": []})
    known = {cell.id for cell in modes}
    if unknown := [cell for cell in sweep["cells"] if cell not in known]:
        raise SurveyError(
            f"{path}: presets.{name}.sweep.cells: {unknown[0]} is not measured in this preset; take one of "
            f"{', '.join(sorted(known))}"
        )
    points = []
    for point in sweep["points"]:
        shape = {key: value for key, value in point.items() if key not in ("phase", "batch_size")}
        if unknown := [key for key in shape if key not in raw["sizes"]]:
            raise SurveyError(f"{path}: presets.{name}.sweep.points: {unknown[0]} is not one of the workload's sizes")
        if point["phase"] not in batch_size:
            raise SurveyError(f"{path}: presets.{name}.sweep.points: phase {point['phase']} is not in batch_size")
        points.append(Point(point["phase"], point["batch_size"], tuple(sorted(shape.items()))))
    return Preset(
        name=name,
        sizes=raw["sizes"] | values.pop("sizes", {}),
        environments=tuple(values.pop("environments")),
        batch_size=batch_size,
        modes=modes,
        precisions=tuple(p for p in values.pop("precisions", ["float32"]) if p != "float32"),
        threads=tuple(values.pop("threads", [])),
        sweep_points=tuple(dict.fromkeys(points)),
        sweep_cells=tuple(sweep["cells"]),
        **values,
    )
