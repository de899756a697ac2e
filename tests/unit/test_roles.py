"""Roles of mentions: features, the model and its file, the command, and what is counted with them."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from analysis import mentions, roles
from analysis.mention_model import classifier, evaluation, making
from analysis.mention_model.classifier import ROLES, SCALE, Examples, Model
from analysis.mention_model.features import features, masked

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def small():
    """Return a small invented training set: 60 mentions, none of a real paper."""
    rows = roles.invented()[0]
    chosen = [k for role in ROLES for k in np.flatnonzero(rows.roles == role)[:15]]
    return rows.take(chosen)


@pytest.mark.parametrize(
    ("text", "framework", "expected"),
    [
        ("We use PyTorch, Caffe and Theano.", "pytorch", "We use FW."),
        ("We use PyTorch, Caffe and Theano.", "theano", "We use FW."),
        ("Ours beats TensorFlow on NumPy data.", "pytorch", "Ours beats SW on SW data."),
        ("in tensorflow2.0 and R", "tensorflow", "in FW"),
        ("a ray of light in TensorFlow Lite", "tensorflow", "a ray of light in FW Lite"),
        ("Code: https://github.com/lab/net-pytorch and https://x.org", "pytorch", "Code: codeurl FW and codeurl"),
        (r"using $\texttt{TensorFlow}$\cite{abadi}.", "tensorflow", "using FW"),
        ("Keras-based\nmodels", "keras", "FW-based models"),
        ("", "keras", ""),
    ],
)
def test_a_text_is_read_with_the_framework_masked(text, framework, expected):
    assert masked(text, framework).rstrip(".") == expected.rstrip(".")


def test_features_do_not_depend_on_which_framework_it_is():
    text = "We present a {} library. It is faster than NumPy. Code is available."
    assert features("A {} Toolkit".format("Keras"), text.format("Keras"), "keras") == features(
        "A {} Toolkit".format("PyTorch"), text.format("PyTorch"), "pytorch"
    )


@pytest.mark.parametrize(
    ("sentence", "cue"),
    [
        ("The network was implemented in PyTorch.", "cue:made_with"),
        ("All models were trained using the PyTorch framework.", "cue:run_with"),
        ("Frameworks such as PyTorch and TensorFlow exist.", "cue:such_as"),
        ("It is faster than the PyTorch version.", "cue:than_fw"),
        ("Our tool is a PyTorch library for graphs.", "cue:fw_library"),
        ("We study bugs of PyTorch users.", "cue:defects"),
        ("It supports models from PyTorch.", "cue:supports"),
    ],
)
def test_a_cue_is_seen(sentence, cue):
    found = features("A title", f"First sentence. {sentence}", "pytorch")
    assert found[cue] == 1.0
    assert found["place:last_sentence"] == 1.0


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_has_features_between_0_and_1_of_known_kinds(title, abstract):
    found = features(title, f"{abstract} PyTorch {abstract}", "pytorch")
    assert all(0 < value <= 1 for value in found.values())
    assert {classifier.kind(name) for name in found} <= set(SCALE)


def test_the_file_of_a_model_gives_the_probabilities_of_scikit_learn(small, tmp_path):
    model = classifier.train(small)
    path = tmp_path / "model.json"
    path.write_text(model.to_json(about="a test"), encoding="utf-8")
    again = Model.load(path)

    names = set(model.names)
    penalties = [
        penalty
        for penalty in classifier.PENALTIES
        if np.allclose(classifier.fit(small, penalty).weights, model.weights)
    ]
    scaled = [
        {name: value * SCALE[classifier.kind(name)] for name, value in row.items() if name in names}
        for row in small.features
    ]
    from sklearn.feature_extraction import DictVectorizer

    matrix = DictVectorizer().fit_transform(scaled)
    regression = classifier.logistic_regression(penalties[0]).fit(matrix, small.roles, sample_weight=small.weights)
    order = [list(regression.classes_).index(role) for role in ROLES]
    expected = classifier.softmax(regression.decision_function(matrix)[:, order] / model.temperature)

    assert len(penalties) == 1
    assert np.allclose(again.probabilities(small.features), expected, atol=1e-4)
    assert np.allclose(expected.sum(axis=1), 1)


def test_training_is_deterministic(small):
    assert classifier.train(small).to_json() == classifier.train(small).to_json()


def test_training_needs_every_role(small):
    with pytest.raises(ValueError, match="listed"):
        classifier.fit(small.take(np.flatnonzero(small.roles != "listed")), 0.5)


@pytest.mark.parametrize("text", ["", "{}", '{"roles": ["used"]}', "[1]"])
def test_a_file_that_is_no_model_says_how_to_make_one(text, tmp_path):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ValueError, match=r"python -m analysis\.roles train"):
        Model.load(tmp_path / "model.json")


def test_the_shipped_model_is_small_and_tells_four_roles():
    assert roles.MODEL.stat().st_size < 300_000
    assert roles.shipped().weights.shape[1] == len(ROLES)


@pytest.mark.parametrize(
    ("title", "abstract", "framework", "role"),
    [
        (
            "Counting Sheep from Above",
            "Flocks are counted by drones. Our network was implemented in PyTorch and trained on one card. It is good.",
            "pytorch",
            "used",
        ),
        (
            "sheepkit: A Keras Library for Flock Models",
            "We present sheepkit, an open-source Keras library for flock models. It is modular and documented.",
            "keras",
            "released",
        ),
        (
            "A Performance Comparison of Two Frameworks on Flocks",
            "We compare the training speed of TensorFlow and PyTorch on flock data and study the causes.",
            "tensorflow",
            "studied",
        ),
        (
            "A Platform for Shepherds",
            "Popular frameworks such as TensorFlow and PyTorch are hard for shepherds. We design a visual platform.",
            "pytorch",
            "listed",
        ),
    ],
)
def test_plain_cases_are_told_by_the_shipped_model(title, abstract, framework, role):
    told = roles.classify(title, abstract)[framework]
    assert max(told, key=told.get) == role
    assert sum(told.values()) == pytest.approx(1)


def test_no_paper_is_on_both_sides_of_a_fold(small):
    papers = np.array([f"paper {k // 3}" for k in range(len(small))], dtype=object)
    grouped = Examples(small.features, small.roles, papers, small.weights)
    parts = classifier.folds(grouped, seed=1)
    assert sorted(np.concatenate([test for _, test in parts])) == list(range(len(small)))
    for training, test in parts:
        assert not set(papers[training]) & set(papers[test])


def test_scores_of_a_perfect_and_of_an_ignorant_prediction(small):
    truth = np.array([ROLES.index(role) for role in small.roles])
    perfect = evaluation.Predictions(np.arange(len(small)), [np.eye(4)[truth]])
    ignorant = evaluation.Predictions(np.arange(len(small)), [np.tile([0.4, 0.3, 0.2, 0.1], (len(small), 1))])
    best, worst = evaluation.scores(small, perfect, draws=20), evaluation.scores(small, ignorant, draws=20)
    assert [best[name][0] for name in ("macro_f1", "accuracy", "use_auc", "calibration")] == [1, 1, 1, 0]
    assert worst["use_auc"][0] == 0.5
    assert worst["accuracy"][0] == 0.25
    assert worst["calibration"][0] == pytest.approx(0.15)


def test_invented_texts_like_a_test_text_are_not_trained_on(small, monkeypatch):
    seen = []
    monkeypatch.setattr(evaluation, "train", lambda known, extra, seed: seen.append(extra) or _Flat())
    alike = np.zeros((len(small), len(small)))
    alike[0, [5, 7]] = 1
    evaluation.model_predictor(small, small, alike)(np.arange(1, len(small)), np.array([0]), 0)
    assert len(seen[0]) == len(small) - evaluation.NEAREST
    assert small.papers[5] not in [p for p, r in zip(seen[0].papers, seen[0].roles, strict=True) if r == small.roles[5]]


class _Flat:
    def probabilities(self, rows):
        return np.full((len(rows), 4), 0.25)


def record(identifier="2401.90010", title="A title", abstract="Implemented in PyTorch.", **more):
    return json.dumps({"arxiv_id": identifier, "title": title, "abstract": abstract, "date": "2024-01-05", **more})


def annotated(tmp_path, lines):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.csv"
    source.write_bytes(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines))
    counts = roles.annotate(source, out)
    with out.open(encoding="utf-8", newline="") as stream:
        return counts, list(csv.DictReader(stream)), tmp_path / "out.csv.rejected"


def test_a_row_for_every_framework_of_a_record(tmp_path):
    counts, rows, rejected = annotated(
        tmp_path, [record(), record("2401.00002", "0", "none"), record("math/0101001", "Keras 3", "A JAX backend.")]
    )
    assert counts == (3, 3, 0)
    assert not rejected.exists()
    assert [(row["arxiv_id"], row["framework"]) for row in rows] == [
        ("2401.90010", "pytorch"),
        ("math/0101001", "jax"),
        ("math/0101001", "keras"),
    ]
    for row in rows:
        assert list(row) == ["arxiv_id", "framework", "role", "probability", *ROLES]
        assert float(row["probability"]) == max(float(row[role]) for role in ROLES) == float(row[row["role"]])
        assert sum(float(row[role]) for role in ROLES) == pytest.approx(1, abs=1e-3)


BAD = {
    b"{": "not JSON",
    b"[1]": "not a JSON object",
    b"\xff\xfe": "not UTF-8",
    record(2401.1).encode(): "a number, which loses zeros",
    record("").encode(): "empty",
    record("24\n01").encode(): "control characters",
    record(abstract=None).encode(): "abstract is missing",
    b"[" * 100_000: "not JSON",
    b'{"arxiv_id": "1", "title": "\\ud800", "abstract": 3}': "abstract is a number",
}


def test_bad_lines_are_set_aside_with_their_number_and_reason(tmp_path):
    counts, rows, rejected = annotated(tmp_path, [record(), *BAD, b"", record("2401.90020")])
    assert counts == (2, 2, len(BAD))
    assert [row["arxiv_id"] for row in rows] == ["2401.90010", "2401.90020"]
    with rejected.open(encoding="utf-8", newline="") as stream:
        aside = list(csv.DictReader(stream))
    assert [int(row["line"]) for row in aside] == list(range(2, 2 + len(BAD)))
    for row, reason in zip(aside, BAD.values(), strict=True):
        assert reason in row["reason"]


def test_a_line_too_long_for_memory_is_set_aside(tmp_path, monkeypatch):
    monkeypatch.setattr(roles, "LONGEST_LINE", 500)
    counts, rows, rejected = annotated(tmp_path, [record(abstract="x" * 5000), record("2401.90020")])
    assert counts == (1, 1, 1)
    assert rows[0]["arxiv_id"] == "2401.90020"
    assert "1,longer than 500 bytes" in rejected.read_text()


def test_formulas_and_control_signs_are_harmless(tmp_path):
    nasty = "$\\int_0^1 x^{2} dx < \\infty$ \x00\x07 \u202e =cmd() \ud7ff PyTorch, \\texttt{JAX}"
    counts, rows, _ = annotated(tmp_path, [record(abstract=nasty * 30, title="=1+1")])
    assert [row["framework"] for row in rows] == ["jax", "pytorch"]
    assert counts[2] == 0


def test_an_old_result_stays_where_reading_fails(tmp_path):
    (tmp_path / "out.csv").write_text("old")
    with pytest.raises(roles.SurveyError, match="absent"):
        roles.annotate(tmp_path / "absent.jsonl", tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
    assert (tmp_path / "out.csv").read_text() == "old"


def test_the_command_writes_the_file_and_explains_itself(tmp_path):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "analysis", "mentions", *arguments], cwd=ROOT, capture_output=True, text=True
        )

    (tmp_path / "in.jsonl").write_text(record() + "\nbroken\n")
    done = run(str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "deep" / "out.csv"))
    assert done.returncode == 0, done.stderr
    assert "1 lines set aside" in done.stderr
    assert (tmp_path / "deep" / "out.csv").read_text().startswith("arxiv_id,framework,role,probability")
    assert run(str(tmp_path / "none.jsonl"), "--out", str(tmp_path / "o.csv")).returncode == 2
    assert "set aside" in run("--help").stdout


def left_out(rng, papers=150, shift=0.0):
    use = rng.beta(2, 1, papers)
    was = rng.random(papers) < np.clip(use + shift, 0, 1)
    return pd.DataFrame({"arxiv_id": [f"p{k}" for k in range(papers)], "use": use, "was_use": was.astype(int)})


def test_corrected_counts_lie_between_nothing_and_all():
    series = pd.DataFrame({"month": ["2024-01"] * 3 + ["2024-02"], "framework": "jax", "use": [0.0, 1.0, 0.5, 1.0]})
    table = roles.corrected(series, left_out(np.random.default_rng(1)), draws=200)
    assert table["mentions"].tolist() == [3, 1]
    assert ((table["low"] >= 0) & (table["low"] <= table["uses"]) & (table["uses"] <= table["high"])).all()
    assert (table["high"] <= table["mentions"]).all()


def test_intervals_of_corrected_counts_hold_the_truth_though_the_model_is_biased():
    hits = 0
    for world in range(60):
        rng = np.random.default_rng([7, world])
        use = rng.beta(2, 1, 80)
        truth = (rng.random(80) < np.clip(use - 0.15, 0, 1)).sum()
        series = pd.DataFrame({"month": "2024-01", "framework": "jax", "use": use})
        row = roles.corrected(series, left_out(rng, shift=-0.15), draws=300, seed=world).iloc[0]
        hits += row["low"] <= truth <= row["high"]
    assert hits >= 52  # 95 % of 60 is 57; below 52 in one of 200 tries


def test_a_probability_out_of_range_is_refused():
    series = pd.DataFrame({"month": ["2024-01"], "framework": ["jax"], "use": [1.5]})
    with pytest.raises(ValueError, match="between 0 and 1"):
        roles.corrected(series, left_out(np.random.default_rng(0)))


LABELS = pd.DataFrame(
    [
        ("1601.00001", "keras", "used"),
        ("1601.00002", "keras", "listed"),
        ("2501.00003", "keras", "listed"),
        ("2501.00003", "jax", "studied"),
    ],
    columns=["arxiv_id", "framework", "role"],
)


def test_shares_of_roles_add_to_one_and_lie_in_their_intervals():
    table = roles.mention_roles(LABELS)
    assert table.groupby("framework")["share"].sum().round(9).eq(1).all()
    assert ((table["low"] <= table["share"]) & (table["share"] <= table["high"])).all()
    shares = table.set_index(["framework", "role"])["share"]
    assert shares["keras", "used"] == pytest.approx(1 / 3)
    assert shares["any", "listed"] == pytest.approx(1 / 2)
    assert table.set_index(["framework", "role"])["high"]["jax", "used"] > 0.5  # none of one seen is not none


def test_shares_are_weighted_to_the_mentions_that_were_drawn_from():
    population = pd.DataFrame(
        [(2016, "keras", 30), (2025, "keras", 10), (2025, "jax", 1)], columns=["year", "framework", "count"]
    )
    shares = roles.mention_roles(LABELS, population).set_index(["framework", "role"])["share"]
    assert shares["keras", "used"] == pytest.approx(15 / 40)
    assert shares["keras", "listed"] == pytest.approx(25 / 40)


@pytest.mark.parametrize(("path", "number"), [(roles.LABELS, 315), (roles.FOUND, 374)])
def test_the_labels_satisfy_their_schema(path, number):
    schema = yaml.safe_load((ROOT / "workflow/schemas/mention_labels.schema.yaml").read_text())
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [row | {"annotators": int(row["annotators"])} for row in csv.DictReader(stream)]
    faults = [error.message for row in rows for error in Draft202012Validator(schema).iter_errors(row)]
    assert faults == []
    assert len(rows) == len({(row["arxiv_id"], row["framework"]) for row in rows}) == number


def test_no_paper_found_by_search_is_one_of_those_trained_on():
    papers = [set(pd.read_csv(path, dtype=str)["arxiv_id"]) for path in (roles.LABELS, roles.FOUND)]
    assert not papers[0] & papers[1]


FOUND_TEXTS = {
    "used": "We train a network. Our model was implemented in PyTorch.",
    "released": "We present a PyTorch library for optics. The library is open source.",
    "studied": "We compare the performance of PyTorch and find bugs in PyTorch.",
    "listed": "Other tools are available in frameworks such as PyTorch.",
}


def found_files(tmp_path, texts, years=("20", "25")):
    labels, records = tmp_path / "found.csv", tmp_path / "found.jsonl"
    names = [(role, f"{year}01.{10000 + n}") for n, role in enumerate(ROLES) for year in years]
    rows = [f"{name},pytorch,{role},high,1" for role, name in names]
    labels.write_text("\n".join(["arxiv_id,framework,role,confidence,annotators", *rows]) + "\n")
    lines = [record(name, "A title", texts[role]).replace("2024-01-05", f"20{name[:2]}-01-05") for role, name in names]
    records.write_text("\n".join(lines) + "\n")
    return labels, records


def test_papers_found_by_search_are_scored_by_years_and_weighed(tmp_path):
    labels, texts = found_files(tmp_path, FOUND_TEXTS)
    shares = {"used": 0.7, "released": 0.1, "studied": 0.1, "listed": 0.1}
    found = making.found_scores(roles.shipped(), labels, texts, shares)
    assert found.pop("") == {"without": []}
    assert list(found) == ["2020 to 2024", "2025 and 2026", "2025 and 2026, roles weighed"]
    for scores in found.values():
        assert scores["mentions"] == 4
        assert [scores[name][0] for name in ("macro_f1", "accuracy", "use_auc")] == pytest.approx([1, 1, 1])


def test_a_label_whose_text_lacks_the_name_is_set_aside(tmp_path):
    labels, texts = found_files(tmp_path, FOUND_TEXTS | {"listed": "Nothing is named in this text."})
    found = making.found_scores(roles.shipped(), labels, texts, dict.fromkeys(ROLES, 0.25))
    assert found == {"": {"without": ["2001.10003", "2501.10003"]}}, "parts without every role are left out"
    page = "\n".join(making._found(roles.FOUND, found))
    assert "Set aside, for arXiv's text lacks the name: 2001.10003, 2501.10003" in page


def test_the_command_hands_over_the_texts_found_by_search(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(making, "evaluate_model", lambda *files, found=None: given.append(found) or "page")
    for more in ([], ["--found", "found.jsonl"]):
        assert roles.main(["evaluate", "--texts", "t.jsonl", "--out", str(tmp_path / "page.md"), *more]) == 0
    assert given == [None, Path("found.jsonl")]
    with pytest.raises(SystemExit):
        roles.main(["train", "--texts", "t.jsonl", "--found", "found.jsonl"])


def test_the_page_says_that_texts_found_by_search_are_missing():
    page = "\n".join(making._found(roles.FOUND, {}))
    assert "374 mentions in 303 papers" in page
    assert "**Not run here**" in page


def test_weighed_scores_are_those_of_a_sample_with_these_shares():
    truth = np.repeat(np.arange(4), [8, 4, 2, 2])
    rng = np.random.default_rng(3)
    table = rng.dirichlet(np.ones(4), size=len(truth)) + 0.6 * np.eye(4)[truth]
    table /= table.sum(axis=1, keepdims=True)

    def scored(rows, shares=None):
        names = np.array([ROLES[k] for k in truth[rows]], dtype=object)
        papers = np.array([str(k) for k in range(len(rows))], dtype=object)
        examples = Examples([{}] * len(rows), names, papers, np.ones(len(rows)))
        predictions = evaluation.Predictions(np.arange(len(rows)), [table[rows]])
        found = evaluation.scores(examples, predictions, draws=5, shares=shares)
        return [found[name][0] for name in ("macro_f1", "accuracy", "use_auc", "calibration")]

    # Each mention of the rare roles twice and four times: then all four roles have the same share.
    repeated = np.concatenate([np.arange(8), np.repeat(np.arange(8, 12), 2), np.repeat(np.arange(12, 16), 4)])
    assert scored(np.arange(16), dict.fromkeys(ROLES, 0.25)) == pytest.approx(scored(repeated))
    assert scored(np.arange(16), dict.fromkeys(ROLES, 0.25)) != pytest.approx(scored(np.arange(16)))


def test_every_invented_text_names_its_framework():
    examples, rows = roles.invented()
    assert set(examples.roles) == set(ROLES)
    for row in rows:
        assert row["framework"] in mentions.named(f"{row['title']}\n{row['abstract']}"), row


def test_predictions_for_papers_left_out_cover_the_labels():
    table = roles.left_out_predictions()
    assert len(table) == 313
    assert table["use"].between(0, 1).all()
    assert set(table["arxiv_id"]) <= set(pd.read_csv(roles.LABELS, dtype=str)["arxiv_id"])
