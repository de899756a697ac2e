"""The texts of the labelled papers, by identifier from arXiv's query API: what the labels were read from.

The texts are no part of the project. They are asked for in slices of a hundred, at arXiv's pace, through the client of
the refresh: every answer is kept below the cache, so that a fetch that broke off goes on where it was and a second one
asks nobody. arXiv answers with the newest version of a paper; the labels were read from the version of their day.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from analysis.harvesting.cache import Answer
from analysis.harvesting.errors import Violation
from analysis.harvesting.parsing import atom
from analysis.harvesting.registry import Source
from analysis.harvesting.run import Piece, Run, retrieved
from reproductions.errors import SurveyError
from reproductions.files import write_text

SOURCE = "mention_texts"  # folder of the answers: <cache>/sources/mention_texts
SLICE = 100  # papers a request
PATH = "/api/query"
NEVER_CHANGES = date.min  # an abstract of any day will do
_ID = re.compile(r"\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7}")


def make_run(source: Source, today: date, cache: Path, contact: str | None = None) -> Run:
    """Return the run that fetches the texts: the settings of arXiv's query API, answers apart from the harvest's.

    source   ``arxiv_query`` of the registry
    """
    return Run(replace(source, id=SOURCE), today, Path(cache), Path(cache), contact)


def fetch_texts(run: Run, labels: Path, out: Path | None = None) -> Path:
    """Write title, abstract and date of every labelled paper as JSON Lines, in the order of the labels; return where.

    labels   CSV with the column arxiv_id
    out      default: ``<cache>/sources/mention_texts/<name of the labels>-<day of the oldest answer>.jsonl``
    raises   SurveyError where the labels cannot be read or arXiv does not give a paper
    """
    wanted = _identifiers(labels)
    slices = [wanted[k : k + SLICE] for k in range(0, len(wanted), SLICE)]
    pieces = [Piece({"papers": len(part)}, _ask(run, part)) for part in run.progress(slices, "slice")]
    found = {record["arxiv_id"]: record for piece in pieces for record in atom.parse(piece.answer.read()).records}
    place = out or run.folder / f"{labels.stem}-{retrieved(pieces, run.today)}.jsonl"
    text = io.StringIO()
    for name in wanted:
        record = found[name]
        kept = {"arxiv_id": name, "date": record["created"], "categories": record["categories"].split()}
        kept |= {"title": record["title"], "abstract": record["abstract"]}
        text.write(json.dumps(kept, ensure_ascii=False) + "\n")
    write_text(place, text.getvalue())
    return place


def _identifiers(labels: Path) -> list[str]:
    """Return the identifiers of the labelled papers, each once, in their order."""
    try:
        with labels.open(encoding="utf-8", newline="") as stream:
            names = list(dict.fromkeys(row["arxiv_id"] for row in csv.DictReader(stream)))
    except OSError as error:
        raise SurveyError(f"{labels}: cannot be read ({error.strerror or error}); restore it") from error
    except KeyError:
        raise SurveyError(f"{labels}: no column arxiv_id; restore the file from the repository") from None
    wrong = [name for name in names if not _ID.fullmatch(name or "")]
    if wrong or not names:
        what = f"{wrong[0]!r} is no identifier of arXiv" if wrong else "no identifiers"
        raise SurveyError(f"{labels}: {what}; they are texts such as 1905.10090, never numbers")
    return names


def _ask(run: Run, names: Sequence[str]) -> Answer:
    params = [("id_list", ",".join(names)), ("start", 0), ("max_results", len(names))]

    def judge(answer: Answer) -> None:
        found = [record["arxiv_id"] for record in atom.parse(answer.read()).records]
        if answer.status != 200:
            raise Violation(f"status {answer.status} without a word of arXiv's")
        if strange := sorted(set(found) - set(names)):
            raise Violation(f"{strange[0]} came, which was not asked for")
        if len(set(found)) < len(found):
            raise Violation("an identifier stands twice on the page")
        # arXiv now and then leaves entries out; asked again, it gives them.
        if absent := [name for name in names if name not in set(found)]:
            raise Violation(f"{len(absent)} of {len(names)} papers did not come ({', '.join(absent[:5])})")

    return run.client.get(PATH, params, judge=judge, since=NEVER_CHANGES, accept=(200, 400))
