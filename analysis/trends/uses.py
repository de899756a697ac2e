"""PyTorch among the papers that use or release a framework, instead of among all that name one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.harvesting import snapshots as landed
from analysis.intervals import wilson
from analysis.trends.archive import ARXIV
from analysis.trends.series import middle

COLUMNS = (
    *("series", "period", "t", "named_pytorch", "named_tensorflow", "share", "low", "high", "labelled"),
    *("use_pytorch", "use_tensorflow", "share_of_uses", "uses_low", "uses_high", "method", "needs"),
)
INDICATOR, RULE = "arxiv_abstracts", "named"
USES = ("used", "released")
DRAWS = 4000
NEEDS = "arXiv's records: snakemake --cores 8 refresh"
BY_LABELS = "share of use among the labelled mentions of that year and framework"
BY_MODEL = "classifier of roles, corrected by its errors on labelled papers (docs/mentions.md)"


def by_labels(shares: pd.DataFrame, labels: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return yearly shares of PyTorch among mentions and among uses, for the series whose mentions are labelled.

    shares   the table of shares; the rows of arXiv's abstracts by year are read
    labels   arxiv_id, framework, role; the year is that of the identifier
    returns  ``COLUMNS``; years in which one of the two is named but has no labelled mention are left out

    The interval draws both anew, 4,000 times: which of the naming papers name PyTorch (Jeffreys' posterior of the
    share) and what the labelled mentions are (Jeffreys' posterior of each rate of use). It does not cover wrong labels.
    """
    rng = np.random.default_rng(seed)
    use = labels.assign(year=[_year(name) for name in labels["arxiv_id"]], use=labels["role"].isin(USES))
    rates = use.groupby(["year", "framework"])["use"].agg(["sum", "count"])
    rows = shares[(shares["indicator"] == INDICATOR) & (shares["rule"] == RULE)]
    rows = rows[rows["series"].str.endswith("by year") & (rows["n"].fillna(0) > 0)]
    found = []
    for row in rows.to_dict("records"):
        counts = [float(row["pytorch"]), float(row["tensorflow"])]
        keys = [(str(row["period"]), name) for name in ("pytorch", "tensorflow")]
        if any(count and key not in rates.index for count, key in zip(counts, keys, strict=True)):
            continue
        seen = [rates.loc[key].tolist() if key in rates.index else [0, 0] for key in keys]
        found.append(_row(row["series"], str(row["period"]), counts, seen, rng))
    return pd.DataFrame(found, columns=list(COLUMNS))


def _row(series: str, period: str, counts: list[float], seen: list[list[int]], rng: np.random.Generator) -> dict:
    k, n = counts[0], sum(counts)
    rate = [uses / number if number else np.nan for uses, number in seen]
    uses = [count * part if count else 0.0 for count, part in zip(counts, rate, strict=True)]
    pytorch = rng.beta(k + 0.5, n - k + 0.5, DRAWS)
    drawn = [rng.beta(u + 0.5, number - u + 0.5, DRAWS) for u, number in seen]
    both = pytorch * drawn[0], (1 - pytorch) * drawn[1]
    low, high = wilson(k, n)
    return (
        {"series": series, "period": period, "t": middle(period), "named_pytorch": k, "named_tensorflow": n - k}
        | {"share": k / n, "low": float(low), "high": float(high), "labelled": seen[0][1] + seen[1][1]}
        | {"use_pytorch": uses[0], "use_tensorflow": uses[1], **_share_of_uses(*uses, *both)}
        | {"method": BY_LABELS, "needs": ""}
    )


def by_model(monthly: pd.DataFrame, series: str, seed: int) -> pd.DataFrame:
    """Return the same of a refreshed harvest, from ``uses_by_month`` (month, framework, mentions, uses, low, high).

    The errors of the classifier are common to all months, so half the monthly intervals are added up as if the months
    erred together: too wide rather than too narrow. The interval of the uses is drawn as a normal one.
    """
    rng = np.random.default_rng(seed)
    numbers = monthly.assign(
        **{name: pd.to_numeric(monthly[name]) for name in ("mentions", "uses", "low", "high")},
        period=monthly["month"].str[:4],
    )
    sums = numbers.groupby(["period", "framework"])[["mentions", "uses", "low", "high"]].sum()
    found = []
    for period in sorted(numbers["period"].unique()):
        two = [sums.loc[(period, name)] if (period, name) in sums.index else None for name in ("pytorch", "tensorflow")]
        counts = [0.0 if part is None else float(part["mentions"]) for part in two]
        if not sum(counts):
            continue
        uses = [0.0 if part is None else float(part["uses"]) for part in two]
        spread = [0.0 if part is None else float(part["high"] - part["low"]) / (2 * 1.96) for part in two]
        drawn = [np.maximum(rng.normal(u, s, DRAWS), 0) for u, s in zip(uses, spread, strict=True)]
        low, high = wilson(counts[0], sum(counts))
        found.append(
            {"series": series, "period": period, "t": middle(period)}
            | {"named_pytorch": counts[0], "named_tensorflow": counts[1], "share": counts[0] / sum(counts)}
            | {"low": float(low), "high": float(high), "use_pytorch": uses[0], "use_tensorflow": uses[1]}
            | _share_of_uses(*uses, *drawn)
            | {"method": BY_MODEL, "needs": ""}
        )
    return pd.DataFrame(found, columns=list(COLUMNS))


def _share_of_uses(pytorch: float, tensorflow: float, some: np.ndarray, others: np.ndarray) -> dict[str, float]:
    total, drawn = pytorch + tensorflow, some + others
    ratio = some[drawn > 0] / drawn[drawn > 0]
    if not total or not len(ratio):
        return {"share_of_uses": np.nan, "uses_low": np.nan, "uses_high": np.nan}
    share = pytorch / total
    low, high = np.quantile(ratio, [0.025, 0.975])
    # At 0 or 1 the posterior leaves the point out, which an interval of a share does not.
    return {"share_of_uses": share, "uses_low": min(float(low), share), "uses_high": max(float(high), share)}


def refreshed(folder) -> tuple[pd.DataFrame, str] | None:
    """Return ``uses_by_month`` of arXiv's newest snapshot and the name of its series, or None where there is none."""
    for source in ARXIV:
        version = landed.latest(folder, source) if folder else None
        rows = version.rows("uses_by_month") if version else []
        figures = version.rows("figures") if rows else []
        if rows and figures:
            return pd.DataFrame(rows), f"{figures[0]['stratum']}, by year"
    return None


def _year(identifier: str) -> str:
    digits = identifier.rsplit("/", 1)[-1][:2]
    return f"{'19' if int(digits) > 90 else '20'}{digits}"
