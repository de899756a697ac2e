"""Shares by field: arXiv categories or conferences to fields, and shrinkage of small fields towards the others."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import expit, ndtr

from analysis.indicators import Indicator
from analysis.intervals import wilson
from analysis.periods import parse_period
from analysis.trends.classes import SMALL, steady_inflation
from analysis.trends.clusters import covariance_matrix
from analysis.trends.series import LATE, Series, decimal, late_periods, middle
from reproductions.files import read_yaml

FIELDS_YAML = Path(__file__).with_name("fields.yaml")
SPREADS = np.linspace(0, 4, 81)  # standard deviations between fields, on the logit
NEEDS = "the archive and arXiv's records: snakemake --cores 8 refresh"
PRIOR = 1.0  # scale of the half-normal prior of that standard deviation


@cache
def load_fields(path: Path = FIELDS_YAML) -> dict:
    """Return ``fields`` (in order), ``categories`` and ``conferences`` as ``{name: field}``, ``otherwise``.

    raises  ValueError if a category or conference stands in two fields
    """
    content = read_yaml(path)
    lookups: dict[str, dict[str, str]] = {"categories": {}, "conferences": {}}
    for field, entry in content["fields"].items():
        for kind, lookup in lookups.items():
            for name in entry.get(kind) or ():
                if lookup.setdefault(name, field) != field:
                    raise ValueError(f"{path}: {name} stands in {lookup[name]} and in {field}; keep one")
    return {"fields": list(content["fields"]), "otherwise": content["otherwise"], **lookups}


def shrink(successes: ArrayLike, trials: ArrayLike, level: float = 0.95) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the shares of several fields, each drawn towards their mean as far as it is uncertain, with intervals.

    successes, trials   (fields,) counts; a field without trials gets the mean of the others and a wide interval
    returns             share, low, high, each (fields,); nan where fewer than two fields have trials

    The logits are normal around a common mean; the spread between fields is not fixed at an estimate but averaged over
    its posterior, so that the intervals do not pretend to know it (A. Gelman and others, Bayesian Data Analysis, 3rd
    edition (2013), section 5.4; C. N. Morris, Journal of the American Statistical Association 78 (1983) 47-55).
    """
    k, n = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    if np.sum(n > 0) < 2:
        return (np.full(len(n), np.nan),) * 3
    seen = n > 0
    height = np.where(seen, np.log((k + 0.5) / (n - k + 0.5)), 0.0)
    variance = np.where(seen, 1 / (k + 0.5) + 1 / (n - k + 0.5), np.inf)
    total = variance[None, :] + SPREADS[:, None] ** 2
    precision = np.where(seen, 1 / total, 0.0)
    mean = (precision @ height) / precision.sum(axis=1)
    doubt = 1 / precision.sum(axis=1)
    misfit = np.where(seen, (height - mean[:, None]) ** 2 / total, 0.0).sum(axis=1)
    log = 0.5 * np.log(doubt) + 0.5 * np.log(np.where(seen, precision, 1.0)).sum(axis=1) - 0.5 * misfit
    log -= 0.5 * (SPREADS / PRIOR) ** 2
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    own = np.where(seen, SPREADS[:, None] ** 2 / total, 0.0)  # how much a field keeps of its own share
    centre = own * height + (1 - own) * mean[:, None]
    # Fields without trials still differ from the mean by the spread between fields.
    apart = np.where(seen, own * np.where(seen, variance, 0.0), SPREADS[:, None] ** 2)
    scale = np.sqrt(apart + (1 - own) ** 2 * doubt[:, None])
    ends = [_mixed(weight, centre, scale, tail) for tail in ((1 - level) / 2, 0.5, (1 + level) / 2)]
    return expit(ends[1]), expit(ends[0]), expit(ends[2])


