"""Which counting rule moves which statement, and by how much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, _rows
from analysis.figures import _adoption as shared
from analysis.figures import _trends as trends

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = trends.SECTION
ORDER = 40
REQUIRES = ("trend_sensitivity", "trend_curves", "sources")

LEFT, PANEL, GAP = 3.05, 1.16, 0.16  # inches
STATEMENTS = {
    "crossing": ("first lead", "years"),
    "last_share": ("last share", "points"),
    "direction": ("change a year", "points a year"),
}
LETTERS = 42  # of a rule's label in a line


def make(tables: Mapping[str, pd.DataFrame]) -> Drawing:
    """Set beside each other what each rule does to the date of the lead, the last share and the direction."""
    table = tables["trend_sensitivity"]
    rows = trends.present(table)
    if rows.empty:
        return trends.placeholder(
            title="No series has a second counting rule here",
            subtitle="What a statement changes by under another counting rule; n = 0 rules",
            shows="which counting rule moves which statement, and by how much",
            needs=trends.missing(table),
            sources=(trends.ARCHIVE_SOURCE,),
            data=table,
        )
    names = trends.labels(tables["trend_curves"])
    rows = rows.assign(group=[trends.name_of(row, names) for _, row in rows.iterrows()])
    absent = trends.not_here(trends.missing(table))
    lacking = "".join(f" {text}." for text in absent)
    wide = _wide(rows)
    lines, height = trends.lay_out(
        [(group, part) for group, part in wide.groupby("group", sort=False)] if len(wide) else []
    )
    flipped = rows[(rows["statement"] == "last_share") & ((rows["value"] > 50) != (rows["default_value"] > 50))]
    flipped = flipped[flipped["value"].notna()]
    largest = [_largest(rows, statement) for statement in STATEMENTS]
    return Drawing(
        title=_title(wide, flipped),
        subtitle=(
            "What a statement changes by under another counting rule: date of the first lead (years), last share "
            f"(points), change a year (points a year); n = {len(wide)} rules in {wide['group'].nunique()} series; "
            "bars from zero, differences without interval"
        ),
        limits=(
            "The rules share their data, so a difference has no interval of its own; a rule that shows nothing has no "
            f"date, or too few years, under one of the two.{lacking}"
        ),
        description=" ".join(
            ["Three bars for each counting rule, from zero: how far the rule moves a statement from the default rule."]
            + largest
            + [_row_words(row) for _, row in wide.iterrows()]
            + [lacking.strip()]
        ).strip(),
        data=rows.drop(columns=["needs"]).dropna(axis="columns", how="all").reset_index(drop=True),
        draw=lambda figure: _draw(figure, rows, lines, height, absent),
        sources=trends.sources_of(tables["sources"], rows["indicator"]) or (trends.ARCHIVE_SOURCE,),
        size=(7.0, _rows.height(height) + trends.strip_height(absent)),
    )


def _wide(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row a rule with a column a statement: by how much it moves."""
    keys = ["group", "indicator", "series", "rule"]
    found = rows.groupby(keys, sort=False)["label"].first().reset_index()
    # A label that is too long for its row is replaced by the name of its rule.
    found["label"] = [
        label if len(label) <= LETTERS else rule.replace("_", " ")
        for label, rule in zip(found["label"], found["rule"], strict=True)
    ]
    for statement in STATEMENTS:
        own = rows[rows["statement"] == statement].set_index(keys)["moved"]
        found[statement] = [own.get(tuple(row), float("nan")) for row in found[keys].to_numpy()]
    return found


def _title(wide: pd.DataFrame, flipped: pd.DataFrame) -> str:
    if flipped.empty:
        return "No counting rule changes who is ahead at the end"
    count = flipped.groupby(["indicator", "series"]).ngroups
    return f"A counting rule changes who is ahead in {count} series"


def _largest(rows: pd.DataFrame, statement: str) -> str:
    own = rows[(rows["statement"] == statement) & rows["moved"].notna()]
    name, unit = STATEMENTS[statement]
    if own.empty:
        return f"No rule gives another {name}."
    row = own.loc[own["moved"].abs().idxmax()]
    return f"The {name} moves most in {row['group']}: {row['moved']:+.1f} {unit} ({row['label']})."


def _row_words(row: pd.Series) -> str:
    parts = [
        f"{name} {row[statement]:+.1f} {unit}"
        for statement, (name, unit) in STATEMENTS.items()
        if pd.notna(row[statement])
    ]
    return f"{row['group']}, {row['label']}: {shared.join(parts) or 'nothing to compare'}."


def _draw(figure: Figure, rows: pd.DataFrame, lines: list[_rows.Line], height: float, absent: list[str]) -> None:
    trends.strip(figure, absent)
    width = figure.get_figwidth()
    for place, (statement, (name, unit)) in enumerate(STATEMENTS.items()):
        left = LEFT + place * (PANEL + GAP)
        shown = [_rows.Line(line.y, line.label if not place else "", line.rows) for line in lines]
        ax = _rows.panel(figure, shown, height, left=left, right=width - left - PANEL)
        _rows.above(ax, 0, name if place == 2 else f"{name} ({unit})")
        moved = rows.loc[rows["statement"] == statement, "moved"]
        reach = moved.abs().max() if moved.notna().any() else 1.0
        ax.set_xlim(-2.1 * reach, 2.1 * reach)
        ax.xaxis.get_major_locator().set_params(nbins=3)
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:+g}" if value else "0")
        ax.axvline(0, color=style.INK, linewidth=0.9, zorder=3)
        for line in lines:
            if line.rows is None:
                _rows.mask(ax, line)
            else:
                _bar(ax, line.y, line.rows[statement].iloc[0])


def _bar(ax: Axes, y: float, moved: float) -> None:
    if pd.isna(moved):
        ground = {"facecolor": style.PAPER, "edgecolor": "none", "pad": 1.0}
        look = {"fontsize": style.NOTE_SIZE - 0.6, "color": style.MUTED, "bbox": ground, "zorder": 4}
        ax.text(0, y, "nothing to compare", ha="center", va="center", **look)
        return
    ax.barh(y, moved, height=0.5, color=style.COLORS["other"], linewidth=0, zorder=2)
    ax.annotate(
        f"{moved:+.1f}" if abs(moved) >= 0.05 else "0.0",
        (moved, y),
        xytext=(3 if moved >= 0 else -3, 0),
        textcoords="offset points",
        ha="left" if moved >= 0 else "right",
        va="center",
        fontsize=style.NOTE_SIZE,
        color=style.INK,
    )
