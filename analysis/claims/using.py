"""Claims about what they are like to use: how simple programs are, and how easily an error is found."""

from __future__ import annotations

from analysis.claims.evidence import Tables, inconsistent, need, newcombe, number, text
from analysis.claims.registry import Claim
from analysis.claims.rules import (
    OPEN,
    Cell,
    Clause,
    Judgement,
    Step,
    above,
    below,
    side,
)
from analysis.intervals import wilson

METRICS = {
    "logical_lines": "logical lines",
    "framework_names": "names of the framework",
    "cyclomatic_complexity": "complexity",
}
PAIRS = {"pytorch/tensorflow": "TensorFlow core", "pytorch/keras": "Keras"}


def programs(claim: Claim, tables: Tables) -> Judgement:
    """Judge on how many paired programs PyTorch's number is the lower one, a metric and an opponent a cell (C21)."""
    most = claim.limit("most")
    frame = need(tables, "usability_ratios", "machine", "date", "pair", "metric", "task", "value")
    if "size" in frame:
        frame = frame[frame["size"].eq("full")]
    cells = []
    for (machine, date, pair, metric), rows in frame.groupby(["machine", "date", "pair", "metric"], sort=False):
        values = rows["value"].dropna()
        if pair not in PAIRS or metric not in METRICS or values.empty:
            continue
        lower, n = int((values < 1).sum()), len(values)
        low, high = (float(end) for end in wilson(lower, n))
        cells.append(
            Cell(
                name=METRICS[metric],
                group=f"beside {PAIRS[pair]}",
                side=side(low, high, above(most), below(most)),
                value=lower / n,
                low=low,
                high=high,
                same=f"{pair}|{metric}",
                unit="share of programs in which PyTorch's number is lower",
                n=f"{lower} of {n} programs",
                table="usability_ratios",
                machine=str(machine),
                date=str(date),
            )
        )
    return Judgement(
        cells=cells,
        none="no paired programs were measured at full size",
        holds=Clause("PyTorch's program", ("is", "be"), "the simpler one on most tasks"),
        fails=Clause("TensorFlow's program", ("is", "be"), "as simple or simpler on most tasks"),
        steps=[
            Step("indirectness", "lines, names and branches stand in for simplicity, on chosen tasks"),
            *_open(cells),
        ],
    )


def _open(cells: list[Cell]) -> list[Step]:
    steps = []
    if open_ := sum(cell.side == OPEN for cell in cells):
        steps.append(Step("imprecision", f"{open_} of {len(cells)} intervals hold both"))
    return steps + inconsistent(cells)


def errors(claim: Claim, tables: Tables) -> Judgement:
    """Judge how often the traceback shows the faulty line, eager PyTorch less each mode of TensorFlow (C22)."""
    limit = claim.limit("difference")
    frame = need(
        tables, "usability_messages", "machine", "date", "mode", "mode_title", "says", "n", "share", "low", "high"
    )
    frame = frame[frame["says"].eq("shows the faulty line") & frame["n"].gt(0)]
    cells = []
    for (machine, date), rows in frame.groupby(["machine", "date"], sort=False):
        shares = {
            text(row["mode"]): tuple(number(row[name]) for name in ("share", "low", "high"))
            for row in rows.to_dict("records")
        }
        titles = dict(zip(rows["mode"], rows["mode_title"], strict=True))
        counts = dict(zip(rows["mode"], rows["n"], strict=True))
        if "pytorch-eager" not in shares:
            continue
        for mode in ("tensorflow-eager", "tensorflow-function", "keras-fit"):
            if mode not in shares:
                continue
            value, low, high = newcombe(shares["pytorch-eager"], shares[mode])
            cells.append(
                Cell(
                    name=f"eager PyTorch less {titles[mode]}",
                    side=side(low, high, above(limit), below(limit, equal=True)),
                    value=100 * value,
                    low=100 * low,
                    high=100 * high,
                    same=mode,
                    unit="points of the share of errors that show the faulty line",
                    n=f"{counts['pytorch-eager']:.0f} and {counts[mode]:.0f} errors",
                    table="usability_messages",
                    machine=str(machine),
                    date=str(date),
                )
            )
    return Judgement(
        cells=cells,
        none="no planted fault raised an error in PyTorch and in TensorFlow",
        holds=Clause("PyTorch", ("shows", "show"), "the faulty line more often"),
        fails=Clause("TensorFlow", ("shows", "show"), "the faulty line as often or more often"),
        steps=[Step("indirectness", "a line in the traceback stands in for finding the error"), *_open(cells)],
    )
