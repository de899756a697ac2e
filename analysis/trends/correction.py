"""Shares from a detector whose errors were measured: the shares that would have given what it said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.intervals import wilson
from analysis.trends.archive import Archive, Detector
from analysis.trends.series import middle

TRUE = ("pytorch", "tensorflow", "other")
DRAWS = 1000
STEPS = 2000
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Corrected:
    """The corrected two-way share of a period (pytorch among pytorch or tensorflow), its interval, and the classes.

    classes   (3,) shares of pytorch, tensorflow and other
    """

    share: float
    low: float
    high: float
    classes: np.ndarray


def invert(rates: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Return the shares of the true classes under which ``observed`` is likeliest.

    rates      (..., true, labels) how often the detector gives each label to each true class; rows sum to one
    observed   (..., labels) counts or shares
    returns    (..., true), never negative, summing to one

    With as many labels as classes, and where it gives no negative share, this is the inverse of the matrix: the
    correction of W. J. Rogan and B. Gladen, American Journal of Epidemiology 107 (1978) 71-76, for several classes. It
    is found by expectation and maximisation (A. P. Dempster, N. M. Laird and D. B. Rubin, Journal of the Royal
    Statistical Society B 39 (1977) 1-38), sped up by squared steps (R. Varadhan and C. Roland, Scandinavian Journal of
    Statistics 35 (2008) 335-353).
    """
    total = observed.sum(axis=-1, keepdims=True)
    seen = observed / np.where(total > 0, total, 1)
    shares = np.full((*np.broadcast_shapes(rates.shape[:-2], observed.shape[:-1]), rates.shape[-2]), 1.0)
    shares /= rates.shape[-2]
    for _ in range(STEPS // 3):
        first = _improve(rates, seen, shares)
        second = _improve(rates, seen, first)
        move, bend = first - shares, second - 2 * first + shares
        length = np.sqrt(np.sum(move**2, axis=-1) / np.maximum(np.sum(bend**2, axis=-1), 1e-300))
        length = np.clip(length, 1, 1e4)[..., None]
        leap = np.maximum(shares + 2 * length * move + length**2 * bend, 1e-12)
        after = _improve(rates, seen, leap / leap.sum(axis=-1, keepdims=True))
        worse = _likelihood(rates, seen, after) < _likelihood(rates, seen, second)
        after = np.where(worse[..., None], second, after)
        done = np.max(np.abs(after - shares)) < TOLERANCE
        shares = after
        if done:
            break
    return shares


def _improve(rates: np.ndarray, seen: np.ndarray, shares: np.ndarray) -> np.ndarray:
    expected = np.maximum(np.einsum("...i,...ij->...j", shares, rates), 1e-300)
    better = shares * np.einsum("...ij,...j->...i", rates, seen / expected)
    return better / np.maximum(better.sum(axis=-1, keepdims=True), 1e-300)


def _likelihood(rates: np.ndarray, seen: np.ndarray, shares: np.ndarray) -> np.ndarray:
    expected = np.maximum(np.einsum("...i,...ij->...j", shares, rates), 1e-300)
    return np.sum(seen * np.log(expected), axis=-1)


def correct(
    confusion: ArrayLike,
    observed: ArrayLike,
    rng: np.random.Generator,
    *,
    mix: ArrayLike | None = None,
    level: float = 0.95,
    draws: int = DRAWS,
) -> Corrected:
    """Return the corrected share of one period, with an interval over both samples.

    confusion   (rows, labels) units of the calibration sample by what they truly are and by the detector's label
    mix         (3, rows) part that each row has in pytorch, tensorflow and other; each of the three sums to one
                (default: the rows are the three)
    observed    (labels,) units of the period by the detector's label
    rng         for the draws

    The interval takes the calibration sample and the period's sample anew, each from the posterior of its shares under
    the Jeffreys prior, so that a label never given in a small sample is not taken for impossible. Correcting the ends
    of a naive interval instead would hold the truth far too seldom (J. Reiczigel, J. Földi and L. Ózsvári,
    Epidemiology and Infection 138 (2010) 1674-1678; Z. Lang and J. Reiczigel, Preventive Veterinary Medicine 113
    (2014) 13-22).

    raises      ValueError if a true class is absent from the calibration sample
    """
    table, seen = np.asarray(confusion, dtype=float), np.asarray(observed, dtype=float)
    parts = np.eye(len(TRUE)) if mix is None else np.asarray(mix, dtype=float)
    if ((parts @ table).sum(axis=1) <= 0).any():
        absent = ", ".join(name for name, row in zip(TRUE, parts @ table, strict=True) if row.sum() <= 0)
        raise ValueError(f"the calibration sample holds no repository of {absent}; sample some")
    point = invert(parts @ (table / np.maximum(table.sum(axis=1, keepdims=True), 1e-12)), seen)
    rates = rng.standard_gamma(table + 0.5, (draws, *table.shape))
    rates = parts @ (rates / rates.sum(axis=2, keepdims=True))
    again = rng.standard_gamma(seen + 0.5, (draws, *seen.shape))
    drawn = invert(rates, again)
    two_way = drawn[:, 0] / np.maximum(drawn[:, 0] + drawn[:, 1], 1e-12)
    low, high = np.quantile(two_way, [(1 - level) / 2, (1 + level) / 2])
    return Corrected(float(point[0] / max(point[0] + point[1], 1e-12)), float(low), float(high), point)


def by_month(detector: Detector, archive: Archive | None, seed: int) -> list[dict]:
    """Return the corrected share of every month of the detector, beside what the archive says of the same month.

    The archive's share is that of official repositories, which is what the detector samples. The first month is marked
    as a break: this series goes on after the archive, and is another one.
    """
    labels = sorted(set(detector.confusion["detector_label"]) | set(detector.monthly["label"]))
    table, mix = calibration(detector, labels)
    rows = []
    for number, (month, found) in enumerate(detector.monthly.groupby("month", sort=True)):
        seen = found.groupby("label")["repositories"].sum().reindex(labels).fillna(0).to_numpy(float)
        row = {"period": month, "t": middle(month), "n": int(seen.sum()), "needs": ""}
        if number == 0:
            row["break"] = "repositories sampled and read by the detector, no longer labelled by the archive"
        if seen.sum() > 0:
            rng = np.random.default_rng([seed, number])
            made = correct(table, seen, rng, mix=mix)
            row |= {"share": made.share, "low": made.low, "high": made.high}
            k, both = seen[labels.index("pytorch")], seen[labels.index("pytorch")] + seen[labels.index("tf")]
            low, high = wilson(k, both)
            row |= {"uncorrected": k / both if both else np.nan}
            row |= {"uncorrected_low": float(low), "uncorrected_high": float(high)}
            row |= _beside(made, month, archive)
        rows.append(row)
    return rows


def calibration(detector: Detector, labels: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the counts of the detector's labels for each label of the archive, and its part in the three classes.

    Labels other than pytorch and tf make up ``other``, each with the part that it has among the repositories that the
    calibration sample was drawn from, for the sample has as many of each.
    """
    table = detector.confusion.pivot_table(
        index="archive_label", columns="detector_label", values="repositories", aggfunc="sum", fill_value=0
    ).reindex(columns=labels, fill_value=0)
    names = list(table.index)
    counts = table.to_numpy(float)
    weight = counts.sum(axis=1)
    if not detector.strata.empty:
        drawn_from = detector.strata.set_index("archive_label")["repositories"].reindex(names).fillna(0).to_numpy(float)
        weight = np.where(weight > 0, drawn_from, 0)
    place = np.array([{"pytorch": 0, "tf": 1}.get(name, 2) for name in names])
    mix = (place[None, :] == np.arange(3)[:, None]) * weight
    return counts, mix / np.maximum(mix.sum(axis=1, keepdims=True), 1e-12)


def _beside(made: Corrected, month: str, archive: Archive | None) -> dict:
    if archive is None:
        return {}
    table = archive.repositories
    rows = table[(table["repositories"] == "official") & (table["month"] == month)]
    n = float(rows["pytorch"].sum() + rows["tensorflow"].sum())
    if not n:
        return {}
    share = float(rows["pytorch"].sum()) / n
    low, high = (float(end) for end in wilson(rows["pytorch"].sum(), n))
    below = np.hypot(made.share - made.low, high - share)
    above = np.hypot(made.high - made.share, share - low)
    difference = made.share - share
    return {
        "archive": share,
        "archive_low": low,
        "archive_high": high,
        "difference": difference,
        "difference_low": difference - below,
        "difference_high": difference + above,
    }
