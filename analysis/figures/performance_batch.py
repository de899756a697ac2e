"""Does the batch size decide which framework is faster?"""

from __future__ import annotations

import pandas as pd

from analysis.figures import Drawing, _sweeps

SECTION = "performance"
ORDER = 5
REQUIRES = ("performance_sweeps",)


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the ratio against batch size; see :class:`analysis.figures.Drawing`."""
    return _sweeps.make(
        tables["performance_sweeps"],
        lambda axis: axis == "batch",
        larger="Larger batches",
        axis="batch size",
        question="Is PyTorch faster on small batches and TensorFlow on large ones?",
        command="snakemake --cores 2 measure --config preset=standard",
        limits="Sizes of one data set and numbers of steps are other questions; a missing point says why in its panel.",
    )
