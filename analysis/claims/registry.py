"""Reading ``data/claims.csv``: each claim with the test that was fixed in advance."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reproductions.errors import SurveyError

ROOT = Path(__file__).resolve().parents[2]
CLAIMS_CSV = ROOT / "data" / "claims.csv"
SCHEMA = ROOT / "workflow" / "schemas" / "claims.schema.yaml"
#: What a claim's ``device`` says where it is about GPUs, so that no CPU settles it.
GPU = "gpu"
#: The survey under test, and the day on which it was submitted.
SURVEY_URL, SURVEY_DATE = "https://arxiv.org/abs/2508.04035v1", "2025-08-06"


@dataclass(frozen=True)
class Claim:
    """A row of ``data/claims.csv``; the columns are explained in ``workflow/schemas/claims.schema.yaml``."""

    claim: str
    topic: str
    statement: str
    test: str
    supported_if: str
    refuted_if: str
    fixed: str
    place: str
    seen: str
    device: str
    judge: str
    thresholds: dict[str, tuple[float, ...]]
    cites: tuple[str, ...]
    see: tuple[str, ...]
    settle: str
    command: str

    def limit(self, name: str) -> float:
        """Return a threshold that is one number; raise SurveyError where the claim holds none of this name."""
        values = self.thresholds.get(name, ())
        if len(values) != 1:
            raise SurveyError(
                f"data/claims.csv: {self.claim}: thresholds: {self.judge} asks for one number {name}, "
                f"{len(values)} stand there; write {name}=NUMBER"
            )
        return values[0]


def load_claims(path: Path = CLAIMS_CSV) -> dict[str, Claim]:
    """Return ``{id: Claim}`` in the order of the file; raise AdoptionDataError naming file, row, field and remedy."""
    from analysis.adoption_data import AdoptionDataError, read_rows

    rows, faults = read_rows(path, SCHEMA)
    found: dict[str, Claim] = {}
    for number, row in rows:
        name = str(row["claim"])
        if name in found:
            faults.append(f"{path}: row {number}: claim {name} stands twice; keep one")
        lists = {key: tuple(str(row[key]).split()) for key in ("cites", "see")}
        found[name] = Claim(**{**row, **lists, "thresholds": _thresholds(str(row["thresholds"]))})
    if faults:
        raise AdoptionDataError(faults)
    return found


def _thresholds(text: str) -> dict[str, tuple[float, ...]]:
    parts = (part.split("=") for part in text.split("; ") if part)
    return {name: tuple(float(value) for value in values.split()) for name, values in parts}
