"""What it means that an abstract names a framework: used, released, studied or only listed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding
from analysis.figures import _adoption as shared
from analysis.figures import _trends as trends
from analysis.intervals import wilson

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = trends.SECTION
ORDER = 50
REQUIRES = ("mention_labels",)

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
    return Drawing(
        title=f"{100 * use['low']:.0f} to {100 * use['high']:.0f} % of mentions mean use or release",
        subtitle=(
            f"Role of each framework named in title or abstract, n = {total:,} labelled mentions, "
            f"{use['n']:,.0f} of them of PyTorch or TensorFlow; Wilson 95 % intervals; filled bars: use or release"
        ),
        limits=(
            "The labelled set was drawn to train a classifier and is no random sample of arXiv; a mention is one "
            f"framework in one paper, papers with several count several times; {unsure} labels are of low confidence, "
            f"and {unrelated} mentions of something else count in n only."
        ),
        description=" ".join(
            [
                f"A grid of bars from zero: {len(frameworks)} frameworks by the four roles used, released, studied "
                f"and listed, from {total:,} labelled mentions. {answer}",
                *(f"{text}." for text in said),
            ]
        ),
        data=rows,
        draw=lambda figure: _draw(figure, rows),
        sources=(SOURCE,),
        size=(7.0, trends.grid_height(len(frameworks))),
        finding=Finding(
            question="Does naming a framework in an abstract mean using it?",
            answer=answer,
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
                count = int((own["role"] == role).sum())
                rows.append({"framework": framework, "role": role, **_share(count, len(own))})
    return pd.DataFrame(rows)


def _share(count: int, n: int) -> dict[str, float]:
    low, high = (float(end) for end in wilson(count, n))
    return {"count": count, "n": n, "share": count / n, "low": low, "high": high}


def _use(labels: pd.DataFrame) -> pd.Series:
    """Return the share of the mentions of the two frameworks that mean use or release; of all where there is none."""
    own = labels[labels["framework"].isin(["pytorch", "tensorflow"])]
    own = own if len(own) else labels
    return pd.Series(_share(int(own["role"].isin(USE).sum()), len(own)))


def _name(framework: str) -> str:
    return style.FRAMEWORK_LABELS.get(framework, framework)


def _draw(figure: Figure, rows: pd.DataFrame) -> None:
    lines = rows.groupby("framework", sort=False)["n"].first()
    cells = {
        (_name(row["framework"]), row["role"]): trends.Cell(row["share"], row["low"], row["high"], row["role"] in USE)
        for _, row in rows.iterrows()
    }
    trends.grid(figure, [(_name(name), int(n)) for name, n in lines.items()], ROLES, cells)
