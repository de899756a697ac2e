"""When PyTorch first led, with the interval of the date, by indicator, field and venue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _rows
from analysis.figures import _adoption as shared
from analysis.figures import _trends as trends
from analysis.trends.statements import RESAMPLED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = trends.SECTION
ORDER = -10
REQUIRES = ("trend_statements", "trend_curves", "sources")

LEFT, RIGHT = 2.1, 2.15  # inches
BEFORE = 2.0  # years shown before the earliest date
MARKERS = {"indicator": "o", "code field": "D", "field": "D", "venue": "s"}
HEADINGS = {
    "dated": "Indicators, with 95 % interval",
    "open": "Indicators without interval (open marks)",
    "code field": "Papers with code by field",
    "field": "Conference papers by field",
    "venue": "Conference papers by venue, one slope for all",
}


def make(tables: Mapping[str, pd.DataFrame]) -> Drawing:
    """Set the dates of the first lead beside each other, earliest first inside each group."""
    every = tables["trend_statements"]
    every = every[every["statement"] == "crossing"]
    again = every["method"].astype(str).str.startswith(RESAMPLED)
    anew, every = every[again], every[~again]
    if trends.present(every).empty:
        return trends.placeholder(
            title="No date of a first lead is known here",
            subtitle="First month in which PyTorch has more than TensorFlow; n = 0 series",
            shows="when PyTorch first led in each indicator, with the interval of the date",
            needs=trends.missing(tables["trend_statements"]),
            sources=(trends.ARCHIVE_SOURCE,),
            data=tables["trend_statements"],
        )
    rows = _with_samples(_rows_of(trends.present(every), tables["trend_curves"]), anew)
    drawn_anew = "; small ticks below: owners of repositories drawn anew" if rows["anew_low"].notna().any() else ""
    absent = trends.not_here(trends.missing(every))
    dated = rows[(rows["part"] == "dated") & rows["low"].notna() & rows["high"].notna() & rows["value"].notna()]
    lacking = "".join(f" {text}." for text in absent)
    title, answer, estimate = _answer(dated)
    groups = [(heading, rows[rows["part"] == part]) for part, heading in HEADINGS.items()]
    lines, height = trends.lay_out([(heading, part) for heading, part in groups if len(part)])
    span = f"{int(rows['first'].min())} to {int(rows['last'].max())}" if len(rows) else "no period"
    counted = (rows["part"] == "dated").sum()
    return Drawing(
        title=title,
        subtitle=(
            "First month in which the trend of PyTorch's share passes one half; bars: 95 % intervals by inverse "
            f"prediction{drawn_anew}; triangles: ahead from the start, or not yet; grey lines: the data; "
            f"n = {len(rows)} "
            f"series, {span}"
        ),
        limits=(
            "The rows count different things and are not steps of one process; rows without interval are complete or "
            f"overlapping counts, and venues share one slope, which their later flattening bends.{lacking}"
        ),
        description=" ".join(
            [f"One row for each of {len(rows)} series, {counted} of them indicators with an interval."]
            + [f"{row['label']}: {row['words']}." for _, row in rows.iterrows()]
            + [lacking.strip()]
        ).strip(),
        data=rows[
            [
                *("part", "label", "indicator", "series", "field", "rule", "verdict", "value", "low", "high", "period"),
                *("first", "last", "method", "anew_low", "anew_high", "words", "sentence"),
            ]
        ].reset_index(drop=True),
        draw=lambda figure: _draw(figure, rows, lines, height, absent),
        sources=trends.sources_of(tables["sources"], rows["indicator"]) or (trends.ARCHIVE_SOURCE,),
        size=(7.0, _rows.height(height, bottom=0.34 + trends.strip_height(absent))),
        finding=Finding(
            question="When did PyTorch first lead TensorFlow?",
            answer=answer + lacking.replace("`", ""),
            estimate=estimate,
            evidence=f"n = {len(rows)} series, {counted} with an interval, {span}",
        ),
    )


def _rows_of(statements: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    rows = trends.grouped(statements, trends.labels(curves))
    ends = rows[["indicator", "series"]].merge(trends.ends(curves), how="left", on=["indicator", "series"])
    rows = rows.assign(
        **{name: ends[name].to_numpy() for name in ("first", "last", "first_period", "last_period")},
        dated=~rows["method"].fillna("").str.contains("no interval"),
    )
    part = rows["group"].where(rows["group"] != "indicator", rows["dated"].map({True: "dated", False: "open"}))
    rows = rows.assign(part=part, words=[_words(row) for _, row in rows.iterrows()])
    # Dated ones first, then the ones that are ahead from the start, then the ones that are not ahead yet.
    rank = rows["verdict"].map({"crossed": 0, "never behind": 1, "not yet": 2}).fillna(3)
    order = rows["part"].map({name: place for place, name in enumerate(HEADINGS)})
    rows = rows.assign(rank=rank, order=order)
    return rows.sort_values(["order", "rank", "value", "label"], kind="stable").reset_index(drop=True)


def _with_samples(rows: pd.DataFrame, anew: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the interval that drawing owners anew gives to the same series, where there is one."""
    keys = ["indicator", "series", "field"]
    ends = anew[[*keys, "low", "high"]].rename(columns={"low": "anew_low", "high": "anew_high"})
    both = [frame.assign(field=frame["field"].fillna("")) for frame in (rows, ends)]
    return both[0].merge(both[1], how="left", on=keys)


