"""A calibrated linear classifier of roles: trained by scikit-learn, kept as readable JSON, scored by NumPy alone.

Multinomial logistic regression on ``features``, made milder or sharper by one temperature that is fitted on predictions
for papers left out of training (C. Guo et al., On calibration of modern neural networks, ICML 2017). Class weights and
other calibrations were tried and were no better (docs/mentions.md).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROLES = ("used", "released", "studied", "listed")
# How much a kind of feature may say before the penalty bites: single words least, for there are many of them.
SCALE: Mapping[str, float] = {
    "cue": 1.0, "title": 1.0, "place": 1.0, "abstract": 0.7, "left1": 0.5, "right1": 0.5, "left2": 0.4, "right2": 0.4,
    "left12": 0.4, "right12": 0.4, "near": 0.3, "head": 0.3, "word": 0.15,
}  # fmt: skip
PENALTIES = (0.15, 0.25, 0.5, 1.0)  # C of scikit-learn
RARE = 3  # a feature of fewer examples is left out
INVENTED_WEIGHT = 0.5


@dataclass(frozen=True)
class Examples:
    """Labelled mentions: features, role, paper, the weight in training, and whether the text is invented."""

    features: list[dict[str, float]]
    roles: np.ndarray
    papers: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.features)

    def take(self, rows: Sequence[int] | np.ndarray) -> Examples:
        """Return the examples of ``rows`` in that order."""
        rows = np.asarray(rows, dtype=int)
        return Examples([self.features[k] for k in rows], self.roles[rows], self.papers[rows], self.weights[rows])

    def plus(self, other: Examples) -> Examples:
        """Return these examples followed by ``other``."""
        return Examples(
            self.features + other.features,
            np.concatenate([self.roles, other.roles]),
            np.concatenate([self.papers, other.papers]),
            np.concatenate([self.weights, other.weights]),
        )


@dataclass(frozen=True)
class Model:
    """Weights of the features for each of ``ROLES``, intercepts and temperature; probabilities need nothing else."""

    names: tuple[str, ...]
    weights: np.ndarray  # (features, roles)
    intercepts: np.ndarray  # (roles,)
    temperature: float

    def probabilities(self, rows: Iterable[Mapping[str, float]]) -> np.ndarray:
        """Return probabilities of shape (rows, roles), roles in the order of ``ROLES``; every row adds to 1."""
        place = {name: k for k, name in enumerate(self.names)}
        logits = []
        for row in rows:
            known = [(place[name], value) for name, value in row.items() if name in place]
            columns, values = [k for k, _ in known], np.array([value for _, value in known])
            logits.append(self.intercepts + (values @ self.weights[columns] if known else 0.0))
        return softmax(np.reshape(logits, (-1, len(ROLES))) / self.temperature)

    def to_json(self, **about: object) -> str:
        """Return the model as JSON, a feature a line, its weights in the order of ``ROLES``; ``about`` comes first."""
        lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in about.items()]
        lines += [
            f'"roles": {json.dumps(ROLES)}',
            f'"temperature": {self.temperature:.6g}',
            f'"intercepts": {_numbers(self.intercepts)}',
            '"features": {\n'
            + ",\n".join(f"{json.dumps(n)}: {_numbers(w)}" for n, w in zip(self.names, self.weights, strict=True))
            + "\n}",
        ]
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def load(cls, path: Path) -> Model:
        """Return the model of a JSON file; ValueError where it is not one, with what to do."""
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
            if tuple(table["roles"]) != ROLES:
                raise ValueError(f"its roles are {table['roles']}, not {list(ROLES)}")
            weights = np.array(list(table["features"].values()), dtype=float).reshape(-1, len(ROLES))
            model = cls(tuple(table["features"]), weights, np.array(table["intercepts"]), float(table["temperature"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path}: not a model of mentions ({error}); make it again: python -m analysis.roles train --texts FILE"
            ) from error
        return model


def fit(examples: Examples, penalty: float) -> Model:
    """Return the uncalibrated model (temperature 1) of ``examples``; deterministic."""
    from sklearn.feature_extraction import DictVectorizer
    from threadpoolctl import threadpool_limits

    counts = Counter(name for row in examples.features for name in row)
    vectorizer = DictVectorizer()
    matrix = vectorizer.fit_transform(
        [
            {name: value * SCALE[kind(name)] for name, value in row.items() if counts[name] >= RARE}
            for row in examples.features
        ]
    )
    with threadpool_limits(1):  # several threads make so small a task ten times slower on a busy machine
        regression = logistic_regression(penalty).fit(matrix, examples.roles, sample_weight=examples.weights)
    missing = [role for role in ROLES if role not in regression.classes_]
    if missing:
        raise ValueError(f"no example of the role {', '.join(missing)}; every role needs examples")
    order = [list(regression.classes_).index(role) for role in ROLES]
    scale = np.array([SCALE[kind(name)] for name in vectorizer.feature_names_])
    return Model(
        tuple(vectorizer.feature_names_),
        (regression.coef_[order] * scale).T,
        regression.intercept_[order],
        temperature=1.0,
    )


def logistic_regression(penalty: float):
    """Return scikit-learn's estimator behind ``fit``."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=penalty, max_iter=3000, tol=1e-6)


def train(examples: Examples, extra: Examples | None = None, seed: int = 0) -> Model:
    """Return a calibrated model: penalty and temperature chosen on papers left out (5 folds, grouped by paper).

    examples   the labelled set
    extra      further examples for training only (invented texts): never predicted, never part of a choice's score
    """
    best = min((_calibrated(examples, extra, penalty, seed) for penalty in PENALTIES), key=lambda tried: tried[0])
    _, penalty, temperature = best
    model = fit(examples.plus(extra) if extra else examples, penalty)
    return Model(model.names, model.weights, model.intercepts, temperature)


def folds(examples: Examples, seed: int, number: int = 5) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (training rows, test rows) of each fold; a paper's mentions stay together, roles are spread evenly."""
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    return list(splitter.split(examples.roles, examples.roles, examples.papers))


def _calibrated(examples: Examples, extra: Examples | None, penalty: float, seed: int) -> tuple[float, float, float]:
    from scipy.optimize import minimize_scalar

    left_out = np.empty((len(examples), len(ROLES)))
    for training, test in folds(examples, seed):
        known = examples.take(training)
        model = fit(known.plus(extra) if extra else known, penalty)
        left_out[test] = model.probabilities([examples.features[k] for k in test])
    logs, truth = np.log(left_out), [ROLES.index(role) for role in examples.roles]

    def loss(log_temperature: float) -> float:
        return -np.log(softmax(logs / np.exp(log_temperature))[np.arange(len(truth)), truth]).mean()

    found = minimize_scalar(loss, bounds=(-1.5, 1.5), method="bounded")
    return float(found.fun), penalty, float(np.exp(found.x))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return ``exp(logits)`` scaled so that every row adds to 1."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return powers / powers.sum(axis=1, keepdims=True)


def kind(name: str) -> str:
    """Return the kind of a feature: what stands before the colon."""
    return name.split(":", 1)[0]


def _numbers(values: np.ndarray) -> str:
    return "[" + ", ".join(f"{value:.5g}" for value in values) + "]"
