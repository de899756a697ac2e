"""What makes a run of Snakemake that has nothing to do short: an import that nobody needs is left out."""

from __future__ import annotations

from pathlib import PurePath

from snakemake.persistence import PersistenceBase

PLAIN = (str, int, float, bool, list, tuple, dict, type(None), PurePath)


def keep_pandas_out() -> None:
    """Let Snakemake compare plain parameters with those of the last run without importing pandas.

    Before it compares a parameter, Snakemake 9 asks whether it is a data frame, which imports pandas (0.3 seconds, as
    long as the rest of a run with nothing to do). A parameter of a plain type is handed to the comparison for such
    types at once, which is where it ended anyway; everything else goes the way it went. A Snakemake without these two
    methods is left as it is.
    """
    plain = getattr(PersistenceBase, "_serialize_param_builtin", None)
    usual = getattr(PersistenceBase, "_serialize_param_pandas", None)
    if plain is None or usual is None or usual.__name__ == "plain_first":
        return

    def plain_first(self: PersistenceBase, value: object) -> object:
        return plain(self, value) if isinstance(value, PLAIN) else usual(self, value)

    PersistenceBase._serialize_param_pandas = plain_first
