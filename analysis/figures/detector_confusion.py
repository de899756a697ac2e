"""What the detector says of repositories whose label the archive knows: the errors that are corrected for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures import Drawing
from analysis.figures import _adoption as shared
from analysis.figures import _trends as trends
from analysis.intervals import wilson
from analysis.trends.archive import DETECTOR, REFRESH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = trends.SECTION
ORDER = 55
REQUIRES = ("detector_confusion", "trend_corrected")

NAMES = {"pytorch": "PyTorch", "tf": "TensorFlow", "jax": "JAX"}
SHOWN, OTHERS = ("mixed", "none"), "others"
NEEDS = f"the repository detector, switched on in config (sources.repository_detector.enabled): {REFRESH}"


def make(tables: Mapping[str, pd.DataFrame]) -> Drawing:
    """Draw, for each label of the archive, how often the detector gives which label."""
    counts = tables["detector_confusion"]
    if counts.empty:
        return trends.placeholder(
            title="The detector's errors are not measured here",
            subtitle="Label of the archive against label of the detector, n = 0 repositories",
            shows="which label the detector gives to repositories whose label the archive knows",
            needs=trends.missing(tables["trend_corrected"]) or [NEEDS],
            sources=(DETECTOR,),
            data=pd.DataFrame([{"repositories": 0, "needs": NEEDS}]),
        )
    rows = _shares(counts)
    total = int(counts["repositories"].sum())
    agree = rows[rows["agree"]]
    said = [f"{name(row['archive_label'])}: {shared.estimate(row)} (n = {row['n']:,})" for _, row in agree.iterrows()]
    wrong = rows[~rows["agree"]].sort_values("share", ascending=False, kind="stable")
    often = [
        f"{name(row['archive_label'])} read as {name(row['detector_label'])} in {shared.estimate(row)}"
        for _, row in wrong.head(3).iterrows()
    ]
    labels = list(dict.fromkeys(rows["archive_label"]))
    return Drawing(
        title=_title(agree),
        subtitle=(
            f"Part of the repositories of each archive label that the detector gives each label, n = {total:,} "
            "repositories of the overlap; Wilson 95 % intervals; filled bars: the two agree"
        ),
        limits=(
            "Repositories that could not be read are left out, the sample has as many of each label as it could get, "
            "rarer labels stand together as others, and a disagreement may be an error of either side."
        ),
        description=" ".join(
            [
                f"A grid of {len(labels)} labels of the archive against {rows['detector_label'].nunique()} labels of "
                f"the detector, over {total:,} repositories that carry both. Each bar is the part of an archive label "
                "that the detector gives a label, with its interval.",
                f"They agree as follows. {'; '.join(said)}.",
                f"The commonest disagreements: {'; '.join(often) or 'there is none'}.",
            ]
        ),
        data=rows.drop(columns="agree"),
        draw=lambda figure: _draw(figure, rows),
        sources=(DETECTOR, trends.ARCHIVE_SOURCE),
        size=(7.0, trends.grid_height(len(labels))),
    )


def name(label: str) -> str:
    """Return how a label is shown."""
    return NAMES.get(label, label)


def _shares(counts: pd.DataFrame) -> pd.DataFrame:
    """Return the share of every pair of labels with its interval, the two frameworks first."""
    kept = (*NAMES, *SHOWN)
    both = {key: counts[key].where(counts[key].isin(kept), OTHERS) for key in ("archive_label", "detector_label")}
    counts = counts.assign(**both, repositories=counts["repositories"].astype(int))
    table = counts.groupby(["archive_label", "detector_label"], as_index=False)["repositories"].sum()
    table["n"] = table.groupby("archive_label")["repositories"].transform("sum").astype(int)
    table = table[table["n"] > 0].assign(share=lambda rows: rows["repositories"] / rows["n"])
    table["low"], table["high"] = wilson(table["repositories"], table["n"])
    table["agree"] = table["archive_label"] == table["detector_label"]
    table["a"], table["b"] = table["archive_label"].map(_place), table["detector_label"].map(_place)
    table = table.sort_values(["a", "b"], kind="stable")
    return table.drop(columns=["a", "b"]).reset_index(drop=True)


def _place(label: str) -> int:
    return [*NAMES, OTHERS, *SHOWN].index(label)


def _title(agree: pd.DataFrame) -> str:
    known = agree.set_index("archive_label")
    if "pytorch" not in known.index:
        return "The detector read no repository labelled PyTorch"
    row = known.loc["pytorch"]
    return f"The detector confirms {100 * row['low']:.0f} to {100 * row['high']:.0f} % of PyTorch labels"


def _draw(figure: Figure, rows: pd.DataFrame) -> None:
    lines = rows.groupby("archive_label", sort=False)["n"].first()
    columns = sorted(set(rows["detector_label"]), key=_place)
    cells = {
        (name(row["archive_label"]), name(row["detector_label"])): trends.Cell(
            row["share"], row["low"], row["high"], bool(row["agree"])
        )
        for _, row in rows.iterrows()
    }
    shown = [(name(label), int(n)) for label, n in lines.items()]
    trends.grid(figure, shown, [name(label) for label in columns], cells, corner="archive; read as:")
