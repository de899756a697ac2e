"""How long do answers of servers take as more requests arrive?"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.deployment import FRAMEWORKS
from analysis.figures import Drawing, Finding, _deployment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = _deployment.SECTION
ORDER = 3
REQUIRES = ("deployment_serving",)

ACROSS = 3
#: Characters of a title that fit over a panel at full size.
LONG = 30
LEFT, RIGHT, BETWEEN, TOP, HEAD, BOTTOM, BODY = 0.55, 0.12, 0.16, 0.45, 0.3, 0.42, 1.25  # inches
COLUMNS = (
    *("machine", "date", "server", "server_title", "framework", "model", "model_title", "outcome", "status"),
    *("rate_per_s", "achieved_per_s", "sent", "answered", "errors", "rejected", "latency_p50_ms", "latency_p99_ms"),
    *("latency_p50_low_ms", "latency_p50_high_ms", "saturated", "restarts"),
)
#: The same interface before either framework.
FAIR = ("litserve_pytorch", "litserve_tensorflow")


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return latency against load; see :class:`analysis.figures.Drawing`."""
    every = tables["deployment_serving"]
    one = _deployment.last_machine(every)
    good = one[one["rate_per_s"].notna()].reset_index(drop=True)
    panels = [own for _, own in one.groupby("server", sort=False)]
    tall = -(-len(panels) // ACROSS)
    return Drawing(
        title=_title(good),
        subtitle=(
            "Median (line, marks) and 99th percentile (thin) of the latency in ms against arrivals a second, open loop "
            "over loopback; bars: smallest and largest over the restarts, a range and no interval; hollow: saturated; "
            f"n = {good['sent'].sum():,.0f} requests to {good['server'].nunique()} servers, "
            f"{_deployment.machine_words(good)}{_deployment.beyond(every, one)}"
            if len(good)
            else "Latency of servers against arrivals a second; n = 0 requests"
        ),
        limits=(
            "Servers differ in runtime, wire format and what they do beside answering, so only LitServe with either "
            "framework is a like-for-like pair; the load comes from the same machine, which both share."
            if len(one)
            else _deployment.absent("deployment_serving")
        ),
        description=_description(one, good),
        data=one.reindex(columns=list(COLUMNS)),
        draw=lambda figure: _draw(figure, panels, good),
        sources=_deployment.measured_on(_deployment.when(one)),
        size=(7.0, TOP + tall * (HEAD + BODY) + BOTTOM if panels else 1.6),
        finding=_finding(good) if len(good) else None,
    )


def kept(good: pd.DataFrame) -> pd.DataFrame:
    """Return a row a server and model: the highest rate below the first at which it was saturated."""
    found = []
    for _, own in good.groupby(["server", "model"], sort=False):
        over = own.loc[own["saturated"] == "yes", "rate_per_s"]
        below = own[(own["saturated"] == "no") & (own["rate_per_s"] < (over.min() if len(over) else float("inf")))]
        if len(below):
            found.append(below.loc[below["rate_per_s"].idxmax()])
    return pd.DataFrame(found, columns=good.columns)


def _title(good: pd.DataFrame) -> str:
    if good.empty:
        return "No server has been loaded here yet"
    found = kept(good)
    if found.empty:
        return "No server kept up with the lowest rate"
    low, high = found["rate_per_s"].min(), found["rate_per_s"].max()
    return f"Servers keep up with {low:,.0f} to {high:,.0f} requests/s"


def _where(row: pd.Series) -> str:
    return f"{row['server_title']}, {row['model_title']}"


def _finding(good: pd.DataFrame) -> Finding:
    found = kept(good)
    if found.empty:
        answer = "No server kept up with the lowest rate that was tried."
    else:
        low, high = found.loc[found["rate_per_s"].idxmin()], found.loc[found["rate_per_s"].idxmax()]
        answer = (
            f"Servers keep up with {low['rate_per_s']:,.0f} ({_where(low)}) to {high['rate_per_s']:,.0f} requests a "
            f"second ({_where(high)}). {_fair(found)}"
        ).strip()
    first = good.groupby(["server", "model"], sort=False).head(1)
    low, high = (first["latency_p50_ms"].min(), first["latency_p50_ms"].max())
    span = f"{_deployment.number(low)} to {_deployment.number(high)} ms" if pd.notna(low) else "not reached"
    return Finding(
        "How much load do their servers take?",
        answer,
        f"median latency at the lowest rate {span}; ranges over restarts, no interval",
        f"n = {good['sent'].sum():,.0f} requests, {good['server'].nunique()} servers, "
        f"{_deployment.machine_words(good)}",
    )


def _fair(found: pd.DataFrame) -> str:
    """Set the like-for-like pair beside each other."""
    pair = found[found["server"].isin(FAIR)]
    parts = []
    for title, own in pair.groupby("model_title", sort=False):
        if set(own["server"]) == set(FAIR):
            sides = [
                f"{FRAMEWORKS[row['framework']]} {row['rate_per_s']:,.0f}"
                for _, row in own.sort_values("server").iterrows()
            ]
            parts.append(f"{title}: {' and '.join(sides)}")
    return f"Like for like, behind LitServe, {'; '.join(parts)}." if parts else ""


def _description(one: pd.DataFrame, good: pd.DataFrame) -> str:
    if one.empty:
        return _deployment.nothing("the latency of each server against the requests that arrive a second")
    absent = one[one["rate_per_s"].isna()].drop_duplicates("server")
    others = "; ".join(f"{row['server_title']}: {row['outcome']}" for _, row in absent.iterrows())
    lacking = f" Without numbers: {others}." if others else ""
    start = (
        "Small line charts, one for each server: requests a second grow to the right, milliseconds upwards, both on "
        "logarithmic axes; for each model a line of medians with marks and a thin line of 99th percentiles. A hollow "
        "mark is a rate at which the server no longer kept up. "
    )
    parts = []
    for _, own in good.groupby(["server", "model"], sort=False):
        first, last = own.iloc[0], own.iloc[-1]
        parts.append(
            f"{_where(first)}: {_ms(first['latency_p50_ms'])} at {first['rate_per_s']:,.0f} a second, "
            f"{_ms(last['latency_p50_ms'])} at {last['rate_per_s']:,.0f}"
        )
    return f"{start}{'; '.join(parts) or 'No server answered, so there are 0 lines'}.{lacking}"


def _ms(value: float) -> str:
    return f"{_deployment.number(value)} ms" if pd.notna(value) else "no answer for half of the requests"


# -- picture -----------------------------------------------------------------------------------------------------------
def _draw(figure: Figure, panels: list[pd.DataFrame], good: pd.DataFrame) -> None:
    wide, high = figure.get_figwidth(), figure.get_figheight()
    width = (wide - LEFT - RIGHT - BETWEEN * (ACROSS - 1)) / ACROSS
    models = list(good["model"].unique())
    for number, own in enumerate(panels):
        down, along = divmod(number, ACROSS)
        x, y = LEFT + along * (width + BETWEEN), high - TOP - (down + 1) * (HEAD + BODY)
        ax = figure.add_axes((x / wide, y / high, width / wide, BODY / high))
        below = number + ACROSS >= len(panels)
        _panel(ax, own, good, models, edges=(along == 0, below))
        if number == 0 and models:
            titles = good.drop_duplicates("model")["model_title"]
            more = "; ".join(f"{'▲▼'[place % 2]} {title}" for place, title in enumerate(titles))
            _deployment.key(ax, list(good["framework"].unique()), more, lift=24, marks=False)


def _panel(ax: Axes, own: pd.DataFrame, good: pd.DataFrame, models: list[str], *, edges: tuple[bool, bool]) -> None:
    title = str(own.iloc[0]["server_title"])
    ax.set_title(title, fontsize=7.6 if len(title) <= LONG else 6.2)
    rows = own[own["rate_per_s"].notna()]
    if rows.empty:
        ax.set_axis_off()
        words = "; ".join(dict.fromkeys(own["outcome"]))
        ax.text(0.02, 0.94, textwrap.fill(words, 30), va="top", fontsize=style.NOTE_SIZE, color=style.MUTED,
                transform=ax.transAxes)  # fmt: skip
        return
    _deployment.log_axis(ax, good["rate_per_s"], unit="/s" if edges[1] else "", room=1.4, few=True)
    _deployment.log_axis(ax, _all_ms(good), axis="y", unit="ms" if edges[0] else "", room=1.3, few=True)
    ax.grid(visible=True, axis="both")
    ax.tick_params(labelsize=style.NOTE_SIZE - 0.6, labelleft=edges[0], labelbottom=edges[1])
    for place, model in enumerate(models):
        line = rows[rows["model"] == model]
        if len(line):
            _line(ax, line, "^v"[place % 2])


def _all_ms(good: pd.DataFrame) -> list[float]:
    names = ["latency_p50_ms", "latency_p99_ms", "latency_p50_low_ms", "latency_p50_high_ms"]
    return list(good[names].to_numpy().ravel())


def _line(ax: Axes, line: pd.DataFrame, marker: str) -> None:
    color = _deployment.COLORS[line.iloc[0]["framework"]]
    rate = line["rate_per_s"]
    ax.plot(rate, line["latency_p99_ms"], color=color, linewidth=0.8, linestyle=(0, (4, 2)), zorder=2)
    ax.plot(rate, line["latency_p50_ms"], color=color, linewidth=1.4, zorder=2.5)
    ends = line[["latency_p50_low_ms", "latency_p50_high_ms"]].to_numpy()
    xs = [value for each in rate for value in (each, each, float("nan"))]
    ys = [value for low, high in ends for value in (low, high, float("nan"))]
    ax.plot(xs, ys, color=color, linewidth=0.9, alpha=0.7, zorder=2.2)
    for saturated, face in (("no", color), ("yes", style.PAPER)):
        own = line[line["saturated"] == saturated]
        ax.plot(
            own["rate_per_s"], own["latency_p50_ms"], marker, color=color, markerfacecolor=face, markersize=4, zorder=3
        )
