"""Choosing rows where a table holds several sets, tracks and precisions, and panels for what is left."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from analysis import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

THIS_RUN = "this run"
SET = ["origin", "machine", "preset"]
#: What a table of before, which knows fewer axes, means.
DEFAULTS = {"origin": THIS_RUN, "machine": "", "preset": "", "precision": "float32", "track": "matched", "date": ""}


def filled(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with the columns that tell sets, tracks and precisions apart, none of them empty."""
    frame = frame.copy()
    for name, value in DEFAULTS.items():
        column = frame[name].astype(object) if name in frame else pd.Series(value, frame.index, dtype=object)
        frame[name] = column.where(column.notna(), value).astype(str)
    return frame


def leading(frame: pd.DataFrame, *, track: str = "matched", precision: str = "float32") -> pd.DataFrame:
    """Return one track and precision, and of each workload one set: this run's, else the last that landed.

    A set without a single good row gives way to one that has some. Rows keep their order.
    """
    frame = filled(frame)
    frame = frame[(frame["track"] == track) & (frame["precision"] == precision)]
    if frame.empty:
        return frame.reset_index(drop=True)
    rank = pd.DataFrame(
        {"good": frame["status"] == "ok", "own": frame["origin"] == THIS_RUN, "date": frame["date"]}
    ).assign(**{name: frame[name] for name in ("workload", *SET)})
    sets = rank.groupby(["workload", *SET], sort=False, as_index=False).agg(
        good=("good", "any"), own=("own", "first"), date=("date", "max")
    )
    first = sets.sort_values(["good", "own", "date"], ascending=False, kind="stable").drop_duplicates("workload")
    keep = set(first[["workload", *SET]].itertuples(index=False, name=None))
    mine = [key in keep for key in frame[["workload", *SET]].itertuples(index=False, name=None)]
    return frame[mine].reset_index(drop=True)


def whose(row: pd.Series) -> str:
    """Say whose rows these are where this run did not make them: "contributed, example-cpu-2c"."""
    origin, machine = (str(row.get(name, "")) for name in ("origin", "machine"))
    return "" if origin in (THIS_RUN, "nan", "") else f"{origin}, {machine}"


def whose_words(frame: pd.DataFrame) -> str:
    """Name the sets of the rows for a subtitle, such as "this run and a set landed from example-cpu-2c"."""
    others = frame.loc[frame["origin"] != THIS_RUN, ["origin", "machine"]].drop_duplicates()
    named = [f"a set {origin} from {machine}" for origin, machine in others.itertuples(index=False, name=None)]
    words = [*(["this run"] if (frame["origin"] == THIS_RUN).any() else []), *named]
    if len(words) > 3:
        words = [*words[:2], f"{len(words) - 2} further sets"]
    return " and ".join(words) or "no set"


def sources(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return the sources of a figure: this machine where this run has rows in it, and each set of others by name."""
    if rows.empty or "origin" not in rows:
        return ("this machine",)
    others = rows.loc[rows["origin"] != THIS_RUN, ["origin", "machine"]].drop_duplicates()
    named = [f"{origin} set of machine {machine}" for origin, machine in others.itertuples(index=False, name=None)]
    return (*(["this machine"] if (rows["origin"] == THIS_RUN).any() else []), *named)


def last_environment(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the tuned rows of each workload, or those of its only environment."""
    tuned = frame.groupby("workload")["environment"].transform(lambda names: "tuned" in set(names)).astype(bool)
    if frame.empty:
        return frame
    return frame[~tuned | (frame["environment"] == "tuned")].reset_index(drop=True)


#: What a figure's own CSV holds of a ratio; the table of ratios holds the rest.
TOLD = (
    *("origin", "machine", "workload", "phase", "batch_size", "environment", "first", "second", "pytorch_mode"),
    *("tensorflow_mode", "axis", "value", "threads", "ratio", "low", "high", "pairs", "parity", "status", "note"),
)


def told(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that a reader of a figure's numbers needs, without those that never differ from nothing."""
    kept = [name for name in TOLD if name in rows]
    return rows[kept].drop(columns=[name for name in ("machine",) if name in kept and (rows[name] == "").all()])


MANY = 4  # workloads from which on a figure with a row a mode shows one phase only


def fit(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that a figure with a row a mode has room for: with many workloads one phase, without Keras."""
    if frame["workload"].nunique() <= MANY:
        return frame
    first = frame.groupby("workload")["phase"].transform("first")
    return frame[(frame["phase"] == first) & (frame["framework"] != "keras")].reset_index(drop=True)


def grid(
    figure: Figure, groups: list, *, columns: int, heads: float = 0.5, right: float = 0.1, gap: float = 0.5
) -> Iterator[tuple[Axes, object]]:
    """Yield an axes for each group, row by row.

    heads, gap  inches above and below each panel, for its title and its axis
    right       inches right of each panel, for the labels of its lines
    """
    wide, high = figure.get_figwidth(), figure.get_figheight()
    deep, left = -(-len(groups) // columns), 0.42
    width, height = wide / columns - left - right, high / deep - heads - gap
    for place, group in enumerate(groups):
        row, column = divmod(place, columns)
        x, y = column * wide / columns + left, high - row * high / deep - heads - height
        yield figure.add_axes((x / wide, y / high, width / wide, height / high)), group


def panel_title(ax: Axes, row: pd.Series) -> None:
    """Write a panel's title: workload, phase, and whose rows they are where this run did not make them."""
    owner = f" ({row['origin']})" if whose(row) else ""
    words = textwrap.wrap(f"{row['workload_title']}, {phase(row)}{owner}", 40)[:3]
    ax.set_title("\n".join(words), fontsize=7.8, linespacing=1.1)


def bars(ax: Axes, x: Sequence[float], low: Sequence[float], high: Sequence[float], *, upright: bool = True) -> None:
    """Draw intervals as one path with gaps: a path each would weigh more than all else in the picture."""
    along = [part for value in x for part in (value, value, float("nan"))]
    across = [part for ends in zip(low, high, strict=True) for part in (*ends, float("nan"))]
    ax.plot(
        *((along, across) if upright else (across, along)),
        color=style.INK,
        linewidth=1.0,
        solid_capstyle="butt",
        zorder=2,
    )


def phase(row: pd.Series) -> str:
    """Return the words for the phase of a row."""
    return style.PHASE_LABELS.get(row["phase"], str(row["phase"]))


def short(mode: str) -> str:
    """Return a mode in one word: compile, function, XLA."""
    return style.MODE_LABELS.get(mode, mode).rsplit(".", maxsplit=1)[-1]


def pair(row: pd.Series) -> str:
    """Return the pair of modes in short: "compile / XLA"."""
    return f"{short(row['pytorch_mode'])} / {short(row['tensorflow_mode'])}"


#: Marker and dash of the lines of one panel, in the order of the plan: ink only, since a ratio belongs to neither side.
LINES = (
    ("o", "-"),
    ("s", (0, (5, 2))),
    ("^", (0, (1, 1.5))),
    ("D", (0, (6, 2, 1, 2))),
    ("v", (0, (3, 1))),
    ("P", (0, (8, 2))),
)
