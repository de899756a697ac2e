"""Published results as ratios of speed: every pair of one condition on its own, no pooled number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

SCHEMA = Path(__file__).resolve().parents[1] / "workflow" / "schemas" / "literature.schema.yaml"


def literature(path: Path) -> pd.DataFrame:
    """Return the checked rows of ``data/literature.csv`` with ``ratio``, PyTorch's speed over TensorFlow's.

    The ratio is empty where a row gives one framework only, or is not about speed. Raises AdoptionDataError naming
    file, row, field and remedy.
    """
    from analysis.adoption_data import AdoptionDataError, read_rows

    found, faults = read_rows(path, SCHEMA)
    if faults:
        raise AdoptionDataError(faults)
    table = pd.DataFrame([row for _, row in found])
    ours, theirs = (pd.to_numeric(table[f"{name}_value"]) for name in ("pytorch", "tensorflow"))
    ratio = np.where(table["better"] == "lower", theirs / ours, ours / theirs)
    table["ratio"] = np.where((table["measures"] == "speed") & (table["better"] != ""), ratio, np.nan)
    return table
