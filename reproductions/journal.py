"""The journal of a measurement: every finished observation is on disk at once, so a killed run resumes.

One JSON object a line, appended and flushed. A line that a kill has torn is dropped when the journal is opened again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from reproductions.files import explain


class Journal:
    """An append-only file of observations that belong to one plan.

    path  the file; created with its folder on the first record
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        self.rows = list(self._read())

    def _read(self) -> Iterator[dict]:
        if not self.path.is_file():
            return
        whole = 0
        with self.path.open("rb") as handle:
            for line in handle:
                try:
                    row = json.loads(line) if line.endswith(b"\n") else None
                except ValueError:
                    row = None
                if row is None:
                    break
                whole += len(line)
                yield row
        if whole < self.path.stat().st_size:
            with self.path.open("r+b") as handle:
                handle.truncate(whole)

    def add(self, row: dict) -> None:
        """Append one observation; raises SurveyError with a remedy if the disk is full."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as handle:
                start = handle.tell()
                try:
                    handle.write(json.dumps(row, sort_keys=True).encode() + b"\n")
                    handle.flush()
                    os.fsync(handle.fileno())
                except OSError:
                    os.ftruncate(handle.fileno(), start)
                    raise
        except OSError as error:
            raise explain(error, self.path) from error
        self.rows.append(row)

    def remove(self) -> None:
        """Delete the file once its content stands in a table."""
        self.path.unlink(missing_ok=True)