def _words(row: pd.Series) -> str:
    """Return the date of a row with its interval, or why there is none."""
    if row["verdict"] == "crossed":
        if not row["dated"]:
            return f"{trends.month(row['value'])} (no interval)"
        low = trends.month(row["low"]) if pd.notna(row["low"]) else "before its start"
        high = trends.month(row["high"]) if pd.notna(row["high"]) else "open"
        return f"{trends.month(row['value'])} [{low}, {high}]"
    if row["verdict"] == "never behind":
        return f"ahead from its start, {row['first_period']}"
    if row["verdict"] == "not yet":
        return f"not by its end, {row['last_period']}"
    return str(row["verdict"])


def _answer(dated: pd.DataFrame) -> tuple[str, str, str]:
    """Return title, answer and estimate; two dates differ only where their intervals do not overlap."""
    if dated.empty:
        words = "No indicator gives the date of the lead with an interval."
        return "No indicator dates PyTorch's lead with an interval", words, "no interval: there is no dated indicator"
    first, last = dated.iloc[0], dated.iloc[-1]
    said = [f"{row['label']}: {row['words']}" for row in ((first,) if len(dated) == 1 else (first, last))]
    estimate = f"{'; '.join(said)}; 95 % intervals by inverse prediction"
    apart = last["low"] - first["high"]
    if len(dated) == 1:
        title = f"PyTorch first led {first['label'].lower()} in {trends.month(first['value'])}, give or take"
        return title, f"The one indicator with an interval says {said[0]}.", estimate
    if apart <= 0:
        words = f"The intervals of all {len(dated)} dated indicators overlap: {'; '.join(said)}."
        return "The dated indicators do not disagree on PyTorch's first lead", words, estimate
    when = f"{apart:.1f} years" if apart >= 1 else f"{12 * apart:.0f} months"
    words = f"It depends on what is counted: {'; '.join(said)}; the intervals lie at least {when} apart."
    early = "years" if apart >= 1 else "months"
    return f"PyTorch led {_short(first)} {early} before {_short(last)}", words, estimate


def _short(row: pd.Series) -> str:
    """Return the name of an indicator inside a title."""
    words = row["label"].split(",")[0]
    return words if words[:2].isupper() or words[:2] == "ar" else words[0].lower() + words[1:]


def _draw(figure: Figure, rows: pd.DataFrame, lines: list[_rows.Line], height: float, absent: list[str]) -> None:
    ax = _rows.panel(figure, lines, height, left=LEFT, right=RIGHT)
    # What lies long before every date is cut off.
    first = max(rows["first"].min(), rows[["value", "low"]].min().min() - BEFORE)
    last = rows["last"].max()
    ax.set_xlim(first - 0.3, last + 0.4)
    shared.year_ticks(ax, first, last, step=2)
    ax.grid(visible=True, axis="x")
    edge = figure.get_figwidth() - LEFT - RIGHT
    _rows.above(ax, edge + 0.1, "first lead [95 % interval]")
    for line in lines:
        if line.rows is None:
            _rows.mask(ax, line)
            continue
        row = line.rows.iloc[0]
        _draw_row(ax, line.y, row)
        _rows.beside(ax, edge + 0.1, line.y, row["words"], size=style.NOTE_SIZE)
    trends.strip(figure, absent)


def _draw_row(ax: Axes, y: float, row: pd.Series) -> None:
    face = style.INK if row["dated"] else style.PAPER
    look = {"color": style.INK, "markerfacecolor": face, "linestyle": "none", "clip_on": False, "zorder": 3}
    if pd.notna(row["first"]):
        ends = [row["first"], row["last"]]
        ax.plot(ends, [y, y], color=style.RULE, linewidth=1.2, solid_capstyle="butt", zorder=1)
    if row["verdict"] == "crossed":
        low = row["low"] if pd.notna(row["low"]) else row["first"]
        high = row["high"] if pd.notna(row["high"]) else row["last"]
        if row["dated"]:
            ax.plot([low, high], [y, y], "-|", color=style.INK, linewidth=1.4, markersize=8, zorder=2)
        ax.plot(row["value"], y, MARKERS[row["group"]], markersize=4.2, **look)
        ax.plot([row["anew_low"], row["anew_high"]], [y + 0.34] * 2, "|", color=style.MUTED, markersize=4, zorder=2)
    elif row["verdict"] == "never behind":
        ax.plot(row["first"], y, "<", markersize=6, **look)
    elif row["verdict"] == "not yet":
        ax.plot(row["last"], y, ">", markersize=6, **look)
