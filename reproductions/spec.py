"""What a workload is: one folder, read into frozen dataclasses.

The folder holds ``workload.yaml`` (this specification), ``weights.py`` (initial parameters and their layout in each
framework, NumPy only) and one thin module a framework (``pytorch.py``, ``tensorflow.py``) with ``build(sizes)``.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, ModuleType

import yaml

from reproductions.errors import SurveyError

#: Execution modes of each framework, in the order in which they are always listed.
MODES = MappingProxyType({"pytorch": ("eager", "compile"), "tensorflow": ("eager", "function", "xla")})
SCHEMA = Path(__file__).with_name("workload.schema.yaml")


@dataclass(frozen=True, order=True)
class Cell:
    """One framework in one execution mode; measured in a process of its own."""

    framework: str
    mode: str

    @property
    def id(self) -> str:
        """Return for example ``pytorch-eager``."""
        return f"{self.framework}-{self.mode}"


@dataclass(frozen=True)
class Preset:
    """How much of a workload is run.

    restarts       fresh sets of worker processes, the outer unit of the bootstrap
    rounds         blocks a cell and phase inside one restart
    steps          steps a block, by phase
    environments   environment profiles, see environments.yaml
    batches        distinct batches that a block cycles through
    accuracy       epochs, seeds and training examples (0: all) of the accuracy run
    timeout_s      seconds a worker may take for one request before it is stopped
    minutes        duration of the measurement on the reference machine, for the plan
    preparation_minutes  the same for parity and accuracy together
    sizes          the model's sizes, the workload's own keys
    """

    name: str
    restarts: int
    rounds: int
    steps: Mapping[str, int]
    environments: tuple[str, ...]
    batches: int
    accuracy: Mapping[str, int]
    timeout_s: float
    minutes: float
    preparation_minutes: float
    sizes: Mapping[str, int]


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
        """Return the measured phases, ``train`` and ``infer``, in the declared order."""
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
        return module

    def digest(self) -> str:
        """Return a sha256 over the folder's code and specification, by file name and content."""
        digest = hashlib.sha256()
        for path in sorted(self.folder.iterdir()):
            if path.suffix in (".py", ".yaml"):
                digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()


def load(folder: Path) -> Workload:
    """Read and check ``<folder>/workload.yaml``; raise :class:`SurveyError` naming file, field and remedy."""
    from reproductions.validation import check

    folder = Path(folder)
    path = folder / "workload.yaml"
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SurveyError(f"{path}: cannot be read ({error.strerror}); a workload folder needs it") from error
    except yaml.YAMLError as error:
        raise SurveyError(f"{path}: not valid YAML: {error}") from error
    check(raw, yaml.safe_load(SCHEMA.read_text(encoding="utf-8")), str(path))
    presets = {}
    for name, declared in raw["presets"].items():
        values = dict(declared)
        sizes = raw["sizes"] | values.pop("sizes", {})
        environments = tuple(values.pop("environments"))
        presets[name] = Preset(name=name, sizes=sizes, environments=environments, **values)
    modes = raw.get("modes", MODES)
    cells = tuple(Cell(framework, mode) for framework in MODES for mode in MODES[framework] if mode in modes[framework])
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
        modes=cells,
        presets=presets,
    )
