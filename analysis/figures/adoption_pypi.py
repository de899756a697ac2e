"""Downloads from PyPI: the share of torch, with the breaks of the source and the other counting rules."""

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
ORDER = 30
REQUIRES = ("adoption_shares", "adoption_crossings", "sources")

INDICATOR, SERIES = "pypi_downloads_30d", "PyPI"


def make(tables: Mapping[str, pd.DataFrame]) -> Drawing:
    """Draw the monthly share under the default rule, the range over the other rules, and the breaks."""
    indicator = load_indicators()[INDICATOR]
    rules = {rule.id: shared.pick(tables["adoption_shares"], INDICATOR, rule=rule.id) for rule in indicator.rules}
    rules = {name: rows[rows["share"].notna()] for name, rows in rules.items() if rows["share"].notna().any()}
    rows = rules[indicator.default_rule.id]
    leads = {name: shared.crossing(tables["adoption_crossings"], INDICATOR, SERIES, name) for name in rules}
    lead = leads[indicator.default_rule.id]
    first, last = rows.iloc[0], rows.iloc[-1]
    source = rows["source"].iloc[0]
    breaks = shared.breaks_of(tables["sources"], source)
    dates = sorted({row["lasting_lead"] or "not yet" for row in leads.values()})
    span = f"{first['period']} to {last['period']}"
    by_rule = shared.join(
        f"{rule.label} {leads[rule.id]['lasting_lead'] or 'not yet'}" for rule in indicator.rules if rule.id in leads
    )
    description = (
        f"The share of torch in the downloads of torch and tensorflow rises from {shared.percent(first['share'])} in "
        f"{first['period']} to {shared.percent(last['share'])} in {last['period']}; its highest value is "
        f"{shared.percent(rows['share'].max())} in {rows.loc[rows['share'].idxmax(), 'period']}, its lowest "
        f"{shared.percent(rows['share'].min())} in {rows.loc[rows['share'].idxmin(), 'period']}. PyTorch leads to the "
        "end, by "
        f"counting rule: {by_rule}. The source changed how it counts {len(breaks)} times: "
        f"{'; '.join(f'{_when(start)} {reason}' for start, _, reason in breaks)}."
    )
    finding = Finding(
        question="Which framework is installed more from PyPI?",
        answer=(
            f"{shared.leader(last['share'])}: torch has {shared.percent(last['share'])} of the downloads of torch and "
            f"tensorflow in {last['period']}, and {shared.lead_words(lead)}"
            + (f"; by counting rule the date is {' or '.join(dates)}" if len(dates) > 1 else "")
            + f". There is no interval: {indicator.no_interval}."
        ),
        estimate=f"{shared.percent(last['share'])}; no interval: {indicator.no_interval}",
        evidence=f"{shared.number(last['n'])} downloads in the 30 days before the snapshot of {last['period']}; "
        f"{len(rows)} months, {span}",
    )
    return Drawing(
        title=_title(lead, last),
        subtitle=(
            f"Share of torch in 30-day downloads of torch and tensorflow, {len(rows)} months, {span}, n = "
            f"{shared.number(first['n'])} to {shared.number(last['n'])}; light band: range over {len(rules)} counting "
            "rules; "
            "no interval, as downloads are a census"
        ),
        limits=(
            "Machines and continuous integration dominate; wheels from other indexes and conda are not counted; "
            f"numbered lines: {'; '.join(f'({i}) {_when(a)} {why}' for i, (a, _, why) in enumerate(breaks, 1))}."
        ),
        description=description,
        data=shared.drawn(pd.concat(rules.values())),
        draw=lambda figure: _draw(figure, rules, leads, breaks, indicator.default_rule.id),
        sources=(source,),
        size=(7.0, 3.7),
        finding=finding,
    )


def _when(year: float) -> str:
    """Return the month of a fractional year, as 2024-11."""
    whole = int(year)
    return f"{whole}-{int((year - whole) * 12 + 0.5) + 1:02d}"


def _title(lead: pd.Series, last: pd.Series) -> str:
    if lead["lasting_lead"]:
        return f"PyTorch passes TensorFlow in PyPI downloads in {lead['lasting_lead']}"
    return f"TensorFlow still holds {shared.percent(1 - last['share'])} of PyPI downloads"


def _draw(
    figure: Figure,
    rules: dict[str, pd.DataFrame],
    leads: dict[str, pd.Series],
    breaks: list[tuple[float, float, str]],
    default: str,
) -> None:
    from analysis import style

    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    wide = pd.concat({name: rows.set_index("period")["share"] for name, rows in rules.items()}, axis=1).dropna()
    style.envelope(ax, [shared.middle(p) for p in wide.index], wide.min(axis=1), wide.max(axis=1), "pytorch")
    rows = rules[default]
    shared.share_line(ax, rows, marker=False)
    shared.half_line(ax)
    style.share_axis(ax, top=1.0)
    x = shared.middles(rows)
    ax.set_xlim(x[0] - 0.1, x[-1])
    shared.year_ticks(ax, x[0], x[-1])
    _mark_breaks(ax, breaks)
    _mark_lead(ax, rows, leads, default)
    last = rows.iloc[-1]
    style.direct_label(ax, x[-1], last["share"], shared.percent(last["share"]), "pytorch", dx=4)


def _mark_breaks(ax: Axes, breaks: list[tuple[float, float, str]]) -> None:
    from analysis import style

    places = style.spread([start for start, _, _ in breaks], 0.24)
    for i, ((start, end, _), place) in enumerate(zip(breaks, places, strict=True), 1):
        if end > start:
            ax.axvspan(start, end, color=style.ZONE, linewidth=0, zorder=0)
        style.mark_break(ax, start, "")
        look = {"ha": "center", "va": "bottom", "fontsize": style.NOTE_SIZE, "color": style.MUTED}
        ax.annotate(f"({i})", (place, 1.01), xycoords=("data", "axes fraction"), **look)


def _mark_lead(ax: Axes, rows: pd.DataFrame, leads: dict[str, pd.Series], default: str) -> None:
    from analysis import style

    lead = leads[default]["lasting_lead"]
    if not lead:
        return
    share = rows.loc[rows["period"] == lead, "share"].iloc[0]
    ax.plot(shared.middle(lead), share, "o", color=style.COLORS["pytorch"], markersize=6)
    others = sorted({row["lasting_lead"] for row in leads.values()} - {lead, ""})
    words = f"ahead from {lead}" + (f"\n(other rules {' or '.join(others)})" if others else "")
    style.direct_label(ax, shared.middle(lead), share, words, "pytorch", dx=-12, dy=22)
