"""What a framework is named for in a title or abstract: used, released, studied or listed.

used       the paper's own work was made with it
released   the paper presents software for it or on top of it
studied    it is itself measured, compared, analysed or changed
listed     it stands as an example, a target or a rival in passing

``classify`` tells the roles in one record, ``annotate`` those in a file (``python -m analysis mentions``),
``corrected`` turns monthly mentions into expected uses, ``mention_roles`` says how mentions divide.
``python -m analysis.roles train`` makes the model, ``... evaluate`` docs/mentions.md; both need the texts of the
labelled papers, which are no part of the project: ``python -m analysis.roles fetch`` gets them from arXiv.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from analysis import mentions
from analysis.intervals import wilson
from analysis.mention_model.classifier import INVENTED_WEIGHT, ROLES, Examples, Model
from analysis.mention_model.features import features
from reproductions.errors import SurveyError
from reproductions.files import explain, write_text

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "data" / "mention_model.json"
LABELS = ROOT / "data" / "mention_labels.csv"
FOUND = ROOT / "data" / "mention_labels_found.csv"
INVENTED = ROOT / "data" / "mention_invented.csv"
COLUMNS = ("arxiv_id", "framework", "role", "probability", *ROLES)
USES = ("used", "released")
LONGEST_LINE = 4 << 20  # bytes; an abstract has two thousand
LONGEST_TEXT = 20_000  # characters that the features read

log = logging.getLogger(__name__)


def classify(title: str, abstract: str, model: Model | None = None) -> dict[str, dict[str, float]]:
    """Return for each framework that the texts name the probability of each role, which add to 1.

    title, abstract   raw texts; formulas and control characters are harmless
    model             default: the shipped one
    """
    named = sorted(mentions.named(f"{title}\n\n{abstract}"))
    if not named:
        return {}
    rows = [features(title[:LONGEST_TEXT], abstract[:LONGEST_TEXT], framework) for framework in named]
    table = (model or shipped()).probabilities(rows)
    return {name: dict(zip(ROLES, map(float, row), strict=True)) for name, row in zip(named, table, strict=True)}


@cache
def shipped() -> Model:
    """Return the model in ``data/mention_model.json``; SurveyError where it cannot be read."""
    try:
        return Model.load(MODEL)
    except OSError as error:
        raise SurveyError(f"{MODEL}: cannot be read ({error.strerror}); restore it from the repository") from error
    except ValueError as error:
        raise SurveyError(str(error)) from error


def annotate(records: Path, out: Path) -> tuple[int, int, int]:
    """Write a row for every framework that a record names: ``COLUMNS``, in the order of the records.

    records   JSON Lines with arxiv_id, title, abstract (texts) and date; read a line at a time
    out       CSV, written beside and renamed. A line that cannot be used stands in ``<out>.rejected`` (line, reason);
              without such lines there is no such file
    returns   records read, rows written, lines set aside
    raises    SurveyError where a file cannot be read or written
    """
    rejected = out.with_name(f"{out.name}.rejected")
    counts = [0, 0, 0]
    with Whole(out, COLUMNS) as rows, Whole(rejected, ("line", "reason")) as faults:
        for number, line in _lines(records):
            try:
                record = _record(line)
            except ValueError as error:
                faults.add(number, str(error))
                counts[2] += 1
                continue
            counts[0] += 1
            for framework, probabilities in classify(record["title"], record["abstract"]).items():
                role = max(ROLES, key=probabilities.__getitem__)
                values = [f"{value:.4f}" for value in (probabilities[role], *probabilities.values())]
                rows.add(record["arxiv_id"], framework, role, *values)
                counts[1] += 1
        faults.wanted = counts[2] > 0
    if not counts[2]:
        rejected.unlink(missing_ok=True)
    return counts[0], counts[1], counts[2]


class Whole:
    """A CSV file that appears whole or not at all: written row by row beside its place, renamed at the end."""

    def __init__(self, path: Path, columns: tuple[str, ...]):
        self.path, self.columns, self.wanted = path, columns, True

    def __enter__(self) -> Whole:
        """Open the file beside; SurveyError where the folder cannot be written."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.NamedTemporaryFile(
                "w", encoding="utf-8", newline="", dir=self.path.parent, prefix=f".{self.path.name}.", delete=False
            )
        except OSError as error:
            raise explain(error, self.path) from error
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(self.columns)
        return self

    def add(self, *values: object) -> None:
        """Write one row."""
        self._writer.writerow(values)

    def __exit__(self, kind, error, trace) -> None:
        """Rename where all went well and the file is ``wanted``; otherwise leave nothing."""
        scratch = Path(self._file.name)
        try:
            self._file.close()
            if kind is None and self.wanted:
                scratch.chmod(0o644)
                scratch.replace(self.path)
        except OSError as fault:
            raise explain(fault, self.path) from fault
        finally:
            scratch.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise explain(error, self.path) from error


