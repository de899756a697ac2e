"""Conference papers that name one framework: pooled by year, and venue by venue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures import Drawing, Finding
from analysis.figures import _adoption as shared

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = "adoption"
ORDER = 10
REQUIRES = ("adoption_shares", "adoption_crossings")

INDICATOR, POOLED = "conference_papers", "all venues, by year"
OWN_PANEL = 3  # a venue with fewer counted years is shown in the range and in the data only


def make(tables: Mapping[str, pd.DataFrame]) -> Drawing:
    """Draw the pooled share with its interval and the range over venues, and a panel a venue."""
    shares = shared.pick(tables["adoption_shares"], INDICATOR)
    shares = shares[shares["share"].notna()]
    pooled = shares[shares["series"] == POOLED]
    venues = shares[shares["series"] != POOLED]
    venues = venues.assign(venue=venues["series"].str.split(" (", regex=False).str[0])
    lead = shared.crossing(tables["adoption_crossings"], INDICATOR, POOLED)
    first, end = pooled.iloc[0], shared.last_complete(pooled)
    partial = pooled[pooled["complete"].astype(str) != "True"]["period"]
    papers = int(pooled["total"].sum())
    rows = f"{len(venues)} venue-years"
    bounds = f"{100 * end['low']:.0f}-{shared.percent(end['high'])}"
    title = f"{bounds} of framework-naming papers named PyTorch in {end['period']}"
    span = f"{first['period']} to {pooled['period'].iloc[-1]}"
    subtitle = (
        f"PyTorch share of papers naming exactly one of the two in full text, {span}, n = "
        f"{shared.number(pooled['n'].sum())} "
        f"of {papers:,} papers in {rows}; dark band: Wilson 95 % interval, light band: range over venues"
    )
    limits = (
        f"Pooling mixes venues; hollow years lack some ({shared.join(partial)}), and ICLR 2021 and 2022 count all "
        "submissions; papers naming both count for neither, and Keras counts as TensorFlow."
    )
    described = [
        f"The pooled share goes from {shared.estimate(first)} in {first['period']} (n = {int(first['n'])}) to "
        f"{shared.estimate(end)} in {end['period']} (n = {int(end['n'])}), the last year that holds all six yearly "
        "venues.",
        *(
            f"{venue}: {shared.percent(rows['share'].iloc[0])} in {rows['period'].iloc[0][:4]}, "
            f"{shared.percent(rows['share'].iloc[-1])} in {rows['period'].iloc[-1][:4]}."
            for venue, rows in venues.groupby("venue")
        ),
        f"Peak of the pooled share: {shared.percent(pooled['share'].max())} in "
        f"{pooled.loc[pooled['share'].idxmax(), 'period']}. {lead['how_sure']}",
    ]
    finding = Finding(
        question="Which framework do conference papers name?",
        answer=(
            f"{shared.leader(end['share'])}: {shared.estimate(end)} of the {end['period']} papers that name one of the "
            f"two name PyTorch; {shared.lead_words(lead)}."
        ),
        estimate=f"{shared.estimate(end)} (Wilson 95 %)",
        evidence=f"{int(end['n']):,} of {int(end['total']):,} papers in {end['period']}; {rows}, {span}",
    )
    return Drawing(
        title=title,
        subtitle=subtitle,
        limits=limits,
        description=" ".join(described),
        data=shared.drawn(pd.concat([pooled, venues]), "coverage"),
        draw=lambda figure: _draw(figure, pooled, venues),
        sources=tuple(sorted(set(pooled["source"]))),
        size=(7.0, 5.0),
        finding=finding,
    )


def _draw(figure: Figure, pooled: pd.DataFrame, venues: pd.DataFrame) -> None:
    from analysis import style

    figure.set_layout_engine("constrained")
    counted = venues.groupby("venue")["period"].count()
    shown = list(counted[counted >= OWN_PANEL].index)
    top, bottom = figure.subfigures(2, 1, height_ratios=[1.75, 1])
    ax = top.add_subplot()
    years = venues.assign(year=venues["period"].str[:4]).groupby("year")["share"].agg(["min", "max"])
    years = years.loc[[year for year in pooled["period"] if year in years.index]]
    style.envelope(ax, [shared.middle(year) for year in years.index], years["min"], years["max"], "pytorch")
    shared.share_line(ax, pooled)
    shared.half_line(ax)
    end = shared.last_complete(pooled)
    label = f"all venues {end['period']}: {shared.estimate(end)}"
    style.direct_label(ax, shared.middle(end["period"]), end["share"], label, "pytorch", dx=4, dy=-37)
    style.share_axis(ax, top=1.0)
    shared.ticks_with_n(ax, shared.middles(pooled), list(pooled["period"]), list(pooled["n"]))
    panels = bottom.subplots(1, len(shown), sharex=True, sharey=True, squeeze=False)[0]
    first, last = min(shared.middles(venues)), max(shared.middles(venues))
    for panel, venue in zip(panels, shown, strict=True):
        _draw_venue(panel, venues[venues["venue"] == venue], venue)
    panels[0].set_xlim(first - 0.6, last + 0.6)
    shared.year_ticks(panels[0], first, last, step=3, short=True)
    style.share_axis(panels[0], top=1.0)
    panels[0].set_yticks([0, 0.5, 1], ["0", "50", "100 %"])


def _draw_venue(ax: Axes, rows: pd.DataFrame, venue: str) -> None:
    from analysis import style

    for _, part in rows.groupby("series", sort=False):
        shared.share_line(ax, part.assign(complete="accepted" in part["series"].iloc[0]))
    shared.half_line(ax)
    ax.set_title(venue, fontsize=style.TICK_SIZE)
    ax.grid(visible=False, axis="x")
    shared.note(ax, f"n = {int(rows['n'].sum()):,}")
