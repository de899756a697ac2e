"""The guide: the questions that people ask, by situation, each with one sentence whose numbers come from tables."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from analysis.wording import number_words, words_date

log = logging.getLogger(__name__)
GUIDE_YAML = Path(__file__).resolve().parents[1] / "data" / "guide.yaml"
#: How a fact was verified, in the words of the page.
VERIFIED = {
    "registry": "seen in the package index",
    "run": "seen in an installed package",
    "source": "read at the source",
    "second-hand": "second-hand",
}
MEASURED = "measured here"
COUNTED = "counted"
LOOKED_UP = "looked up"
#: The columns that tell the age of a row, the first that it has.
DATES = ("checked", "looked", "read", "last_date", "date", "period")
#: Formats that count rows instead of taking a cell; a table with rows of which none fits counts 0, which some refuses.
COUNT, SOME = "count", "some"
#: What a row of upkeep rests on, its column ``basis``, in the words of the page.
BASES = {"run": MEASURED, "not run": MEASURED, "metadata": VERIFIED["registry"], "cited": VERIFIED["source"]}


class GuideError(ValueError):
    """The guide cannot be read; the text names the file, the question and the remedy."""


@dataclass(frozen=True)
class Take:
    """Where a number of a sentence comes from: a cell of the first row of a table that fits."""

    table: str
    where: tuple[tuple[str, str], ...]
    column: str
    format: str


@dataclass(frozen=True)
class Answer:
    """One sentence with its numbers by name, and where more stands."""

    say: str
    take: Mapping[str, Take]
    see: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """A question of the guide; the fields are explained at the top of ``data/guide.yaml``."""

    id: str
    asks: str
    threads: tuple[str, ...]
    answers: tuple[Answer, ...]
    settles: str = ""


@dataclass(frozen=True)
class Situation:
    """A situation and its questions."""

    id: str
    title: str
    questions: tuple[Question, ...]


@dataclass
class Told:
    """A sentence with its numbers in: the days of its rows, how each was verified, and the keys of their sources."""

    text: str
    days: list[str] = field(default_factory=list)
    verified: list[str] = field(default_factory=list)
    cites: list[str] = field(default_factory=list)


def load_guide(path: Path = GUIDE_YAML) -> tuple[Situation, ...]:
    """Read the guide; raise GuideError naming the question that is at fault."""
    found, seen = [], set()
    for entry in yaml.safe_load(path.read_text("utf-8")):
        questions = []
        for given in entry["questions"]:
            name = given.get("id", "?")
            try:
                question = _question(given)
            except (KeyError, TypeError, ValueError) as error:
                raise GuideError(f"{path}: question {name}: {error}; the head of the file lists the keys") from error
            if name in seen:
                raise GuideError(f"{path}: question {name} stands twice; give it an id of its own")
            seen.add(name)
            questions.append(question)
        found.append(Situation(entry["situation"], entry["title"], tuple(questions)))
    return tuple(found)


def _question(given: Mapping[str, Any]) -> Question:
    answers = tuple(
        Answer(
            say=" ".join(answer["say"].split()),
            take={name: _take(text) for name, text in answer["take"].items()},
            see=tuple(answer.get("see", ())),
        )
        for answer in given["answers"]
    )
    for answer in answers:
        if unknown := set(re.findall(r"\{(\w+)\}", answer.say)) - set(answer.take):
            raise ValueError(f"nothing is taken for {', '.join(sorted(unknown))}")
        if re.search(r"\d{3,}|\d+\.\d", re.sub(r"\{\w+\}|Python 3\.\d+|about \d+ %", "", answer.say)):
            raise ValueError("a number is typed; take it from a table")
    if not answers and not given.get("settles"):
        raise ValueError("neither an answer nor what would settle it")
    return Question(given["id"], given["asks"], tuple(given["threads"]), answers, given.get("settles", ""))


def _take(text: str) -> Take:
    table, where, column, form = (part.strip() for part in text.split(" | "))
    pairs = tuple(tuple(part.strip().split("=", 1)) for part in where.split(";"))
    if form.split()[0] not in (known := (*_FORMATS, COUNT, SOME)):
        raise ValueError(f"format {form} is not one of {', '.join(known)}")
    return Take(table, pairs, column, form)  # type: ignore[arg-type]


def tell(answer: Answer, tables: Mapping[str, pd.DataFrame]) -> Told | None:
    """Return the sentence with its numbers, or None where one of them is not in the tables."""
    words, told = {}, Told("")
    for name, take in answer.take.items():
        row = _row(take, tables)
        if row is None or _empty(row.get(take.column)):
            return None
        words[name] = str(row[COUNT]) if take.format in (COUNT, SOME) else _write(take.format, row[take.column])
        told.days.append(next((str(row[key]) for key in DATES if not _empty(row.get(key))), ""))
        told.verified.append(_verified(take.table, row))
        told.cites.append(str(row.get("cites", "")) if take.table == "facts" else "")
    told.text = re.sub(r"\{(\w+)\}", lambda found: words[found.group(1)], answer.say)
    told.days = sorted({day for day in told.days if day})
    told.verified = list(dict.fromkeys(told.verified))
    told.cites = [key for key in dict.fromkeys(told.cites) if key]
    return told


def _row(take: Take, tables: Mapping[str, pd.DataFrame]) -> dict[str, Any] | None:
    frame = tables.get(take.table)
    if frame is None or not {take.column, *(name for name, _ in take.where)} <= set(frame):
        return None
    found = frame
    for name, value in take.where:
        found = found[_fits(found[name], value)]
    found = found[found[take.column].notna()]
    if take.format in (COUNT, SOME):
        told = found if len(found) or take.format == SOME else frame[frame[take.column].notna()]
        return told.iloc[0].to_dict() | {COUNT: len(found)} if len(told) else None
    return found.iloc[0].to_dict() if len(found) else None


def _fits(column: pd.Series, value: str) -> pd.Series:
    """Return where a column holds a value: as text, or as a number where both are numbers."""
    same = column.astype(str).eq(value)
    if pd.api.types.is_numeric_dtype(column) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        same |= column.eq(float(value))
    return same


def _empty(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _verified(table: str, row: Mapping[str, Any]) -> str:
    if table == "facts":
        return VERIFIED[str(row["verified"])]
    if table == "deployment_states":
        return LOOKED_UP
    if "basis" in row:
        return BASES.get(str(row["basis"]), LOOKED_UP)
    return COUNTED if table.startswith(("adoption_", "trend_")) else MEASURED


def _day(value: Any) -> str:
    try:
        return words_date(date.fromisoformat(str(value)))
    except ValueError:
        return str(value)


def _text(value: Any) -> str:
    return f"{value:.0f}" if isinstance(value, float) and value == int(value) else str(value)


def _number(value: Any, digits: str = "") -> str:
    return number_words(float(value), int(digits) if digits else None)


def _percent(value: Any, digits: str = "0") -> str:
    return f"{100 * float(value):.{int(digits)}f} %"


def _points(value: Any, digits: str = "2") -> str:
    return f"{100 * float(value):.{int(digits)}f}"


_FORMATS = {"points": _points, "text": _text, "day": _day, "number": _number, "percent": _percent}


def _write(form: str, value: Any) -> str:
    name, *digits = form.split()
    return _FORMATS[name](value, *digits)


def _beside(answer: Answer, files: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the tables beside the page from which a sentence took its numbers, each with its address."""
    names = dict.fromkeys(take.table for take in answer.take.values())
    return [{"name": f"{name}.csv", "href": files[name]} for name in names if name in files]


