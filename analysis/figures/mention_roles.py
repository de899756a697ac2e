"""What it means that an abstract names a framework: used, released, studied or only listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _rows
from analysis.figures import _adoption as shared
from analysis.figures import _trends as trends
from analysis.intervals import wilson
from analysis.trends.uses import BY_LABELS, INDICATOR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = trends.SECTION
ORDER = 50
REQUIRES = ("mention_labels", "trend_uses", "sources")

ROLES = ("used", "released", "studied", "listed")
USE = ("used", "released")
SMALL = 20
SOURCE = "labelled mentions (data/mention_labels.csv)"
NEEDS = "labelled mentions: data/mention_labels.csv"


def make(tables: Mapping[str, pd.DataFrame]) -> Drawing:
    """Draw, for each framework, how often a mention has which role."""
    labels = tables["mention_labels"]
    if labels.empty:
        return trends.placeholder(
            title="What a mention means is not labelled here",
            subtitle="Role of a framework that an abstract names; n = 0 mentions",
            shows="how many mentions in titles and abstracts mean use, release, study or only a list",
            needs=[NEEDS],
            sources=(SOURCE,),
            data=pd.DataFrame([{"mentions": 0, "needs": NEEDS}]),
        )
    rows = role_shares(labels)
    years = trends.present(tables["trend_uses"]).sort_values(["t", "method"], kind="stable")
    years = years.assign(period=[_year(row) for _, row in years.iterrows()])
    absent = trends.not_here(trends.missing(tables["trend_uses"]), "the months of a refreshed harvest")
    use = _use(labels)
    frameworks = list(dict.fromkeys(rows["framework"]))
    total, unrelated = len(labels), int((~labels["role"].isin(ROLES)).sum())
    unsure = int((labels["confidence"] == "low").sum()) if "confidence" in labels else 0
    said = [
        f"{_name(framework)} (n = {part['n'].iloc[0]:,}): "
        + shared.join(f"{row['role']} {shared.estimate(row)}" for _, row in part.iterrows())
        for framework, part in rows.groupby("framework", sort=False)
    ]
    answer = f"{shared.estimate(use)} of the mentions of PyTorch or TensorFlow mean use or release."
    moved = _moved(years)
    return Drawing(
        title=f"{100 * use['low']:.0f} to {100 * use['high']:.0f} % of mentions mean use or release",
        subtitle=(
            f"Role of each framework named in title or abstract, n = {total:,} labelled mentions, "
            f"{use['n']:,.0f} of them of PyTorch or TensorFlow; Wilson 95 % intervals; filled bars: use or release. "
            "Below: PyTorch among all mentions (open) and among uses and releases (filled), 95 %"
        ),
        limits=(
            "The labelled papers are about 60 % of those found in two archives, no sample of all arXiv; a mention is "
            f"one framework in one paper, and intervals go by papers; {unsure} labels are of low confidence, and "
            f"{unrelated} mentions of something else count in n only.{''.join(f' {text}.' for text in absent)}"
        ),
        description=" ".join(
            [
                f"A grid of bars from zero: {len(frameworks)} frameworks by the four roles used, released, studied "
                f"and listed, from {total:,} labelled mentions. {answer}",
                *(f"{text}." for text in said),
                moved,
            ]
        ),
        data=pd.concat([rows, years[[*_DRAWN]]], ignore_index=True),
        draw=lambda figure: _draw(figure, rows, years, absent),
        sources=(SOURCE, *trends.sources_of(tables["sources"], [INDICATOR])),
        size=(7.0, trends.grid_height(len(frameworks)) + _below(years) + trends.strip_height(absent)),
        finding=Finding(
            question="Does naming a framework in an abstract mean using it?",
            answer=f"{answer} {moved}".strip(),
            estimate=f"{shared.estimate(use)} (Wilson 95 %)",
            evidence=f"n = {use['n']:,.0f} labelled mentions of the two in titles and abstracts",
        ),
    )


def role_shares(labels: pd.DataFrame) -> pd.DataFrame:
    """Return framework, role, count, n, share, low, high; frameworks with few mentions are one row, ``others``."""
    counts = labels["framework"].value_counts()
    kept = [name for name in style.COLORS if counts.get(name, 0) >= SMALL]
    named = labels.assign(framework=labels["framework"].where(labels["framework"].isin(kept), "others"))
    rows = []
    for framework in [*kept, "others"]:
        own = named[named["framework"] == framework]
        for role in ROLES:
            if len(own):
                rows.append({"framework": framework, "role": role, **_share(own, [role])})
    return pd.DataFrame(rows)


def _share(labels: pd.DataFrame, roles: Sequence[str]) -> dict[str, float]:
    """Return count, n, share and Wilson's interval with the effective number of papers (Kish 1965)."""
    count, n = int(labels["role"].isin(roles).sum()), len(labels)
    papers = n**2 / (labels.groupby("arxiv_id").size() ** 2).sum() if "arxiv_id" in labels else n
    low, high = (float(end) for end in wilson(count / n * papers, papers))
    return {"count": count, "n": n, "share": count / n, "low": low, "high": high}


