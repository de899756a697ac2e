"""Does the runtime matter more than the framework that the model comes from?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _deployment
from analysis.runtimes import LESS, LEVELS, MORE, OWN, SCOPES, SHARED, SIDES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = _deployment.SECTION
ORDER = 1
REQUIRES = ("deployment_levels", "deployment_factors")

LEFT, RIGHT, BETWEEN, TOP, HEAD, BOTTOM = 1.25, 0.3, 0.5, 0.5, 0.42, 0.1  # inches
ROW = 0.24
MAIN = next(iter(SCOPES))
QUESTION = "Does the runtime matter more than the framework?"
COLUMNS = (
    *("machine", "date", "model", "model_title", "threads", "batch_size", "clock", "level", "framework", "paths"),
    *("ms", "low", "high", "rounds", "restarts"),
)


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the times through shared and own runtimes; see :class:`analysis.figures.Drawing`."""
    every = tables["deployment_levels"]
    one = _deployment.last_machine(every)
    data = one[one["threads"] == one["threads"].min()].reset_index(drop=True)
    tested = _deployment.last_machine(tables["deployment_factors"])
    tested = tested[tested["scope"] == MAIN].reset_index(drop=True)
    panels = [own for _, own in data.groupby(["model", "batch_size"])]
    columns = max(1, data["batch_size"].nunique())
    high = sum(HEAD + ROW * own["level"].nunique() for own in _tallest(panels, columns))
    return Drawing(
        title=_title(tested),
        subtitle=(
            "Milliseconds a call through each runtime, by the framework that it comes from, on one thread (CPU time); "
            f"bars: bootstrap 95 % intervals; n = {_count(data)}, {_deployment.machine_words(data)}"
            f"{_deployment.beyond(every, one)}"
            if len(data)
            else "Milliseconds a call through each runtime, by framework; n = 0 paths"
        ),
        limits=(
            "Small models: runtimes differ in fixed costs that weigh less in large ones. Own runtimes differ with the "
            "framework, so only the shared ones test the question; several exporters count as their geometric mean."
            if len(data)
            else _deployment.absent("deployment_levels")
        ),
        description=_description(data, tested),
        data=data.reindex(columns=list(COLUMNS)),
        draw=lambda figure: _draw(figure, panels, columns),
        sources=_deployment.measured_on(data),
        size=(7.0, TOP + high + BOTTOM if panels else 1.6),
        finding=_finding(tested) if len(tested) else None,
    )


def _tallest(panels: list[pd.DataFrame], columns: int) -> list[pd.DataFrame]:
    """Return the panel with the most rows of each row of panels."""
    rows = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    return [max(row, key=lambda own: own["level"].nunique()) for row in rows]


def _count(data: pd.DataFrame) -> str:
    return f"{data['rounds'].sum():.0f} blocks of {len(data)} cells"


# -- words -------------------------------------------------------------------------------------------------------------
def verdicts(tested: pd.DataFrame) -> dict[str, list[str]]:
    """Return the comparisons by verdict, each in words: "text transformer, batch 1, 1 thread"."""
    found: dict[str, list[str]] = {}
    for _, row in tested.iterrows():
        threads = f"{row['threads']:.0f} thread{'s' if row['threads'] != 1 else ''}"
        where = f"{row['model_title']}, batch {row['batch_size']:.0f}, {threads}"
        found.setdefault(str(row["verdict"]), []).append(where)
    return found


def _title(tested: pd.DataFrame) -> str:
    good = tested[tested["status"] == "ok"] if len(tested) else tested
    if good.empty:
        return "Runtime against framework has not been tested yet"
    more = int((good["verdict"] == MORE).sum())
    return f"The runtime matters more in {more} of {len(good)} comparisons"


def _answer(found: dict[str, list[str]]) -> str:
    """Say what the intervals support, by the rule of the table: the whole interval of the quotient beyond 1."""
    more, less = found.get(MORE, []), found.get(LESS, [])
    tested = sum(len(those) for verdict, those in found.items() if verdict != "not tested")
    rest = tested - len(more)
    if not tested:
        return "Not tested here: fewer than two runtimes answered for models out of both frameworks."
    if not rest:
        return (
            f"Supported here: in all {tested} comparisons, changing the runtime probably moves the time by more than "
            "changing the framework."
        )
    if more:
        others = [those for verdict, those in found.items() if verdict not in (MORE, "not tested")]
        return (
            f"Supported in part: the runtime probably matters more in {len(more)} of {tested} comparisons; not shown "
            f"for {'; '.join(where for those in others for where in those)}."
        )
    if len(less) == tested:
        return f"Not supported here: the framework probably matters more in all {tested} comparisons."
    return f"Undecided: in {tested - len(less)} of {tested} comparisons the data fit either mattering more."


def _finding(tested: pd.DataFrame) -> Finding:
    found = verdicts(tested)
    good = tested[tested["status"] == "ok"]
    if good.empty:
        return Finding(QUESTION, _answer(found), "no interval: nothing was compared", f"n = 0 of {len(tested)}")
    row = good.iloc[0]
    return Finding(
        QUESTION,
        _answer(found),
        f"{row['model_title']}, batch {row['batch_size']:.0f}: two of {row['levels']} differ by a factor of "
        f"{_factor(row, 'runtime_factor')}, the frameworks through one of them by {_factor(row, 'framework_factor')}",
        f"n = {len(good)} comparisons of {good['rounds'].min():.0f} or more rounds, one machine, two small models, "
        f"{_deployment.machine_words(good)}",
    )


