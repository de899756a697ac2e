"""How figures look: one colour, marker and dash a framework, type, axes and the words for an interval.

The palette was chosen for colour-blind readers and for a light and a dark page; ``tests/unit/test_style.py`` recomputes
its contrasts and its colour distances. Neither brand colour is used: both are orange, and cannot be told apart.

Figures are drawn in the light colours. :data:`ROLES` maps each of them to the name of a variable of the page's style
sheet, so that the page can swap them for the dark set; a figure must therefore take every colour from this module.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

FRAMEWORK_LABELS = {
    "pytorch": "PyTorch",
    "tensorflow": "TensorFlow",
    "jax": "JAX",
    "keras": "Keras",
    "both": "both",
    "other": "other",
}
MODE_LABELS = {
    "eager": "eager",
    "compile": "torch.compile",
    "function": "tf.function",
    "xla": "XLA",
    "idiomatic": "idiomatic",
}
ENVIRONMENT_LABELS = {"as_shipped": "as shipped", "tuned": "tuned"}
PHASE_LABELS = {"train": "training", "infer": "inference", "generate": "generation"}

INK, MUTED, RULE, GRID, ZONE, PAPER = "#1b1f23", "#59626b", "#c9ced3", "#e6e9ec", "#eef1f4", "#ffffff"
INK_DARK, MUTED_DARK, RULE_DARK, GRID_DARK, ZONE_DARK, PAPER_DARK = (
    "#e8eaed",
    "#a7aeb5",
    "#4a5158",
    "#2a2f34",
    "#1e2327",
    "#14171a",
)

COLORS = {
    "pytorch": "#14389c",
    "tensorflow": "#c4420a",
    "jax": "#3f7f66",
    "keras": "#94659c",
    "both": "#94659c",
    "other": "#8b9197",
}
COLORS_DARK = {
    "pytorch": "#6b90ff",
    "tensorflow": "#fb9a4b",
    "jax": "#b4ebcb",
    "keras": "#e9c9fb",
    "both": "#e9c9fb",
    "other": "#8a9096",
}
# "other" is light enough for a line but too light for words: its label is written in ink.
LABEL_COLORS = COLORS | {"other": INK}
MARKERS = {"pytorch": "o", "tensorflow": "s", "jax": "^", "keras": "v", "both": "D", "other": "None"}
# In seaborn's form (``dashes=``); matplotlib's form of the same is LINESTYLES.
DASHES: dict[str, str | tuple[float, ...]] = {
    "pytorch": "",
    "tensorflow": (6, 2),
    "jax": (6, 2, 1, 2),
    "keras": (3, 1.5),
    "both": (9, 2, 3, 2),
    "other": (1, 1.5),
}
LINESTYLES = {name: (0, dash) if dash else "-" for name, dash in DASHES.items()}
LINE_WIDTHS = {"pytorch": 2.2, "tensorflow": 2.2, "jax": 1.6, "keras": 1.6, "both": 1.6, "other": 1.4}

# Light colour -> (variable of the style sheet, dark colour). Every colour that a figure may contain.
ROLES = {
    COLORS["pytorch"]: ("--pytorch", COLORS_DARK["pytorch"]),
    COLORS["tensorflow"]: ("--tensorflow", COLORS_DARK["tensorflow"]),
    COLORS["jax"]: ("--jax", COLORS_DARK["jax"]),
    COLORS["both"]: ("--both", COLORS_DARK["both"]),
    COLORS["other"]: ("--other", COLORS_DARK["other"]),
    INK: ("--ink", INK_DARK),
    MUTED: ("--muted", MUTED_DARK),
    RULE: ("--rule", RULE_DARK),
    GRID: ("--grid", GRID_DARK),
    ZONE: ("--zone", ZONE_DARK),
    PAPER: ("--paper", PAPER_DARK),
}

FONT_SIZE, TICK_SIZE, NOTE_SIZE, TITLE_SIZE, SUBTITLE_SIZE = 9.5, 9.0, 7.8, 12.5, 9.2

# The bounds of the words for a ratio; a ratio r and 1/r are judged alike.
EQUAL_WITHIN, MUCH_BEYOND = 1.1, 1.5

# Ticks of a ratio axis that spans at most so many times: every tick, powers of two, powers of four.
RATIO_TICKS = {
    16: {1 / 8: "⅛", 1 / 4: "¼", 1 / 3: "⅓", 1 / 2: "½", 2 / 3: "⅔", 1: "1", 1.5: "1½", 2: "2", 3: "3", 4: "4", 8: "8"},
    128: {1 / 16: "1/16", 1 / 8: "⅛", 1 / 4: "¼", 1 / 2: "½"} | {2**n: str(2**n) for n in range(7)},
    math.inf: {1 / 4**n: f"1/{4**n}" for n in (5, 4, 3, 2)} | {1 / 4: "¼"} | {4**n: str(4**n) for n in range(6)},
}


def use() -> None:
    """Apply the look to matplotlib: call it after seaborn is imported, and never call ``seaborn.set_theme``.

    DejaVu Sans ships with matplotlib, so the layout is the same on every machine. Text stays text in the SVG, and the
    fixed hash salt makes a second run write the same bytes.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update(
        {
            "font.family": "DejaVu Sans",
            "font.size": FONT_SIZE,
            "axes.labelsize": TICK_SIZE,
            "axes.titlesize": FONT_SIZE,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "xtick.labelsize": TICK_SIZE,
            "ytick.labelsize": TICK_SIZE,
            "text.color": INK,
            "axes.labelcolor": MUTED,
            "axes.titlecolor": INK,
            "xtick.color": RULE,
            "ytick.color": RULE,
            "xtick.labelcolor": MUTED,
            "ytick.labelcolor": MUTED,
            "axes.edgecolor": RULE,
            "axes.linewidth": 0.8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.spines.left": False,
            "axes.axisbelow": True,
            "axes.facecolor": "none",
            "axes.unicode_minus": True,
            "axes.grid": True,
            "axes.grid.axis": "y",
            "grid.color": GRID,
            "grid.linewidth": 0.8,
            "xtick.major.size": 3.0,
            "ytick.major.size": 0.0,
            "xtick.minor.size": 0.0,
            "ytick.minor.size": 0.0,
            "figure.facecolor": PAPER,
            "figure.dpi": 160,
            "savefig.dpi": 160,
            "savefig.facecolor": PAPER,
            "legend.frameon": False,
            "lines.solid_capstyle": "round",
            "text.hinting": "none",  # at 160 dpi nobody sees it, and it takes a tenth of the time of drawing
            "svg.fonttype": "none",
            "svg.hashsalt": "framework-survey",
            "path.simplify": True,
        }
    )


