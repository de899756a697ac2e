"""How fast do the input pipelines feed a model, by the size of the data set?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _sets
from analysis.figures.performance_ratios import estimate
from analysis.resampling import interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = "performance"
ORDER = 9
REQUIRES = ("performance_pipelines",)

PANEL = 2.5  # inches
GROUP = ["pipeline", "transform", "batch_size", "workers", "metric", "unit"]
THROUGHPUT = "throughput"


def medians(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the medians over restarts with lowest and highest, one row a framework, pipeline and size."""
    rows = rows[rows["status"] == "ok"] if len(rows) else rows
    keys = ["framework", *GROUP, "dataset_size"]
    told = rows.assign(value=pd.to_numeric(rows["value"], errors="coerce")).groupby(keys, sort=False, dropna=False)[
        "value"
    ]
    return told.agg(["median", "min", "max", "count"]).reset_index()


def paired(rows: pd.DataFrame) -> pd.DataFrame:
    """Return PyTorch's throughput over TensorFlow's of each pipeline that both have, with its interval."""
    good = rows[rows["status"] == "ok"].assign(value=pd.to_numeric(rows["value"], errors="coerce"))
    keys = [*GROUP, "dataset_size"]
    sides = [good[good["framework"] == name] for name in ("pytorch", "tensorflow")]
    turn = [name for name in ("restart", "round") if name in rows]
    both = sides[0].merge(sides[1], on=[*keys, *turn], suffixes=("_p", "_t"))
    found = []
    for key, own in both.groupby(keys, sort=False, dropna=False):
        ratio = own["value_p"] / own["value_t"]
        split = [values.to_numpy() for _, values in ratio.groupby(own["restart"])]
        found.append(
            dict(zip(keys, key, strict=True)) | dict(zip(("ratio", "low", "high"), interval(split), strict=True))
        )
    return pd.DataFrame(found, columns=[*keys, "ratio", "low", "high"])


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the throughput of the pipelines; see :class:`analysis.figures.Drawing`."""
    table = _sets.filled(tables["performance_pipelines"])
    own = table[
        table["origin"] == (_sets.THIS_RUN if (table["origin"] == _sets.THIS_RUN).any() else table["origin"].max())
    ]
    metrics = list(own["metric"].unique())
    metric = THROUGHPUT if THROUGHPUT in metrics or not metrics else metrics[0]
    rows = own[own["metric"] == metric]
    if "environment" in rows and (rows["environment"] == "tuned").any():
        rows = rows[rows["environment"] == "tuned"]
    data, ratios = medians(rows), paired(rows)
    settled = ratios[ratios["low"].notna()]
    sides = int((settled["low"] > 1).sum()), int((settled["high"] < 1).sum())
    unit = str(data["unit"].iloc[0]) if len(data) else ""
    groups = [part for _, part in data.groupby(["pipeline", "transform", "batch_size"], sort=False, dropna=False)]
    return Drawing(
        title=_title(data, len(settled), sides),
        subtitle=(
            f"Input pipelines on their own, {unit}, by number of examples in the data set; n = {len(data)} pipelines "
            "and "
            f"sizes, medians over {int(data['count'].min())} or more runs, bars from lowest to highest run; not an "
            "interval"
            if len(data)
            else "Examples a second of the input pipelines on their own; n = 0 pipelines"
        ),
        limits=(
            "No model takes part: where a step of the model takes longer than its batch, the pipeline costs nothing."
            if len(rows)
            else "No input pipeline has been measured yet: run `python -m reproductions pipelines`, then `snakemake "
            "--cores 2`."
        ),
        description=_description(table, data, unit),
        data=data if len(data) else rows,
        draw=lambda figure: _draw(figure, groups, rows, unit),
        sources=_sets.sources(rows),
        size=(7.0, PANEL * max(1, -(-len(groups) // 2)) if groups else 1.6),
        finding=_finding(data, settled, sides, unit) if len(data) else None,
    )


def _name(row: pd.Series) -> str:
    workers = str(row["workers"]).removesuffix(".0")
    return f"{workers} worker{'' if workers == '1' else 's'}"


def _title(data: pd.DataFrame, total: int, sides: tuple[int, int]) -> str:
    if data.empty:
        return "No input pipeline has been measured yet"
    if sum(sides):
        return f"DataLoader leads in {sides[0]}, tf.data in {sides[1]} of {total} pipelines"
    low, high = data["median"].min(), data["median"].max()
    return f"Input pipelines span {low:,.0f} to {high:,.0f} a second"


def _where(row: pd.Series) -> str:
    name = style.FRAMEWORK_LABELS.get(row["framework"], row["framework"])
    return f"{name} {row['pipeline']}, {_name(row)}, {row['transform']}, {row['dataset_size']:,.0f} examples"


def _finding(data: pd.DataFrame, settled: pd.DataFrame, sides: tuple[int, int], unit: str) -> Finding:
    low, high = data.loc[data["median"].idxmin()], data.loc[data["median"].idxmax()]
    span = f"{low['median']:,.0f} {unit} ({_where(low)}) to {high['median']:,.0f} ({_where(high)})"
    if settled.empty:
        return Finding(
            "Which input pipeline feeds faster?",
            f"Not settled: no pipeline of both has an interval. The medians run from {span}.",
            "no interval: fewer than two restarts",
            f"n = {len(data)} pipelines and sizes",
        )
    least, most = settled.loc[settled["ratio"].idxmin()], settled.loc[settled["ratio"].idxmax()]
    return Finding(
        "Which input pipeline feeds faster?",
        f"Of {len(settled)} pipelines that both have, PyTorch's DataLoader is faster in {sides[0]}, tf.data in "
        f"{sides[1]}; "
        f"the medians run from {span}.",
        f"PyTorch over TensorFlow: {estimate(least)} to {estimate(most)}, 95 % intervals",
        f"n = {len(data)} pipelines and sizes",
    )


def _description(table: pd.DataFrame, data: pd.DataFrame, unit: str) -> str:
    start = (
        "Line charts with a panel for each kind of transformation. The number of examples in the data set grows from "
        "left to "
        "right on a logarithmic axis, the throughput of a pipeline from bottom to top. Lines of PyTorch are solid with "
        "round "
        "marks, lines of TensorFlow dashed with square ones. "
    )
    if data.empty:
        return start + f"Nothing has been measured yet: the table holds {len(table)} rows without a good value."
    first, last = data.iloc[0], data.iloc[-1]
    return start + (
        f"The first point is {first['median']:,.0f} {unit} ({_where(first)}), the last {last['median']:,.0f} "
        f"({_where(last)})."
    )


def _draw(figure: Figure, groups: list[pd.DataFrame], rows: pd.DataFrame, unit: str) -> None:
    if not groups:
        kinds = ", ".join(style.state_words(status, short=True) for status in rows["status"].unique())
        style.state_in_words(figure, f"Every pipeline that was tried has no value: {kinds}.")
        return
    for ax, own in _sets.grid(figure, groups, columns=2, heads=0.4, right=1.32):
        first = own.iloc[0]
        values = sorted(own["dataset_size"].dropna().unique())
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlim(values[0] / 1.5, values[-1] * 1.5)
        ax.set_ylim(own["min"].min() / 1.6, own["max"].max() * 1.6)
        ax.set_xticks(values, [f"{value:,.0f}" for value in values])
        ax.set_xticks([], minor=True)
        ax.yaxis.set_major_formatter(lambda value, _: f"{value / 1000:g}k" if value >= 1000 else f"{value:g}")
        ax.set_yticks([], minor=True)
        ax.set_xlabel("examples in the data set", fontsize=style.NOTE_SIZE, labelpad=1)
        batch = f", batch {first['batch_size']:g}" if pd.notna(first["batch_size"]) else ""
        ax.set_title(f"{first['pipeline']}, transform {first['transform']}{batch}", fontsize=8.0)
        ends = []
        for (framework, _), line in own.groupby(["framework", "workers"], sort=False, dropna=False):
            look = style.line(framework) if framework in style.COLORS else style.line("other")
            ax.plot(line["dataset_size"], line["median"], **(look | {"linewidth": 1.2, "markersize": 4}))
            for _, row in line.iterrows():
                ax.plot([row["dataset_size"]] * 2, [row["min"], row["max"]], color=look["color"], linewidth=0.9)
            last = line.iloc[-1]
            words = f"{style.FRAMEWORK_LABELS.get(framework, framework)}, {_name(last)}"
            ends.append((last["dataset_size"], last["median"], framework, words))
        points = 72 / figure.dpi
        heights = [ax.transData.transform((x, y))[1] * points for x, y, _, _ in ends]
        for (x, y, framework, words), now, then in zip(ends, heights, style.spread(heights, 9.0), strict=True):
            style.direct_label(ax, x, y, words, framework, dx=6, dy=then - now, fontsize=style.NOTE_SIZE - 0.8)
