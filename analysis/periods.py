"""Periods as the adoption sources write them: 2019, 2020Q1, 2019-06, 2019-06-14, and the breaks of a source."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date

FORMS = {"year": "2019", "quarter": "2020Q1", "month": "2019-06", "day": "2019-06-14"}
_PERIOD = re.compile(r"(?P<year>\d{4})(?:Q(?P<quarter>[1-4])|-(?P<month>\d{2})(?:-(?P<day>\d{2}))?)?")
_BREAK = re.compile(r"(?P<dates>[\d/Q-]+(?: and [\d/Q-]+)*):?\s+(?P<reason>.+)")


@dataclass(frozen=True)
class Period:
    """A stretch of days, both ends included, and the grain (``FORMS``) it was written in."""

    start: date
    end: date
    grain: str


@dataclass(frozen=True)
class Break:
    """A change in how a source counts: when it starts, when it ends (the same day for a step), and why."""

    start: date
    end: date
    reason: str


def parse_period(text: str) -> Period:
    """Return the days that ``text`` covers.

    raises  ValueError if the text has none of the forms of ``FORMS`` or names a day that does not exist
    """
    match = _PERIOD.fullmatch(text)
    if not match:
        raise ValueError(f"period {text!r} is not of the form {', '.join(FORMS.values())}")
    year = int(match["year"])
    if match["quarter"]:
        last = 3 * int(match["quarter"])
        return Period(date(year, last - 2, 1), date(year, last, calendar.monthrange(year, last)[1]), "quarter")
    if match["day"]:
        day = date(year, int(match["month"]), int(match["day"]))
        return Period(day, day, "day")
    if match["month"]:
        first = date(year, int(match["month"]), 1)
        return Period(first, first.replace(day=calendar.monthrange(year, first.month)[1]), "month")
    return Period(date(year, 1, 1), date(year, 12, 31), "year")


def parse_span(text: str) -> Period:
    """Return the days from the start of the first to the end of the last period of ``first/last``.

    raises  ValueError if one of the two is not a period, or the last ends before the first starts
    """
    first, slash, last = text.partition("/")
    if not slash:
        raise ValueError(f"span {text!r} is not of the form 2019-06/2020-05")
    start, end = parse_period(first), parse_period(last)
    if end.end < start.start:
        raise ValueError(f"span {text!r} ends before it starts")
    return Period(start.start, end.end, start.grain)


def parse_breaks(text: str) -> tuple[Break, ...]:
    """Return the breaks of a source, in order of time.

    text    clauses joined by ``;``, each a period, a span ``first/last`` or several joined by ``and``, then
            the reason: ``2018-08 log loss ends; 2020-12/2021-04 undercount``; empty for none
    raises  ValueError for a clause that does not start with a period
    """
    found = []
    for clause in filter(None, (part.strip() for part in text.split(";"))):
        match = _BREAK.fullmatch(clause)
        if not match:
            raise ValueError(
                f"break {clause!r} does not start with a period and a reason, as in 2024-11 all installers"
            )
        for dates in match["dates"].split(" and "):
            span = parse_span(dates) if "/" in dates else None
            start = span.start if span else parse_period(dates).start
            found.append(Break(start, span.end if span else start, match["reason"]))
    return tuple(sorted(found, key=lambda item: (item.start, item.reason)))


def months_between(first: str, last: str) -> list[date]:
    """Return the first days of the months ``first`` to ``last`` (YYYY-MM), both included.

    raises  ValueError if one of them is no month
    """
    begin, end = parse_period(first).start, parse_period(last).start
    count = (end.year - begin.year) * 12 + end.month - begin.month + 1
    return [date(begin.year + (begin.month - 1 + k) // 12, (begin.month - 1 + k) % 12 + 1, 1) for k in range(count)]
