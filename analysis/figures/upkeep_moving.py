"""Can a model be moved between the frameworks, and does it still train? A route a row, a network a column."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _upkeep, _usability
from analysis.upkeep import PLACES, RUN_NONE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = _upkeep.SECTION
ORDER = 4
REQUIRES = ("upkeep_moving",)

NETWORKS = ("convolutional", "recurrent", "transformer")
ARRIVALS = ("tensorflow", "pytorch", "keras_torch")
DIRECTIONS = tuple(
    f"{PLACES[leaves]} to {PLACES[arrives]}"
    for arrives in ARRIVALS
    for leaves in ("pytorch", "keras_torch", "tensorflow")
    if leaves != arrives
)
ABSENT = "not_measured"  # status of a pair that the table does not hold
OUTSIDE = (*RUN_NONE, ABSENT)  # status of what was not tried
SAME = {
    ("yes", "yes"): "both the same",
    ("yes", "no"): "only outputs the same",
    ("no", "yes"): "only training the same",
    ("no", "no"): "neither the same",
}
COLUMNS = (
    *("machine", "date", "direction", "route", "title", "network", "workload", "kept_percent", "same_outputs"),
    *("same_training", "words", "status", "note"),
)

LEFT, EDGE, TOP, BOTTOM = 2.06, 0.06, 0.5, 0.08  # inches
HEADING, ROW, BAR, WORDS = 0.29, 0.36, 0.09, 0.225
FULL = 1.2  # inches of a bar of 100 %
CUT = 125.0  # per cent: a longer bar ends in an arrow
LABEL, LETTERS = 7.4, 30  # points of the words; letters of a route's line


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the matrix; see :class:`analysis.figures.Drawing`."""
    table = tables["upkeep_moving"]
    data = _grid(_one(table))
    tried = _tried(data)
    return Drawing(
        title=_title(data),
        subtitle=(
            "Bar: share of a model's parameters that still train once it is moved; both: outputs of a batch and losses "
            "of twenty further steps, the same within float32 tolerance; each move run once, so no interval; "
            f"n = {_size(tried)}; {_where(data)}"
            if len(data)
            else "Share of a model's parameters that still train once it is moved; n = 0 moves"
        ),
        limits=_limits(data),
        description=_description(data),
        data=data,
        draw=lambda figure: _draw(figure, data),
        sources=_usability.measured_on(data),
        size=(7.0, TOP + _height(data) + BOTTOM if len(data) else 1.6),
        finding=_finding(data) if len(tried) else None,
    )


# -- rows --------------------------------------------------------------------------------------------------------------
def _one(table: pd.DataFrame) -> pd.DataFrame:
    """Return the newest set: of the machine that ran a move last, or, where none did, that looked last."""
    ran = table[~table["status"].isin(OUTSIDE)]
    newest = _usability.newest(ran if len(ran) else table)
    return table[table["machine"].isin(newest["machine"].unique())]


