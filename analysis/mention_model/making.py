"""Make the model's file, and the page that says how good the procedure behind it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from analysis import roles
from analysis.mention_model import detection, evaluation
from analysis.mention_model.classifier import ROLES, Examples, Model, train
from analysis.mention_model.features import naming_text
from analysis.mention_model.pages import table as _table

LAST_TRAINING_YEAR = 2019  # the labelled texts are of 2016-2019 and 2025-2026
GOALS = {"macro_f1": 0.78, "use_auc": 0.93, "calibration": 0.08}


def train_model(labels: Path, texts: Path, invented: Path) -> str:
    """Return the model as JSON, with its predictions for papers left out (identifiers and numbers, no texts)."""
    examples, records = roles.labelled(labels, texts)
    extra, others = roles.invented(invented)
    predicted = _left_out(examples, extra, records, others)
    uses = [ROLES.index(role) for role in evaluation.USES]
    use = np.mean([table[:, uses].sum(axis=1) for table in predicted.repeats], axis=0)
    left_out = [
        [paper, record["framework"], role, round(float(value), 4)]
        for paper, record, role, value in zip(examples.papers, records, examples.roles, use, strict=True)
    ]
    return train(examples, extra).to_json(
        about="Roles of framework mentions; made by python -m analysis.roles train, judged in docs/mentions.md",
        labels=len(examples),
        invented=len(extra),
        left_out=left_out,
    )


def evaluate_model(labels: Path, texts: Path, invented: Path, found: Path | None = None) -> str:
    """Return docs/mentions.md.

    found   texts of the papers in ``data/mention_labels_found.csv``; without them the page says that they are missing
    """
    examples, records = roles.labelled(labels, texts)
    extra, others = roles.invented(invented)
    years = np.array([int(record["date"][:4]) for record in records])
    alike = evaluation.likeness(_texts(records), _texts(others))
    plain = [naming_text(record["title"], record["abstract"], record["framework"]) for record in records]
    ways: Mapping[str, Callable] = {
        "model": evaluation.model_predictor(examples, extra, alike),
        "model, no invented texts": evaluation.model_predictor(examples, None, None),
        "TF-IDF, logistic regression": evaluation.tfidf_predictor(examples, plain),
        "keywords": evaluation.keyword_predictor(examples),
        "majority": evaluation.majority_predictor(examples),
    }
    crossed = {name: evaluation.cross_validated(examples, way) for name, way in ways.items()}
    later = {name: evaluation.time_split(years, way, LAST_TRAINING_YEAR) for name, way in ways.items()}
    sure = np.array([record["confidence"] == "high" for record in records])
    natural = {role: float(np.mean(examples.roles[years > LAST_TRAINING_YEAR] == role)) for role in ROLES}
    searched = found_scores(train(examples, extra), roles.FOUND, found, natural) if found else {}
    return "\n".join(
        [
            *_opening(examples, records, len(extra)),
            *detection.section(detection.read()),
            *_scores("Papers left out, grouped cross-validation", examples, crossed, _CROSSED),
            *_scores("Later years", examples, later, _LATER.format(*_sizes(years))),
            *_divided(
                "Earlier and later papers, left out",
                "What the shipped model, which has seen both periods, is to be expected to do on other papers of each.",
                examples,
                crossed["model"],
                {f"to {LAST_TRAINING_YEAR}": years <= LAST_TRAINING_YEAR, "later years": years > LAST_TRAINING_YEAR},
            ),
            *_found(roles.FOUND, searched),
            *_divided(
                "Clear labels and close calls",
                "Papers left out, divided by how sure the reader of the label was: most errors are close calls.",
                examples,
                crossed["model"],
                {"clear (high)": sure, "close call (low)": ~sure},
            ),
            *_confusion(examples, crossed["model"]),
            *_calibration(examples, {"papers left out": crossed["model"], "later years": later["model"]}),
            *_meaning(labels),
            *_goals(examples, crossed["model"], later["model"], searched.get(WEIGHED)),
        ]
    )


_CROSSED = (
    "Five folds, a paper's mentions in one fold, three times with other splits. Penalty and temperature are chosen "
    "inside the training part (nested). Invented texts only train, and the two most like each test text are not even "
    "used for that. The baselines: TF-IDF of words and word pairs of the title and the naming sentences, four rules on "
    "cues, and the shares of the roles. Intervals: 95 %, papers drawn again 2,000 times; a calibration error is never "
    "negative, so drawing again makes it larger, and its interval lies high."
)
_LATER = (
    "Trained on the {} mentions up to 2019, tested on the {} of 2025 and 2026 by the same procedure as above. What was "
    "chosen (features, penalties, invented texts) was chosen on the years up to 2019 and on papers left out; this test "
    "was made after that. It is not untouched any more, for it has been read at each stage of the project, and the "
    "invented texts were written with both periods in mind."
)
_NAMES = {
    "macro_f1": "macro-F1",
    "accuracy": "accuracy",
    "use_auc": "AUC of use",
    "calibration": "calibration error",
}


def _left_out(examples: Examples, extra: Examples, records: list, others: list) -> evaluation.Predictions:
    alike = evaluation.likeness(_texts(records), _texts(others))
    return evaluation.cross_validated(examples, evaluation.model_predictor(examples, extra, alike))


def _opening(examples: Examples, records: list[dict], extra: int) -> list[str]:
    from importlib.metadata import version

    counts = Counter(examples.roles)
    names = sorted({record["framework"] for record in records})
    today = datetime.now(UTC).date().isoformat()
    packages = ", ".join(f"{name} {version(name)}" for name in ("scikit-learn", "numpy", "scipy"))
    rows = [
        [role, *(sum(r["framework"] == n for r, told in zip(records, examples.roles, strict=True) if told == role)
                 for n in names), counts[role]]
        for role in ROLES
    ]  # fmt: skip
    return [
        "# What a mention means",
        "",
        f"Made by `python -m analysis.roles evaluate` on {today} with {packages}. Do not edit.",
        "",
        '"Named in the abstract" is not use. This page says how frameworks are found in titles and abstracts, what '
        "they are named for, and how far a machine can tell.",
        "",
        "## Roles",
        "",
        "- **used**: the paper's own work was made with the framework (implemented, trained, deployed; a prototype).",
        "- **released**: the paper presents software for it or on top of it: a library, toolkit, layer, extension.",
        "- **studied**: it is itself measured, compared, analysed, attacked, or beaten as the reference.",
        '- **listed**: an example ("such as"), a supported format, a rival or an inspiration, in passing.',
        "- **unrelated** (in the labels only): the name means something else, or is part of another name.",
        "",
        "One role a paper and framework; where several apply, the one that the abstract gives most weight. The labels "
        "were read by a language model under written rules; a second, independent reading of 65 pairs agreed on 64. "
        "Each label says whether it was clear (`high`) or a close call (`low`).",
        "",
        _table(["role", *names, "all"], rows),
        "",
        f"{len(examples)} mentions in {len(set(examples.papers))} papers; two further labels are `unrelated`. "
        f"{extra} invented mentions (`data/mention_invented.csv`) help to train, with half the weight, and are never "
        "tested on.",
        "",
        "To make this page or the model again: `python -m analysis.roles fetch` gets the texts of the labelled papers "
        "from arXiv (three requests), `... evaluate --texts FILE` writes this page and `... train --texts FILE` the "
        "model.",
        "",
    ]


def _scores(title: str, examples: Examples, ways: Mapping[str, evaluation.Predictions], text: str) -> list[str]:
    rows = []
    for name, predictions in ways.items():
        found = evaluation.scores(examples, predictions)
        rows.append([name, *(_interval(found[key]) for key in _NAMES)])
    return [f"## {title}", "", text, "", _table(["", *_NAMES.values()], rows), ""]


def _divided(
    title: str, text: str, examples: Examples, predictions: evaluation.Predictions, parts: Mapping[str, np.ndarray]
) -> list[str]:
    """Return the scores of the same predictions in parts of the mentions, each a mask."""
    rows = []
    for name, chosen in parts.items():
        places = np.flatnonzero(chosen)
        part = evaluation.Predictions(places, [table[places] for table in predictions.repeats])
        found = evaluation.scores(examples, part)
        rows.append([name, len(places), *(_interval(found[key]) for key in _NAMES)])
    return [f"## {title}", "", text, "", _table(["", "mentions", *_NAMES.values()], rows), ""]


LATER = "2025 and 2026"
WEIGHED = "2025 and 2026, roles weighed"


def found_scores(model: Model, labels: Path, texts: Path, shares: Mapping[str, float]) -> dict[str, dict]:
    """Return the scores of a model on papers found by search, on which nothing was trained, by years.

    shares    of the roles among papers drawn by chance: the search finds software far more often than they hold it
    returns   scores by name of the part, each with ``mentions``, where the part has every role; under ``""`` the papers
              that were set aside
    """
    examples, records, without = roles.found_by_search(labels, texts)
    table = model.probabilities(examples.features)
    years = np.array([int(record["date"][:4]) for record in records])
    parts = {"2020 to 2024": (years <= 2024, None), LATER: (years > 2024, None), WEIGHED: (years > 2024, shares)}
    found: dict[str, dict] = {"": {"without": without}}
    for name, (chosen, weighed) in parts.items():
        places = np.flatnonzero(chosen)
        if set(examples.roles[places]) == set(ROLES):
            part = evaluation.Predictions(places, [table[places]])
            found[name] = evaluation.scores(examples, part, shares=weighed) | {"mentions": len(places)}
    return found


def _found(labels: Path, searched: dict[str, dict]) -> list[str]:
    import pandas as pd

    table = pd.read_csv(labels, dtype=str)
    counts = table["role"].value_counts()
    divided = ", ".join(f"{role} {counts.get(role, 0)}" for role in ROLES)
    lines = [
        "## Papers found by search",
        "",
        f"{len(table)} mentions in {table['arxiv_id'].nunique()} papers of 2020 to 2026 have labels in "
        f"`{labels.relative_to(roles.ROOT)}` ({divided}). They were found in public copies of abstracts by searching "
        "for subjects and frameworks, and each was read once, by a language model under the same rules. Such a search "
        "finds software that is presented far more often than papers drawn by chance hold it, and seldom what is only "
        "used. So no share is taken from them and nothing is trained on them or chosen by them: they are a test.",
        "",
    ]
    if not searched:
        return [
            *lines,
            "**Not run here**: arXiv could not be asked for their texts where this page was made. With the network, "
            f"`python -m analysis.roles fetch --labels {labels.relative_to(roles.ROOT)} --out found.jsonl` gets them "
            "(four requests), and `... evaluate --texts FILE --found found.jsonl` puts the scores here and below "
            "*Goals*.",
            "",
        ]
    without = searched[""]["without"]
    rows = [
        [name, found["mentions"], *(_interval(found[key]) for key in _NAMES)]
        for name, found in searched.items()
        if name
    ]
    return [
        *lines,
        "The model was trained on all other labels. Weighed: each role counts as much as among the labels of those "
        "years that were drawn by chance."
        + (f" Set aside, for arXiv's text lacks the name: {', '.join(without)}." if without else ""),
        "",
        _table(["", "mentions", *_NAMES.values()], rows),
        "",
    ]


def _confusion(examples: Examples, predictions: evaluation.Predictions) -> list[str]:
    table = evaluation.confusion(examples, predictions)
    rows = [[role, *(f"{value:.1f}" for value in line)] for role, line in zip(ROLES, table, strict=True)]
    return [
        "## Confusion",
        "",
        "True role down, told role across; papers left out, mean of the three repeats.",
        "",
        _table(["", *ROLES], rows),
        "",
    ]


def _calibration(examples: Examples, ways: Mapping[str, evaluation.Predictions]) -> list[str]:
    rows = [
        [name, f"{low:.1f} to {low + 0.2:.1f}", f"{number:.0f}", f"{told:.2f}", f"{right:.2f}"]
        for name, predictions in ways.items()
        for low, number, told, right in evaluation.calibration(examples, predictions)
    ]
    return [
        "## Calibration",
        "",
        "Of mentions whose told role has about this probability, how many are right?",
        "",
        _table(["", "probability", "mentions", "mean", "right"], rows),
        "",
    ]


def _meaning(labels: Path) -> list[str]:
    import pandas as pd

    table = roles.mention_roles(pd.read_csv(labels, dtype=str))
    rows = [
        [row.framework, row.role, f"{row.share:.0%} [{row.low:.0%}, {row.high:.0%}]", row.mentions]
        for row in table.itertuples()
    ]
    return [
        "## How mentions divide",
        "",
        "From the labels alone, no model. The labelled papers are about 60 % of those found in two archives of arXiv "
        "metadata, a sample alike in all years and frameworks. Wilson intervals, 95 %.",
        "",
        _table(["framework", "role", "share", "mentions"], rows),
        "",
    ]


def _goals(
    examples: Examples, crossed: evaluation.Predictions, later: evaluation.Predictions, searched: dict | None
) -> list[str]:
    reached = {
        "papers left out": evaluation.scores(examples, crossed),
        "later years": evaluation.scores(examples, later),
    }
    reached |= {"found by search, 2025 and 2026, weighed": searched} if searched else {}
    rows = detection.goals(detection.read())
    for name, found in reached.items():
        for key, goal in GOALS.items():
            met = found[key][0] < goal if key == "calibration" else found[key][0] >= goal
            sign = "below" if key == "calibration" else "at least"
            rows.append([name, _NAMES[key], f"{sign} {goal}", _interval(found[key]), "yes" if met else "no"])
    return [
        "## Goals",
        "",
        _table(["", "score", "goal", "reached", "met"], rows),
        "",
        _settling(examples, later),
        "",
        "## Limits",
        "",
        "- The cues and most invented texts were written by somebody who had read the labelled abstracts. "
        "Cross-validation keeps papers out of the fitting of weights, not out of that reading: the scores above may be "
        "a little too good.",
        "- A few hundred labels: the intervals are wide, and with papers left out they hold values on both sides of "
        "each goal.",
        "- Mentions of 2025 and 2026 are harder (kernels written by language models, frameworks as targets of "
        "translation), and a model of earlier years is too sure of itself on them. The shipped model has seen both "
        "periods; on texts of another time expect less.",
        "- The labels are readings of abstracts by one language model. Their errors are not in any interval.",
        "- `unrelated` cannot be learned from two examples: the model never tells it.",
        "",
    ]


NARROW = 0.05  # half the width of an interval that would settle a goal


def _settling(examples: Examples, later: evaluation.Predictions) -> str:
    """Return what is known about the later years, and how many labels would settle it."""
    found = evaluation.scores(examples, later)
    held = [_NAMES[key] for key, goal in GOALS.items() if found[key][1] <= goal <= found[key][2]]
    missed = [
        _NAMES[key]
        for key, goal in GOALS.items()
        if (found[key][1] > goal if key == "calibration" else found[key][2] < goal)
    ]
    words = (
        [f"{' and '.join(missed)}: missed on later years, the interval lies wholly beyond the goal"] if missed else []
    )
    words += [f"{' and '.join(held)}: open on later years, the interval holds the goal"] if held else []
    halves = {key: (found[key][2] - found[key][1]) / 2 for key in ("macro_f1", "use_auc")}
    needed = {key: round(len(later.rows) * (half / NARROW) ** 2, -1) for key, half in halves.items()}
    return (
        f"{'. '.join(words)}. {len(later.rows)} mentions are few: an interval of ±{NARROW} would take about "
        f"{needed['macro_f1']:.0f} labelled mentions of those years for macro-F1 and {needed['use_auc']:.0f} for the "
        "area under the curve. Such labels, read by two people and drawn from all of arXiv, would settle the goals, "
        "and training on some of them is what would help the model most: other features, ensembles with trees and "
        "character n-grams, and more invented texts changed nothing beyond the intervals."
    )


def _texts(records: list[dict]) -> list[str]:
    return [f"{record['title']} {record['abstract']}" for record in records]


def _sizes(years: np.ndarray) -> tuple[int, int]:
    return int(np.sum(years <= LAST_TRAINING_YEAR)), int(np.sum(years > LAST_TRAINING_YEAR))


def _interval(value: tuple[float, float, float]) -> str:
    return "{:.3f} [{:.3f}, {:.3f}]".format(*value)
