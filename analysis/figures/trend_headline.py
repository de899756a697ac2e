"""The share of PyTorch among papers: the trend with its band, every count behind it, and how much they cover."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding
from analysis.figures import _adoption as shared
from analysis.figures import _trends as trends

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = trends.SECTION
ORDER = 0
REQUIRES = ("trend_curves", "trend_envelope", "trend_classes", "trend_statements", "trend_corrected", "sources")

CONFERENCES, POOLED = trends.CONFERENCES, "all venues, by year"
NAMES = {trends.ARCHIVE: "papers with code", CONFERENCES: "conference papers"}
COVERED = {
    trends.ARCHIVE: "papers of the archive with a usable label",
    CONFERENCES: "papers that name exactly one of the two",
}
LEVELS = {
    trends.ARCHIVE: "",
    CONFERENCES: " Each venue has a level of its own; the trend is their mean, so a few venues' points lie off it.",
}
LEFT, RIGHT = 0.55, 0.3  # inches
SMALLEST, LARGEST = 5.0, 90.0  # areas of the points, square points
GROUND = {"facecolor": style.PAPER, "edgecolor": "none", "pad": 1.0}
MANY = 33  # points; more of them are drawn smaller


@dataclass(frozen=True)
class Parts:
    """What is drawn: of the archive where it is there, of the conferences otherwise.

    observed, fitted   rows of ``trend_curves``; envelope: t, low, high, rules; coverage: rows of ``trend_classes``
    corrected          rows of ``trend_corrected`` that hold a share (the series after the archive's end)
    notes              what is absent in this picture and what it needs
    """

    indicator: str
    observed: pd.DataFrame
    fitted: pd.DataFrame
    envelope: pd.DataFrame
    coverage: pd.DataFrame
    corrected: pd.DataFrame
    notes: tuple[str, ...]


def make(tables: Mapping[str, pd.DataFrame]) -> Drawing:
    """Draw the trend of papers with code, or of conference papers where the archive is not there."""
    parts = _parts(tables)
    if parts.observed.empty:
        return trends.placeholder(
            title="The share of papers has no count here",
            subtitle="PyTorch share of papers with code, or of conference papers; n = 0 papers",
            shows="the share of PyTorch among papers, with its band, its counting rules and its coverage",
            needs=trends.missing(tables["trend_curves"]),
            sources=(trends.ARCHIVE_SOURCE,),
            data=tables["trend_curves"],
        )
    statements = trends.present(tables["trend_statements"])
    own = statements[
        (statements["indicator"] == parts.indicator)
        & (statements["field"].fillna("") == "")
        & statements["series"].isin(parts.observed["series"])
    ].set_index("statement")
    what, n = NAMES[parts.indicator], parts.observed["n"]
    periods = [trends.period_words(text) for text in parts.observed["period"]]
    band = "dark band: pointwise 95 % of a binomial spline"
    rules = int(parts.envelope["rules"].max()) if len(parts.envelope) else 1
    light = f"light band: range over {rules} counting rules, no interval" if rules > 1 else "one counting rule"
    after = "; diamonds: detector, corrected, 95 % bars" if len(parts.corrected) else ""
    by_rule = " ".join(filter(None, (_rule_words(parts), _bound_words(tables["trend_envelope"], parts))))
    crossing, last, direction = (_sentence(own, name) for name in ("crossing", "last_share", "direction"))
    peak = parts.fitted.loc[parts.fitted["share"].idxmax()] if len(parts.fitted) else None
    cover = parts.coverage
    covered = f"Coverage goes from {_cover(cover.iloc[0])} to {_cover(cover.iloc[-1])}." if len(cover) else ""
    first, end = parts.observed.iloc[0], parts.observed.iloc[-1]
    absent = " ".join(f"{note}." for note in parts.notes)
    return Drawing(
        title=_title(own, what),
        subtitle=(
            f"PyTorch share of {what} with only one of the two, {periods[0]} to {periods[-1]}, n = "
            f"{shared.number(n.sum())}; point area grows with n ({n.min():,.0f} to {n.max():,.0f}); {band}; {light}"
            f"{after}"
        ),
        limits=(
            f"{by_rule} Keras counts as TensorFlow; hatched times are incomplete.{LEVELS[parts.indicator]} {absent}"
        ).strip(),
        description=" ".join(
            filter(
                None,
                [
                    f"The share of PyTorch among {what} in {len(parts.observed)} counts with a fitted trend. The first "
                    f"count is {shared.estimate(first)} in {periods[0]} (n = {first['n']:,.0f}), the last "
                    f"{shared.estimate(end)} in {periods[-1]} (n = {end['n']:,.0f}).",
                    crossing,
                    last,
                    direction,
                    f"The trend is highest in {trends.long_month(peak['t'])} at {shared.percent(peak['share'])}."
                    if peak is not None
                    else "",
                    covered,
                    by_rule,
                    absent,
                ],
            )
        ),
        data=_data(parts),
        draw=lambda figure: _draw(figure, parts),
        sources=trends.sources_of(tables["sources"], [parts.indicator]) or (trends.ARCHIVE_SOURCE,),
        size=(7.0, 4.9 + trends.strip_height(parts.notes)),
        finding=_finding(own, parts, what) if parts.indicator == trends.ARCHIVE and _said(own) else None,
    )


def _parts(tables: Mapping[str, pd.DataFrame]) -> Parts:
    curves = trends.present(tables["trend_curves"])
    indicator = trends.ARCHIVE if (curves["indicator"] == trends.ARCHIVE).any() else CONFERENCES
    own = curves[curves["indicator"] == indicator]
    seen = trends.flags(own["observed"])
    kinds = trends.present(tables["trend_classes"])
    cover = kinds[(kinds["indicator"] == indicator) & (kinds["what"] == "coverage")]
    if indicator == CONFERENCES:
        cover = cover[cover["series"] == POOLED]
    corrected = trends.present(tables["trend_corrected"])
    notes = (
        []
        if indicator == trends.ARCHIVE
        else trends.not_here(trends.missing(tables["trend_curves"]), "papers with code")
    )
    notes += trends.not_here(trends.missing(tables["trend_corrected"]), "the series after July 2025")
    shown = indicator == trends.ARCHIVE
    return Parts(
        indicator,
        own[seen].sort_values(["t", "period"], kind="stable").reset_index(drop=True),
        own[~seen].sort_values("t", kind="stable").reset_index(drop=True),
        _envelope(tables["trend_envelope"], indicator, own),
        cover.sort_values("t").reset_index(drop=True),
        corrected[corrected["share"].notna() & shown].reset_index(drop=True),
        tuple(notes),
    )


def _envelope(table: pd.DataFrame, indicator: str, own: pd.DataFrame) -> pd.DataFrame:
    """Return the range over the counting rules, where there is more than one; bounds are no rules."""
    rows = table[(table["indicator"] == indicator) & table["share"].notna() & ~trends.flags(table["bound"])]
    rows = rows[rows["series"].isin(own["series"])]
    found = rows.groupby("t")["share"].agg(low="min", high="max", rules="count").reset_index()
    return found[found["rules"] > 1].reset_index(drop=True)


def _sentence(own: pd.DataFrame, statement: str) -> str:
    return str(own.loc[statement, "sentence"]) if statement in own.index else ""


def _cover(row: pd.Series) -> str:
    return f"{shared.percent(row['share'])} in {trends.period_words(row['period'])}"


def _said(own: pd.DataFrame) -> bool:
    """Return whether the last share is stated: fewer than five periods carry no trend."""
    return "last_share" in own.index and pd.notna(own.loc["last_share", "value"])


def _title(own: pd.DataFrame, what: str) -> str:
    """Return who led at the end of the trend, with the band; neither is said where the band holds one half."""
    if not _said(own):
        return f"Too few {what} were counted for a trend"
    last = own.loc["last_share"]
    when, share = trends.period_words(last["period"]), f"{100 * last['low']:.0f}-{100 * last['high']:.0f} %"
    if last["verdict"] == "ahead":
        return f"PyTorch led {what} in {when}: {share}"
    if last["verdict"] == "behind":
        return f"TensorFlow led {what} in {when}"
    return f"Neither surely led {what} in {when}"


def _rule_words(parts: Parts) -> str:
    if parts.envelope.empty:
        return "Other counting rules cannot be told apart in these counts."
    width = parts.envelope["high"] - parts.envelope["low"]
    widest = parts.envelope.loc[width.idxmax()]
    return (
        f"The points are the default rule; other rules differ by at most {100 * width.max():.0f} points "
        f"({trends.long_month(widest['t'])})."
    )


def _bound_words(table: pd.DataFrame, parts: Parts) -> str:
    """Say how far papers without a label could move the last count, and what the intervals do not allow for."""
    own = table[(table["indicator"] == parts.indicator) & table["series"].isin(parts.observed["series"])]
    bounds = own[trends.flags(own["bound"]) & own["share"].notna()]
    notes = own.loc[trends.flags(own["default"]), "note"].dropna().unique()
    words = [f"{note[0].upper()}{note[1:]}." for note in notes if note]
    if len(bounds):
        last = bounds[bounds["t"] == bounds["t"].max()]
        ends = f"{shared.percent(last['share'].min())} and {shared.percent(last['share'].max())}"
        when = trends.period_words(last["period"].iloc[0])
        words.insert(0, f"Papers without a label could put the share of {when} anywhere between {ends}.")
    return " ".join(words)


def _finding(own: pd.DataFrame, parts: Parts, what: str) -> Finding:
    last = own.loc["last_share"].rename({"value": "share"})
    return Finding(
        question="Which framework is the code of papers written in?",
        answer=" ".join(filter(None, (_sentence(own, "last_share"), _sentence(own, "crossing")))),
        estimate=f"{shared.estimate(last)} PyTorch in {trends.period_words(last['period'])} (pointwise 95 % band)",
        evidence=f"n = {shared.number(parts.observed['n'].sum())} {what} with only one of the two, "
        f"{trends.period_words(parts.observed['period'].iloc[0])} to "
        f"{trends.period_words(parts.observed['period'].iloc[-1])}",
    )


def _data(parts: Parts) -> pd.DataFrame:
    """Return the drawn rows, with what each of them is."""
    found = [
        parts.observed.assign(drawn="count"),
        parts.fitted.assign(drawn="trend"),
        parts.envelope.assign(drawn="range over counting rules"),
        parts.coverage.assign(drawn="coverage"),
        parts.corrected.assign(drawn="detector, corrected"),
    ]
    found += [pd.DataFrame([{"drawn": "absent", "note": note}]) for note in parts.notes]
    table = pd.concat([rows.dropna(axis="columns", how="all") for rows in found if len(rows)], ignore_index=True)
    columns = ["drawn", "indicator", "series", "rule", "period", "t", "share", "low", "high", "n", "rules"]
    return table[[name for name in [*columns, "incomplete", "break", "note"] if name in table]]


# ---------------------------------------------------------------------------------------------------------- picture


def _draw(figure: Figure, parts: Parts) -> None:
    width, height = figure.get_size_inches()
    strip = trends.strip_height(parts.notes)
    panel = width - LEFT - RIGHT
    low = trends.place(figure, LEFT, strip + 0.5, panel, 0.75)
    top = trends.place(figure, LEFT, strip + 1.55, panel, height - strip - 1.75, sharex=low)
    _draw_trend(top, parts)
    _draw_coverage(low, parts)
    times = [*parts.observed["t"], *parts.fitted["t"], *parts.corrected["t"], *parts.coverage["t"]]
    top.set_xlim(min(times) - 0.3, max(times) + 0.5)
    _year_ticks(low, parts)
    top.tick_params(labelbottom=False, bottom=False)
    _label_end(top, parts)
    trends.strip(figure, parts.notes)


def _draw_trend(ax: Axes, parts: Parts) -> None:
    color = style.COLORS["pytorch"]
    if len(parts.envelope):
        style.envelope(ax, parts.envelope["t"], parts.envelope["low"], parts.envelope["high"], "pytorch")
    fitted = parts.fitted
    if len(fitted):
        style.band(ax, fitted["t"], fitted["low"].astype(float), fitted["high"].astype(float), "pytorch")
        ax.plot(fitted["t"], fitted["share"], color=color, linewidth=2.0, zorder=2.8)
    _draw_points(ax, parts.observed)
    late = parts.observed[trends.flags(parts.observed["incomplete"])]
    if len(late) > 1:
        step = np.median(np.diff(np.unique(parts.observed["t"])))
        trends.hatch(ax, late["t"].min() - step / 2, late["t"].max() + step / 2)
        words = "incomplete: code is linked late" if parts.indicator == trends.ARCHIVE else "incomplete"
        right = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "ha": "right", "va": "bottom"}
        end = late["t"].max() + step / 2
        ax.annotate(words, (end, 0), xytext=(-3, 4), fontsize=style.NOTE_SIZE, color=style.MUTED, bbox=GROUND, **right)
    for _, row in _breaks(parts.observed).iterrows():
        style.mark_break(ax, row["t"], row["break"])
    _draw_corrected(ax, parts.corrected)
    shared.half_line(ax)
    style.share_axis(ax, top=1.0)


def _breaks(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["break"].fillna("") != ""] if "break" in rows else rows.head(0)


def _draw_points(ax: Axes, rows: pd.DataFrame) -> None:
    color = style.COLORS["pytorch"]
    area = SMALLEST + LARGEST * min(1, MANY / len(rows)) * rows["n"] / rows["n"].max()
    partly = trends.flags(rows["incomplete"])
    for mask, face in ((~partly, color), (partly, style.PAPER)):
        look = {"facecolors": face, "edgecolors": color, "linewidths": 0.8, "zorder": 2.2, "clip_on": False}
        ax.scatter(rows.loc[mask, "t"], rows.loc[mask, "share"], s=area[mask], alpha=0.7, **look)


def _draw_corrected(ax: Axes, rows: pd.DataFrame) -> None:
    if rows.empty:
        return
    color = style.COLORS["pytorch"]
    ax.vlines(rows["t"], rows["low"], rows["high"], color=color, linewidth=1, zorder=2.6)
    ax.plot(rows["t"], rows["share"], "D", color=color, markerfacecolor=style.PAPER, markersize=4, zorder=3.2)
    style.mark_break(ax, rows["t"].min(), "")
    ax.annotate(
        "new series: detector",
        (rows["t"].min(), 0),
        xycoords=("data", "axes fraction"),
        xytext=(-3, 18),
        textcoords="offset points",
        ha="right",
        bbox=GROUND,
        fontsize=style.NOTE_SIZE,
        color=style.MUTED,
    )


def _label_end(ax: Axes, parts: Parts) -> None:
    if parts.fitted.empty:
        return
    row = parts.fitted.iloc[-1]
    words = f"PyTorch, {trends.month(row['t'])}: {shared.estimate(row)}"
    # Under the line at one half where PyTorch is ahead: the trend and its points are above it then.
    height, right = (0.45 if row["share"] > 0.5 else 0.55), ax.get_xlim()[1]
    style.direct_label(ax, right, height, words, "pytorch", dx=-2, ha="right", bbox=GROUND)


def _draw_coverage(ax: Axes, parts: Parts) -> None:
    rows = parts.coverage
    if rows.empty:
        return
    width = np.where(rows["grain"] == "year", 0.8, np.where(rows["grain"] == "quarter", 0.22, 0.075))
    partly = trends.flags(rows["incomplete"])
    for mask, pattern in ((~partly, ""), (partly, "////")):
        look = (
            {"color": style.COLORS["other"]}
            if not pattern
            else {
                "facecolor": style.PAPER,
                "edgecolor": style.COLORS["other"],
                "hatch": pattern,
            }
        )
        ax.bar(rows.loc[mask, "t"], rows.loc[mask, "share"], width=width[mask], linewidth=0.6, **look)
    style.share_axis(ax, top=min(1.0, float(rows["share"].max()) * 1.05))
    top = ax.get_ylim()[1]
    ax.set_yticks([0, top], ["0", f"{100 * top:.0f} %"])
    ax.set_title(
        f"Coverage: {COVERED[parts.indicator]}", fontsize=style.NOTE_SIZE, color=style.MUTED, fontweight="normal"
    )


def _year_ticks(ax: Axes, parts: Parts) -> None:
    """Write the years, and the n of each, in the middle of the year."""
    counts = parts.observed.groupby(np.floor(parts.observed["t"]))["n"].sum()
    low, high = ax.get_xlim()
    kept: Sequence[float] = [year for year in counts.index if low < year + 0.5 < high]
    shared.ticks_with_n(ax, [year + 0.5 for year in kept], [f"{year:.0f}" for year in kept], [counts[y] for y in kept])
    ax.tick_params(axis="x", length=0, labelsize=style.NOTE_SIZE if len(kept) > 8 else style.TICK_SIZE)