def _grid(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each cell of the picture, from top left to bottom right; an absent pair says that it is."""
    if rows.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    columns = rows[["network", "workload"]].drop_duplicates()
    columns = columns.sort_values("network", key=lambda names: _places(names, NETWORKS), kind="stable")
    lines = rows[["direction", "route", "title"]].drop_duplicates("route")
    lines = lines.sort_values("direction", key=lambda names: _places(names, DIRECTIONS), kind="stable")
    own = rows.drop(columns=["network", "direction", "title"])
    grid = lines.merge(columns, how="cross").merge(own, how="left", on=["route", "workload"])
    grid["machine"] = grid["machine"].fillna(rows["machine"].iloc[0])
    grid["date"] = grid["date"].fillna(rows["date"].max())
    grid["status"] = grid["status"].fillna(ABSENT)
    grid["kept_percent"] = 100 * grid["kept"].astype(float)
    grid["words"] = grid.apply(_words, axis=1)
    return grid[list(COLUMNS)]


def _places(names: pd.Series, order: tuple[str, ...]) -> pd.Series:
    return names.map(lambda name: order.index(name) if name in order else len(order))


def _words(row: pd.Series) -> str:
    """Say what a cell's bar is, and whether outputs and training are the same, or how the move ended."""
    ended = style.state_words(row["status"], short=True)
    known = pd.notna(row["kept_percent"])
    if ended:
        return f"{_percent(row['kept_percent'])}, then {ended}" if known else ended
    if not known:
        return "not converted"
    said = SAME.get((row["same_outputs"], row["same_training"]), "not compared")
    return f"{_percent(row['kept_percent'])}, {said}"


def _percent(value: float) -> str:
    """Write a share so that rounding makes it neither nothing nor all."""
    if value and value < 0.05:
        return "<0.1 %"
    if value != 100 and abs(value - 100) < 0.05:
        return "below 100 %" if value < 100 else "above 100 %"
    digits = 1 if 0 < value < 1 or 0 < abs(value - 100) < 1 else 0
    return f"{value:.{digits}f} %"


def _tried(data: pd.DataFrame) -> pd.DataFrame:
    return data[~data["status"].isin(OUTSIDE)]


def _same(data: pd.DataFrame) -> pd.Series:
    return data["status"].eq("ok") & data["same_outputs"].eq("yes") & data["same_training"].eq("yes")


# -- words -------------------------------------------------------------------------------------------------------------
def _title(data: pd.DataFrame) -> str:
    tried = _tried(data)
    if tried.empty:
        return "No model has been moved on this machine yet"
    same = int(_same(tried).sum())
    return f"{same} of {len(tried)} moves {'leaves' if same == 1 else 'leave'} outputs and training the same"


def _limits(data: pd.DataFrame) -> str:
    if data.empty:
        return _upkeep.absent("upkeep_moving")
    more = (
        "above 100 % constants of the graph have become parameters, too; " if (data["kept_percent"] > 100).any() else ""
    )
    return (
        "Small networks that had learned a little: a larger one or another release of a converter may end otherwise; "
        f"{more}why a cell has no bar stands in the table."
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _size(tried: pd.DataFrame) -> str:
    if tried.empty:
        return "0 moves"
    of = ", ".join((_count(tried["route"].nunique(), "route"), _count(tried["workload"].nunique(), "network")))
    return f"{_count(len(tried), 'move')} ({of})"


def _where(data: pd.DataFrame) -> str:
    own = _tried(data) if len(_tried(data)) else data
    days = sorted(own["date"].astype(str).unique())
    return f"{own['machine'].iloc[0]}, {' to '.join(dict.fromkeys((days[0], days[-1])))}"


def _ways(tried: pd.DataFrame) -> str:
    """Count by way: what a route's title names before its colon."""
    ways = tried["title"].str.split(":").str[0]
    return "; ".join(
        f"{way[0].lower() + way[1:] if way[1:2].islower() and not way.startswith('Keras') else way} "
        f"{int(_same(own).sum())} of {len(own)}"
        for way, own in tried.groupby(ways, sort=False)
    )


def _finding(data: pd.DataFrame) -> Finding:
    tried = _tried(data)
    moved = tried[tried["kept_percent"].notna()]
    low, high = moved["kept_percent"].min(), moved["kept_percent"].max()
    without = len(tried) - len(moved)
    if moved.empty:
        kept = "no model arrived"
    elif low == high:
        kept = f"{_percent(low)} of the parameters still train in every model that arrived"
    else:
        kept = f"{_percent(low)} to {_percent(high)} of the parameters still train in the models that arrived"
    return Finding(
        "Can a model be moved between the frameworks?",
        f"{_title(data)} ({_ways(tried)}); {without or 'none'} gave no model.",
        f"{kept}; no interval: each move was run once",
        f"n = {_size(tried)}, {_where(data)}",
    )


def _description(data: pd.DataFrame) -> str:
    if data.empty:
        return (
            "An empty frame. It would show, for each route by which a model is moved between PyTorch and TensorFlow "
            "and for each kind of network, the share of its parameters that still train and whether outputs and "
            "training are the same, in words and with one bar a cell, without intervals. No such measurement has "
            f"landed for this build, so there are 0 rows; run {_upkeep.COMMAND} and draw the page again."
        )
    start = (
        f"A table of {_count(data['route'].nunique(), 'route')}, one a row, grouped by direction, and "
        f"{_count(data['workload'].nunique(), 'network')}, one a column. A bar is the share of the parameters that "
        "still train; the words below it say the share, and whether outputs and training are the same; where no model "
        "arrived they say how the move ended. "
    )
    tried, moved = _tried(data), data[data["kept_percent"].notna()]
    if tried.empty:
        return f"{start}Nothing was measured here: all {len(data)} cells say so."
    start += f"{_title(data)}: {_ways(tried)}. "
    ends = data.loc[data["kept_percent"].isna(), "words"].value_counts(sort=False)
    start += f"Without a model: {', '.join(f'{n} {words}' for words, n in ends.items())}. " if len(ends) else ""
    if moved.empty:
        return f"{start}No model arrived, so there is no bar."
    named = {"First": moved.iloc[0], "last": moved.iloc[-1]}
    named |= {
        "lowest": moved.loc[moved["kept_percent"].idxmin()],
        "highest": moved.loc[moved["kept_percent"].idxmax()],
    }
    return start + "; ".join(
        f"{name} {_percent(row['kept_percent'])} ({row['title']}, {row['direction']}, {row['network']})"
        for name, row in named.items()
    ) + "."  # fmt: skip


# -- picture -----------------------------------------------------------------------------------------------------------
def _height(data: pd.DataFrame) -> float:
    return HEADING * data["direction"].nunique() + ROW * data["route"].nunique()


def _draw(figure: Figure, data: pd.DataFrame) -> None:
    """Draw in inches from the top left; all bars are one path, and all of what a bar could fill is another."""
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_xlim(0, figure.get_figwidth())
    ax.set_ylim(figure.get_figheight(), 0)
    ax.set_axis_off()
    columns = data[["network", "workload"]].drop_duplicates()
    share = (figure.get_figwidth() - LEFT - EDGE) / len(columns)
    starts = {workload: LEFT + number * share for number, workload in enumerate(columns["workload"])}
    _heads(ax, columns, starts, longer=bool((data["kept_percent"] > CUT).any()))
    bars: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in ("track", "kept", "rule", "full")}
    arrows: list[tuple[float, float]] = []
    y = TOP
    for direction, own in data.groupby("direction", sort=False):
        _add(bars["rule"], EDGE, figure.get_figwidth() - EDGE, y + 0.02)
        _write(ax, EDGE, y + 0.155, direction, fontweight="bold", fontsize=8.2)
        y += HEADING
        for _, cells in own.groupby("route", sort=False):
            label = textwrap.fill(cells["title"].iloc[0], LETTERS)
            _write(ax, EDGE + 0.1, y + ROW / 2 - 0.02, label, fontsize=LABEL, linespacing=1.1)
            for _, cell in cells.iterrows():
                x = starts[cell["workload"]]
                bare = pd.isna(cell["kept_percent"])
                at, color = (y + ROW / 2 - 0.02, style.MUTED) if bare else (y + WORDS, style.INK)
                _write(ax, x, at, cell["words"], fontsize=LABEL - 0.2, color=color)
                if not bare:
                    _add(bars["track"], x, x + FULL, y + BAR)
                    _add(bars["kept"], x, x + FULL * min(cell["kept_percent"], CUT) / 100, y + BAR)
                    if cell["kept_percent"] > 101:  # where 100 % is
                        _add(bars["full"], x + FULL - 0.008, x + FULL + 0.008, y + BAR)
                    if cell["kept_percent"] > CUT:
                        arrows.append((x + FULL * CUT / 100, y + BAR))
            y += ROW
    flat = {"solid_capstyle": "butt"}
    ax.plot(*bars["rule"], color=style.RULE, linewidth=0.8, **flat)
    ax.plot(*bars["track"], color=style.RULE, linewidth=5.5, **flat)
    ax.plot(*bars["kept"], color=style.INK, linewidth=5.5, **flat)
    ax.plot(*bars["full"], color=style.PAPER, linewidth=5.5, **flat)
    if arrows:
        ax.plot(*zip(*arrows, strict=True), marker=">", color=style.INK, markersize=6.5, linestyle="none")


def _heads(ax: Axes, columns: pd.DataFrame, starts: dict[str, float], *, longer: bool) -> None:
    small = {"fontsize": style.NOTE_SIZE - 0.6, "color": style.MUTED}
    key = ["bar: share that still trains", "both: outputs and training", f"arrow: longer than {CUT:.0f} %"]
    _write(ax, EDGE, TOP - 0.23, "\n".join(key if longer else key[:2]), linespacing=1.15, **small)
    for network, workload in columns.itertuples(index=False):
        several = (columns["network"] == network).sum() > 1
        _write(ax, starts[workload], TOP - 0.32, f"{network}, {workload}" if several else network, fontweight="bold",
               fontsize=8.2)  # fmt: skip
        _write(ax, starts[workload], TOP - 0.1, "0", **small)
        _write(ax, starts[workload] + FULL, TOP - 0.1, "100 %", ha="right", **small)


def _add(path: tuple[list[float], list[float]], start: float, end: float, y: float) -> None:
    path[0].extend((start, end, float("nan")))
    path[1].extend((y, y, float("nan")))


def _write(ax: Axes, x: float, y: float, words: str, **text: object) -> None:
    ax.text(x, y, words, va="center", parse_math=False, **text)
