"""What fault.yaml expects: compared with a run, and written anew when the frameworks have changed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

import yaml

from reproductions.files import write_text
from reproductions.usability.faults.catalogue import CELLS, Fault

COMMENT = "# Recorded from a run (--record); the tests compare.\n"


def expectation(row: Mapping[str, object]) -> dict[str, object]:
    """Return what fault.yaml says of a mode: the outcome, and for what was noticed when and as what."""
    found: dict[str, object] = {"outcome": row["noticed"]}
    if row["noticed"] in ("noticed", "warned"):
        found["stage"] = row["stage"]
    if row["noticed"] == "noticed":
        found["exception"] = row["exception"]
    return found


def fingerprints(faults: Iterable[Fault], *, quick: bool = False) -> dict[str, str]:
    """Return a hash of each fault's programs and rules, how they are run, and the versions installed here.

    Rows of an interrupted measurement are kept only where it is the same.
    """
    from reproductions.usability.contact import installed_versions

    found, versions = {}, sorted(installed_versions().items())
    for fault in faults:
        digest = hashlib.sha256(repr((quick, versions)).encode())
        for path in sorted(fault.folder.glob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
        text = (fault.folder / "fault.yaml").read_text(encoding="utf-8")
        digest.update(text.partition(COMMENT)[0].encode())
        found[fault.id] = digest.hexdigest()
    return found


def record(faults: Iterable[Fault], rows: Iterable[Mapping[str, object]]) -> None:
    """Write what the rows found as the expectation of each fault; modes that did not run keep theirs."""
    rows = list(rows)
    for fault in faults:
        found = {cell: dict(entry) for cell, entry in fault.expected.items() if cell in fault.cells()}
        for row in rows:
            if row["fault"] == fault.id and row["status"] == "ran":
                found[f"{row['framework']}-{row['mode']}"] = expectation(row)
        path = fault.folder / "fault.yaml"
        text = re.split(rf"{re.escape(COMMENT)}|^expected:", path.read_text(encoding="utf-8"), flags=re.M)[0]
        lines = [f"  {cell}: {_flow(found[cell])}\n" for cell in CELLS if cell in found]
        write_text(path, text.rstrip("\n") + "\n" + COMMENT + "expected:\n" + "".join(lines))


def _flow(entry: Mapping[str, object]) -> str:
    return yaml.safe_dump(dict(entry), default_flow_style=True, sort_keys=False, width=200).strip()