def corrected(
    series: pd.DataFrame, left_out: pd.DataFrame, draws: int = 2000, level: float = 0.95, seed: int = 0
) -> pd.DataFrame:
    """Return how many of each month's mentions are expected to be uses (used or released), with an interval.

    series     month, framework and use, a row a mention: ``use`` is the model's probability of used or released
    left_out   arxiv_id, use and was_use (0 or 1): probabilities for labelled papers that were left out of training
               (``left_out_predictions``)
    draws      of the bootstrap; the interval takes ``level`` of them
    returns    month, framework, mentions, uses, low, high; sorted by framework and month, 0 <= low <= uses <= high

    The mean error of the probabilities on the labelled papers is added to each probability (the rectifier of A. N.
    Angelopoulos et al., Prediction-powered inference, Science 382 (2023) 669-674). The interval covers three things:
    the labelled papers are few (they are drawn again, by paper), the classifier errs, and each mention is one thing
    or the other (a Bernoulli draw). It does not cover that labelled papers may be unlike those of another time.
    """
    import pandas as pd

    if series["use"].isna().any() or not series["use"].between(0, 1).all():
        raise ValueError("a probability of use is not between 0 and 1")
    rng = np.random.default_rng(seed)
    shifts = _shifts(left_out, draws, rng)
    mean = float((left_out["was_use"] - left_out["use"]).mean())
    edges = [50 * (1 - level), 50 * (1 + level)]
    rows = []
    for (framework, month), group in series.groupby(["framework", "month"], sort=True):
        use = group["use"].to_numpy(dtype=float)
        expected = float(np.clip(use + mean, 0, 1).sum())
        drawn = (rng.random((draws, len(use))) < use + shifts[:, None]).sum(axis=1)
        low, high = np.percentile(drawn, edges)
        rows.append((month, framework, len(use), expected, min(low, expected), max(high, expected)))
    return pd.DataFrame(rows, columns=["month", "framework", "mentions", "uses", "low", "high"])


def mention_roles(labels: pd.DataFrame, population: pd.DataFrame | None = None, level: float = 0.95) -> pd.DataFrame:
    """Return how the mentions of each framework divide into roles: framework, role, share, low, high, mentions.

    labels       arxiv_id, framework, role of the labelled set; the year is read from the identifier
    population   year, framework, count: all mentions from which the labelled ones were drawn. Each labelled mention
                 then counts for ``count`` over the labelled ones of its year and framework; default: all count alike
    returns      every framework and role (``unrelated`` among them), and framework ``any``; shares of a framework add
                 to 1

    Wilson intervals with the effective number of papers of L. Kish (Survey Sampling, 1965): the squared sum of weights
    over the sum of squares, a paper's mentions added up first.
    """
    import pandas as pd

    rows = labels.assign(year=[_year(identifier) for identifier in labels["arxiv_id"]], weight=1.0)
    if population is not None:
        counted = population.set_index(["year", "framework"])["count"]
        drawn = rows.groupby(["year", "framework"]).size()
        keys = list(zip(rows["year"], rows["framework"], strict=True))
        rows["weight"] = [float(counted.get(key, drawn[key])) / drawn[key] for key in keys]
    table = []
    for framework, part in [*rows.groupby("framework", sort=True), ("any", rows)]:
        total = part["weight"].sum()
        effective = total**2 / (part.groupby("arxiv_id")["weight"].sum() ** 2).sum()
        for role in (*ROLES, "unrelated"):
            share = part.loc[part["role"] == role, "weight"].sum() / total
            low, high = wilson(share * effective, effective, level)
            table.append((framework, role, share, float(low), float(high), len(part)))
    return pd.DataFrame(table, columns=["framework", "role", "share", "low", "high", "mentions"])


