"""Which releases open the files of which others?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.deployment import FRAMEWORKS
from analysis.figures import Drawing, Finding, _upkeep, _usability
from analysis.upkeep import COMMAND

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = _upkeep.SECTION
ORDER = 5
REQUIRES = ("upkeep_old_files",)

#: How a file of a kind is opened by a release, from good to bad, and its mark (marker, filled).
ENDS = {
    "as it is": ("o", True),
    "another way": ("o", False),
    "one network only": ("^", False),
    "not at all": ("x", True),
}
NAMES = {"torch": "PyTorch", "tensorflow": "TensorFlow", "keras": "Keras", "tf-keras": "tf-keras"}
TODAY = "today"
WIDTH, LEFT, EDGE = 7.0, 2.35, 0.1  # inches
TOP, ROW, SIDE, MAKER, BOTTOM = 0.3, 0.175, 0.5, 0.24, 0.06
COLUMNS = ("machine", "date", "side", "maker", "saved_by", "kind", "title", "loader", "loaded_by", "opens")


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the matrix; see :class:`analysis.figures.Drawing`."""
    every = tables["upkeep_old_files"]
    # The machine that last opened an old file: a later one without the old releases has less to show.
    old = every[(every["status"] == "ok") & (every["maker"] != TODAY)]
    by_day = (old if len(old) else every).sort_values("date", kind="stable")
    newest = by_day["machine"].iloc[-1] if len(every) else None
    one = every[every["machine"] == newest]
    data = ends(one)
    absent = one[one["status"] == "not_installable"]["saved_by"].tolist()
    return Drawing(
        title=_title(data),
        subtitle=(
            "Files by release that saved them and release that opens them: with the same outputs for a dense and a "
            f"recurrent network; n = {len(data)} pairs of kind of file and releases; {newest}, {data['date'].iloc[0]}"
            if len(data)
            else "Old files and the releases that open them; n = 0 pairs"
        ),
        limits=(_limits(one, absent) if len(data) else _upkeep.absent("upkeep_old_files")),
        description=_description(data),
        data=data,
        draw=lambda figure: _draw(figure, data),
        sources=_usability.measured_on(data),
        size=(WIDTH, _height(data) if len(data) else 1.6),
        finding=_finding(data) if len(data) else None,
    )


def ends(one: pd.DataFrame) -> pd.DataFrame:
    """Return how each kind of file of each maker is opened by each release, the worse of its networks, as a row.

    The first way of a kind is that of its documentation for a whole file; further ones need code or another call.
    """
    opened = one[one["status"] == "ok"]
    first = opened.drop_duplicates("kind").set_index("kind")["way"]
    rows = []
    for (_, maker, kind, loader), own in opened.groupby(["side", "maker", "kind", "loader"], sort=False):
        same = own[own["outcome"] == "same"]
        by = {network: set(same[same["network"] == network]["way"]) for network in own["network"].unique()}
        if all(first[kind] in ways for ways in by.values()):
            end = "as it is"
        elif all(by.values()):
            end = "another way"
        else:
            end = "one network only" if any(by.values()) else "not at all"
        rows.append({**own.iloc[0], "maker": maker, "loader": loader, "opens": end})
    return pd.DataFrame(rows, columns=list(COLUMNS)).reset_index(drop=True)


def release(versions: str) -> str:
    """Return ``tensorflow 2.15.1, keras 2.15.0`` as ``Keras 2.15.0 on TensorFlow 2.15.1``, without local versions."""
    named = [part.rsplit(" ", 1) for part in re.sub(r"\+\w+", "", versions).split(", ")]
    return " on ".join(f"{NAMES.get(part[0], part[0])} {part[-1]}" for part in reversed(named))


def _title(data: pd.DataFrame) -> str:
    now = data[data["loader"] == TODAY]
    old = now[now["maker"] != TODAY]
    if old.empty:
        return (
            "No file of an old release was opened yet" if data.empty else "Only files of today's releases were opened"
        )
    good = (old["opens"] == "as it is").sum()
    return f"{good} of {len(old)} old files open today as they are"


def _counts(data: pd.DataFrame) -> str:
    return ", ".join(f"{(data['opens'] == end).sum()} {end}" for end in ENDS if (data["opens"] == end).any())


def _finding(data: pd.DataFrame) -> Finding | None:
    now = data[(data["loader"] == TODAY) & (data["maker"] != TODAY)]
    if now.empty:
        return None
    by = {FRAMEWORKS[side]: _counts(own) for side, own in now.groupby("side", sort=False)}
    return Finding(
        "Do today's releases open old model files?",
        "Files of old releases open today "
        + "; ".join(f"in {name}: {counts}" for name, counts in by.items())
        + ". What does not open as it is stands in the table with its message and the way out.",
        f"{(now['opens'] == 'as it is').sum()} of {len(now)} as they are; counts, so no interval",
        f"n = {len(now)} kinds of file by old release, {now['maker'].nunique()} old releases, "
        f"{now['machine'].iloc[0]}, {now['date'].iloc[0]}",
    )


