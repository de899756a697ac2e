"""Questions on Stack Overflow by month and tag, counted by the Stack Exchange interface (``filter=total``).

Without a key 300 requests a day: what does not fit into a day goes on the next, as a month that is over for ninety days
is never asked again. ``backoff`` in an answer is obeyed, error 502 (throttle_violation) ends the day.

Verified in the documentation: address, parameters, the wrapper's fields and the error. Not verified against a live
answer: whether ``filter=total`` leaves ``quota_remaining`` and ``backoff`` in the answer; both are used where they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from analysis.harvesting.cache import Answer
from analysis.harvesting.errors import Violation
from analysis.harvesting.run import Finding, Piece, Plan, Run
from analysis.harvesting.snapshots import Snapshot
from analysis.sources._shared import figure, mapping, month, months, next_month, whole

TAGS = {"pytorch": "pytorch", "tensorflow": "tensorflow"}
ALL = ""
STRATUM = "Stack Overflow"
SETTLED = timedelta(days=90)  # questions are deleted and tagged anew for a while


def plan(run: Run) -> Plan:
    """One request a month and tag, and one a month for all questions."""
    missing = [
        pair for pair in _questions(run) if run.client.known(*_request(*pair), since=_since(run, pair[0])) is None
    ]
    return Plan(len(missing), 300 * len(missing), "300 requests a day without a key; the rest goes on tomorrow")


def fetch(run: Run) -> Iterator[Piece]:
    """Yield the count of each month and tag."""
    for text, tag in run.progress(_questions(run), "question"):
        judge = lambda answer: _judge(answer, run)  # noqa: E731
        answer = run.client.get(*_request(text, tag), judge=judge, since=_since(run, text), spent=_throttled)
        yield Piece({"month": text, "tag": tag}, answer)


def extract(run: Run, pieces: Sequence[Piece]) -> Snapshot:
    """Turn the counts into figures with all questions of the month as the total."""
    counts = {(month(p.label["month"], "month"), p.label["tag"]): _total(p.answer) for p in pieces}
    figures = [
        figure(run.source.indicator, text, STRATUM, TAGS[tag], count) | {"total": counts[text, ALL]}
        for (text, tag), count in sorted(counts.items())
        if tag != ALL
    ]
    for row in figures:
        if row["count"] > row["total"]:
            raise Violation(
                f"{row['period']}: {row['count']} of {row['total']} questions carry the tag {row['framework']}"
            )
    span = f"{figures[0]['period']}/{figures[-1]['period']}"
    return Snapshot({}, figures=figures, span=span, upstream=f"api.stackexchange.com to {span[-7:]}")


def check(run: Run) -> list[Finding]:
    """Say what the last month holds."""
    text = _questions(run)[-1][0]
    asked = {
        tag: run.client.get(*_request(text, tag), judge=lambda a: _judge(a, run), spent=_throttled)
        for tag in (*TAGS, ALL)
    }
    words = ", ".join(f"{tag or 'all'} {_total(answer)}" for tag, answer in asked.items())
    return [Finding(f"questions of {text}", words, "more than none", all(map(_total, asked.values())))]


def _questions(run: Run) -> list[tuple[str, str]]:
    last = f"{run.today.replace(day=1) - timedelta(days=1):%Y-%m}"
    return [
        (text, tag) for text in months(month(run.settings["first_month"], "first_month"), last) for tag in (*TAGS, ALL)
    ]


def _request(text: str, tag: str) -> tuple[str, list[tuple[str, object]]]:
    tagged = [("tagged", tag)] if tag else []
    window = [("fromdate", _second(text)), ("todate", _second(next_month(text)) - 1)]
    return "questions", [("site", "stackoverflow"), *tagged, *window, ("filter", "total")]


def _second(text: str) -> int:
    return int(datetime(int(text[:4]), int(text[5:]), 1, tzinfo=UTC).timestamp())


def _since(run: Run, text: str) -> date | None:
    """Return the first day whose answer will do: once a month is settled, any answer given after that."""
    settled = date(int(next_month(text)[:4]), int(next_month(text)[5:]), 1) + SETTLED
    return settled if settled <= run.today else None


def _judge(answer: Answer, run: Run) -> None:
    _total(answer)
    content = mapping(answer.json(), "the answer")
    if "backoff" in content:
        run.client.clock.rest(min(whole(content["backoff"], "backoff"), 3600), "backoff in the last answer")


def _total(answer: Answer) -> int:
    content = mapping(answer.json(), "the answer")
    if "error_id" in content:
        raise Violation("an error came with the status of an answer")
    return whole(content.get("total"), "total")


def _throttled(answer: Answer) -> str | None:
    """Say whether a refusal means that the quota is used up."""
    try:
        content = answer.json()
    except Violation:
        return None
    return "throttle_violation (502)" if isinstance(content, dict) and content.get("error_id") == 502 else None