def left_out_predictions(path: Path = MODEL) -> pd.DataFrame:
    """Return the model's predictions for labelled papers left out of training: arxiv_id, framework, use, was_use."""
    import pandas as pd

    rows = json.loads(path.read_text(encoding="utf-8"))["left_out"]
    table = pd.DataFrame(rows, columns=["arxiv_id", "framework", "role", "use"])
    return table.assign(was_use=table["role"].isin(USES).astype(int)).drop(columns="role")


def labelled(labels: Path, texts: Path) -> tuple[Examples, list[dict]]:
    """Return the labelled mentions with one of ``ROLES`` and, for each, its record (title, abstract, date, confidence).

    labels   ``data/mention_labels.csv``
    texts    JSON Lines with arxiv_id, title, abstract, date for the labelled papers
    raises   SurveyError where texts are missing, with their identifiers
    """
    known = {}
    for number, line in _lines(texts):
        try:
            record = _record(line)
        except ValueError as error:
            remedy = "get the texts again: python -m analysis.roles fetch"
            raise SurveyError(f"{texts}: line {number}: {error}; {remedy}") from error
        known[record["arxiv_id"]] = record
    rows = [row for row in _rows(labels) if row["role"] in ROLES]
    missing = sorted({row["arxiv_id"] for row in rows} - set(known))
    if missing:
        which = f"{len(missing)} labelled papers ({', '.join(missing[:5])})"
        raise SurveyError(f"{texts}: no text of {which}; get them: python -m analysis.roles fetch")
    records = [
        known[row["arxiv_id"]] | {"confidence": row["confidence"], "framework": row["framework"]} for row in rows
    ]
    return _examples(records, [row["role"] for row in rows], [row["arxiv_id"] for row in rows], 1.0), records


def found_by_search(labels: Path, texts: Path) -> tuple[Examples, list[dict], list[str]]:
    """Return labelled mentions that were found by search, their records, and the papers whose text lacks the name.

    Those were read from a page that is not what arXiv gives today: they are set aside, for nobody knows what was read.

    labels   ``data/mention_labels_found.csv``
    texts    JSON Lines as for ``labelled``
    """
    examples, records = labelled(labels, texts)
    named = [r["framework"] in mentions.named(f"{r['title']}\n\n{r['abstract']}") for r in records]
    kept = [k for k, there in enumerate(named) if there]
    without = [record["arxiv_id"] for record, there in zip(records, named, strict=True) if not there]
    return examples.take(kept), [records[k] for k in kept], without


def invented(path: Path = INVENTED) -> tuple[Examples, list[dict]]:
    """Return the invented mentions, which are for training only, with half of a real one's weight."""
    rows = _rows(path)
    return _examples(rows, [row["role"] for row in rows], [row["title"] for row in rows], INVENTED_WEIGHT), rows


def _examples(records: list[dict], roles: list[str], papers: list[str], weight: float) -> Examples:
    rows = [features(record["title"], record["abstract"], record["framework"]) for record in records]
    return Examples(rows, np.array(roles, dtype=object), np.array(papers, dtype=object), np.full(len(rows), weight))


def _shifts(left_out: pd.DataFrame, draws: int, rng: np.random.Generator) -> np.ndarray:
    _, paper = np.unique(left_out["arxiv_id"], return_inverse=True)
    number = paper.max() + 1
    errors = np.bincount(paper, (left_out["was_use"] - left_out["use"]).to_numpy(dtype=float), minlength=number)
    sizes = np.bincount(paper, minlength=number)
    chosen = rng.integers(number, size=(draws, number))
    return errors[chosen].sum(axis=1) / sizes[chosen].sum(axis=1)


def _year(identifier: str) -> int:
    digits = identifier.rsplit("/", 1)[-1][:2]
    return (1900 if int(digits) > 90 else 2000) + int(digits)


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))
    except OSError as error:
        raise SurveyError(f"{path}: cannot be read ({error.strerror or error}); restore it") from error


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as stream:
            number = 0
            while line := stream.readline(LONGEST_LINE):
                number += 1
                if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                    while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                        pass
                    line = b""  # too long: an object of that size is no record
                    yield number, line
                elif line.strip():
                    yield number, line
    except OSError as error:
        raise SurveyError(f"{path}: cannot be read ({error.strerror or error}); give a file of JSON Lines") from error


