"""Rates of what was noticed, with intervals, and paired comparisons of modes. No composite score."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from reproductions.usability.faults.catalogue import CELLS, KINDS

NOTICED = ("noticed", "warned")


def counted(rows: Iterable[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """Return the rows that count: the program ran and the fault does harm or was reported."""
    return [row for row in rows if row["status"] == "ran" and row["noticed"] != "harmless"]


def rates(rows: Iterable[Mapping[str, object]], by: str) -> list[dict[str, object]]:
    """Return the share of faults that raised an error, and that raised or warned, with 95 % Wilson intervals.

    rows  rows of usability_faults.csv
    by    ``mode`` (framework-mode), ``kind``, or ``both``
    returns one row a group: ``mode``, ``kind``, ``n``, ``noticed``, ``warned``, ``silent``, ``harmless``,
          ``share_noticed``, ``..._low``, ``..._high``, ``share_told`` (noticed or warned), ``..._low``, ``..._high``
    """
    from analysis.intervals import wilson

    rows = [row for row in rows if row["status"] == "ran"]
    modes = CELLS if by in ("mode", "both") else (None,)
    kinds = KINDS if by in ("kind", "both") else (None,)
    found = []
    for mode, kind in itertools.product(modes, kinds):
        group = [row for row in rows if mode in (None, _cell(row)) and kind in (None, row["kind"])]
        counts = {word: sum(row["noticed"] == word for row in group) for word in (*NOTICED, "silent", "harmless")}
        n = len(group) - counts["harmless"]
        entry: dict[str, object] = {"mode": mode or "", "kind": kind or "", "n": n, **counts}
        for name, k in (("noticed", counts["noticed"]), ("told", counts["noticed"] + counts["warned"])):
            low, high = wilson(k, n)
            entry[f"share_{name}"] = k / n if n else float("nan")
            entry[f"share_{name}_low"], entry[f"share_{name}_high"] = (float(low), float(high))
        if group:
            found.append(entry)
    return found


def pairs(rows: Iterable[Mapping[str, object]]) -> list[dict[str, object]]:
    """Compare every two modes over the faults that count in both: who told of what the other kept silent about.

    returns one row a pair: ``first``, ``second``, ``faults``, ``both``, ``only_first``, ``only_second``, ``neither``
            and ``p``, the exact two-sided McNemar probability of the discordant counts
    """
    from scipy.stats import binomtest

    told: dict[str, dict[str, bool]] = {cell: {} for cell in CELLS}
    for row in counted(rows):
        told[_cell(row)][str(row["fault"])] = row["noticed"] in NOTICED
    found = []
    for first, second in itertools.combinations(CELLS, 2):
        common = sorted(set(told[first]) & set(told[second]))
        if not common:
            continue
        table = [(told[first][fault], told[second][fault]) for fault in common]
        one, two = table.count((True, False)), table.count((False, True))
        found.append(
            {
                "first": first,
                "second": second,
                "faults": len(common),
                "both": table.count((True, True)),
                "only_first": one,
                "only_second": two,
                "neither": table.count((False, False)),
                "p": float(binomtest(one, one + two).pvalue) if one + two else 1.0,
            }
        )
    return found


def text(rows: Iterable[Mapping[str, object]]) -> str:
    """Return the rates by mode and kind as lines for a terminal."""
    rows = list(rows)
    lines = []
    for by in ("mode", "kind"):
        lines.append(f"{by:20}   n  error warning silent harmless  told (95 % interval)")
        for row in rates(rows, by):
            share = (
                ""
                if not row["n"]
                else (f"{row['share_told']:.0%} ({row['share_told_low']:.0%} to {row['share_told_high']:.0%})")
            )
            lines.append(
                f"{row[by]:20} {row['n']:3}  {row['noticed']:5} {row['warned']:7} {row['silent']:6} "
                f"{row['harmless']:8}  {share}"
            )
    return "\n".join(lines)


def _cell(row: Mapping[str, object]) -> str:
    return f"{row['framework']}-{row['mode']}"
