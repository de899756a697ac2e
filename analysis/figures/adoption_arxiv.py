"""arXiv abstracts that name a framework: two partial sources, naming and not using."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures import Drawing
from analysis.figures import _adoption as shared

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = "adoption"
ORDER = 70
REQUIRES = ("adoption_shares", "adoption_rates")

INDICATOR, BY_YEAR = "arxiv_abstracts", ", by year"
PER = 10_000  # abstracts; the rates are too small for per cent


def make(tables: Mapping[str, pd.DataFrame]) -> Drawing:
    """Draw how many abstracts of 10,000 name each framework, a panel a source."""
    shares = shared.pick(tables["adoption_shares"], INDICATOR)
    shares = shares[shares["series"].str.endswith(BY_YEAR)]
    rates = shared.pick(tables["adoption_rates"], INDICATOR)
    rates = rates[rates["series"].str.endswith(BY_YEAR) & rates["framework"].isin(["pytorch", "tensorflow"])]
    order = list(dict.fromkeys(shares["series"]))
    ends = {name: shares[(shares["series"] == name) & shares["share"].notna()].iloc[-1] for name in order}
    old, new = ends[order[0]], ends[order[-1]]
    if shared.leader(old["share"]) != shared.leader(new["share"]):
        title = f"arXiv abstracts named {shared.leader(old['share'])} more, now {shared.leader(new['share'])}"
    else:
        title = f"arXiv abstracts name {shared.leader(new['share'])} more"
    naming = rates["count"].sum() / rates.drop_duplicates(["series", "period"])["total"].sum()
    total = int(shares["total"].sum())
    parts = [
        f"{_population(name)}: in {row['period']}, {int(row['pytorch'])} abstracts name PyTorch and "
        f"{int(row['tensorflow'])} "
        f"name TensorFlow of {int(row['total']):,}, a PyTorch share of {shared.estimate(row)}."
        for name, row in ends.items()
    ]
    firsts = [
        f"The first year, {rows['period'].iloc[0]}, has {int(rows['pytorch'].iloc[0])} and "
        f"{int(rows['tensorflow'].iloc[0])}."
        for _, rows in shares.groupby("series", sort=False)
    ]
    return Drawing(
        title=title,
        subtitle=(
            f"Partial, and naming is not using: abstracts per {PER:,} that name a framework, n = {total:,} abstracts, "
            f"{shares['period'].min()} to {shares['period'].max()}; bars: Wilson 95 % interval; under each year the "
            "abstracts "
            "and the PyTorch share of mentions"
        ),
        limits=(
            "Two sources with different categories, days missing in the second, hollow years held only in part: the "
            "panels are "
            f"no one series; about {100 * naming:.2f} % of these abstracts name a framework."
        ),
        description=" ".join(
            [f"Two panels, one a source, of abstracts per {PER:,} naming PyTorch or TensorFlow."]
            + [words for pair in zip(firsts, parts, strict=True) for words in pair]
            + [
                f"The highest rate is {PER * rates['rate'].max():.0f} per {PER:,}, for "
                f"{_label(rates.loc[rates['rate'].idxmax(), 'framework'])} in "
                f"{rates.loc[rates['rate'].idxmax(), 'period']}."
            ]
        ),
        data=rates.merge(shares[["series", "period", "share", "complete"]], on=["series", "period"])[
            ["series", "period", "framework", "count", "total", "rate", "low", "high", "share", "complete"]
        ],
        draw=lambda figure: _draw(figure, shares, rates, order),
        sources=tuple(sorted(set(shares["source"]))),
        size=(7.0, 3.7),
    )


def _population(series: str) -> str:
    return series.removesuffix(BY_YEAR)


def _label(framework: str) -> str:
    from analysis import style

    return style.FRAMEWORK_LABELS[framework]


def _draw(figure: Figure, shares: pd.DataFrame, rates: pd.DataFrame, order: list[str]) -> None:
    figure.set_layout_engine("constrained")
    widths = [shares.loc[shares["series"] == name, "period"].nunique() + 1 for name in order]
    panels = figure.subplots(1, len(order), sharey=True, squeeze=False, width_ratios=widths)[0]
    for panel, name in zip(panels, order, strict=True):
        _draw_source(panel, shares[shares["series"] == name], rates[rates["series"] == name], name)
    panels[0].set_ylim(bottom=0)
    panels[0].set_ylabel(f"abstracts per {PER:,}")


def _draw_source(ax: Axes, shares: pd.DataFrame, rates: pd.DataFrame, name: str) -> None:
    import textwrap

    import seaborn as sns

    from analysis import style

    whole = dict(zip(shares["period"], shares["complete"].astype(str) == "True", strict=True))
    for side, framework in ((-0.06, "pytorch"), (0.06, "tensorflow")):
        part = rates[rates["framework"] == framework]
        x = [place + side for place in shared.middles(part)]
        rate, color = PER * part["rate"].to_numpy(), style.COLORS[framework]
        looks = {"color": color, "linewidth": 1.8, "linestyle": style.LINESTYLES[framework]}
        sns.lineplot(x=x, y=rate, ax=ax, errorbar=None, **looks)
        ax.vlines(x, PER * part["low"], PER * part["high"], color=color, linewidth=1.2)
        for a, b, period in zip(x, rate, part["period"], strict=True):
            face = color if whole[period] else style.PAPER
            ax.plot(a, b, style.MARKERS[framework], color=color, markerfacecolor=face, markersize=5.5, clip_on=False)
        dx = -8 if framework == "pytorch" and len(part) > 2 else 8
        peak = part["rate"].to_numpy().argmax()
        style.direct_label(ax, x[peak], rate[peak], style.FRAMEWORK_LABELS[framework], framework, dx=dx, dy=8)
    labels = [
        f"{row['period']}\n{int(row['total']):,}\n{shared.percent(row['share']) if pd.notna(row['share']) else 'none'}"
        for _, row in shares.iterrows()
    ]
    labels[0] = labels[0].replace("\n", "\nn = ", 1)
    ax.set_xticks(shared.middles(shares), labels)
    ax.set_xlim(shared.middles(shares)[0] - 0.5, shared.middles(shares)[-1] + 0.75)
    ax.grid(visible=False, axis="x")
    ax.set(xlabel="")
    ax.set_title(textwrap.fill(_population(name), 34), fontsize=style.NOTE_SIZE)
