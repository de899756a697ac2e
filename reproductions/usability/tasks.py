"""What a paired program is: one folder, read into frozen dataclasses.

The folder holds ``task.yaml``, ``data.py`` (data and initial weights, NumPy alone) and one program a version:
``pytorch.py``, ``tensorflow.py`` (core API) and ``keras.py`` (on TensorFlow). A program is what a reader would write
after reading the documentation. It has ``build()``, which returns the model, and ``main(model, data)``, which returns
its results by name; the common initial weights are loaded between the two, so no text holds anything of this project.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, ModuleType

import numpy as np
import yaml

from reproductions.errors import SurveyError
from reproductions.files import read_yaml
from reproductions.usability import loading

BUILT_IN = Path(__file__).with_name("programs")
SCHEMA = Path(__file__).with_name("task.schema.yaml")
#: The framework that each program belongs to, in the order in which programs are always listed.
PROGRAMS = MappingProxyType({"pytorch": "pytorch", "tensorflow": "tensorflow", "keras": "tensorflow"})
SEED = 1


@dataclass(frozen=True)
class Comparison:
    """How one result is compared: with ``expected`` if that is not None, otherwise between the programs.

    tolerance   the largest absolute difference of any element that still counts as equal
    """

    tolerance: float
    expected: float | bool | None = None


@dataclass(frozen=True)
class Task:
    """One task as its folder declares it."""

    id: str
    folder: Path
    order: int
    title: str
    shows: str
    note: str
    sources: Mapping[str, tuple[Mapping[str, str], ...]]
    compare: Mapping[str, Comparison]
    sizes: Mapping[str, Mapping[str, int]]

    def text(self, program: str) -> str:
        """Return the program's text."""
        return (self.folder / f"{program}.py").read_text(encoding="utf-8")

    def digest(self) -> str:
        """Return a sha256 over the folder's files, by name and content."""
        digest = hashlib.sha256()
        for path in sorted(self.folder.iterdir()):
            if path.suffix in (".py", ".yaml"):
                digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()


def discover(folder: Path = BUILT_IN) -> dict[str, Task]:
    """Return ``{id: task}`` in the order of the page."""
    found = [load(path.parent) for path in folder.glob("*/task.yaml")]
    return {task.id: task for task in sorted(found, key=lambda task: (task.order, task.id))}


def find(name: str, folder: Path = BUILT_IN) -> Task:
    """Return one task or say which ones there are and which was probably meant."""
    found = discover(folder)
    if name not in found:
        close = difflib.get_close_matches(name, found, n=1)
        raise SurveyError(
            f"no task {name!r}; {f'did you mean {close[0]!r}?' if close else 'there are: ' + ', '.join(found)}"
        )
    return found[name]


def load(folder: Path) -> Task:
    """Read and check ``<folder>/task.yaml``; raise :class:`SurveyError` naming file, field and remedy."""
    from reproductions.validation import check

    path = Path(folder) / "task.yaml"
    try:
        raw = read_yaml(path)
    except (OSError, yaml.YAMLError) as error:
        raise SurveyError(f"{path}: cannot be read ({error}); every task needs it") from error
    check(raw, read_yaml(SCHEMA), str(path))
    for name in ("data", *PROGRAMS):
        if not (path.parent / f"{name}.py").is_file():
            raise SurveyError(f"{path.parent / name}.py: missing; a task needs data.py and a program a version")
    return Task(
        id=path.parent.name,
        folder=path.parent,
        order=raw["order"],
        title=raw["title"],
        shows=raw["shows"],
        note=raw.get("note", ""),
        sources={program: tuple(pages) for program, pages in raw["sources"].items()},
        compare={name: Comparison(**declared) for name, declared in raw["compare"].items()},
        sizes=raw["sizes"],
    )


def given(folder: Path, sizes: Mapping[str, int]) -> tuple[ModuleType, dict, list[np.ndarray]]:
    """Return a task's ``data.py``, its data and its initial weights; the same for every program."""
    source = loading.module(folder, "data")
    data_rng, weights_rng = np.random.default_rng(SEED).spawn(2)
    weights = source.weights(weights_rng) if hasattr(source, "weights") else []
    return source, source.make(data_rng, sizes), weights
