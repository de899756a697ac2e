"""The palette keeps its distances, and the words for an interval follow from the interval alone."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest

from analysis import style

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
MACHADO = {
    "deuteranope": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanope": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritanope": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
SETS = [(style.COLORS, style.PAPER), (style.COLORS_DARK, style.PAPER_DARK)]


def linear(color: str) -> np.ndarray:
    values = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""
    lights = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def lab(color: str, seen_by: str) -> np.ndarray:
    rgb = linear(color)
    if seen_by in MACHADO:
        rgb = np.clip(np.array(MACHADO[seen_by]) @ rgb, 0, 1)
    if seen_by == "grey":
        rgb = np.repeat(rgb @ [0.2126, 0.7152, 0.0722], 3)
    xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
    )
    t = (xyz @ rgb) / [0.95047, 1.0, 1.08883]
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def ciede2000(one: np.ndarray, other: np.ndarray) -> float:
    """Sharma, Wu and Dalal (2005)."""
    mean_c = np.mean([np.hypot(*x[1:]) for x in (one, other)])
    g = 0.5 * (1 - np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)))
    (l1, a1, b1), (l2, a2, b2) = (x * [1, 1 + g, 1] for x in (one, other))
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    dh = 0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    mean_h = h1 + h2 if c1 * c2 == 0 else (h1 + dh / 2) % 360
    dl, dc, dbig = l2 - l1, c2 - c1, 2 * np.sqrt(c1 * c2) * np.sin(np.radians(dh / 2))
    ml, mc = (l1 + l2) / 2, (c1 + c2) / 2
    cos = [np.cos(np.radians(k * mean_h - o)) for k, o in ((1, 30), (2, 0), (3, -6), (4, 63))]
    t = 1 - 0.17 * cos[0] + 0.24 * cos[1] + 0.32 * cos[2] - 0.20 * cos[3]
    sl, sc, sh = 1 + 0.015 * (ml - 50) ** 2 / np.sqrt(20 + (ml - 50) ** 2), 1 + 0.045 * mc, 1 + 0.015 * mc * t
    rotation = -2 * np.sqrt(mc**7 / (mc**7 + 25.0**7)) * np.sin(np.radians(60 * np.exp(-(((mean_h - 275) / 25) ** 2))))
    return float(np.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dbig / sh) ** 2 + rotation * (dc / sc) * (dbig / sh)))


def test_the_distance_formula_gives_sharmas_first_pair():
    assert ciede2000(np.array([50, 2.6772, -79.7751]), np.array([50, 0, -82.7485])) == pytest.approx(2.0425, abs=1e-4)


@pytest.mark.parametrize(("colors", "paper"), SETS)
def test_names_can_be_read_and_lines_seen(colors, paper):
    for name, color in colors.items():
        assert contrast(color, paper) >= (3.0 if name == "other" else 4.5), name
    ink = style.INK if paper == style.PAPER else style.INK_DARK
    muted = style.MUTED if paper == style.PAPER else style.MUTED_DARK
    assert contrast(ink, paper) >= 7
    assert contrast(muted, paper) >= 4.5


@pytest.mark.parametrize(("colors", "paper"), SETS)
@pytest.mark.parametrize("seen_by", ["everyone", "deuteranope", "protanope", "tritanope", "grey"])
def test_the_pair_is_told_apart(colors, paper, seen_by):
    distance = ciede2000(lab(colors["pytorch"], seen_by), lab(colors["tensorflow"], seen_by))
    assert distance >= (8 if seen_by == "grey" else 40)


@pytest.mark.parametrize(("colors", "paper"), SETS)
@pytest.mark.parametrize("seen_by", ["deuteranope", "protanope"])
def test_all_families_are_told_apart(colors, paper, seen_by):
    families = [colors[name] for name in ("pytorch", "tensorflow", "jax", "both", "other")]
    assert min(ciede2000(lab(a, seen_by), lab(b, seen_by)) for a, b in itertools.combinations(families, 2)) >= 12


def test_every_framework_has_every_mark():
    for marks in (style.COLORS_DARK, style.MARKERS, style.DASHES, style.LINE_WIDTHS, style.FRAMEWORK_LABELS):
        assert set(marks) == set(style.COLORS)
    assert len(set(style.MARKERS.values())) == len(style.MARKERS)
    assert len(set(style.DASHES.values())) == len(style.DASHES)


def test_every_colour_has_a_dark_partner():
    assert {*style.COLORS.values(), style.INK, style.MUTED, style.RULE, style.GRID, style.ZONE, style.PAPER} == set(
        style.ROLES
    )


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ((1.0, 0.95, 1.05), "practically equal"),
        ((1.05, 1.01, 1.1), "practically equal"),
        ((1.2, 0.9, 1.5), "direction not settled"),
        ((1.2, 1.11, 1.3), "PyTorch clearly faster"),
        ((1.2, 1.05, 1.3), "PyTorch faster, size not settled"),
        ((1.8, 1.6, 2.0), "PyTorch much faster"),
        ((0.8, 0.75, 0.89), "TensorFlow clearly faster"),
        ((0.5, 0.4, 0.6), "TensorFlow much faster"),
        ((float("nan"), float("nan"), float("nan")), "not measured"),
    ],
)
def test_the_whole_interval_decides_the_words(interval, words):
    assert style.interval_words(*interval) == words


def test_a_ratio_and_its_inverse_get_mirrored_words():
    for low, high in ((0.5, 0.6), (0.92, 1.05), (0.7, 0.95), (0.8, 1.4)):
        middle = (low * high) ** 0.5
        mirrored = style.interval_words(1 / middle, 1 / high, 1 / low, above="TensorFlow", below="PyTorch")
        assert style.interval_words(middle, low, high) == mirrored


def test_an_interval_that_misses_its_ratio_is_refused():
    with pytest.raises(ValueError, match="need 0 < low"):
        style.interval_words(2.0, 1.0, 1.5)


@pytest.mark.parametrize("positions", [[], [1.0], [1, 1, 1], [0, 0.05, 0.1, 5], [3, 1, 2.95, 1.01]])
def test_spread_keeps_order_and_distance(positions):
    moved = style.spread(positions, 0.2)
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    placed = [moved[i] for i in order]
    assert placed == sorted(placed)
    assert all(b - a >= 0.2 - 1e-9 for a, b in itertools.pairwise(placed))


def test_spread_leaves_labels_alone_that_do_not_collide():
    assert style.spread([1, 3, 2], 0.5) == [1, 3, 2]


def test_a_failed_cell_says_so():
    assert style.state_words("ok") == ""
    assert style.state_words("oom") == "failed: out of memory"
    assert style.state_words("oom", short=True) == "out of memory"
    assert style.state_words("ok", "fail") == "parity failed"
    assert style.state_words("unsupported", note="no XLA") == "not supported: no XLA"


def test_the_ratio_axis_holds_one_and_its_zone():
    style.use()
    figure, ax = plt.subplots()
    style.ratio_axis(ax, 0.4, 3.0)
    assert ax.get_xscale() == "log"
    assert {"½", "⅔", "1", "1½", "2", "3"} <= {label.get_text() for label in ax.get_xticklabels()}
    plt.close(figure)


def test_the_share_axis_starts_at_zero():
    style.use()
    figure, ax = plt.subplots()
    ax.plot([0, 1], [0.2, 0.62])
    style.share_axis(ax)
    assert ax.get_ylim()[0] == 0
    assert ax.get_ylim()[1] >= 0.62
    assert [label.get_text() for label in ax.get_yticklabels()][-1].endswith(" %")
    plt.close(figure)
