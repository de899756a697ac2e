"""Does it learn what it should? Final accuracy of both frameworks on the real test set, beside plain references."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from reproductions import batches
from reproductions.client import Runtime, Worker
from reproductions.errors import WorkerFailed
from reproductions.parity import REFERENCES
from reproductions.spec import Cell, Preset, Workload

log = logging.getLogger(__name__)
PIECE = 100  # training steps a request
PROGRESS_SECONDS = 15
COLUMNS = (
    "workload",
    "dataset",
    "who",
    "kind",
    "seed",
    "correct",
    "macro_f1",
    "n_test",
    "n_train",
    "epochs",
    "status",
    "note",
)


def run(workload: Workload, preset: Preset, *, dataset: str, runtime: Runtime, scratch: Path, seed: int) -> list[dict]:
    """Train both frameworks from the same weights in the same order for each seed, and fit the references.

    Returns rows with ``COLUMNS``; ``correct`` of ``n_test`` test examples. A side that fails is a row with its status.
    """
    if preset.accuracy is None:
        log.info("accuracy %s: not run at preset %s", workload.id, preset.name)
        return []
    data = batches.read(runtime.data)
    options = preset.accuracy

    def train(cell: Cell) -> list[dict]:
        rows, who = [], f"{cell.framework} {cell.mode}"
        base = {
            "workload": workload.id,
            "dataset": dataset,
            "who": who,
            "kind": "measured",
            "epochs": options["epochs"],
        }
        try:
            with Worker(
                workload,
                preset,
                cell,
                runtime=runtime,
                environment="tuned",
                scratch=scratch,
                log=scratch / f"accuracy-{cell.id}.log",
            ) as worker:
                worker.ready()
                for number in range(options["seeds"]):
                    out = (scratch / f"accuracy-{cell.framework}.npz").resolve()
                    batch_size = preset.batch_size["train"]
                    answer = worker.ask("fit", seed=seed + number, batch_size=batch_size, examples=options["examples"])
                    _train(worker, options["epochs"] * answer["steps"], f"{workload.id} {who} seed {seed + number}")
                    worker.ask("predict", batch_size=batch_size, out=str(out))
                    with np.load(out, allow_pickle=False) as arrays:
                        predicted, truth = arrays["predicted"], arrays["truth"]
                    rows.append(
                        base
                        | {"seed": seed + number, "n_train": answer["examples"], "status": "ok"}
                        | score(truth, predicted)
                    )
                    log.info(
                        "accuracy %s %s seed %s: %.4f",
                        workload.id,
                        who,
                        seed + number,
                        rows[-1]["correct"] / rows[-1]["n_test"],
                    )
        except WorkerFailed as error:
            rows.append(base | {"seed": seed + len(rows), "status": error.status, "note": error.message})
        return rows

    with ThreadPoolExecutor(2) as pool:
        measured = [row for rows in pool.map(train, REFERENCES) for row in rows]
    kept = np.random.default_rng(seed).permutation(len(data["y_train"]))[: options["examples"] or None]
    base = {
        "workload": workload.id,
        "dataset": dataset,
        "kind": "baseline",
        "seed": seed,
        "status": "ok",
        "n_train": len(kept),
    }
    return measured + [
        base | {"who": who} | score(truth, predicted)
        for who, (truth, predicted) in references(workload, preset, data, kept).items()
    ]


def _train(worker: Worker, steps: int, what: str) -> None:
    """Train in pieces, so that progress shows and the time limit of a request does not depend on the data set."""
    said = time.monotonic()
    for done in range(0, steps, PIECE):
        worker.ask("fit_steps", steps=min(PIECE, steps - done))
        if time.monotonic() - said > PROGRESS_SECONDS:
            said = time.monotonic()
            log.info("accuracy %s: step %d of %d", what, min(done + PIECE, steps), steps)


def score(truth: np.ndarray, predicted: np.ndarray) -> dict:
    """Return the number correct, macro-averaged F1 (classes absent from the predictions count as 0) and n."""
    from sklearn.metrics import f1_score

    return {
        "correct": int((truth == predicted).sum()),
        "n_test": len(truth),
        "macro_f1": float(f1_score(truth, predicted, average="macro", zero_division=0)),
    }


def references(workload: Workload, preset: Preset, data: Mapping, kept: np.ndarray) -> dict[str, tuple]:
    """Return ``{name: (true, predicted)}`` test classes of the plain references.

    Images: logistic regression on pixels. Texts: logistic regression on TF-IDF of words. Language: the id that follows
    a pair of ids most often. All: the largest class.
    """
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    kind = workload.input
    truth = batches.labels(kind, data["y_test"], preset.sizes).ravel()
    labels = batches.labels(kind, data["y_train"][kept], preset.sizes)
    found = {"largest class": (truth, np.full(len(truth), np.bincount(labels.ravel()).argmax()))}
    if kind == "language":
        ids = {part: batches.inputs(kind, data[f"x_{part}"], preset.sizes) for part in ("train", "test")}
        name, predicted = "most frequent follower of two ids", _followers(ids["train"][kept], labels, ids["test"])
        return {name: (truth, predicted)} | found
    if kind == "image":
        flat = {part: data[f"x_{part}"].reshape(len(data[f"x_{part}"]), -1) / 255 for part in ("train", "test")}
        name, model = "logistic regression on pixels (scikit-learn)", LogisticRegression(max_iter=200)
    else:
        flat = {part: _word_counts(data[f"x_{part}"]) for part in ("train", "test")}
        name = "logistic regression on TF-IDF (scikit-learn)"
        model = make_pipeline(TfidfTransformer(sublinear_tf=True), LogisticRegression(C=10, max_iter=1000))
    model.fit(flat["train"][kept], labels)
    return {name: (truth, model.predict(flat["test"]))} | found


def _followers(inputs: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return for each id in ``asked`` (n, tokens) what followed it and its forerunner most often in training."""
    size = int(max(inputs.max(), labels.max(), asked.max())) + 1

    def pairs(ids: np.ndarray) -> np.ndarray:
        before = np.concatenate([np.zeros((len(ids), 1), ids.dtype), ids[:, :-1]], axis=1)
        return (before.astype(np.int64) * size + ids).ravel()

    counts = np.zeros((size * size, size), np.int32)
    np.add.at(counts, (pairs(inputs), labels.ravel()), 1)
    return counts.argmax(1)[pairs(asked)]


def _word_counts(tokens: np.ndarray):
    """Return a sparse (documents, vocabulary) matrix of counts; padding and unknown words left out."""
    from scipy.sparse import csr_matrix

    rows, columns = np.nonzero(tokens > 1)
    words = tokens[rows, columns]
    shape = (len(tokens), int(batches.VOCABULARY))
    return csr_matrix((np.ones(len(words), np.float32), (rows, words)), shape=shape)
