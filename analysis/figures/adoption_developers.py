"""Developers who push to repositories tagged with a framework, economy by economy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures import Drawing, Finding
from analysis.figures import _adoption as shared
from analysis.indicators import load_indicators

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = "adoption"
ORDER = 20
REQUIRES = ("adoption_shares", "adoption_crossings")

INDICATOR = "github_topic_pushers"
CENSORED_BELOW = 100  # the source leaves out a count of fewer developers: a missing row is below this, not zero


def make(tables: Mapping[str, pd.DataFrame]) -> Drawing:
    """Draw the PyTorch share of developers in every economy that has both counts."""
    every = shared.pick(tables["adoption_shares"], INDICATOR)
    every = every[every["series"].isin(every.loc[every["share"].notna(), "series"])]
    every = every.assign(share_at_least=_bound(every), economy=every["series"].map(shared.ECONOMIES.get))
    every["economy"] = every["economy"].fillna(every["series"])
    known = every[every["share"].notna()]
    order = list(known.groupby("economy")["n"].max().sort_values(ascending=False, kind="stable").index)
    leads = {name: shared.crossing(tables["adoption_crossings"], INDICATOR, name) for name in known["series"].unique()}
    last = {name: rows.iloc[-1] for name, rows in known.groupby("economy")}
    ahead = [name for name in order if last[name]["share"] > 0.5]
    behind = [name for name in order if last[name]["share"] <= 0.5]
    reason = load_indicators()[INDICATOR].no_interval
    span = f"{known['period'].iloc[0]} to {known['period'].iloc[-1]}"
    largest = last[order[0]]
    others = behind if order[0] in ahead else ahead
    described = [
        f"PyTorch share of developers in {len(order)} economies, {span}.",
        *(
            f"{name}: from {shared.percent(rows['share'].iloc[0])} in {rows['period'].iloc[0]} to "
            f"{shared.percent(rows['share'].iloc[-1])} in {rows['period'].iloc[-1]}, highest "
            f"{shared.percent(rows['share'].max())}; {shared.lead_words(leads[rows['series'].iloc[0]])}."
            for name, rows in known.groupby("economy")
        ),
        f"No interval is drawn: {reason}.",
    ]
    finding = Finding(
        question="Which framework do developers push code for?",
        answer=(
            f"In {_the(order[0])}, {shared.leader(largest['share'])} (PyTorch share {shared.percent(largest['share'])} "
            "in "
            f"{largest['period']}): {shared.lead_words(leads[largest['series']])}."
            + (f" The other way round in {shared.join(map(_the, others))}." if others else "")
            + f" There is no interval: {reason}."
        ),
        estimate=f"{shared.percent(largest['share'])} in {_the(order[0])}; no interval: {reason}",
        evidence=f"{int(largest['n']):,} pairs of developer and topic in {_the(order[0])} in {largest['period']}; "
        f"{len(order)} economies, {span}",
    )
    return Drawing(
        title=_title(ahead, behind),
        subtitle=(
            "PyTorch share of developers pushing to repositories tagged pytorch or tensorflow, quarter by quarter, "
            f"{span}, n of the last quarter with both counts; no interval: {reason}"
        ),
        limits=_limits(known),
        description=" ".join(described),
        data=shared.drawn(every, "share_at_least"),
        draw=lambda figure: _draw(figure, every, order, leads),
        sources=tuple(sorted(set(every["source"]))),
        size=(7.0, 4.4),
        finding=finding,
    )


def _bound(rows: pd.DataFrame) -> pd.Series:
    """Return the least possible share where only TensorFlow is left out of the source, else nothing."""
    only = rows["tensorflow"].isna() & rows["pytorch"].notna()
    pytorch = rows["pytorch"].astype(float)
    return (pytorch / (pytorch + CENSORED_BELOW - 1)).where(only)


def _the(economy: str) -> str:
    return f"the {economy}" if economy.startswith(("United", "European")) else economy


def _title(ahead: list[str], behind: list[str]) -> str:
    if not behind:
        return f"PyTorch leads among developers in all {len(ahead)} economies"
    if len(behind) <= 2:
        return f"Developers tag PyTorch more, except in {shared.join(map(_the, behind))}"
    return f"Developers tag PyTorch more in {len(ahead)} of {len(ahead) + len(behind)} economies"


def _limits(known: pd.DataFrame) -> str:
    words = (
        f"Topics are set by hand and say how people label, not what they import; fewer than {CENSORED_BELOW} "
        "developers "
        "are left out by the source, so a gap is not zero and a hollow triangle is the least possible share"
    )
    pair = known[known["series"].isin(["EU", "DE"])].pivot_table(index="period", columns="series", values="tensorflow")
    if {"EU", "DE"} <= set(pair):
        same = int((pair["EU"] == pair["DE"]).sum())
        if same:
            words += (
                f"; in {same} of {len(pair)} quarters the European Union's TensorFlow count is Germany's alone, as the "
                "other "
                "members fall below the threshold, so its share leans to PyTorch"
            )
    return words + "."


def _draw(figure: Figure, rows: pd.DataFrame, order: list[str], leads: dict[str, pd.Series]) -> None:
    from analysis import style

    figure.set_layout_engine("constrained")
    columns = min(3, len(order))
    panels = figure.subplots(-(-len(order) // columns), columns, sharex=True, sharey=True, squeeze=False).ravel()
    for panel, name in zip(panels, order, strict=False):
        _draw_economy(panel, rows[rows["economy"] == name], name, leads)
    for panel in panels[len(order) :]:
        panel.set_visible(False)
    places = shared.middles(rows)
    panels[0].set_xlim(min(places) - 0.3, max(places) + 0.3)
    shared.year_ticks(panels[0], min(places) - 0.2, max(places) + 0.2, short=True)
    style.share_axis(panels[0], top=1.0)


def _draw_economy(ax: Axes, rows: pd.DataFrame, name: str, leads: dict[str, pd.Series]) -> None:
    from analysis import style

    known = rows[rows["share"].notna()]
    # A quarter without both counts breaks the line: joining over it would invent a value.
    runs = rows["share"].isna().cumsum()
    for _, run in known.groupby(runs[known.index]):
        shared.share_line(ax, run, marker=len(run) == 1)
    bound = rows[rows["share_at_least"].notna()]
    look = {"color": style.COLORS["pytorch"], "markerfacecolor": style.PAPER, "markersize": 4.5}
    ax.plot(shared.middles(bound), bound["share_at_least"], "^", **look)
    shared.half_line(ax)
    ax.grid(visible=False, axis="x")
    last, lead = known.iloc[-1], leads[known["series"].iloc[0]]
    when = f"ahead from {lead['lasting_lead']}" if lead["lasting_lead"] else "not ahead yet"
    ax.set_title(name, fontsize=style.TICK_SIZE)
    shared.note(ax, f"n = {int(last['n']):,} in {last['period']}")
    shared.note(ax, f"{shared.percent(last['share'])}, {when}", y=0)