def _mixed(weight: np.ndarray, centre: np.ndarray, scale: np.ndarray, tail: float) -> np.ndarray:
    """Return the quantile of each field's mixture of normals."""

    def excess(x: float, column: int) -> float:
        return float(weight @ ndtr((x - centre[:, column]) / scale[:, column])) - tail

    bounds = centre.min(axis=0) - 40 * scale.max(axis=0), centre.max(axis=0) + 40 * scale.max(axis=0)
    return np.array([brentq(excess, bounds[0][i], bounds[1][i], args=(i,)) for i in range(centre.shape[1])])


def from_conferences(shares: pd.DataFrame, indicator: Indicator) -> tuple[pd.DataFrame, list[tuple[str, Series]]]:
    """Return shares by field and year from He's conferences, and a series a field with a level for each venue."""
    rows = shares[(shares["indicator"] == indicator.id) & (shares["period"].str.len() > 4)]
    rows = rows[rows["n"].fillna(0) > 0]
    own = rows["stratum"].str.split().str[0].map(load_fields()["conferences"])
    counts = pd.DataFrame(
        {
            "field": own,
            "period": rows["period"].str[:4],
            "count": rows["pytorch"].astype(float),
            "n": rows["n"].astype(float),
        }
    )
    counts = counts.groupby(["field", "period"], as_index=False).sum()
    table = _table(counts, indicator.id, "venue")
    found = []
    for field, members in rows.groupby(own, sort=False):
        found.append((field, _field_series(members.sort_values(["period", "stratum"]), indicator)))
    return table, sorted(found, key=lambda pair: load_fields()["fields"].index(pair[0]))


def _field_series(rows: pd.DataFrame, indicator: Indicator) -> Series:
    return Series(
        indicator=indicator.id,
        name="venues of the field",
        rule=indicator.default_rule.id,
        t=np.array([decimal(parse_period(text).start) for text in rows["period"]]),
        period=tuple(rows["period"]),
        pytorch=rows["pytorch"].to_numpy(float),
        n=rows["n"].to_numpy(float),
        incomplete=np.zeros(len(rows), dtype=bool),
        inflation=np.ones(len(rows)),
        groups=rows["stratum"].to_numpy(str),
    )


def from_archive(
    papers: pd.DataFrame, whole_to: float, owners: pd.DataFrame | None = None, linked: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, list[tuple[str, Series]]]:
    """Return shares by field from ``papers_by_field`` (``archive_clusters``), and a series for each field.

    papers     quarter, which (primary or any), field, labels, papers
    whole_to   end of the last quarter that the archive covers whole; what lies after it carries no trend
    owners     ``clustering_by_field``: by how much owners inflate the variance; without it papers count as independent
    linked     ``clustering_by_field_quarter``: how owners link the quarters of a field

    A paper with labels of both frameworks is dropped, as by the default rule. Where a quarter of a field has fewer
    than 20 papers, its year stands for it; a year below 20 is marked small.
    """
    kinds = papers["labels"].map(_kind)
    papers = papers.assign(papers=pd.to_numeric(papers["papers"]))
    counts = papers[kinds.isin(["pytorch", "tensorflow"])].assign(
        count=np.where(kinds == "pytorch", papers["papers"], 0)[kinds.isin(["pytorch", "tensorflow"])],
        n=papers["papers"],
    )
    keys = ["which", "field", "quarter"]
    by_quarter = counts.groupby(keys, as_index=False)[["count", "n"]].sum()
    by_quarter["inflation"] = _inflation(by_quarter, owners)
    by_quarter = by_quarter.rename(columns={"quarter": "period"})
    weighed = by_quarter.assign(period=by_quarter["period"].str[:4], spread=by_quarter["inflation"] * by_quarter["n"])
    by_year = weighed.groupby(["which", "field", "period"], as_index=False)[["count", "n", "spread"]].sum()
    by_year["inflation"] = by_year["spread"] / by_year["n"]
    least = by_quarter.groupby(["which", "field", by_quarter["period"].str[:4]])["n"].min()
    parts, series = [], []
    for which in sorted(counts["which"].unique(), reverse=True):
        tables = [_table(by[by["which"] == which], "code_labels", which) for by in (by_quarter, by_year)]
        for table, year in zip(tables, (False, True), strict=True):
            small = [
                least.loc[which, field, period[:4]] < SMALL
                for field, period in zip(table["field"], table["period"], strict=True)
            ]
            parts.append(table[np.array(small) == year].assign(merged=year))
        if which == "primary":
            series = [
                (field, _archive_series(rows, whole_to, _of_field(linked, field)))
                for field, rows in by_quarter[by_quarter["which"] == which].groupby("field", sort=False)
            ]
    table = pd.concat(parts, ignore_index=True).sort_values(["which", "period", "field"], kind="stable")
    table["incomplete"] = table["t"] > whole_to - LATE["code_labels"] / 12
    return table, sorted(series, key=lambda pair: _place(pair[0]))


