"""What the tables of upkeep share: the command that makes a row again, and the rows that stay beside new ones."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from reproductions.files import write_csv


def again(part: str, *words: str, flags: Sequence[str] = ()) -> str:
    """Return the command that makes one row again; the rows beside it stay.

    words  what of the part is chosen
    flags  options that change what is measured, as they were given
    """
    return shlex.join(["python", "-m", "reproductions", "upkeep", part, *words, *flags])


def write(
    path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]], keys: Sequence[str], *, chosen: bool
) -> None:
    """Write a table; where only some of it was chosen, the rows that were not made anew stay in their places.

    keys    columns that tell which rows new ones replace
    chosen  whether the run was told what to measure; otherwise the table is written anew
    """
    rows = [dict(row) for row in rows]
    if not chosen:
        write_csv(path, columns, rows)
        return
    kept = _read(path, columns)
    made = {tuple(str(row[key]) for key in keys) for row in rows}
    same = [number for number, row in enumerate(kept) if tuple(row[key] for key in keys) in made]
    place = same[0] if same else len(kept)
    before = [row for number, row in enumerate(kept) if number < place]
    behind = [row for number, row in enumerate(kept) if number > place and number not in same]
    write_csv(path, columns, [*before, *rows, *behind])


def _read(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a table; none where it is absent or was written with other columns."""
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            reader = csv.DictReader(handle)
            return list(reader) if tuple(reader.fieldnames or ()) == tuple(columns) else []
    except FileNotFoundError:
        return []