def _use(labels: pd.DataFrame) -> pd.Series:
    """Return the share of the mentions of the two frameworks that mean use or release; of all where there is none."""
    own = labels[labels["framework"].isin(["pytorch", "tensorflow"])]
    return pd.Series(_share(own if len(own) else labels, USE))


_DRAWN = ("series", "period", "share", "low", "high", "share_of_uses", "uses_low", "uses_high", "method")
YEAR_ROW, PANEL = 0.3, 4.2  # inches


def _below(years: pd.DataFrame) -> float:
    return YEAR_ROW * len(years) + 0.75 if len(years) else 0.0


def _year(row: pd.Series) -> str:
    """Return the year of a row; those of a refreshed harvest say so."""
    return str(int(row["t"])) + ("" if row["method"] == BY_LABELS else ", refreshed")


def _moved(years: pd.DataFrame) -> str:
    """Return by how much the share moves where mentions that are no use are left out, as far as the intervals allow."""
    if years.empty:
        return ""
    apart = years[(years["uses_low"] > years["high"]) | (years["uses_high"] < years["low"])]
    most = years.loc[(years["share_of_uses"] - years["share"]).abs().idxmax()]
    words = (
        f"{100 * most['share']:.0f} to {100 * most['share_of_uses']:.0f} % "
        f"[{100 * most['uses_low']:.0f}, {100 * most['uses_high']:.0f}] in {most['period']}"
    )
    if apart.empty:
        return f"Counting only uses moves the share of PyTorch by no more than its interval in any year; most: {words}."
    years_of = shared.join(str(period) for period in apart["period"])
    return f"Counting only uses moves the share of PyTorch beyond both intervals in {years_of}; most: {words}."


def _name(framework: str) -> str:
    return style.FRAMEWORK_LABELS.get(framework, framework)


def _draw(figure: Figure, rows: pd.DataFrame, years: pd.DataFrame, absent: Sequence[str]) -> None:
    lines = rows.groupby("framework", sort=False)["n"].first()
    cells = {
        (_name(row["framework"]), row["role"]): trends.Cell(row["share"], row["low"], row["high"], row["role"] in USE)
        for _, row in rows.iterrows()
    }
    foot = trends.strip_height(absent)
    below = _below(years) + foot
    named = [(_name(name), int(n)) for name, n in lines.items()]
    trends.grid(figure, named, ROLES, cells, bottom=0.4 + below)
    if len(years):
        _draw_years(trends.place(figure, 1.25, 0.32 + foot, PANEL, _below(years) - 0.65), years)
    trends.strip(figure, absent)


def _draw_years(ax: Axes, years: pd.DataFrame) -> None:
    ax.set_xlim(0, 1)
    ax.set_ylim(len(years) - 0.5, -0.5)
    ax.set_xticks([0, 0.5, 1], ["0", "50", "100 %"], fontsize=style.NOTE_SIZE)
    ax.set_yticks([])
    ax.grid(visible=True, axis="x")
    _rows.above(ax, 0.06 - 1.25, "PyTorch share, by year")
    for y, (_, row) in enumerate(years.iterrows()):
        for share, low, high, up, face in (
            ("share", "low", "high", -0.17, style.PAPER),
            ("share_of_uses", "uses_low", "uses_high", 0.17, style.INK),
        ):
            ax.plot([row[low], row[high]], [y + up] * 2, "-|", color=style.INK, linewidth=1, markersize=4, zorder=2)
            look = {"color": style.INK, "markerfacecolor": face, "markersize": 4.2, "clip_on": False}
            ax.plot(row[share], y + up, "o", zorder=3, **look)
        _rows.beside(ax, 0.06 - 1.25, y, str(row["period"]))
        said = f"{100 * row['share']:.0f} of mentions, {100 * row['share_of_uses']:.0f} of uses"
        _rows.beside(ax, PANEL + 0.06, y, said, size=style.NOTE_SIZE)
