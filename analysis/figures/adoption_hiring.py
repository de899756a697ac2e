"""Hiring posts that name a framework: the share, and how often a post names each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures import Drawing
from analysis.figures import _adoption as shared

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = "adoption"
ORDER = 50
REQUIRES = ("adoption_shares", "adoption_rates", "adoption_crossings")

INDICATOR, SERIES = "hiring_posts", "by year"


def make(tables: Mapping[str, pd.DataFrame]) -> Drawing:
    """Draw the yearly share with its interval above the rates of both frameworks."""
    rows = shared.pick(tables["adoption_shares"], INDICATOR, SERIES)
    rows = rows[rows["share"].notna()]
    rates = shared.pick(tables["adoption_rates"], INDICATOR, SERIES)
    rates = rates[rates["framework"].isin(["pytorch", "tensorflow"]) & rates["period"].isin(rows["period"])]
    lead = shared.crossing(tables["adoption_crossings"], INDICATOR, SERIES)
    first, end, final = rows.iloc[0], shared.last_complete(rows), rows.iloc[-1]
    span = f"{first['period']} to {final['period']}"
    partial = list(rows.loc[rows["complete"].astype(str) != "True", "period"])
    latest = {row["framework"]: row for _, row in rates[rates["period"] == end["period"]].iterrows()}
    rate = {name: f"{100 * row['rate']:.1f} %" for name, row in latest.items()}
    peak = rows.loc[rows["share"].idxmax()]
    even = end["low"] <= 0.5 <= end["high"]
    if lead["lasting_lead"] and even and lead["lasting_lead"] != end["period"]:
        title = f"Hiring posts turned to PyTorch in {lead['lasting_lead']}; {end['period']} is open"
    elif even:
        title = f"Hiring posts name neither surely more often in {end['period']}"
    elif lead["lasting_lead"]:
        title = f"Hiring posts name PyTorch more often from {lead['lasting_lead']} on"
    else:
        title = f"Hiring posts name PyTorch less often in {end['period']}"
    return Drawing(
        title=title,
        subtitle=(
            f"Above: PyTorch share of mentions in Who is hiring posts, {span}, n = {shared.number(rows['n'].sum())} "
            "mentions. "
            f"Below: share of all {shared.number(rows['total'].sum())} posts naming each. Bands: Wilson 95 % intervals"
        ),
        limits=(
            "One site, small counts, companies post again each month; a post may name both, so the bands are rather "
            "too wide" + (f"; hollow: the year is held only in part ({shared.join(partial)})." if partial else ".")
        ),
        description=(
            f"The PyTorch share of mentions goes from {shared.estimate(first)} in {first['period']} (n = "
            f"{int(first['n'])}) to "
            f"{shared.estimate(end)} in {end['period']} (n = {int(end['n'])}), the last whole year, with its peak of "
            f"{shared.percent(peak['share'])} in {peak['period']}. In {end['period']}, {rate['pytorch']} of the "
            f"{int(end['total']):,} posts name PyTorch and {rate['tensorflow']} name TensorFlow. {lead['how_sure']}"
        ),
        data=shared.drawn(rows, "coverage").merge(_wide(rates), on="period"),
        draw=lambda figure: _draw(figure, rows, rates),
        sources=tuple(sorted(set(rows["source"]))),
        size=(7.0, 4.6),
    )


def _wide(rates: pd.DataFrame) -> pd.DataFrame:
    """Return the rates with a column a framework: rate, low and high."""
    wide = rates.pivot_table(index="period", columns="framework", values=["rate", "low", "high"])
    wide.columns = [f"{framework}_{value}" for value, framework in wide.columns]
    return wide[sorted(wide.columns)].reset_index()


def _draw(figure: Figure, rows: pd.DataFrame, rates: pd.DataFrame) -> None:
    import seaborn as sns

    from analysis import style

    figure.set_layout_engine("constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.6, 1])
    shared.share_line(above, rows)
    shared.half_line(above, "PyTorch named more above this line")
    style.share_axis(above, top=1.0)
    end = shared.last_complete(rows)
    label = f"{end['period']}: {shared.estimate(end)}"
    style.direct_label(above, shared.middle(end["period"]), end["low"], label, "pytorch", dx=0, dy=-9, ha="center")
    ends = []
    for name, part in rates.groupby("framework"):
        x = shared.middles(part)
        style.band(below, x, part["low"], part["high"], name)
        looks = {"color": style.COLORS[name], "linewidth": 2.2, "linestyle": style.LINESTYLES[name]}
        sns.lineplot(x=x, y=part["rate"].to_numpy(), ax=below, errorbar=None, **looks)
        ends.append((x[-1], part["rate"].iloc[-1], name, style.FRAMEWORK_LABELS[name]))
    style.share_axis(below)
    below.set(xlabel="", ylabel="")
    shared.ticks_with_n(below, shared.middles(rows), list(rows["period"]), list(rows["n"]))
    above.grid(visible=False, axis="x")
    style.label_ends(below, ends)