def _inflation(by_quarter: pd.DataFrame, owners: pd.DataFrame | None) -> np.ndarray:
    """Return by how much owners inflate the variance of each row's share: averaged over the quarters around it."""
    if owners is None or owners.empty:
        return np.ones(len(by_quarter))
    keys = ["which", "field", "quarter"]
    known = by_quarter.merge(owners[[*keys, "share_by_owner"]], on=keys, how="left")
    found = np.ones(len(known))
    for places in known.groupby(["which", "field"], sort=False).indices.values():
        rows = known.iloc[places]
        found[places] = steady_inflation(rows["share_by_owner"].to_numpy(float), rows["n"].to_numpy(float))
    return found


def _of_field(linked: pd.DataFrame | None, field: str) -> pd.DataFrame | None:
    return None if linked is None or linked.empty else linked[linked["field"] == field]


def _place(field: str) -> int:
    names = load_fields()["fields"]
    return names.index(field) if field in names else len(names)


def _archive_series(rows: pd.DataFrame, whole_to: float, linked: pd.DataFrame | None) -> Series:
    rows = rows[rows["period"].map(middle) < whole_to].sort_values("period")
    period = tuple(rows["period"])
    return Series(
        indicator="code_labels",
        name="papers of the field, by primary category",
        rule="all papers, both dropped",
        t=np.array([middle(text) for text in period]),
        period=period,
        pytorch=rows["count"].to_numpy(float),
        n=rows["n"].to_numpy(float),
        incomplete=late_periods(period, LATE["code_labels"]),
        inflation=rows["inflation"].to_numpy(float),
        scores=None if linked is None else (np.arange(len(period)), covariance_matrix(linked, period)),
        note="" if linked is not None else "owners are not allowed for: refresh the archive for its tables of fields",
    )


def _kind(labels: str) -> str:
    found = set(labels.split("+"))
    if {"pytorch", "tf"} <= found:
        return "both"
    return "pytorch" if "pytorch" in found else "tensorflow" if "tf" in found else "other"


def _table(counts: pd.DataFrame, indicator: str, which: str) -> pd.DataFrame:
    """Return shares with Wilson's intervals, and shrunken towards the other fields of the same period."""
    parts = []
    for period, rows in counts.groupby("period", sort=True):
        k, n = rows["count"].to_numpy(float), rows["n"].to_numpy(float)
        factor = rows["inflation"].to_numpy(float) if "inflation" in rows else np.ones(len(rows))
        low, high = wilson(k / factor, n / factor)
        shrunken = shrink(k / factor, n / factor)
        parts.append(
            pd.DataFrame(
                {
                    "indicator": indicator,
                    "which": which,
                    "field": rows["field"].to_numpy(),
                    "period": period,
                    "t": middle(period),
                    "grain": "quarter" if "Q" in period else "year",
                    "count": k,
                    "n": n,
                    "inflation": factor,
                    "share": k / n,
                    "low": low,
                    "high": high,
                    "shrunken": shrunken[0],
                    "shrunken_low": shrunken[1],
                    "shrunken_high": shrunken[2],
                    "small": n < SMALL,
                    "incomplete": False,
                    "merged": False,
                    "needs": "",
                }
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
