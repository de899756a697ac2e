"""The code labels of Papers with Code: quoted points only, as the series cannot be embedded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures import Drawing
from analysis.figures import _adoption as shared

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = "adoption"
ORDER = 80
REQUIRES = ("adoption_quotes",)

MEASURE = "code_labels"
FILLED_BY = "snakemake --cores 8 refresh"
NOT_EMBEDDED = (
    "The series itself is not embedded, because its licence is share-alike; "
    f"`{FILLED_BY}` fetches it, and the trends then show it beside these points"
)


def make(tables: Mapping[str, pd.DataFrame]) -> Drawing:
    """Draw the quoted percentages as they were published."""
    quotes = tables["adoption_quotes"]
    quotes = quotes[quotes["measure"] == MEASURE].assign(as_of=lambda rows: rows["as_of"].map(shared.text))
    quotes = quotes.sort_values("as_of", kind="stable").reset_index(drop=True)
    higher = (quotes["pytorch_percent"] > quotes["tensorflow_percent"]).sum()
    count = "Every" if higher == len(quotes) else f"{higher} of {len(quotes)}"
    second = int((quotes["evidence"] == "secondary").sum())
    points = [
        f"{row['as_of']}: PyTorch {row['pytorch_percent']:g} %, TensorFlow {row['tensorflow_percent']:g} %, "
        f"{row['what']}, "
        f"{row['evidence']} evidence ({row['citation']})."
        for _, row in quotes.iterrows()
    ]
    return Drawing(
        title=f"{count} quoted count{'' if count == 'Every' else 's'} of paper code "
        f"put{'s' if count == 'Every' else ''} "
        "PyTorch ahead",
        subtitle=(
            f"Quoted, not counted here: framework labels of papers' code on Papers with Code, {len(quotes)} published "
            "points, "
            f"{quotes['as_of'].iloc[0]} to {quotes['as_of'].iloc[-1]}; n is not stated in them, so no interval. "
            f"{NOT_EMBEDDED}"
        ),
        limits=(
            f"Populations differ between the quotes and {second} of {len(quotes)} are secondary, so the points are not "
            "joined; "
            "the rest to 100 % is other or no framework."
        ),
        description=(
            f"{len(quotes)} pairs of quoted percentages, not joined by a line. {' '.join(points)} {NOT_EMBEDDED}."
        ),
        data=quotes,
        draw=lambda figure: _draw(figure, quotes),
        sources=tuple(dict.fromkeys(quotes["citation"])),
        size=(7.0, 0.9 + 0.62 * len(quotes)),
    )


def _draw(figure: Figure, quotes: pd.DataFrame) -> None:
    from analysis import style

    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    labels = []
    for y, row in quotes.iterrows():
        low, high = sorted([row["pytorch_percent"], row["tensorflow_percent"]])
        ax.plot([low, high], [y, y], color=style.RULE, linewidth=1.4, zorder=1)
        for name in ("pytorch", "tensorflow"):
            value = row[f"{name}_percent"]
            ax.plot(value, y, style.MARKERS[name], color=style.COLORS[name], markersize=8, linestyle="none")
            words = f"{style.FRAMEWORK_LABELS[name]} {value:g} %"
            style.direct_label(ax, value, y, words, name, dx=-5, dy=13, ha="left")
        labels.append(f"{row['as_of']}, {row['evidence']}\n{row['population']}")
    ax.set_yticks(range(len(quotes)), labels, fontsize=style.NOTE_SIZE)
    ax.set_ylim(len(quotes) - 0.6, -0.7)
    ax.set_xlim(0, 100)
    ax.set_xticks([0, 20, 40, 60, 80, 100], ["0", "20", "40", "60", "80", "100 %"])
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
