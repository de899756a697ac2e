"""Discovering workloads: every folder with a ``workload.yaml``, built in or handed over with ``--workloads``."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from reproductions.errors import SurveyError
from reproductions.spec import Workload, load

BUILT_IN = Path(__file__).with_name("workloads")


def discover(extra: Iterable[Path] = ()) -> dict[str, Workload]:
    """Return ``{id: workload}`` sorted by id; two folders of one name are an error."""
    found: dict[str, Workload] = {}
    for root in (BUILT_IN, *map(Path, extra)):
        if not root.is_dir():
            raise SurveyError(f"{root}: not a folder; --workloads takes a folder that holds workload folders")
        for path in sorted(root.glob("*/workload.yaml")):
            workload = load(path.parent)
            if workload.id in found:
                raise SurveyError(
                    f"{path.parent}: a workload {workload.id!r} exists already in "
                    f"{found[workload.id].folder}; rename one of the folders"
                )
            found[workload.id] = workload
    return dict(sorted(found.items()))


def find(workload_id: str, extra: Iterable[Path] = ()) -> Workload:
    """Return one workload or say which ones there are and which was probably meant."""
    found = discover(extra)
    if workload_id not in found:
        close = difflib.get_close_matches(workload_id, found, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(found)}"
        raise SurveyError(f"no workload {workload_id!r}; {hint}")
    return found[workload_id]
