"""The faults: one folder each, read into frozen dataclasses.

A folder holds ``fault.yaml`` and a program a framework: ``pytorch.py`` (eager, compile),
``tensorflow.py`` (eager, function, xla) and ``keras.py`` (fit). In a program every faulty
line ends with ``# FAULT``, and the comment lines ``# CORRECT: ...`` below it are what
stands there in the corrected twin. A line that is nothing but ``# FAULT: ...`` marks
something left out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reproductions.errors import SurveyError
from reproductions.files import read_yaml

FOLDER = Path(__file__).parent
#: Modes of each framework, in the order in which they are always listed.
MODES: Mapping[str, tuple[str, ...]] = {
    "pytorch": ("eager", "compile"),
    "tensorflow": ("eager", "function", "xla"),
    "keras": ("fit",),
}
CELLS = tuple(f"{framework}-{mode}" for framework, modes in MODES.items() for mode in modes)
KINDS = ("shape", "type", "gradient", "mode", "numerics", "tracing", "data", "optimiser", "structure", "export")
FAULTY = re.compile(r"#\s*FAULT\b")
CORRECT = re.compile(r"^(\s*)# CORRECT: ?(.*)$")


@dataclass(frozen=True)
class Measure:
    """How a program proves that the harm is real.

    what   what the number is that the program returns
    worse  ``lower`` or ``higher``: the direction of harm
    by     the smallest difference from the corrected twin that counts as harm
    """

    what: str
    worse: str
    by: float


@dataclass(frozen=True)
class Fault:
    """One planted fault; the keys of ``fault.yaml`` are described in the README."""

    id: str
    title: str
    kind: str
    story: str
    sources: tuple[Mapping[str, str], ...]
    measure: Measure
    names: Mapping[str, object]
    not_applicable: Mapping[str, str]
    expected: Mapping[str, Mapping[str, object]]
    folder: Path

    def program(self, framework: str) -> Path:
        """Return the path of the program for a framework."""
        return self.folder / f"{framework}.py"

    def cells(self) -> tuple[str, ...]:
        """Return the framework-modes in which the fault makes sense, for example ``pytorch-eager``."""
        return tuple(cell for cell in CELLS if cell not in self.not_applicable)

    def rule(self, name: str, framework: str) -> list:
        """Return what a message should name (``shapes``, ``object``, ``remedy``); empty if nothing."""
        value = self.names.get(name) or []
        return list(value.get(framework) or []) if isinstance(value, Mapping) else list(value)


def discover(folder: Path = FOLDER) -> dict[str, Fault]:
    """Return every fault by its id."""
    return {path.parent.name: load(path) for path in sorted(folder.glob("*/fault.yaml"))}


def load(path: Path) -> Fault:
    """Read one ``fault.yaml``; raises SurveyError that names the file, the key and the remedy."""
    name = f"{path.parent.name}/{path.name}"
    raw = read_yaml(path)
    needed = {"title", "kind", "story", "sources", "measure", "names"}
    if missing := needed - set(raw):
        raise SurveyError(f"{name}: lacks {', '.join(sorted(missing))}; add the keys")
    if unknown := set(raw) - needed - {"not_applicable", "expected"}:
        raise SurveyError(f"{name}: unknown keys {', '.join(sorted(unknown))}; remove them")
    if raw["kind"] not in KINDS:
        raise SurveyError(f"{name}: kind {raw['kind']!r}; choose one of {', '.join(KINDS)}")
    if raw["measure"].get("worse") not in ("lower", "higher"):
        raise SurveyError(f"{name}: measure.worse must be lower or higher")
    for key in ("not_applicable", "expected"):
        if strange := set(raw.get(key) or {}) - set(CELLS):
            raise SurveyError(f"{name}: {key}: no such mode {', '.join(sorted(strange))}")
    fault = Fault(
        id=path.parent.name,
        title=raw["title"],
        kind=raw["kind"],
        story=" ".join(raw["story"].split()),
        sources=tuple(raw["sources"]),
        measure=Measure(**raw["measure"]),
        names=raw["names"],
        not_applicable=raw.get("not_applicable") or {},
        expected=raw.get("expected") or {},
        folder=path.parent,
    )
    for cell in fault.cells():
        program = fault.program(cell.partition("-")[0])
        if not program.is_file():
            raise SurveyError(f"{name}: {program.name} is missing; write it or list {cell} as not applicable")
    return fault


def corrected(source: str) -> str:
    """Return the corrected twin of a program's source: the same lines, the faulty ones replaced.

    Raises ValueError if no line is marked, or a marked line has no correction.
    """
    lines, done, index = [], 0, 0
    given = source.splitlines()
    while index < len(given):
        line = given[index]
        index += 1
        if not FAULTY.search(line):
            lines.append(line)
            continue
        replacement = []
        while index < len(given) and (match := CORRECT.match(given[index])):
            replacement.append(match[1] + match[2])
            index += 1
        if not replacement:
            raise ValueError(f"line {index}: marked as the fault but has no '# CORRECT:' line below it")
        lines += [line.rstrip() for line in replacement]
        done += 1
    if not done:
        raise ValueError("no line is marked with '# FAULT'")
    return "\n".join(lines) + "\n"


def faulty_lines(source: str) -> tuple[frozenset[int], bool]:
    """Return the numbers of the faulty lines and whether the fault is something left out.

    A marked line stands for its whole statement; of a compound statement, for its header.
    """
    marked = [n for n, line in enumerate(source.splitlines(), 1) if FAULTY.search(line)]
    omission = all(source.splitlines()[n - 1].lstrip().startswith("#") for n in marked)
    statements = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
    lines: set[int] = set()
    for number in marked:
        around = [s for s in statements if s.lineno <= number <= s.end_lineno]
        if omission or not around:
            lines.add(number)
            continue
        inner = max(around, key=lambda s: (s.lineno, -s.end_lineno))
        body = getattr(inner, "body", None)
        last = body[0].lineno - 1 if isinstance(body, list) and body else inner.end_lineno
        lines.update(range(inner.lineno, max(last, number) + 1))
    return frozenset(lines), omission