def line(framework: str) -> dict[str, Any]:
    """Return the keyword arguments of ``Axes.plot`` for the line of a framework: colour, dash, width, marker."""
    return {
        "color": COLORS[framework],
        "linestyle": LINESTYLES[framework],
        "linewidth": LINE_WIDTHS[framework],
        "marker": MARKERS[framework],
        "markersize": 4.5,
        "markeredgewidth": 0,
    }


def band(ax: Axes, x: Sequence[float], low: Sequence[float], high: Sequence[float], framework: str) -> None:
    """Shade the 95 % interval of a line: ``low`` to ``high`` at each ``x``, in the units of the axis."""
    ax.fill_between(x, low, high, color=COLORS[framework], alpha=0.35, linewidth=0, zorder=1.5)


def envelope(ax: Axes, x: Sequence[float], low: Sequence[float], high: Sequence[float], framework: str) -> None:
    """Shade a range over definitions or venues (never an interval; say so in the subtitle)."""
    ax.fill_between(x, low, high, color=COLORS[framework], alpha=0.10, linewidth=0, zorder=1.2)
    for edge in (low, high):
        ax.plot(x, edge, color=COLORS[framework], linewidth=0.7, alpha=0.6, zorder=1.3)


def mark_break(ax: Axes, x: float, words: str, *, at: float = 1.0) -> None:
    """Draw a dotted vertical line where a source changed its way of counting, with a note at height ``at`` (0 to 1)."""
    ax.axvline(x, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    ax.annotate(
        words,
        (x, at),
        xycoords=("data", "axes fraction"),
        xytext=(3, -2),
        textcoords="offset points",
        va="top",
        fontsize=NOTE_SIZE,
        color=MUTED,
    )


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """Move label positions apart until neighbours are at least ``gap`` apart, as little as possible.

    Returns the new positions in the order given. Labels that collide are set around their common mean, so no label
    changes its place in the order.
    """
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    blocks: list[list[float]] = []  # [mean of the block, number of labels]
    for i in order:
        blocks.append([positions[i], 1])
        while len(blocks) > 1 and _reach(blocks[-1], gap, -1) - _reach(blocks[-2], gap, 1) < gap - 1e-12:
            (mean_b, n_b), (mean_a, n_a) = blocks.pop(), blocks.pop()
            blocks.append([(mean_a * n_a + mean_b * n_b) / (n_a + n_b), n_a + n_b])
    placed = [mean + (k - (n - 1) / 2) * gap for mean, n in blocks for k in range(int(n))]
    moved = [0.0] * len(positions)
    for i, place in zip(order, placed, strict=True):
        moved[i] = place
    return moved


def _reach(block: list[float], gap: float, side: int) -> float:
    """Return the position of the outermost label of a block (``side`` -1 lowest, 1 highest)."""
    mean, n = block
    return mean + side * (n - 1) / 2 * gap


def direct_label(
    ax: Axes, x: float, y: float, words: str, framework: str = "other", *, dx: float = 6, dy: float = 0, **text: Any
) -> Annotation:
    """Write ``words`` beside the point (``x``, ``y``) in the colour of the framework, ``dx``/``dy`` points away."""
    options: dict[str, Any] = {"va": "center", "ha": "left" if dx >= 0 else "right", "fontsize": TICK_SIZE}
    return ax.annotate(
        words,
        (x, y),
        xytext=(dx, dy),
        textcoords="offset points",
        color=LABEL_COLORS[framework],
        annotation_clip=False,
        **(options | text),
    )


def label_ends(ax: Axes, ends: Iterable[tuple[float, float, str, str]], *, points: float = 11.5, dx: float = 7) -> None:
    """Label the ends of several lines without collisions; call it last, when the limits of the axis are set.

    ``ends`` holds ``(x, y, framework, words)`` in data coordinates; ``points`` is the least distance of two labels.
    """
    ends = list(ends)
    height = ax.get_window_extent().height * 72 / ax.get_figure().dpi
    low, high = ax.transData.inverted().transform([(0, 0), (0, 1)])[:, 1]
    per_point = (high - low) * ax.get_figure().dpi / 72 if height else 0.0
    for (x, y, framework, words), place in zip(ends, spread([e[1] for e in ends], points * per_point), strict=True):
        direct_label(ax, x, y, words, framework, dx=dx, dy=(place - y) / per_point if per_point else 0)


def share_axis(ax: Axes, top: float | None = None) -> None:
    """Make the y axis a share from 0 to a round value above the data (or ``top``); shares are fractions of 1.

    Ticks are per cent; the unit stands on the top tick only.
    """
    reach = top if top is not None else min(1.0, max(ax.dataLim.y1, 0.02))
    step = next(s for s in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5) if reach / s <= 5 + 1e-9)
    count = math.ceil(reach / step - 1e-9)
    ticks = [i * step for i in range(count + 1)]
    ax.set_ylim(0, ticks[-1])
    digits = 1 if step < 0.01 else 0
    ax.set_yticks(ticks, [f"{100 * t:.{digits}f}" + (" %" if i == count else "") for i, t in enumerate(ticks)])
    ax.grid(visible=True, axis="y")
    ax.grid(visible=False, axis="x")


