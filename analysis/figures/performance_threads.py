"""Do more threads decide which framework is faster?"""

from __future__ import annotations

import pandas as pd

from analysis.figures import Drawing, _sweeps

SECTION = "performance"
ORDER = 7
REQUIRES = ("performance_sweeps",)


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the ratio against the number of threads; see :class:`analysis.figures.Drawing`."""
    return _sweeps.make(
        tables["performance_sweeps"],
        lambda axis: axis == "threads",
        larger="More threads",
        axis="number of threads",
        question="Does the number of threads change which is faster?",
        command="snakemake --cores 2 measure --config preset=standard",
        limits="By wall-clock time, which other work on the machine disturbs more than the CPU time of other figures.",
    )
