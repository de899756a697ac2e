"""Reading YAML, and writing that is whole or not at all: beside the target, then renamed."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from reproductions.errors import SurveyError


def read_yaml(path: Path | str) -> Any:
    """Return the content of a YAML file of plain values; raises OSError and yaml.YAMLError.

    libyaml reads it, where PyYAML was built with it, in a seventh of the time that PyYAML's own parser takes: every
    start of the workflow and of a command reads a specification a workload.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(Path(path).read_text(encoding="utf-8"), loader)  # noqa: S506  one of the two safe loaders


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` atomically; a full disk leaves the old file and no half-written one."""
    path = Path(path)
    scratch = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as handle:
            scratch = Path(handle.name)
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        scratch.chmod(0o644)
        scratch.replace(path)
    except OSError as error:
        if scratch is not None:
            scratch.unlink(missing_ok=True)
        raise explain(error, path) from error


def explain(error: OSError, path: Path) -> SurveyError:
    """Turn an operating-system error into a message with the file and the remedy."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return SurveyError(
            f"{path}: no space left to write it; free some disk and run the same command again, "
            "finished blocks are kept"
        )
    return SurveyError(f"{path}: cannot be written ({error.strerror or error}); check the path and its permissions")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: object) -> None:
    """Write sorted, indented JSON atomically."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows with exactly ``columns`` atomically; an unknown key raises ValueError, a missing one is empty."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, buffer.getvalue())


def sha256(path: Path) -> str:
    """Return the sha256 of a file, read in pieces."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
