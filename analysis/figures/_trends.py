"""What the trend figures share: where they stand, dates in words, rows in groups, and words for what is absent."""

from __future__ import annotations

import calendar
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis import style
from analysis.figures import Drawing, _rows
from analysis.figures import _adoption as shared
from analysis.indicators import load_indicators

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = "trends"
ARCHIVE, ARCHIVE_SOURCE = "code_labels", "pwc_archive"
CONFERENCES = "conference_papers"
LETTERS_PER_INCH = 14.5  # of the size of a note
GRID_ROW = 0.46  # inches
LINE = 0.15  # inches between the lines of a note


def flags(column: pd.Series) -> pd.Series:
    """Return a column of true and false that a CSV may hold as text or number, with a gap for false."""
    return column.map(lambda value: str(value).lower() in ("true", "1", "1.0")).astype(bool)


def present(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that hold data: those whose column ``needs`` is empty."""
    return table[table["needs"].map(shared.text) == ""]


def missing(*tables: pd.DataFrame) -> list[str]:
    """Return what the absent rows of the tables need, each once."""
    return list(dict.fromkeys(text for table in tables for text in table["needs"].map(shared.text) if text))


def needs_words(needs: str) -> str:
    """Return ``the archive (`command`)`` for ``the archive: command``; a command alone stays alone."""
    what, _, command = needs.rpartition(": ")
    return f"{what}: `{command}`" if "(" in what else f"{what} (`{command}`)" if what else f"`{command}`"


def sources_of(sources: pd.DataFrame, indicators: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of the sources of these indicators, in the order of the table of sources."""
    wanted = set(indicators)
    return tuple(sources.loc[sources["indicator"].isin(wanted), "source"])


def month(t: float) -> str:
    """Return a decimal year as ``Dec 2018``."""
    months = int(np.floor(t * 12 + 1e-6))
    return f"{calendar.month_abbr[months % 12 + 1]} {months // 12}"


def long_month(t: float) -> str:
    """Return a decimal year as ``December 2018``."""
    months = int(np.floor(t * 12 + 1e-6))
    return f"{calendar.month_name[months % 12 + 1]} {months // 12}"


def labels(curves: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return the name of each series in a row of a figure.

    It is the indicator's short name, with the economy, or the years where an indicator has several series.
    """
    observed = present(curves)
    observed = observed[flags(observed["observed"])]
    spans = observed.groupby(["indicator", "series"], sort=False)["t"].agg(["min", "max"])
    count = spans.groupby("indicator").size()
    indicators = load_indicators()
    found = {}
    for (indicator, series), span in spans.iterrows():
        short = indicators[indicator].short
        if series in shared.ECONOMIES:
            short += f", {shared.ECONOMIES[series]}"
        elif count[indicator] > 1:
            short += f", {int(span['min'])} to {int(span['max'])}"
        found[indicator, series] = short
    return found


def ends(curves: pd.DataFrame) -> pd.DataFrame:
    """Return where each trend starts and ends: indicator, series, first and last (decimal years), and in words."""
    seen = present(curves)
    observed = flags(seen["observed"])
    found = []
    for (indicator, series), rows in seen.groupby(["indicator", "series"], sort=False):
        data, trend = rows[observed[rows.index]], rows[~observed[rows.index]]
        span = trend if len(trend) else data
        row = {"indicator": indicator, "series": series}
        for name, t in (("first", span["t"].min()), ("last", span["t"].max())):
            nearest = data.loc[(data["t"] - t).abs().idxmin()] if len(data) else span.iloc[0]
            row |= {name: t, f"{name}_period": period_words(nearest["period"])}
        found.append(row)
    columns = ["indicator", "series", "first", "first_period", "last", "last_period"]
    return pd.DataFrame(found, columns=columns)


def period_words(period: object) -> str:
    """Return a month as ``Dec 2018`` and any other period as it is."""
    words = shared.text(period)
    year, _, number = words.partition("-")
    return f"{calendar.month_abbr[int(number)]} {year}" if len(words) == 7 and number.isdigit() else words


def name_of(row: pd.Series, names: dict[tuple[str, str], str]) -> str:
    """Return the name of the series that a statement is about."""
    short = load_indicators()[row["indicator"]].short
    return names.get((row["indicator"], row["series"]), short)


def grouped(statements: pd.DataFrame, names: dict[tuple[str, str], str]) -> pd.DataFrame:
    """Return statements with ``label`` and ``group``: indicator, venue, or field by the indicator it is a part of."""
    field = statements["field"].fillna("")
    conference = statements["indicator"] == CONFERENCES
    venue = conference & (field == "") & (statements["series"] != "all venues")
    group = np.select([venue, (field != "") & conference, field != ""], ["venue", "field", "code field"], "indicator")
    label = [
        row["field"] if kind.endswith("field") else row["series"] if kind == "venue" else name_of(row, names)
        for kind, (_, row) in zip(group, statements.iterrows(), strict=True)
    ]
    return statements.assign(group=group, label=label)


def lay_out(groups: Sequence[tuple[str, pd.DataFrame]]) -> tuple[list[_rows.Line], float]:
    """Return the lines of a panel with a heading a group and a line a row, and their height in rows."""
    lines, y = [], 0.0
    for heading, rows in groups:
        y += _rows.HEADING / 2
        lines.append(_rows.Line(y, heading, None))
        y += _rows.HEADING / 2
        for place in range(len(rows)):
            row = rows.iloc[[place]]
            lines.append(_rows.Line(y + 0.5, row["label"].iloc[0], row))
            y += 1
        y += _rows.GAP
    return lines, y - _rows.GAP if lines else 0.0


def say(ax: Axes, *texts: str) -> None:
    """Fill a panel with words in place of what it would show, calmly: no axis, no frame, a grey ground."""
    ax.set_facecolor(style.ZONE)
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    ax.spines["bottom"].set_visible(False)
    inches = ax.get_position().width * ax.get_figure().get_figwidth()
    ax.text(
        0.5,
        0.5,
        "\n".join(_wrap(texts, inches)),
        transform=ax.transAxes,
        ha="center",
        va="center",
        fontsize=style.NOTE_SIZE,
        color=style.MUTED,
        parse_math=False,
    )


def _wrap(texts: Sequence[str], inches: float) -> list[str]:
    width = max(18, int(inches * LETTERS_PER_INCH))
    return [
        line for text in texts for line in textwrap.wrap(text.replace("`", ""), width, break_on_hyphens=False) or [""]
    ]


def strip_height(texts: Sequence[str], inches: float = 6.88) -> float:
    """Return the height in inches of a strip that says these texts, 0 where there are none."""
    return 0.18 + LINE * len(_wrap(texts, inches)) if texts else 0.0


def strip(figure: Figure, texts: Sequence[str]) -> None:
    """Say at the foot of a figure what is not in it and what that needs."""
    if texts:
        wide = figure.get_figwidth() - 0.12
        say(place(figure, 0.06, 0.04, wide, strip_height(texts, wide) - 0.08), *texts)


def not_here(needs: Sequence[str], what: str = "") -> list[str]:
    """Return what is absent and what it needs, one text each; none where nothing is absent."""
    start = f"Not here: {what}; needs " if what else "Not here: "
    return [f"{start}{needs_words(text)}" for text in needs]


def placeholder(
    *, title: str, subtitle: str, shows: str, needs: Sequence[str], sources: tuple[str, ...], data: pd.DataFrame
) -> Drawing:
    """Return a figure whose data are absent: it says what it would show, what it needs and how to get it.

    shows   what the figure would show, as the end of "It would show ..."
    """
    wanted = shared.join(needs_words(text) for text in needs)
    text = f"Not drawn yet: n = 0. It would show {shows}. It needs {wanted}."
    return Drawing(
        title=title,
        subtitle=subtitle,
        limits=f"Nothing is shown and nothing is claimed here; needed: {wanted}.",
        description=(
            f"{text} There is no row of data in this build, so there is no first, last or highest value to tell; the "
            "grey field stands where the picture will be, and the table behind it names what is absent. Rerunning the "
            "command and drawing again fills it without any other change."
        ),
        data=data.dropna(axis="columns", how="all").reset_index(drop=True),
        draw=lambda figure: say(figure.add_axes((0.01, 0.03, 0.98, 0.94)), text),
        sources=sources,
        size=(7.0, 1.3),
    )


def place(figure: Figure, left: float, bottom: float, width: float, height: float, **options: Any) -> Axes:
    """Add a panel by inches from the lower left corner."""
    wide, high = figure.get_size_inches()
    return figure.add_axes((left / wide, bottom / high, width / wide, height / high), **options)


def hatch(ax: Axes, start: float, end: float) -> None:
    """Hatch a span of time that a source covers only in part."""
    ax.axvspan(start, end, facecolor="none", edgecolor=style.RULE, hatch="////", linewidth=0, zorder=0.5)


def points(share: float) -> str:
    """Return a change of share in points: ``+11.6``."""
    return f"{100 * share:+.1f}"


@dataclass(frozen=True)
class Cell:
    """One share of a grid: share, low, high (None where there is no interval), and whether it is stressed."""

    share: float
    low: float | None = None
    high: float | None = None
    stressed: bool = False


def grid_height(rows: int) -> float:
    """Return the height of a picture that is a grid of shares, in inches."""
    return GRID_ROW * rows + 0.75


def grid(
    figure: Figure,
    rows: Sequence[tuple[str, int]],
    columns: Sequence[str],
    cells: dict[tuple[str, str], Cell],
    *,
    corner: str = "",
    bottom: float = 0.4,
) -> None:
    """Draw a grid of shares as bars from zero with their intervals: a panel a column, a line a row.

    rows     label and n of each row
    cells    by row label and column
    corner   what the labels of the rows are
    bottom   inches below the bars
    """
    wide, high = figure.get_size_inches()
    left, right, gap = 1.25, 0.7, 0.14
    panel = (wide - left - right - gap * (len(columns) - 1)) / len(columns)
    for place_of, column in enumerate(columns):
        ax = place(figure, left + place_of * (panel + gap), bottom, panel, high - bottom - 0.3)
        ax.set_xlim(0, 1.18)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_xticks([0, 0.5, 1], ["0", "50", "100 %"], fontsize=style.NOTE_SIZE)
        ax.set_yticks([])
        ax.grid(visible=True, axis="x")
        ax.grid(visible=False, axis="y")
        ax.set_title(column, fontsize=style.TICK_SIZE, pad=5)
        if not place_of:
            _rows.above(ax, 0.06 - left, corner)
        for y, (label, n) in enumerate(rows):
            _grid_cell(ax, y, cells.get((label, column)))
            if not place_of:
                _rows.beside(ax, 0.06 - left, y, label)
            if place_of == len(columns) - 1:
                _rows.beside(ax, panel + 0.06, y, f"n = {n:,}", size=style.NOTE_SIZE, color=style.MUTED)


def _grid_cell(ax: Axes, y: int, cell: Cell | None) -> None:
    if cell is None:
        ax.text(0.02, y, "none", va="center", fontsize=style.NOTE_SIZE, color=style.MUTED)
        return
    look = (
        {"color": style.MUTED}
        if cell.stressed
        else {"facecolor": style.PAPER, "edgecolor": style.MUTED, "hatch": "///"}
    )
    ax.barh(y - 0.16, cell.share, height=0.3, linewidth=0.6, zorder=2, **look)
    if cell.low is not None and cell.high is not None:
        ax.plot([cell.low, cell.high], [y - 0.16] * 2, "-|", color=style.INK, linewidth=1, markersize=5, zorder=3)
    interval = "" if cell.low is None else f" [{100 * cell.low:.0f}, {100 * cell.high:.0f}]"
    ax.text(0.0, y + 0.25, f"{100 * cell.share:.0f}{interval}", va="center", fontsize=style.NOTE_SIZE, color=style.INK)