def ratio_axis(
    ax: Axes,
    low: float,
    high: float,
    *,
    above: str = "PyTorch faster",
    below: str = "TensorFlow faster",
    words: bool = True,
    axis: str = "x",
) -> None:
    """Make an axis a ratio on a base-2 logarithm that holds ``low`` to ``high`` and at least ⅔ to 1½.

    Ratios are PyTorch over TensorFlow, larger is better for PyTorch; the line at 1 is ink and the zone of practical
    equality (10 % either way) is grey. ``words`` writes both directions above the panel, each in its own colour.
    """
    low, high = min(low, 2 / 3, high**-0.6) / 1.08, max(high, 1.5, low**-0.6) * 1.08
    # Both sides need room for their words.
    low = min(low, 2 / 3, max(high**-0.6, 1 / 3)) / 1.08
    high = max(high, 1.5, min(low**-0.6, 3)) * 1.08
    getattr(ax, f"set_{axis}scale")("log", base=2)
    getattr(ax, f"set_{axis}lim")(low, high)
    labels = next(ticks for reach, ticks in RATIO_TICKS.items() if high / low <= reach)
    ticks = [tick for tick in labels if low <= tick <= high]
    getattr(ax, f"set_{axis}ticks")(ticks, [labels[tick] for tick in ticks], minor=False)
    getattr(ax, f"set_{axis}ticks")([], minor=True)
    span, mark = (ax.axvspan, ax.axvline) if axis == "x" else (ax.axhspan, ax.axhline)
    span(1 / EQUAL_WITHIN, EQUAL_WITHIN, color=ZONE, linewidth=0, zorder=0)
    mark(1, color=INK, linewidth=0.9, zorder=1)
    ax.grid(visible=True, axis=axis)
    ax.grid(visible=False, axis="y" if axis == "x" else "x")
    if words and axis == "x":
        common = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "fontsize": NOTE_SIZE}
        ax.annotate(f"◀ {below}", (1, 1), xytext=(-5, 4), ha="right", va="bottom", color=COLORS["tensorflow"], **common)
        ax.annotate(f"{above} ▶", (1, 1), xytext=(5, 4), ha="left", va="bottom", color=COLORS["pytorch"], **common)


