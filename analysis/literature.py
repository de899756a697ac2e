"""Published results as ratios of speed: every pair on its own, what each study is worth, means within groups only."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

SCHEMAS = Path(__file__).resolve().parents[1] / "workflow" / "schemas"
#: What makes ratios comparable: one task and phase, one kind of device, one way of compiling.
GROUP = ("task", "phase", "device", "compiled")
#: Publications from which on a group gets a mean; fewer say nothing about how much publications differ.
LEAST = 3
STUDY_COLUMNS = (
    *("study", "title", "year", "measured_by", "matched", "why", "ratios", "lowest", "middle", "highest", "phases"),
    *("device", "versions", "evidence", "url"),
)
GROUP_COLUMNS = (*GROUP, "publications", "studies", "ratios", "mean", "low", "high", "next", "status")


def literature(path: Path) -> pd.DataFrame:
    """Return the checked rows of ``data/literature.csv`` with ``ratio``, PyTorch's speed over TensorFlow's.

    The ratio is empty where a row gives one framework only, or is not about speed. Raises AdoptionDataError naming
    file, row, field and remedy.
    """
    table = _checked(path, "literature")
    ours, theirs = (pd.to_numeric(table[f"{name}_value"]) for name in ("pytorch", "tensorflow"))
    ratio = np.where(table["better"] == "lower", theirs / ours, ours / theirs)
    table["ratio"] = np.where((table["measures"] == "speed") & (table["better"] != ""), ratio, np.nan)
    return table


def _checked(path: Path, schema: str) -> pd.DataFrame:
    from analysis.adoption_data import AdoptionDataError, read_rows

    found, faults = read_rows(path, SCHEMAS / f"{schema}.schema.yaml")
    if faults:
        raise AdoptionDataError(faults)
    return pd.DataFrame([row for _, row in found])


def names(published: pd.DataFrame) -> dict[str, str]:
    """Return what each study is called: author and year, and what tells it from others of one publication."""
    found = {}
    for citation, own in published.groupby("citation", sort=False):
        studies = list(dict.fromkeys(own["study"]))
        parts = [study.split("_") for study in studies]
        shared = next((n for n, words in enumerate(zip(*parts, strict=False)) if len(set(words)) > 1), 0)
        for study, words in zip(studies, parts, strict=True):
            rest = " ".join(words[shared:]) if len(studies) > 1 else ""
            author = re.split(r"[ ,/]", str(citation))[0].rstrip(".")
            found[study] = f"{author} {own['year'].iloc[0]}" + (f", {rest}" if rest else "")
    return found


def studies(published: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return one row a study that gives ratios: their range, and what they are worth by ``literature_studies.csv``.

    ``middle`` is the geometric mean of the study's own ratios, which one study's conditions make comparable at most
    among themselves. Raises AdoptionDataError for a row that breaks its schema, or a study that nobody has judged.
    """
    from analysis.adoption_data import AdoptionDataError

    published = published[published["ratio"].notna()]
    worth = _checked(path, "literature_studies").set_index("study")
    if strange := sorted(set(published["study"]) ^ set(worth.index)):
        raise AdoptionDataError([f"{path}: {', '.join(strange)}: give each study with ratios exactly one row"])
    titles = names(published)
    rows = []
    for study, own in published.groupby("study", sort=False):
        first = own.iloc[0]
        rows.append(
            {
                "study": study,
                "title": titles[study],
                "ratios": len(own),
                "lowest": own["ratio"].min(),
                "middle": math.exp(np.log(own["ratio"]).mean()),
                "highest": own["ratio"].max(),
                "phases": _listed(own["phase"]),
                "device": _listed(own["device"]),
                "versions": _listed(own["versions"]),
                "evidence": _listed(own["evidence"]),
                **{name: first[name] for name in ("year", "url")},
                **worth.loc[study, ["measured_by", "matched", "why"]].to_dict(),
            }
        )
    return pd.DataFrame(rows, columns=list(STUDY_COLUMNS))


def _listed(values: Iterable[object]) -> str:
    return "; ".join(dict.fromkeys(str(value) for value in values))


def groups(published: pd.DataFrame) -> pd.DataFrame:
    """Return one row a comparable group: how many publications, and a random-effects mean where there are enough.

    A publication counts once, with the geometric mean of its ratios in the group, because its rows are not
    independent; publications count equally, because none states an error, and what they differ by estimates the
    spread between them. ``low`` and ``high`` bound the mean by Student's t (Hartung and Knapp, Statistics in Medicine
    20 (2001) 1771-1782, for equal weights), ``next`` says between what one more publication is expected (Higgins,
    Thompson and Spiegelhalter, Journal of the Royal Statistical Society A 172 (2009) 137-159).
    """
    from scipy.special import stdtrit

    published = published[published["ratio"].notna()]
    modes = published["pytorch_mode"].fillna("") + " " + published["tensorflow_mode"].fillna("")
    published = published.assign(compiled=[_compiled(text) for text in modes])
    rows = []
    for keys, own in published.groupby(list(GROUP), sort=False, dropna=False):
        logs = np.log(own["ratio"]).groupby(own["url"], sort=False).mean()
        row = dict(zip(GROUP, keys, strict=True)) | {
            "publications": len(logs),
            "studies": _listed(own["study"]),
            "ratios": len(own),
            "status": "ok" if len(logs) >= LEAST else "too few publications",
        }
        if len(logs) >= LEAST:
            mean, spread = float(logs.mean()), float(logs.std(ddof=1))
            times = float(stdtrit(len(logs) - 1, 0.975))
            about, further = spread / math.sqrt(len(logs)), spread * math.sqrt(1 + 1 / len(logs))
            row |= {
                "mean": math.exp(mean),
                "low": math.exp(mean - times * about),
                "high": math.exp(mean + times * about),
            }
            row["next"] = f"{math.exp(mean - times * further):.2f} to {math.exp(mean + times * further):.2f}"
        rows.append(row)
    found = pd.DataFrame(rows, columns=list(GROUP_COLUMNS))
    return found.sort_values("publications", ascending=False, kind="stable").reset_index(drop=True)


def _compiled(modes: str) -> str:
    """Say whose side a compiler took part on, beside the graph that TensorFlow makes anyway."""
    sides = [name for name, sign in (("torch.compile", "torch.compile"), ("XLA", "XLA")) if sign in modes]
    return " and ".join(sides) or "no compiler named"
