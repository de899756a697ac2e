"""What moved between two snapshots of a source, and whether a person has to agree before it lands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.harvesting.registry import Source

KEY = ("indicator", "period", "stratum", "framework")
MATERIAL_ROWS = 0.02  # of the rows before may disappear unasked: a period that the source withdraws


@dataclass(frozen=True)
class Moves:
    """The comparison of a new snapshot with what stood before.

    lines     what moved, for a person: rows, dates, shares before and after
    problems  what is too large to land without ``--config accept=<source>``
    """

    lines: tuple[str, ...]
    problems: tuple[str, ...]


def compare(
    source: Source,
    before: Sequence[Mapping],
    after: Sequence[Mapping],
    tables_before: Mapping[str, int],
    tables_after: Mapping[str, int],
) -> Moves:
    """Compare figures (rows of text or numbers, ``FIGURE_COLUMNS``) and the row counts of the other tables.

    A share has moved too far when it differs by more than ``source.bound`` in a period that both snapshots hold, and,
    where the indicator has intervals, the two intervals do not meet.
    """
    lines, problems = [], []
    if after:
        lines.append(f"figures: {_size(before)} before, {_size(after)} now")
        kept = {tuple(str(row[name]) for name in KEY) for row in after}
        lost = sorted({tuple(str(row[name]) for name in KEY) for row in before} - kept)
        if lost:
            lines.append(f"figures: {len(lost)} rows of before are gone, the first {' '.join(lost[0])}")
        if len(lost) > MATERIAL_ROWS * len(before):
            problems.append(f"{len(lost)} of {len(before)} rows are gone, the first {' '.join(lost[0])}")
        moved, too_far = _shares(source, before, after)
        lines += moved
        problems += too_far
    elif before:
        problems.append(f"{len(before)} figures are gone: the new snapshot has none")
    for name in sorted({*tables_before, *tables_after}):
        old, new = tables_before.get(name), tables_after.get(name, 0)
        lines.append(f"{name}: {'no' if old is None else old} rows before, {new} now")
        if old and new < old * (1 - MATERIAL_ROWS):
            problems.append(f"{name} shrinks from {old} to {new} rows")
    return Moves(tuple(lines), tuple(problems))


def _size(rows: Sequence[Mapping]) -> str:
    periods = sorted(str(row["period"]) for row in rows)
    return f"{len(rows)} rows from {periods[0]} to {periods[-1]}" if rows else "none"


def _shares(source: Source, before: Sequence[Mapping], after: Sequence[Mapping]) -> tuple[list[str], list[str]]:
    old, new = _counted(source, before), _counted(source, after)
    lines, problems = [], []
    for series in dict.fromkeys(new["series"]):
        now = new[new["series"] == series].set_index("period").sort_index()
        text = f"{series}: PyTorch share {now.iloc[-1]['share']:.3f} in {now.index[-1]}"
        was = old[old["series"] == series].set_index("period").sort_index()
        if len(was):
            text += f" (before: {was.iloc[-1]['share']:.3f} in {was.index[-1]})"
        both = was.merge(now, left_index=True, right_index=True, suffixes=("_was", "_now"))
        if len(both):
            change = (both["share_now"] - both["share_was"]).abs()
            text += f"; largest change of a period in both: {change.max():.3f}"
            problems += _too_far(source, series, both, change)
        lines.append(text)
    return lines, problems


def _too_far(source: Source, series: str, both, change) -> list[str]:
    """Return what to say of the shares of one series that moved beyond the bound, if any did."""
    import numpy as np

    from analysis.intervals import wilson

    low_was, high_was = wilson(both["pytorch_was"], both["n_was"])
    low_now, high_now = wilson(both["pytorch_now"], both["n_now"])
    apart = (np.asarray(low_now) > np.asarray(high_was)) | (np.asarray(low_was) > np.asarray(high_now))
    far = (change > source.bound) & (apart | ~both["interval_now"].astype(bool))
    if not far.any():
        return []
    where = change[far].idxmax()
    moved = f"from {both.loc[where, 'share_was']:.3f} to {both.loc[where, 'share_now']:.3f}"
    return [
        f"{series}: the PyTorch share of {where} moves {moved}, more than {source.bound:g} "
        f"({int(far.sum())} of {len(both)} periods do)"
    ]


def _counted(source: Source, rows: Sequence[Mapping]):
    """Return period, series, pytorch, n, share and whether intervals apply, by each indicator's default rule."""
    import pandas as pd

    from analysis.adoption import WILSON, count_shares
    from analysis.indicators import load_indicators

    columns = ["series", "period", "pytorch", "n", "share", "interval"]
    if not rows:
        return pd.DataFrame(columns=columns)
    frame = pd.DataFrame(rows)
    frame["count"] = pd.to_numeric(frame["count"]).astype("int64")
    frame["total"] = pd.to_numeric(frame["total"], errors="coerce").astype("Int64")
    known = load_indicators()
    shares = count_shares(frame.assign(source=source.id), known)
    default = {name: indicator.default_rule.id for name, indicator in known.items()}
    shares = shares[shares["share"].notna() & (shares["rule"] == shares["indicator"].map(default))]
    return shares.assign(interval=shares["interval"] == WILSON).loc[:, columns]
