"""Claims about who uses what: research papers, their trend, developers at large."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from analysis.claims.evidence import Tables, Z, agreeing, need, number, percent, text
from analysis.claims.registry import Claim
from analysis.claims.rules import (
    OPEN,
    REFUTES,
    SUPPORTS,
    Cell,
    Clause,
    Judgement,
    MissingEvidence,
    Step,
    above,
    below,
    side,
)

#: Indicators of research: the full text of papers, and the framework of their code.
RESEARCH = {"conference_papers": "papers that name one of the two in their full text", "code_labels": "code of papers"}
PROXY = Step("indirectness", "naming or labelling a framework is not using it")


def share(claim: Claim, tables: Tables) -> Judgement:
    """Judge PyTorch's share in research in the fixed year (C13)."""
    frame = need(tables, "adoption_shares", "indicator", "rule", "series", "period", "n", "share", "low", "high")
    supports, refutes = above(claim.limit("support"), equal=True), below(claim.limit("refute"))
    year = f"{claim.limit('year'):.0f}"
    pooled = frame["series"].astype(str).str.contains("by year|all venues", na=False)
    frame = frame[frame["indicator"].isin(RESEARCH) & pooled]
    frame = frame.drop_duplicates(["indicator", "series", "period"])  # the first rule is the indicator's own
    cells = [_share(row, supports, refutes) for row in frame.to_dict("records") if text(row["period"])[:4] == year]
    if not cells:
        newest = frame.sort_values("period").drop_duplicates("indicator", keep="last")
        beside = [_share(row, supports, refutes) for row in newest.to_dict("records")]
        said = "; ".join(f"{RESEARCH[row['indicator']]} end {text(row['period'])}" for row in newest.to_dict("records"))
        raise MissingEvidence(f"no count for {year}{f': {said}' if said else ''}", beside)
    steps = [PROXY, *agreeing(cells)]
    if len({cell.side for cell in cells}) > 1:
        steps.append(Step("inconsistency", "the indicators differ"))
    if any(cell.side == OPEN for cell in cells):
        steps.append(Step("imprecision", "an interval reaches over a threshold"))
    return Judgement(
        cells=cells,
        holds=Clause(
            "PyTorch", ("has", "have"), f"at least {percent(claim.limit('support'))} of the research papers of {year}"
        ),
        fails=Clause(
            "PyTorch", ("has", "have"), f"less than {percent(claim.limit('refute'))} of the research papers of {year}"
        ),
        start="counted",
        steps=steps,
    )


def _share(row: dict, supports, refutes) -> Cell:
    value, low, high = (number(row[name]) for name in ("share", "low", "high"))
    if math.isnan(low):  # a complete count has no interval
        low = high = value
    return Cell(
        name=f"{RESEARCH.get(row['indicator'], row['indicator'])}, {text(row['series'])}, {text(row['period'])}",
        side=side(low, high, supports, refutes),
        value=value,
        low=low,
        high=high,
        unit="share",
        n=f"{number(row['n']):,.0f} papers",
        cluster=text(row["indicator"]),
        table="adoption_shares",
        date=text(row["period"]),
    )


def trend(claim: Claim, tables: Tables) -> Judgement:
    """Judge the yearly slope of the share by field over the fixed years, which the counts must reach (C14)."""
    limit = claim.limit("slope")
    first, last = (int(claim.limit(name)) for name in ("first", "last"))
    frame = need(tables, "trend_fields", "indicator", "field", "period", "grain", "n", "share")
    frame = frame[frame["grain"].eq("year") & frame["n"].gt(0)]
    frame = frame.assign(year=pd.to_numeric(frame["period"].astype(str).str[:4], errors="coerce"))
    frame = frame[frame["year"].between(first, last)]
    cells, short = [], []
    for (indicator, name), rows in frame.groupby(["indicator", "field"], sort=False):
        value, low, high = slope(rows)
        reached = int(rows["year"].max())
        cell = Cell(
            name=f"{name}: {RESEARCH.get(indicator, indicator)}, {int(rows['year'].min())} to {reached}",
            side=side(low, high, above(limit), below(limit, equal=True)),
            value=100 * value,
            low=100 * low,
            high=100 * high,
            unit="points of share a year",
            n=f"{rows['n'].sum():,.0f} papers in {len(rows)} years",
            table="trend_fields",
            date=str(reached),
        )
        (cells if reached >= last else short).append(cell)
    if not cells:
        newest = max((cell.date for cell in short), default="")
        words = f"no counts by field reach {last}" + (f"; the newest are of {newest}" if newest else "")
        raise MissingEvidence(words, short)
    steps = [PROXY]
    if any(cell.side == OPEN for cell in cells):
        steps.append(Step("imprecision", "an interval holds both"))
    if {SUPPORTS, REFUTES} <= {cell.side for cell in cells}:
        steps.append(Step("inconsistency", "the fields differ"))
    return Judgement(
        cells=cells,
        holds=Clause("PyTorch's share in research", ("is", "be"), f"rising over {first} to {last}"),
        fails=Clause("PyTorch's share in research", ("is", "be"), f"level or falling over {first} to {last}"),
        start="counted",
        steps=steps,
        beside=short,
    )


