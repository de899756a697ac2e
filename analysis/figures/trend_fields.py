"""The share of PyTorch field by field: raw shares, and shares drawn towards the other fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing
from analysis.figures import _adoption as shared
from analysis.figures import _trends as trends
from analysis.trends.fields import load_fields

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = trends.SECTION
ORDER = 30
REQUIRES = ("trend_fields", "sources")

COLUMNS, WIDTH, HEIGHT, LEFT = 3, 2.0, 1.55, 0.5  # panels a row; inches
WHAT = {
    trends.ARCHIVE: "papers with code, field by primary arXiv category",
    trends.CONFERENCES: "conference papers, field by venue",
}


def make(tables: Mapping[str, pd.DataFrame]) -> Drawing:
    """Draw a panel a field: of the archive where it is there, else of the conferences, else what it needs."""
    table = tables["trend_fields"]
    known = trends.present(table)
    archive = known[(known["indicator"] == trends.ARCHIVE) & (known["which"] == "primary")]
    indicator = trends.ARCHIVE if len(archive) else trends.CONFERENCES
    rows = archive if len(archive) else known[known["indicator"] == trends.CONFERENCES]
    rows = rows.assign(period=rows["period"].map(shared.text), small=trends.flags(rows["small"]))
    rows = rows.sort_values(["field", "t"], kind="stable")
    if rows.empty:
        return trends.placeholder(
            title="The share by field has no count here",
            subtitle="PyTorch share by field of research; n = 0 papers",
            shows="the share of PyTorch field by field, raw and drawn towards the other fields",
            needs=trends.missing(table),
            sources=(trends.ARCHIVE_SOURCE,),
            data=table,
        )
    order = [*load_fields()["fields"], *rows["field"].unique()]
    needs = trends.missing(table)
    fields = list(dict.fromkeys(field for field in order if field in {*rows["field"], *table["field"]}))
    lead = [_surely_leads(rows[rows["field"] == field]) for field in fields if (rows["field"] == field).any()]
    lacking = [field for field in fields if not (rows["field"] == field).any()]
    absent = (
        f" Not here: {shared.join(lacking)}; needs {shared.join(trends.needs_words(n) for n in needs)}."
        if lacking and needs
        else ""
    )
    small = int(rows["small"].sum())
    hatched = " Hatched times are incomplete." if trends.flags(rows["incomplete"]).any() else ""
    owners = " Intervals allow for owners of many papers." if (rows["inflation"] > 1).any() else ""
    span = f"{rows['period'].min()} to {rows['period'].max()}" if len(rows) else "no period"
    return Drawing(
        title=f"PyTorch surely led in {sum(lead)} of {len(lead)} fields counted",
        subtitle=(
            f"PyTorch share of {WHAT[indicator]}, {span}, n = {shared.number(rows['n'].sum())}; points: raw share with "
            "Wilson 95 % bars; line and band: drawn towards the other fields of the period, 95 %"
        ),
        limits=(
            f"{small} of {len(rows)} cells have n below 20 and are grey and hollow; a led field is one whose last "
            f"period of at least 20 lies wholly above one half; a period with one field alone has no "
            f"line.{hatched}{owners}{absent}"
        ),
        description=" ".join(
            [f"{len(fields)} small panels, one a field, time running {span}."]
            + [_described(rows[rows["field"] == field], field) for field in fields if field not in lacking]
            + [absent.strip()]
        ).strip(),
        data=pd.concat(
            [
                rows.drop(columns=["needs"]),
                pd.DataFrame(
                    [{"field": field, "needs": "; ".join(needs), "indicator": trends.ARCHIVE} for field in lacking]
                ),
            ],
            ignore_index=True,
        ).dropna(axis="columns", how="all"),
        draw=lambda figure: _draw(figure, rows, fields, needs),
        sources=trends.sources_of(tables["sources"], [indicator]) or (trends.ARCHIVE_SOURCE,),
        size=(7.0, HEIGHT * -(-len(fields) // COLUMNS) + 0.15),
    )


def _bounds(row: pd.Series) -> tuple[float, float, float]:
    """Return share and interval: the one drawn towards the other fields, or the raw one where there is no other."""
    if pd.notna(row.get("shrunken")):
        return row["shrunken"], row["shrunken_low"], row["shrunken_high"]
    return row["share"], row["low"], row["high"]


def _last(rows: pd.DataFrame) -> pd.Series:
    large = rows[~rows["small"]]
    return (large if len(large) else rows).iloc[-1]


def _surely_leads(rows: pd.DataFrame) -> bool:
    row = _last(rows)
    return bool(_bounds(row)[1] > 0.5 and not row["small"])


def _described(rows: pd.DataFrame, field: str) -> str:
    first, last = rows.iloc[0], _last(rows)
    share, low, high = _bounds(last)
    peak = rows.loc[rows["share"].idxmax()]
    return (
        f"{field.capitalize()}: from {shared.estimate(first)} in {first['period']} (n = {first['n']:.0f}) to "
        f"{shared.percent(share)} [{100 * low:.0f}, {100 * high:.0f}] in {last['period']} (n = {last['n']:.0f}), "
        f"highest raw share {shared.percent(peak['share'])} in {peak['period']}."
    )


def _draw(figure: Figure, rows: pd.DataFrame, fields: list[str], needs: list[str]) -> None:
    high = figure.get_figheight()
    first, last = (rows["t"].min() - 0.7, rows["t"].max() + 0.7) if len(rows) else (2016, 2026)
    for place, field in enumerate(fields):
        column, line = place % COLUMNS, place // COLUMNS
        left, bottom = LEFT + column * (WIDTH + 0.17), high - HEIGHT * (line + 1) + 0.12
        ax = trends.place(figure, left, bottom + 0.1, WIDTH, HEIGHT - 0.5)
        ax.set_title(field, fontsize=style.TICK_SIZE, pad=4)
        own = rows[rows["field"] == field]
        if own.empty:
            trends.say(ax, f"needs {shared.join(trends.needs_words(text) for text in needs)}")
            continue
        ax.set_xlim(first, last)
        _draw_field(ax, own)
        shared.year_ticks(ax, first, last, step=2 if last - first > 5 else 1, short=True)
        style.share_axis(ax, top=1.0)
        labels = ["0", "50", "100 %"] if column == 0 else ["", "", ""]
        ax.set_yticks([0, 0.5, 1], labels, fontsize=style.NOTE_SIZE)
        ax.tick_params(axis="x", labelsize=style.NOTE_SIZE)
        ax.annotate(
            f"n = {own['n'].min():.0f} to {own['n'].max():,.0f}",
            (1, 0),
            xycoords="axes fraction",
            xytext=(-1, 3),
            textcoords="offset points",
            ha="right",
            fontsize=style.NOTE_SIZE,
            color=style.MUTED,
        )


def _draw_field(ax: Axes, rows: pd.DataFrame) -> None:
    color, grey = style.COLORS["pytorch"], style.COLORS["other"]
    late = rows[trends.flags(rows["incomplete"])]
    if len(late):
        half = late["grain"].map({"quarter": 1 / 8, "year": 1 / 2})
        trends.hatch(ax, (late["t"] - half).min(), (late["t"] + half).max())
    drawn = rows[rows["shrunken"].notna()]
    if len(drawn) > 1:
        style.band(ax, drawn["t"], drawn["shrunken_low"], drawn["shrunken_high"], "pytorch")
        ax.plot(drawn["t"], drawn["shrunken"], color=color, linewidth=1.5, zorder=2)
    shared.half_line(ax)
    many = len(rows) > 15
    for small, tint, face in ((False, color, color), (True, grey, style.PAPER)):
        part = rows[rows["small"] == small]
        ax.vlines(part["t"], part["low"], part["high"], color=tint, linewidth=0.6 if many else 1, zorder=2.4)
        look = {"color": tint, "markerfacecolor": face, "markersize": 2.4 if many else 4, "clip_on": False}
        ax.plot(part["t"], part["share"], "o", zorder=3, **look)
