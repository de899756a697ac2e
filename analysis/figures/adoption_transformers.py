"""Model modules by framework in the releases of the transformers package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures import Drawing
from analysis.figures import _adoption as shared
from analysis.indicators import load_indicators

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = "adoption"
ORDER = 40
REQUIRES = ("adoption_shares", "adoption_crossings", "sources")

INDICATOR, SERIES = "transformers_modules", "transformers"


def make(tables: Mapping[str, pd.DataFrame]) -> Drawing:
    """Draw the modules per framework, release by release."""
    rows = shared.pick(tables["adoption_shares"], INDICATOR).rename(columns={"stratum": "release"})
    lead = shared.crossing(tables["adoption_crossings"], INDICATOR, SERIES)
    source = rows["source"].iloc[0]
    breaks = shared.breaks_of(tables["sources"], source)
    first, last, peak = rows.iloc[0], rows.iloc[-1], rows.loc[rows["tensorflow"].idxmax()]
    reason = load_indicators()[INDICATOR].no_interval
    span = f"{first['period'][:7]} to {last['period'][:7]}"
    if last["tensorflow"] == 0:
        title = f"transformers ships {int(last['pytorch'])} PyTorch modules and none for TensorFlow"
    else:
        title = f"transformers ships {int(last['pytorch'])} PyTorch, {int(last['tensorflow'])} TensorFlow modules"
    return Drawing(
        title=title,
        subtitle=(
            f"Modeling modules of each framework in {len(rows)} releases of the package, {span}, n = {int(first['n'])} "
            "to "
            f"{int(rows['n'].max())}; no interval: {reason}"
        ),
        limits="It is one library's own choice, not that of its users, and counts modules, not architectures.",
        description=(
            f"Release {first['release']} of {first['period']} holds {int(first['pytorch'])} PyTorch and "
            f"{int(first['tensorflow'])} TensorFlow modules. TensorFlow modules reach their peak of "
            f"{int(peak['tensorflow'])} "
            f"in release {peak['release']} of {peak['period']}, where PyTorch has {int(peak['pytorch'])}; the last "
            "release, "
            f"{last['release']} of {last['period']}, holds {int(last['pytorch'])} PyTorch and "
            f"{int(last['tensorflow'])} "
            f"TensorFlow modules. {lead['how_sure']}"
        ),
        data=shared.drawn(rows, "release"),
        draw=lambda figure: _draw(figure, rows, breaks),
        sources=(source,),
        size=(7.0, 3.4),
    )


def _draw(figure: Figure, rows: pd.DataFrame, breaks: list[tuple[float, float, str]]) -> None:
    from analysis import style

    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    x = shared.middles(rows)
    shared.count_lines(ax, rows)
    for name in ("pytorch", "tensorflow"):
        ax.plot(
            x, rows[name].astype(float), style.MARKERS[name], color=style.COLORS[name], markersize=4.5, clip_on=False
        )
    ax.set_xlim(x[0] - 0.15, x[-1] + 0.1)
    shared.year_ticks(ax, x[0] - 0.2, x[-1])
    for start, _, reason in breaks:
        style.mark_break(ax, start, "")
        look = {"textcoords": "offset points", "ha": "right", "va": "top", "fontsize": style.NOTE_SIZE}
        words = reason.replace(" removed ", "\nremoved ")
        ax.annotate(words, (start, 1), xycoords=("data", "axes fraction"), xytext=(-4, -2), color=style.MUTED, **look)
    for name, place in (("pytorch", len(rows) // 2), ("tensorflow", 3 * len(rows) // 4)):
        words = f"{style.FRAMEWORK_LABELS[name]} {int(rows[name].iloc[0])} to {int(rows[name].iloc[-1])}"
        style.direct_label(ax, x[place], float(rows[name].iloc[place]), words, name, dx=-4, dy=12)