def thread(text: str) -> dict[str, str]:
    """Return the address of a thread and how it is shown: ``owner/repository#number`` or an address."""
    if text.startswith("https://"):
        return {"url": text, "title": re.sub(r"^https://(www\.)?([^/]+).*", r"\2", text)}
    repository, number = text.split("#")
    return {"url": f"https://github.com/{repository}/issues/{number}", "title": f"{repository.split('/')[1]}#{number}"}


def context(
    tables: Mapping[str, pd.DataFrame], targets: Iterable[str], files: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Return what the page shows of the guide.

    tables   result tables by name, ``facts`` and ``claims`` among them
    targets  what the page can link to: ``C01``, ``fig:...``, ``tab:...``
    files    address beside the page of each table, by name
    """
    files = files or {}
    known = set(targets)
    shown = []
    for situation in load_guide():
        questions = []
        for question in situation.questions:
            pairs = ((answer, tell(answer, tables)) for answer in question.answers)
            answer, told = next(((answer, told) for answer, told in pairs if told), (None, None))
            questions.append(
                {
                    "id": question.id,
                    "asks": question.asks,
                    "text": told.text if told else "",
                    "days": " to ".join(dict.fromkeys([told.days[0], told.days[-1]])) if told and told.days else "",
                    "verified": ", ".join(told.verified) if told else "",
                    "cites": told.cites if told else [],
                    "beside": _beside(answer, files) if answer else [],
                    "see": [name for name in answer.see if name in known] if answer else [],
                    "threads": [thread(text) for text in question.threads],
                    "settles": question.settles,
                }
            )
        shown.append({"id": situation.id, "title": situation.title, "questions": questions})
    return shown
