"""When PyTorch passed TensorFlow, by what is counted: the dates side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures import Drawing, Finding
from analysis.figures import _adoption as shared
from analysis.indicators import load_indicators
from analysis.periods import parse_period

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = "adoption"
ORDER = 0
REQUIRES = ("adoption_crossings", "adoption_shares")

DATES = ("first_lead", "lasting_lead", "could_lead_from", "surely_leads_from", "last_period")
APART_YEARS = 1.0  # dates closer than this are said to agree


def make(tables: Mapping[str, pd.DataFrame]) -> Drawing:
    """Set the crossing dates of the indicators' headline series beside each other, earliest first."""
    rows = _rows(tables["adoption_crossings"], tables["adoption_shares"])
    dated = rows[rows["status"].isin(["crossed", "never behind"]) & (rows["lasting_lead"] != "")]
    open_rows = rows[rows["status"] == "not yet"]
    pending = shared.join(f"{row['label']} by {row['last_period']}" for _, row in open_rows.iterrows())
    still = f"No lasting lead yet: {pending}." if pending else ""
    title, answer, estimate = _answer(dated)
    limits = (
        "The rows count different things and are not steps of one process; a bar needs a total, so rows without one "
        "have no interval, and years and quarters blur their date."
    )
    description = " ".join(
        [f"One row for each measure, time running from {int(rows['start'].min())} to {int(rows['end'].max())}."]
        + [f"{row['label']}: {row['words']}." for _, row in rows.iterrows()]
    )
    finding = Finding(
        question="When did PyTorch pass TensorFlow?",
        answer=f"{answer} {still}".strip(),
        estimate=estimate,
        evidence=f"{rows['indicator'].nunique()} indicators, {len(rows)} series, "
        f"{int(rows['start'].min())} to {shared.text(rows.loc[rows['end'].idxmax(), 'last_period'])}",
    )
    columns = ["indicator", "series", "rule", *DATES, "other_rules", "periods", "periods_after", "reversals", "status"]
    return Drawing(
        title=title,
        subtitle=(
            "Filled: ahead to the end. Hollow: first ahead, for a time. Tick: the date under another counting rule. "
            "Bar: the 95 % interval allows, then requires, a lead. Thin line: the data, from PyTorch's first count."
        ),
        limits=limits,
        description=description,
        data=rows[[*columns, "words", "how_sure"]].reset_index(drop=True),
        draw=lambda figure: _draw(figure, rows),
        sources=tuple(sorted({source for ids in rows["source"] for source in ids.split()})),
        size=(7.0, 1.15 + 0.31 * len(rows)),
        finding=finding,
    )


def _answer(dated: pd.DataFrame) -> tuple[str, str, str]:
    """Return title, answer and estimate from the rows that have a date, earliest first."""
    if dated.empty:
        return "PyTorch took no lasting lead in any measure", "In no measure so far.", "no interval: there is no date"
    first, last = dated.iloc[0], dated.iloc[-1]
    spread = f"from {first['lasting_lead']} ({first['label']}) to {last['lasting_lead']} ({last['label']})"
    estimate = "; ".join(dict.fromkeys([_estimate(first), _estimate(last)]))
    years = last["place"] - first["place"]
    if years < APART_YEARS:
        return "The measures agree on when PyTorch took the lead", f"Within a year: {spread}.", estimate
    title = f"PyTorch took the lead about {years:.0f} years apart, by measure"
    return title, f"It depends on what is counted: {spread}, about {years:.0f} years apart.", estimate