def _limits(one: pd.DataFrame, absent: Iterable[str]) -> str:
    words = "Two small networks without layers of one's own, which are what breaks first"
    if names := " and ".join(absent):
        words += f"; {names} could not be installed here"
    if len(waiting := one[one["status"] == "not_run"]["saved_by"].unique()):
        words += f"; {', '.join(waiting)}: not measured here, `{COMMAND}` with `upkeep: {{extra: [old_files]}}` does"
    return words + "."


def _description(data: pd.DataFrame) -> str:
    if data.empty:
        return (
            "An empty frame. It would show one row for each kind of file and release that saved it, one column for "
            "each release that opens it, and a mark for how it is opened. No file has been opened on a machine yet, "
            f"so there are 0 rows; run {COMMAND} and draw the page again."
        )
    first, last = data.iloc[0], data.iloc[-1]
    bad = [_say(row) for _, row in data[data["opens"] == "not at all"].head(4).iterrows()]
    return (
        "A matrix with one row for each kind of file, grouped by the release that saved it, and one column for each "
        "release that opens it; a filled circle for a file that opens as it is, an open circle where another way is "
        "needed, a triangle where one of the two networks opens, a cross for none; old releases are not tried "
        "with newer files. Over all: "
        f"{_counts(data)}. First: {_say(first)}. Last: {_say(last)}."
        + (f" Not at all, for example: {'; '.join(bad)}." if bad else "")
    )


def _say(row: pd.Series) -> str:
    return f"{row['title']} of {release(row['saved_by'])} by {release(row['loaded_by'])}: {row['opens']}"


# -- drawing -----------------------------------------------------------------------------------------------------------
def _height(data: pd.DataFrame) -> float:
    makers = data.drop_duplicates(["side", "maker"])
    rows = data.drop_duplicates(["side", "maker", "kind"])
    return TOP + SIDE * data["side"].nunique() + MAKER * len(makers) + ROW * len(rows) + BOTTOM


def _draw(figure: Figure, data: pd.DataFrame) -> None:
    if data.empty:
        style.state_in_words(figure, "not measured here")
        return
    high = _height(data)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_xlim(0, WIDTH)
    ax.set_ylim(high, 0)
    ax.axis("off")
    marks: dict[str, list[tuple[float, float]]] = {end: [] for end in ENDS}
    lines: list[tuple[float, float]] = []
    small = {"fontsize": style.NOTE_SIZE - 0.6, "color": style.MUTED}
    y = TOP
    for side, own in data.groupby("side", sort=False):
        loaders = own.drop_duplicates("loader").set_index("loader")["loaded_by"]
        wide = (WIDTH - LEFT - EDGE) / len(loaders)
        at = {loader: LEFT + wide * (number + 0.5) for number, loader in enumerate(loaders.index)}
        _write(ax, 0.06, y + 0.3, f"Saved in {FRAMEWORKS[side]}", fontweight="bold", fontsize=8.4)
        for loader, x in at.items():
            words = release(loaders[loader]).replace(" on ", "\non ") + (" (today)" if loader == TODAY else "")
            _write(ax, x, y + 0.25, words, ha="center", **small)
        y += SIDE
        for _, saved in own.groupby("maker", sort=False):
            _write(ax, 0.06, y + MAKER / 2, release(saved["saved_by"].iloc[0]), fontsize=style.NOTE_SIZE)
            lines += [(0.06, y), (WIDTH - EDGE, y), (float("nan"), y)]
            for loader in [each for each in at if each not in set(saved["loader"])]:
                _write(ax, at[loader], y + MAKER / 2, "not tried", ha="center", **small)
            y += MAKER
            for title, cells in saved.groupby("title", sort=False):
                _write(ax, 0.2, y + ROW / 2, title, fontsize=style.NOTE_SIZE - 0.4, color=style.MUTED)
                for _, cell in cells.iterrows():
                    marks[cell["opens"]].append((at[cell["loader"]], y + ROW / 2))
                y += ROW
    ax.plot(*zip(*lines, strict=True), color=style.RULE, linewidth=0.6)
    used = {end: points for end, points in marks.items() if points}
    for number, (end, points) in enumerate(used.items()):
        x = LEFT + number * (WIDTH - LEFT) / len(ENDS)
        marker, filled = ENDS[end]
        look = {"color": style.INK, "markersize": 4.4, "markerfacecolor": style.INK if filled else style.PAPER}
        ax.plot(*zip(*points, (x + 0.06, 0.12), strict=True), marker, **look)
        _write(ax, x + 0.16, 0.12, end, fontsize=style.NOTE_SIZE - 0.4)
    _write(ax, 0.06, 0.12, "It opens with the same outputs", fontsize=style.NOTE_SIZE - 0.4, color=style.MUTED)


def _write(ax: Axes, x: float, y: float, words: str, **look: object) -> None:
    ax.text(x, y, words, **({"va": "center", "ha": "left", "color": style.INK} | look))
