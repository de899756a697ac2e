"""Whether the share of PyTorch still moves: its change a year in the last two years of each series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _rows
from analysis.figures import _adoption as shared
from analysis.figures import _trends as trends

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = trends.SECTION
ORDER = 20
REQUIRES = ("trend_statements", "trend_curves", "sources")

LEFT, RIGHT = 2.1, 2.95  # inches
COLUMNS = {"data to": 0.1, "change [95 %]": 0.78, "verdict": 2.06}  # inches right of the panel
LEVEL = 0.02  # a change of less than two points a year is called level (analysis.trends.statements)
SURE, LIKELY = 0.95, 0.8
MARKERS = {"indicator": "o", "code field": "D", "field": "D"}
HEADINGS = {
    "dated": "Indicators, with 95 % interval",
    "open": "Indicators without interval (open marks)",
    "code field": "Papers with code by field",
    "field": "Conference papers by field",
}


def make(tables: Mapping[str, pd.DataFrame]) -> Drawing:
    """Set the changes of the share beside each other, in the order of the end of their series."""
    every = tables["trend_statements"]
    every = every[every["statement"] == "direction"]
    known = trends.present(every)
    if not known["value"].notna().any():
        return trends.placeholder(
            title="Whether PyTorch still rises is not known here",
            subtitle="Change of PyTorch's share a year, over the last two years of each series; n = 0 series",
            shows="how the share of PyTorch changed in the last two years of each series, with its probability",
            needs=trends.missing(tables["trend_statements"]),
            sources=(trends.ARCHIVE_SOURCE,),
            data=tables["trend_statements"],
        )
    rows = _rows_of(known[known["value"].notna()], tables["trend_curves"])
    short = trends.grouped(known[known["value"].isna()], trends.labels(tables["trend_curves"]))
    absent = trends.not_here(trends.missing(every))
    lacking = "".join(f" {text}." for text in absent)
    left_out = f" Too short for a direction: {shared.join(short['label'])}." if len(short) else ""
    dated = rows[rows["part"] == "dated"]
    lines, height = trends.lay_out(
        [(heading, rows[rows["part"] == part]) for part, heading in HEADINGS.items() if (rows["part"] == part).any()]
    )
    ends = f"ends {int(rows['end'].min())} to {int(rows['end'].max())}" if len(rows) else "no series"
    said = "; ".join(f"{row['label']} to {row['last_period']}: {row['words']}" for _, row in dated.iterrows())
    return Drawing(
        title=_title(dated),
        subtitle=(
            "Change of PyTorch's share of the two, in points a year, over the last two years of each series "
            f"(n = {len(rows)} series, {ends}); bars: 95 % intervals from 4,000 draws; grey zone: level"
        ),
        limits=(
            "Each series ends at another time, so an old one says nothing of today; steps where a source changed are "
            f"not counted.{left_out}{lacking}"
        ),
        description=" ".join(
            [f"One row for each of {len(rows)} series; a change of less than two points a year is called level."]
            + [f"{row['label']}, to {row['last_period']}: {row['words']}." for _, row in rows.iterrows()]
            + [left_out.strip(), lacking.strip()]
        ).strip(),
        data=rows[
            [
                *("part", "label", "indicator", "series", "field", "rule", "verdict", "probability", "value", "low"),
                *("high", "last_period", "method", "words", "sentence"),
            ]
        ].reset_index(drop=True),
        draw=lambda figure: _draw(figure, rows, lines, height, absent),
        sources=trends.sources_of(tables["sources"], rows["indicator"]) or (trends.ARCHIVE_SOURCE,),
        size=(7.0, _rows.height(height, top=0.3, bottom=0.34 + trends.strip_height(absent))),
        finding=Finding(
            question="Is PyTorch's share still rising?",
            answer=f"{_answer(dated)} Series without interval only show a direction.{lacking.replace('`', '')}",
            estimate=f"{said} (points a year, 95 %)" if said else "no interval: no indicator allows one",
            evidence=f"n = {len(rows)} series, {len(dated)} with an interval; {ends}",
        ),
    )


def _rows_of(statements: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    rows = trends.grouped(statements, trends.labels(curves))
    end = rows["period"].fillna("").astype(str).str.split("-")
    end = [float(parts[0]) + (int(parts[1]) - 0.5) / 12 if len(parts) > 1 else float("nan") for parts in end]
    part = rows["group"].where(rows["group"] != "indicator", rows["low"].notna().map({True: "dated", False: "open"}))
    rows = rows.assign(part=part, end=end)
    rows = rows.assign(last_period=rows["period"].map(trends.period_words))
    rows = rows.assign(words=[_words(row) for _, row in rows.iterrows()])
    order = rows["part"].map({name: place for place, name in enumerate(HEADINGS)})
    rows = rows.assign(order=order).sort_values(["order", "end", "label"], ascending=[True, False, True], kind="stable")
    return rows.reset_index(drop=True)


def _words(row: pd.Series) -> str:
    """Return the change with its interval, and what its probability allows to be said."""
    if pd.isna(row["low"]):
        return f"{trends.points(row['value'])}, no interval"
    chance = "above 99 %" if row["probability"] > 0.99 else f"{100 * row['probability']:.0f} %"
    said = f"{row['verdict']} ({chance})" if row["probability"] >= LIKELY else f"open ({row['verdict']}: {chance})"
    return f"{_change(row)}, {said}"


def _change(row: pd.Series) -> str:
    bounds = "" if pd.isna(row["low"]) else f" [{trends.points(row['low'])}, {trends.points(row['high'])}]"
    return f"{trends.points(row['value'])}{bounds}"


def _verdict(row: pd.Series) -> str:
    if pd.isna(row["low"]):
        return "no interval"
    chance = "> 99 %" if row["probability"] > 0.99 else f"{100 * row['probability']:.0f} %"
    return f"{row['verdict']}, {chance}" if row["probability"] >= LIKELY else "open"


def _title(dated: pd.DataFrame) -> str:
    """Return the finding: how many of the series with an interval surely moved which way."""
    if dated.empty:
        return "No series says surely whether PyTorch still rises"
    sure = dated[dated["probability"] >= SURE]
    counts = sure["verdict"].value_counts()
    if counts.empty:
        return f"In none of {len(dated)} indicators with intervals PyTorch surely moved"
    words = {"rising": "rose", "level": "stayed level", "falling": "fell"}
    verdict = counts.index[0]
    return f"In {counts.iloc[0]} of {len(dated)} indicators with intervals PyTorch surely {words[verdict]}"


def _answer(dated: pd.DataFrame) -> str:
    """Return in which series PyTorch surely moved and in which that is open, each with the end of its data."""
    if dated.empty:
        return "No series with an interval says so."
    verdict = dated["verdict"].where(dated["probability"] >= SURE, "open")
    ended = dated["label"] + " (to " + dated["last_period"] + ")"
    words = "; ".join(f"{word} in {shared.join(names)}" for word, names in ended.groupby(verdict, sort=False))
    return f"In the last two years of its data, the share is {words}."


def _draw(figure: Figure, rows: pd.DataFrame, lines: list[_rows.Line], height: float, absent: list[str]) -> None:
    ax = _rows.panel(figure, lines, height, left=LEFT, right=RIGHT, top=0.3)
    reach = 100 * rows[["value", "low", "high"]].abs().max().max() * 1.12 if len(rows) else 10
    ax.set_xlim(-reach if (rows[["value", "low"]].min().min() < -LEVEL) else -0.3 * reach, reach)
    ax.axvspan(-100 * LEVEL, 100 * LEVEL, color=style.ZONE, linewidth=0, zorder=0)
    ax.axvline(0, color=style.INK, linewidth=0.9, zorder=1)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:+.0f}" if value else "0")
    ax.xaxis.get_major_locator().set_params(nbins=6)
    edge = figure.get_figwidth() - LEFT - RIGHT
    _rows.above(ax, 0, "points a year")
    for heading, inches in COLUMNS.items():
        _rows.above(ax, edge + inches, heading)
    for line in lines:
        if line.rows is None:
            _rows.mask(ax, line)
            continue
        row = line.rows.iloc[0]
        dated = pd.notna(row["low"])
        if dated:
            ends = [100 * row["low"], 100 * row["high"]]
            ax.plot(ends, [line.y] * 2, "-|", color=style.INK, linewidth=1.4, markersize=8, zorder=2)
        face = style.INK if dated else style.PAPER
        marker = MARKERS[row["group"]]
        ax.plot(100 * row["value"], line.y, marker, color=style.INK, markerfacecolor=face, markersize=4.8, zorder=3)
        for words, inches in zip((row["last_period"], _change(row), _verdict(row)), COLUMNS.values(), strict=True):
            _rows.beside(ax, edge + inches, line.y, words, size=style.NOTE_SIZE)
    trends.strip(figure, absent)
