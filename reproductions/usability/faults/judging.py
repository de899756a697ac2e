"""What a message says, by rules that a reader can check by hand on the kept message."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from reproductions.usability.faults.catalogue import Measure
from reproductions.usability.faults.stages import MARK

#: A printed line that asks for attention: Python warnings, log records, absl and glog severities.
SEVERE = re.compile(
    r"\b[A-Za-z]*Warning\b|\bWARN(?:ING)?\b|\bERROR\b|^[WEF]\d{4} |: [WEF] tensorflow|Invalid loss, terminating"
)
PLACES = re.compile(r'File "([^"]+)", line (\d+)|^\s*([^\s:]+\.py):(\d+):', re.M)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
#: Frames above the program: Python's own start and this harness. A user's program has none of them.
ABOVE = re.compile(
    r'^ *File "(?:<frozen runpy>|[^"]*usability/faults/(?:server|player|stages)\.py)", line \d+, in .*\n(?: *\n)?',
    re.M,
)
ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}")
STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.,]\d+|^([IWEF])\d{4} [\d:.]+ +\d+ ", re.M)


def normalise(text: str, program: str) -> str:
    """Return the text as it would read on every machine.

    Paths below site-packages and the standard library keep what follows it, the program becomes ``program.py``,
    generated files lose their random names, frames of this harness are dropped, and addresses of memory, times,
    process ids and ids of tensors go.
    """
    text = ABOVE.sub("", COLOUR.sub("", text))
    text = text.replace(program, "program.py") if program else text
    text = re.sub(r"[^\s\"'(]*/site-packages/", "", text)
    text = re.sub(r"[^\s\"'(]*/lib/python3\.\d+/", "python/", text)
    text = re.sub(r"[^\s\"'(]*__autograph_generated_file\w*\.py", "__autograph_generated_file.py", text)
    text = re.sub(r"(?<![\w.])/(?:tmp|home|root|work|var|Users|private)/[^\s\"',)]*", "<path>", text)
    text = ADDRESS.sub("0x...", text)
    text = re.sub(r"\b(id|pid)=?\s*\d{4,}", r"\1=...", text)
    return STAMP.sub(lambda match: f"{match[1]} " if match[1] else "<time>", text)


def places(text: str) -> list[tuple[str, int]]:
    """Return every ``file, line`` that the printed text names, in its order."""
    return [(m[1] or m[3], int(m[2] or m[4])) for m in PLACES.finditer(text)]


def position(found: Sequence[tuple[str, int]], program: str, faulty: Iterable[int]) -> tuple[bool, int | None]:
    """Return whether a faulty line is among the places, and how many places stand below its last mention."""
    lines = set(faulty)
    hits = [index for index, (file, line) in enumerate(found) if file == program and line in lines]
    return (True, len(found) - 1 - hits[-1]) if hits else (False, None)


def of_user(found: Sequence[tuple[str, int]], program: str) -> int:
    """Return how many of the places lie in the user's program."""
    return sum(file == program for file, _ in found)


def names_shapes(message: str, shapes: Sequence[Sequence[int]]) -> bool | None:
    """True if every shape stands in the message, its numbers in order with only punctuation, x or spaces between.

    None if the fault has no shapes to name.
    """
    if not shapes:
        return None
    return all(
        re.search(r"(?<![\d.])" + r"(?:\s*[,x×*;]\s*)".join(map(str, shape)) + r"(?![\d.]*\d)", message)
        for shape in shapes
    )


def names_any(message: str, expressions: Sequence[str]) -> bool | None:
    """True if one of the expressions is found in the message (case matters); None if there are none."""
    if not expressions:
        return None
    return any(re.search(expression, message) for expression in expressions)


def notices(
    lines: Sequence[tuple[float, str]], other: Sequence[tuple[float, str]], program: str, other_program: str
) -> tuple[str, str, float | None]:
    """Return what the faulty run printed and the corrected one did not, if it asks for attention.

    lines, other   printed lines with their times; stage marks are in band
    returns        the text, the stage and the time of its first line; ("", "", None) if there is nothing
    """
    known = {_bare(normalise(line, other_program)) for _, line in other}
    stage, fresh = "definition", []
    for at, line in lines:
        if line.startswith(MARK):
            stage = re.search(r'"([^"]+)"', line)[1]
            continue
        plain = normalise(line, program)
        if plain.strip() and _bare(plain) not in known:
            fresh.append((plain, stage, at))
    first = next((index for index, (line, _, _) in enumerate(fresh) if SEVERE.search(line)), None)
    if first is None:
        return "", "", None
    return ("\n".join(line for line, _, _ in fresh[first:]), fresh[first][1], fresh[first][2])


def _bare(line: str) -> str:
    """Return the line without numbers: the same notice about another number is the same notice."""
    return re.sub(r"\d+(\.\d+)?", "#", line).strip()


def does_harm(faulty: float | None, corrected: float | None, measure: Measure) -> bool | None:
    """Return whether the faulty program's measure is worse than its corrected twin's by what the fault says.

    A value that is not finite where the twin's is finite is harm; None where one of them is unknown.
    """
    if faulty is None or corrected is None or not math.isfinite(corrected):
        return None
    if not math.isfinite(faulty):
        return True
    worse = corrected - faulty if measure.worse == "lower" else faulty - corrected
    return worse >= measure.by


def outcome(exception: str, notice: str, harm: bool | None) -> str:
    """Return ``noticed``, ``harmless``, ``warned`` or ``silent``: an error, no fault at all, words, nothing."""
    if exception:
        return "noticed"
    if harm is False:
        return "harmless"
    return "warned" if notice else "silent"


def short(found: Sequence[tuple[str, int]], most: int = 60) -> str:
    """Return the places as one cell of a table, outermost first."""
    texts = [f"{file}:{line}" for file, line in found]
    if len(texts) > most:
        texts = [*texts[: most // 2], f"({len(texts) - most} more)", *texts[-most // 2 :]]
    return " > ".join(texts)
