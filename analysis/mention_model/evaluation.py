"""How well the roles of mentions are told: scores with intervals, always on papers left out of training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.mention_model.classifier import ROLES, Examples, folds, train

USES = ("used", "released")
REPEATS = 3  # of the grouped cross-validation, each with another split
NEAREST = 2  # invented texts most like a test text are kept out of training, so many for each test text
BINS = 10


@dataclass(frozen=True)
class Predictions:
    """Probabilities for papers left out: one array (rows, roles) a repeat; ``rows`` are the examples predicted."""

    rows: np.ndarray
    repeats: list[np.ndarray]


def cross_validated(examples: Examples, fit_predict: Callable, repeats: int = REPEATS) -> Predictions:
    """Predict every example with its paper left out: 5 folds, grouped by paper, repeated with other splits.

    fit_predict   ``(training rows, test rows, seed) -> probabilities`` of the test rows
    """
    predicted = []
    for seed in range(repeats):
        table = np.empty((len(examples), len(ROLES)))
        for training, test in folds(examples, seed):
            table[test] = fit_predict(training, test, seed)
        predicted.append(table)
    return Predictions(np.arange(len(examples)), predicted)


def time_split(years: np.ndarray, fit_predict: Callable, last_training_year: int) -> Predictions:
    """Predict the examples after ``last_training_year`` by a model that has seen only those up to it."""
    training, test = np.flatnonzero(years <= last_training_year), np.flatnonzero(years > last_training_year)
    return Predictions(test, [fit_predict(training, test, 0)])


def model_predictor(examples: Examples, invented: Examples | None, likeness: np.ndarray | None) -> Callable:
    """Return ``fit_predict`` of the shipped procedure: penalty and temperature are chosen inside the training rows.

    likeness   (examples, invented texts); for every test text the ``NEAREST`` invented ones are not trained on
    """

    def fit_predict(training: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
        extra = invented
        if invented is not None and likeness is not None:
            near = np.unique(np.argsort(-likeness[test], axis=1)[:, :NEAREST])
            extra = invented.take(np.setdiff1d(np.arange(len(invented)), near))
        model = train(examples.take(training), extra, seed)
        return model.probabilities([examples.features[k] for k in test])

    return fit_predict


def tfidf_predictor(examples: Examples, texts: Sequence[str]) -> Callable:
    """Return ``fit_predict`` of the plain baseline: TF-IDF of words and word pairs, logistic regression."""

    def fit_predict(training: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from threadpoolctl import threadpool_limits

        pipeline = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2),
            LogisticRegression(C=10, class_weight="balanced", max_iter=3000),
        )
        with threadpool_limits(1):
            pipeline.fit([texts[k] for k in training], examples.roles[training])
        order = [list(pipeline.classes_).index(role) for role in ROLES]
        return pipeline.predict_proba([texts[k] for k in test])[:, order]

    return fit_predict


def keyword_predictor(examples: Examples) -> Callable:
    """Return ``fit_predict`` of four rules on cues; each rule's probabilities are the shares seen in training."""
    ruled = np.array([_keyword_role(row) for row in examples.features])

    def fit_predict(training: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
        shares = {}
        for role in ROLES:
            counts = [1 + 4 * (role == other) for other in ROLES]  # a rule without examples still means its role
            seen = examples.roles[training][ruled[training] == role]
            counts = np.array(counts, dtype=float) + [np.sum(seen == other) for other in ROLES]
            shares[role] = counts / counts.sum()
        return np.array([shares[role] for role in ruled[test]])

    return fit_predict


def majority_predictor(examples: Examples) -> Callable:
    """Return ``fit_predict`` that knows nothing but how often each role occurs in training."""

    def fit_predict(training: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
        shares = np.array([np.mean(examples.roles[training] == role) for role in ROLES])
        return np.tile(shares, (len(test), 1))

    return fit_predict


def likeness(texts: Sequence[str], others: Sequence[str]) -> np.ndarray:
    """Return the cosine of TF-IDF vectors between ``texts`` and ``others``, shape (texts, others)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(sublinear_tf=True, stop_words="english", min_df=2).fit([*texts, *others])
    return (vectorizer.transform(texts) @ vectorizer.transform(others).T).toarray()


def scores(
    examples: Examples,
    predictions: Predictions,
    draws: int = 2000,
    seed: int = 0,
    shares: Mapping[str, float] | None = None,
) -> dict[str, tuple]:
    """Return each score as (value, low, high): means over the repeats, 95 % percentile intervals by paper.

    shares   weigh the mentions so that the true roles have these shares, which add to 1; default: all weigh alike

    macro_f1      mean F1 of the four roles
    accuracy      share of roles told rightly
    use_auc       area under the curve of used-or-released against the rest
    calibration   expected calibration error of the told role's probability, ten bins of equal width
    """
    roles, papers = examples.roles[predictions.rows], examples.papers[predictions.rows]
    truth = np.array([ROLES.index(role) for role in roles])
    weights = np.ones(len(truth))
    if shares is not None:
        counts = np.bincount(truth, minlength=len(ROLES))
        weights = np.array([shares[role] for role in ROLES])[truth] / counts[truth]
    values = _scored(truth, predictions.repeats, weights, np.arange(len(truth)))
    rng = np.random.default_rng(seed)
    _, paper = np.unique(papers, return_inverse=True)
    of_paper = [np.flatnonzero(paper == k) for k in range(paper.max() + 1)]
    drawn = []
    for _ in range(draws):
        chosen = rng.integers(len(of_paper), size=len(of_paper))
        drawn.append(_scored(truth, predictions.repeats, weights, np.concatenate([of_paper[k] for k in chosen])))
    low, high = np.nanpercentile(drawn, [2.5, 97.5], axis=0)
    names = ("macro_f1", "accuracy", "use_auc", "calibration")
    return {name: (values[k], low[k], high[k]) for k, name in enumerate(names)}


def confusion(examples: Examples, predictions: Predictions) -> np.ndarray:
    """Return counts (true role, told role), roles in the order of ``ROLES``, as means over the repeats."""
    truth = [ROLES.index(role) for role in examples.roles[predictions.rows]]
    table = np.zeros((len(ROLES), len(ROLES)))
    for probabilities in predictions.repeats:
        np.add.at(table, (truth, probabilities.argmax(axis=1)), 1 / len(predictions.repeats))
    return table


def calibration(examples: Examples, predictions: Predictions, bins: int = 5) -> list[tuple[float, float, float, float]]:
    """Return (lower end, mentions, mean probability told, share right) for each bin that holds a mention."""
    truth = np.array([ROLES.index(role) for role in examples.roles[predictions.rows]])
    told = np.concatenate([table.max(axis=1) for table in predictions.repeats])
    right = np.concatenate([table.argmax(axis=1) == truth for table in predictions.repeats])
    place = np.minimum((told * bins).astype(int), bins - 1)
    return [
        (k / bins, np.sum(place == k) / len(predictions.repeats), told[place == k].mean(), right[place == k].mean())
        for k in range(bins)
        if np.any(place == k)
    ]


def _scored(truth: np.ndarray, repeats: Sequence[np.ndarray], weights: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return np.mean([_one(truth[rows], table[rows], weights[rows]) for table in repeats], axis=0)


def _one(truth: np.ndarray, table: np.ndarray, weights: np.ndarray) -> tuple[float, float, float, float]:
    told, probability = table.argmax(axis=1), table.max(axis=1)
    right = told == truth
    total = weights.sum()
    f1 = [
        2 * weights[right & (truth == k)].sum() / both
        if (both := weights[truth == k].sum() + weights[told == k].sum())
        else np.nan
        for k in range(len(ROLES))
    ]
    place = np.minimum((probability * BINS).astype(int), BINS - 1)
    gaps = np.abs(np.bincount(place, weights * (probability - right), minlength=BINS))
    uses = [ROLES.index(role) for role in USES]
    auc = _auc(np.isin(truth, uses), table[:, uses].sum(axis=1), weights)
    return np.nanmean(f1), weights[right].sum() / total, auc, gaps.sum() / total


def _auc(positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> float:
    """Return how often a positive scores above a negative, ties counted half (the statistic of Mann and Whitney)."""
    order = np.argsort(score[~positive])
    below = np.concatenate([[0.0], np.cumsum(weights[~positive][order])])
    if not positive.any() or positive.all():
        return float("nan")
    negatives = score[~positive][order]
    beaten = [below[np.searchsorted(negatives, score[positive], side)] for side in ("left", "right")]
    return float(weights[positive] @ np.mean(beaten, axis=0) / (weights[positive].sum() * below[-1]))


def _keyword_role(row: dict[str, float]) -> str:
    def has(*names: str) -> bool:
        return any(name in row for name in names)

    if has("title:library", "cue:fw_library", "cue:present_kind"):
        return "released"
    if has("cue:than_fw", "cue:measured", "cue:measured_list", "cue:defects"):
        return "studied"
    if has("cue:such_as", "cue:unlike", "cue:fw_like") and not has("cue:made_with"):
        return "listed"
    return "used"
