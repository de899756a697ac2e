"""Stars of the two repositories: the running totals, and who gained in the last year."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures import Drawing
from analysis.figures import _adoption as shared

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = "adoption"
ORDER = 60
REQUIRES = ("adoption_shares", "adoption_crossings")

INDICATOR, SERIES = "github_stars", "GitHub"


def make(tables: Mapping[str, pd.DataFrame]) -> Drawing:
    """Draw both running totals and say how the stars of the last twelve months divide."""
    rows = shared.pick(tables["adoption_shares"], INDICATOR)
    rows = rows[rows["share"].notna()].assign(new_share=_new_share(rows[rows["share"].notna()]))
    lead = shared.crossing(tables["adoption_crossings"], INDICATOR, SERIES)
    first, last = rows.iloc[0], rows.iloc[-1]
    ahead = shared.leader(last["share"])
    recent = last["new_share"]
    span = f"{first['period']} to {last['period']}"
    title = f"{ahead} holds {shared.percent(max(last['share'], 1 - last['share']))} of stars in {last['period']}"
    new = (
        ""
        if pd.isna(recent)
        else f" Of the stars added in the twelve months before, PyTorch has {shared.percent(recent)}."
    )
    return Drawing(
        title=title,
        subtitle=(
            f"Thousands of stars of pytorch/pytorch and tensorflow/tensorflow, {len(rows)} months, {span}, n = "
            f"{shared.number(last['n'])} in {last['period']}; no interval: a complete running total.{new}"
        ),
        limits="Stars add up since the repository opened and do not fall with use: the older one starts ahead.",
        description=(
            f"In {first['period']} TensorFlow has {int(first['tensorflow']):,} stars and PyTorch "
            f"{int(first['pytorch']):,}, a "
            f"PyTorch share of {shared.percent(first['share'])}; in {last['period']} it is {int(last['tensorflow']):,} "
            "and "
            f"{int(last['pytorch']):,}, {shared.percent(last['share'])}, which is "
            f"{'the' if last['share'] >= rows['share'].max() else 'not the'} peak of the series.{new} "
            f"{lead['how_sure']}"
        ),
        data=shared.drawn(rows, "new_share"),
        draw=lambda figure: _draw(figure, rows),
        sources=tuple(sorted(set(rows["source"]))),
        size=(7.0, 3.2),
    )


def _new_share(rows: pd.DataFrame) -> list[float | None]:
    """Return PyTorch's share of the stars gained since the same month a year before, where that month is held."""
    held = rows.set_index("period")[["pytorch", "tensorflow"]].astype(float)
    shares = []
    for period in held.index:
        before = f"{int(period[:4]) - 1}{period[4:]}"
        if before not in held.index:
            shares.append(None)
            continue
        gained = held.loc[period] - held.loc[before]
        shares.append(gained["pytorch"] / gained.sum() if (gained >= 0).all() and gained.sum() else None)
    return shares


def _draw(figure: Figure, rows: pd.DataFrame) -> None:
    from analysis import style

    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    shared.count_lines(ax, rows, unit=1000)
    x, last = shared.middles(rows), rows.iloc[-1]
    ax.set_xlim(x[0] - 0.05, x[-1])
    shared.year_ticks(ax, x[0], x[-1])
    ends = [
        (x[-1], float(last[name]) / 1000, name, f"{style.FRAMEWORK_LABELS[name]} {float(last[name]) / 1000:.0f}")
        for name in ("pytorch", "tensorflow")
    ]
    ax.set_ylabel("thousand stars")
    style.label_ends(ax, ends)