def _rows(crossings: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    """Return the drawn rows: dated ones by date, then the undated."""
    found = []
    for indicator in load_indicators().values():
        for series in indicator.headline:
            every = crossings[(crossings["indicator"] == indicator.id) & (crossings["series"] == series)]
            if every[every["rule"] == indicator.default_rule.id].empty:
                continue
            row = shared.crossing(crossings, indicator.id, series)
            data = shared.pick(shares, indicator.id, series)
            data = data[data["share"].notna()]
            if not (data["pytorch"] > 0).any():
                continue
            others = every[every["rule"] != indicator.default_rule.id]["lasting_lead"].map(shared.text)
            place = shared.ECONOMIES.get(series)
            found.append(
                row.to_dict()
                | {
                    "label": f"{indicator.short}, {place}" if place else indicator.short,
                    "other_rules": " ".join(sorted(set(filter(None, others)) - {row["lasting_lead"]})),
                    "start": shared.year_of(data.loc[data["pytorch"] > 0, "period_start"].iloc[0]),
                    "end": shared.year_of(parse_period(data["period"].iloc[-1]).end),
                    "last_share": data["share"].iloc[-1],
                    "source": " ".join(sorted(set(" ".join(data["source"]).split()))),
                    "gap_from": "",
                }
            )
    table = pd.DataFrame(_join_interrupted(found))
    table["place"] = [_place(row) for _, row in table.iterrows()]
    table["words"] = [_words(row) for _, row in table.iterrows()]
    rank = table["status"].map({"crossed": 0, "never behind": 0, "gap": 1, "not yet": 2, "ended before": 3})
    table = table.assign(rank=rank.where(table["lasting_lead"].ne("") | rank.ne(0), 2))
    return table.sort_values(["rank", "place", "label"], kind="stable").reset_index(drop=True)


def _join_interrupted(rows: list[dict]) -> list[dict]:
    """Make one row of two series of an indicator that stop before, and start after, PyTorch took the lead."""
    joined: list[dict] = []
    for row in rows:
        before = joined[-1] if joined else None
        if (
            before
            and before["indicator"] == row["indicator"]
            and (before["status"], row["status"]) == ("ended before", "never behind")
            and before["end"] < row["start"]
        ):
            joined[-1] = row | {
                "status": "gap",
                "gap_from": before["last_period"],
                "gap_start": before["end"],
                "gap_end": row["start"],
                "start": before["start"],
                "series": f"{before['series']} | {row['series']}",
                "source": f"{before['source']} {row['source']}",
                "lasting_lead": "",
                "how_sure": f"{before['how_sure']} Then, in another source: {row['how_sure']}",
            }
        else:
            joined.append(row)
    return joined


def _place(row: pd.Series) -> float:
    if row["status"] == "gap":
        return row["gap_end"]
    return shared.middle(row["lasting_lead"]) if row["lasting_lead"] else row["end"]


def _words(row: pd.Series) -> str:
    if row["status"] == "gap":
        return f"between {row['gap_from']} and {row['first_lead']}: no data then"
    if row["status"] == "not yet":
        return f"not yet: PyTorch {shared.percent(row['last_share'])} in {row['last_period']}"
    if row["status"] == "ended before":
        return f"ended in {row['last_period']} at {shared.percent(row['last_share'])} PyTorch"
    return f"{row['lasting_lead']}, never behind" if row["status"] == "never behind" else row["lasting_lead"]


def _estimate(row: pd.Series) -> str:
    if row["could_lead_from"]:
        return (
            f"{row['label']} {row['lasting_lead']}, interval allows a lead from {row['could_lead_from']}, "
            f"requires it from {row['surely_leads_from'] or 'no period'}"
        )
    return f"{row['label']} {row['lasting_lead']}, no interval: {load_indicators()[row['indicator']].no_interval}"


def _draw(figure: Figure, rows: pd.DataFrame) -> None:
    from analysis import style

    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    right = rows["end"].max()
    for y, (_, row) in enumerate(rows.iterrows()):
        _draw_row(ax, y, row, right)
    ax.set_ylim(len(rows) - 0.5, -0.7)
    ax.set_yticks(range(len(rows)), rows["label"], color=style.INK)
    ax.set_xlim(rows["start"].min() - 0.2, right + 0.9)
    shared.year_ticks(ax, rows["start"].min(), right)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")


def _draw_row(ax: Axes, y: int, row: pd.Series, right: float) -> None:
    from analysis import style

    ink, blue, orange = style.INK, style.COLORS["pytorch"], style.COLORS["tensorflow"]
    after, common = (7, 0), {"textcoords": "offset points", "va": "center", "fontsize": style.TICK_SIZE}
    ends = [(row["start"], row["end"])]
    if row["status"] == "gap":
        ends = [(row["start"], row["gap_start"]), (row["gap_end"], row["end"])]
        ax.plot([row["gap_start"], row["gap_end"]], [y, y], color=blue, linewidth=2, linestyle=(0, (1, 2)))
        centre = (row["gap_start"] + row["gap_end"]) / 2
        ax.annotate(row["words"], (centre, y), xytext=(0, 7), ha="center", color=ink, **common)
    for start, end in ends:
        ax.plot([start, end], [y, y], color=style.RULE, linewidth=1.4, solid_capstyle="butt", zorder=1)
    if row["status"] == "not yet":
        ax.plot(right + 0.35, y, marker=">", markersize=8, color=orange, markerfacecolor=style.PAPER)
        ax.annotate(row["words"], (right, y), xytext=(-2, 7), ha="right", color=ink, **common)
    elif row["status"] == "ended before":
        ax.plot(row["end"], y, marker="|", markersize=9, color=style.MUTED)
        ax.annotate(row["words"], (row["end"], y), xytext=after, ha="left", color=ink, **common)
    if row["lasting_lead"] == "":
        return
    if row["could_lead_from"] and row["surely_leads_from"]:
        start = shared.year_of(parse_period(row["could_lead_from"]).start)
        end = shared.year_of(parse_period(row["surely_leads_from"]).end)
        ax.plot([start, end], [y, y], color=blue, alpha=0.35, linewidth=8, solid_capstyle="butt", zorder=2)
    for other in row["other_rules"].split():
        ax.plot(shared.middle(other), y, marker="|", markersize=11, markeredgewidth=1.6, color=blue, zorder=3)
    if row["first_lead"] != row["lasting_lead"]:
        place = shared.middle(row["first_lead"])
        ax.plot(place, y, marker="o", markersize=6, color=blue, markerfacecolor=style.PAPER, zorder=4)
    ax.plot(row["place"], y, marker="o", markersize=7, color=blue, zorder=5)
    ax.annotate(row["words"], (row["place"], y), xytext=(0, 8), ha="center", color=ink, **common)