def _record(line: bytes) -> Mapping[str, str]:
    if not line:
        raise ValueError(f"longer than {LONGEST_LINE} bytes")
    try:
        record = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise ValueError("not JSON") from error
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    for name in ("arxiv_id", "title", "abstract"):
        if not isinstance(record.get(name), str):
            what = "a number, which loses zeros" if isinstance(record.get(name), int | float) else "missing"
            raise ValueError(f"{name} is {what}; it must be a text")
    identifier = record["arxiv_id"]
    if not identifier.strip() or not identifier.isprintable():
        raise ValueError("arxiv_id is empty or holds control characters")
    return record


def main(arguments: list[str] | None = None) -> int:
    """Run ``python -m analysis.roles {fetch,train,evaluate}``; return the exit code (0 done, 2 nothing written)."""
    from analysis.mention_model import making

    parser = argparse.ArgumentParser(prog="python -m analysis.roles", description="Make or judge the model of roles.")
    commands = parser.add_subparsers(required=True, metavar="{fetch,train,evaluate}")
    _add_fetch(commands)
    for name, run, out, text in (
        ("train", making.train_model, MODEL, "Train on the labelled mentions and write the model."),
        ("evaluate", making.evaluate_model, ROOT / "docs" / "mentions.md", "Judge the procedure on papers left out."),
    ):
        sub = commands.add_parser(name, help=text, description=f"{text} Takes a few minutes.")
        sub.set_defaults(run=run, act=_make)
        sub.add_argument(
            "--texts", type=Path, required=True, metavar="JSONL", help="what the command fetch has written"
        )
        sub.add_argument("--labels", type=Path, default=LABELS, metavar="CSV", help="default: %(default)s")
        sub.add_argument("--invented", type=Path, default=INVENTED, metavar="CSV", help="default: %(default)s")
        sub.add_argument("--out", type=Path, default=out, metavar="FILE", help="default: %(default)s")
    text = "texts of the papers found by search, which are only tested on: fetch --labels data/mention_labels_found.csv"
    commands.choices["evaluate"].add_argument("--found", type=Path, metavar="JSONL", help=text)
    options = parser.parse_args(arguments)
    try:
        options.act(options)
    except SurveyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _add_fetch(commands) -> None:
    text = "Get title and abstract of the labelled papers from arXiv, by identifier."
    more = "Three requests, one in three seconds; what has come is kept, so that a second run asks nobody."
    sub = commands.add_parser("fetch", help=text, description=f"{text} {more}")
    sub.set_defaults(act=_fetch)
    sub.add_argument("--labels", type=Path, default=LABELS, metavar="CSV", help="default: %(default)s")
    sub.add_argument("--out", type=Path, metavar="FILE", help="default: a dated file below the cache")
    sub.add_argument("--cache", type=Path, metavar="DIR", help="where answers are kept (default: the config's)")
    sub.add_argument("--contact", metavar="TEXT", help="who arXiv may write to (default: the config's)")
    sub.add_argument("--settings", type=json.loads, default={}, metavar="JSON", help="laid over those of arxiv_query")


def _make(options: argparse.Namespace) -> None:
    found = {"found": options.found} if getattr(options, "found", None) else {}
    write_text(options.out, options.run(options.labels, options.texts, options.invented, **found))


def _fetch(options: argparse.Namespace) -> None:
    from analysis.configuring import today
    from analysis.harvesting import registry
    from analysis.harvesting.commands import configured
    from analysis.mention_model import texts

    values = configured(None)
    overlay = dict(values["sources"])
    overlay["arxiv_query"] = {**overlay.get("arxiv_query", {}), **options.settings}
    source = registry.find("arxiv_query", overlay)
    cache, contact = options.cache or values["cache"], options.contact or values["contact"]
    written = texts.fetch_texts(texts.make_run(source, today(), Path(cache), contact), options.labels, options.out)
    print(f"written to {written}", file=sys.stderr)
    option = "--texts TEXTS --found" if options.labels.name == FOUND.name else "--texts"
    print(f"next: python -m analysis.roles evaluate {option} {written}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
