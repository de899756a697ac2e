"""What the figures of upkeep share: where they stand, the frameworks' order, and words for an empty table."""

from __future__ import annotations

import pandas as pd

from analysis.upkeep import COMMAND

SECTION = "upkeep"
SIDES = {"torch": "pytorch", "tensorflow": "tensorflow", "keras": "keras", "jax": "jax"}


def absent(table: str) -> str:
    """Say which table is empty and what fills it."""
    return f"The table {table} holds no row yet: run `{COMMAND}` where a package index is reached to fill it."


def nothing(what: str) -> str:
    """Return the description of a figure that has no rows."""
    return (
        f"An empty frame. It would show {what}, with one mark for each framework and release, counted in full from the "
        "upload dates of the package index, so that there is no interval. No snapshot of the index has landed for this "
        f"build, so there are 0 rows; run {COMMAND} where an index is reached and draw the page again."
    )


def sources(frame: pd.DataFrame) -> tuple[str, ...]:
    """Name the index and the day."""
    return (f"the package index, read on {frame['read'].iloc[0]}",) if len(frame) else ("no snapshot yet",)


def read_on(frame: pd.DataFrame) -> str:
    """Say when the index was read."""
    return f"index read on {frame['read'].iloc[0]}"