def slope(rows: pd.DataFrame) -> tuple[float, float, float]:
    """Return (slope a year, low, high) of a share by weighted least squares; two years at least for the interval.

    Weights are the counts over their inflation; where the points scatter more than counts do, the error grows with it.
    """
    x, y = rows["year"].to_numpy(float), rows["share"].to_numpy(float)
    inflation = pd.to_numeric(rows["inflation"]).fillna(1).to_numpy() if "inflation" in rows else np.ones(len(rows))
    n = rows["n"].to_numpy(float) / inflation
    middle = (y * n + 1) / (n + 2)  # so that a share of 0 or 1 has an error
    weights = n / (middle * (1 - middle))
    x = x - np.average(x, weights=weights)
    xx = float(np.sum(weights * x * x))
    if len(rows) < 2 or xx == 0:
        return math.nan, math.nan, math.nan
    value = float(np.sum(weights * x * y) / xx)
    if len(rows) < 3:
        return value, math.nan, math.nan
    rest = y - np.average(y, weights=weights) - value * x
    scatter = max(1.0, float(np.sum(weights * rest * rest) / (len(rows) - 2)))
    error = Z * math.sqrt(scatter / xx)
    return value, value - error, value + error


def developers(claim: Claim, tables: Tables) -> Judgement:
    """Judge which framework more of the indicators of developers at large put first in the fixed year (C15)."""
    year = f"{claim.limit('year'):.0f}"
    cells = [*_survey(tables, year), *_counts(tables, year)]
    if not cells:
        raise MissingEvidence(f"no indicator of developers at large for {year}")
    steps = [Step("indirectness", "a stated skill, a download and a push are not the same as use"), *agreeing(cells)]
    if {SUPPORTS, REFUTES} <= {cell.side for cell in cells} or any(cell.side == OPEN for cell in cells):
        steps.append(Step("inconsistency", "the indicators, or their parts, differ"))
    return Judgement(
        cells=cells,
        combine=claim.limit("most"),
        holds=Clause("TensorFlow", ("is", "be"), f"at or above PyTorch in {year} on most indicators of developers"),
        fails=Clause("PyTorch", ("is", "be"), f"above TensorFlow in {year} on most indicators of developers"),
        start="counted",
        steps=steps,
    )


def _survey(tables: Tables, year: str) -> list[Cell]:
    frame = tables.get("adoption_quotes")
    if frame is None or not {"measure", "as_of", "pytorch_percent", "tensorflow_percent"} <= set(frame):
        return []
    cells = []
    for row in frame.to_dict("records"):
        pytorch, tensorflow = number(row["pytorch_percent"]), number(row["tensorflow_percent"])
        if (
            text(row["measure"]) != "survey_respondents"
            or text(row["as_of"])[:4] != year
            or math.isnan(pytorch + tensorflow)
        ):
            continue
        value = pytorch / (pytorch + tensorflow)
        cells.append(
            Cell(
                name=f"Stack Overflow survey, {text(row.get('population'))}, {year} (quoted)",
                side=_ahead([value]),
                value=value,
                low=value,
                high=value,
                unit="PyTorch's share of the two",
                n=f"{pytorch:g} % and {tensorflow:g} % of the respondents",
                cluster="survey",
                table="adoption_quotes",
                date=year,
            )
        )
    return cells


def _counts(tables: Tables, year: str) -> list[Cell]:
    frame = tables.get("adoption_shares")
    if frame is None or not {"indicator", "rule", "series", "period", "share"} <= set(frame):
        return []
    names = {
        "pypi_downloads_30d": "downloads from PyPI over counting rules",
        "github_topic_pushers": "developers who push on GitHub over economies",
        "stackoverflow_questions": "questions on Stack Overflow",
    }
    frame = frame[frame["period"].astype(str).str[:4].eq(year)]
    cells = []
    for indicator, name in names.items():
        rows = frame[frame["indicator"].eq(indicator) & frame["share"].notna()]
        if rows.empty:
            continue
        means = rows.groupby(["rule", "series"], sort=False)["share"].mean()
        cells.append(
            Cell(
                name=f"{name}, {year}",
                side=_ahead(means),
                value=float(means.iloc[0]),
                unit="PyTorch's share of the two",
                n=f"{means.min():.2f} to {means.max():.2f} over {len(means)} series and rules, {len(rows)} periods",
                cluster=indicator,
                table="adoption_shares",
                date=year,
            )
        )
    return cells


def _ahead(shares) -> str:
    """Return the side of an indicator: decided only where all its rules and series agree."""
    if all(share <= 0.5 for share in shares):
        return SUPPORTS
    return REFUTES if all(share > 0.5 for share in shares) else OPEN