def interval_words(ratio: float, low: float, high: float, *, above: str = "PyTorch", below: str = "TensorFlow") -> str:
    """Say what an interval of a speed ratio (``above`` over ``below``) allows to be said.

    The whole interval decides, never the estimate alone: inside [1/1.1, 1.1] it is "practically equal"; otherwise an
    interval that holds 1 leaves the direction not settled; one wholly beyond 1.1 is "clearly", beyond 1.5 "much"; one
    beyond 1 that reaches into the zone of practical equality settles the direction but not the size.

    Raises ``ValueError`` when the three do not satisfy 0 < low <= ratio <= high.
    """
    if any(value is None or math.isnan(value) for value in (ratio, low, high)):
        return "not measured"
    if not 0 < low <= ratio <= high:
        raise ValueError(f"interval [{low}, {high}] of ratio {ratio}: need 0 < low <= ratio <= high")
    if low >= 1 / EQUAL_WITHIN and high <= EQUAL_WITHIN:
        return "practically equal"
    if low <= 1 <= high:
        return "direction not settled"
    who, least = (above, low) if low > 1 else (below, 1 / high)
    if least > MUCH_BEYOND:
        return f"{who} much faster"
    if least > EQUAL_WITHIN:
        return f"{who} clearly faster"
    return f"{who} faster, size not settled"


def state_in_words(figure: Figure, words: str) -> None:
    """Fill a figure that has nothing to draw with what it needs, instead of an empty frame."""
    import textwrap

    width = max(24, int(figure.get_figwidth() * 11))
    figure.text(
        0.5,
        0.5,
        textwrap.fill(words.replace("`", ""), width),
        ha="center",
        va="center",
        color=MUTED,
        fontsize=FONT_SIZE,
    )


_STATES = {
    "failed": "failed",
    "oom": "out of memory",
    "timeout": "timed out",
    "unsupported": "not supported",
    "not_tried": "not tried",
    "untested": "not tried",
    "not_measured": "not measured here",
    "skipped": "not measured here",
    "wrong": "wrong numbers",
    "expected_failure": "failed, as expected",
}


#: Parity with which a timing is admitted: shown, or no question of its track.
ADMITTED = ("pass", "not asked")


def state_words(status: str, parity: str = "pass", note: str = "", *, short: bool = False) -> str:
    """Return the words for a cell without an admitted value, or "" where there is one.

    A failure is evidence, so it says what it is; ``short`` leaves the reason (``note``) to the caller. A timing whose
    two sides were not shown to compute the same ("parity") is not admitted as a comparison.
    """
    status = str(status)
    if status != "ok":
        words = _STATES.get(status, status.replace("_", " "))
        if not short and status in {"oom", "timeout"}:
            words = f"failed: {words}"
    elif parity == "fail":
        words = "parity failed"
    elif parity not in ADMITTED:
        words = "parity untested"
    else:
        return ""
    return words if short or not note else f"{words}: {note}"