def _factor(row: pd.Series, name: str) -> str:
    if pd.isna(row[f"{name}_low"]):
        return f"{row[name]:.2f}, no interval"
    return f"{row[name]:.2f} [{row[f'{name}_low']:.2f}, {row[f'{name}_high']:.2f}]"


def _where(row: pd.Series) -> str:
    return f"{row['level_title']} from {style.FRAMEWORK_LABELS[row['framework']]}"


def _description(data: pd.DataFrame, tested: pd.DataFrame) -> str:
    if data.empty:
        return _deployment.nothing("the time through each runtime for a model out of PyTorch and out of TensorFlow")
    parts = []
    for (batch, _), own in data.groupby(["batch_size", "model"], sort=False):
        first, last = own.iloc[0], own.iloc[-1]
        low, high = own.loc[own["ms"].idxmin()], own.loc[own["ms"].idxmax()]
        named = (("first", first), ("last", last), ("lowest", low), ("highest", high))
        words = ", ".join(f"{name} {_deployment.number(row['ms'])} ms ({_where(row)})" for name, row in named)
        parts.append(f"{first['model_title']}, batch {batch:.0f}: {words}")
    return (
        "Dot charts, a panel for each model and batch size, one row for each runtime: the frameworks' own in eager and "
        "compiled mode, then the shared ones. In each row a round mark is the time of the model out of PyTorch and a "
        f"square one out of TensorFlow, on a logarithmic axis. {'; '.join(parts)}. {_answer(verdicts(tested))}"
    )


# -- picture -----------------------------------------------------------------------------------------------------------
def _draw(figure: Figure, panels: list[pd.DataFrame], columns: int) -> None:
    wide, high = figure.get_figwidth(), figure.get_figheight()
    width = (wide - LEFT - RIGHT - BETWEEN * (columns - 1)) / columns
    top = high - TOP
    for start in range(0, len(panels), columns):
        row = panels[start : start + columns]
        levels = [level for level in LEVELS if any((own["level"] == level).any() for own in row)]
        body = ROW * len(levels)
        top -= HEAD
        for number, own in enumerate(row):
            x = LEFT + number * (width + BETWEEN)
            ax = figure.add_axes((x / wide, (top - body) / high, width / wide, body / high))
            _panel(ax, own, levels)
            if number == 0:
                _names(ax, levels)
                if start == 0:
                    _deployment.key(ax, SIDES, lift=26)
        top -= body


def _panel(ax: Axes, own: pd.DataFrame, levels: list[str]) -> None:
    ax.set_ylim(len(levels), 0)
    ax.set_yticks([])
    ax.xaxis.tick_top()
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    ax.spines["bottom"].set_visible(False)
    ax.tick_params(axis="x", length=0, pad=1, labelsize=style.NOTE_SIZE)
    _deployment.log_axis(ax, own[["ms", "low", "high"]].to_numpy().ravel(), unit="ms", room=1.5)
    first = own.iloc[0]
    ax.annotate(
        f"{first['model_title']}, batch {first['batch_size']:.0f}",
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 14),
        textcoords="offset points",
        fontsize=8,
        fontweight="bold",
        color=style.INK,
    )
    for place, level in enumerate(levels):
        rows = own[own["level"] == level]
        for lift, framework in zip((-0.14, 0.14), SIDES, strict=True):
            for _, row in rows[rows["framework"] == framework].iterrows():
                color = _deployment.COLORS[framework]
                y = place + 0.5 + lift
                if pd.notna(row["low"]):
                    ax.plot([row["low"], row["high"]], [y, y], color=color, linewidth=1.6, alpha=0.55, zorder=2)
                ax.plot([row["ms"]], [y], _deployment.MARKERS[framework], color=color, markersize=4.5, zorder=3)
        absent = [name for name in SIDES if name not in set(rows["framework"])]
        if absent:
            words = " and ".join(style.FRAMEWORK_LABELS[name] for name in absent)
            text = {"fontsize": style.NOTE_SIZE - 1.2, "color": style.MUTED, "va": "center", "ha": "right"}
            at = ax.get_yaxis_transform()
            ax.text(1, place + 0.5, f"none from {words}", transform=at, **text)
    if any(level in OWN for level in levels) and any(level in SHARED for level in levels):
        ax.axhline(sum(level in OWN for level in levels), color=style.RULE, linewidth=0.8, zorder=1)


def _names(ax: Axes, levels: list[str]) -> None:
    for place, level in enumerate(levels):
        ax.annotate(
            SHARED.get(level, level),
            (0, place + 0.5),
            xycoords=("axes fraction", "data"),
            xytext=(72 * (0.06 - LEFT), 0),
            textcoords="offset points",
            annotation_clip=False,
            va="center",
            fontsize=style.TICK_SIZE - 0.6,
            color=style.INK,
        )
