"""Does the size of an input (side of an image, length of a text) decide which framework is faster?"""

from __future__ import annotations

import pandas as pd

from analysis.figures import Drawing, _sweeps

SECTION = "performance"
ORDER = 6
REQUIRES = ("performance_sweeps",)


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the ratio against the size of an input; see :class:`analysis.figures.Drawing`."""
    return _sweeps.make(
        tables["performance_sweeps"],
        lambda axis: axis not in ("batch", "threads"),
        larger="Larger inputs",
        axis="size of the input",
        question="Does a larger image or a longer text change which is faster?",
        command="snakemake --cores 2 measure --config preset=standard",
        limits="The model stays as it is while its input grows; a missing point says why in its panel.",
    )
