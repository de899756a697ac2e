"""The rules: where an interval lies decides the verdict, what the evidence is worth decides the certainty.

A verdict and a certainty are two words. The verdict says what the numbers say of the claim; the certainty says how much
they are worth, and sets the verb. Both follow from this module alone, so the judging functions cannot bend them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

SUPPORTED, PARTLY, REFUTED = "supported", "supported in part", "not supported"
UNDECIDED, UNTESTED = "undecided", "not tested here"
#: Each verdict with its rule, in the order of the page.
VERDICTS = {
    SUPPORTED: "the whole 95 % interval of every cell lies where the claim holds",
    PARTLY: "the claim holds in some cells and fails in others; both are named",
    REFUTED: "the whole interval of every cell lies where the claim fails; where it says all, one cell is enough",
    UNDECIDED: "an interval reaches over a threshold: the data fit both",
    UNTESTED: "no evidence of the kind that the test asks for is in the tables of this page",
}
CERTAINTIES = ("very low", "low", "moderate", "high")
#: The certainty that a kind of evidence starts with.
STARTS = {
    "measured in pairs": "high",
    "calculated": "high",
    "counted": "moderate",
    "looked up": "moderate",
    "published": "low",
}
DOMAINS = ("imprecision", "indirectness", "inconsistency", "bias", "publication")
#: The one domain that raises a certainty, by one level at most: so many independent sources on the same side.
AGREEMENT, AGREEING = "agreement", 3
#: One machine alone is never worth more than this, whatever it measured.
ONE_MACHINE = "moderate"

SUPPORTS, REFUTES, OPEN = "for", "against", "open"

#: Says of an interval whether all of it lies where a rule wants it.
Rule = Callable[[float, float], bool]


def above(limit: float, *, equal: bool = False) -> Rule:
    """Return the rule that a whole interval lies above ``limit`` (with ``equal``, at or above)."""
    return lambda low, high: low >= limit if equal else low > limit


def below(limit: float, *, equal: bool = False) -> Rule:
    """Return the rule that a whole interval lies below ``limit`` (with ``equal``, at or below)."""
    return lambda low, high: high <= limit if equal else high < limit


def within(first: float, last: float) -> Rule:
    """Return the rule that a whole interval lies between two limits, these included."""
    return lambda low, high: low >= first and high <= last


def outside(first: float, last: float) -> Rule:
    """Return the rule that a whole interval lies on one side of two limits."""
    return lambda low, high: high < first or low > last


def holding(value: float) -> Rule:
    """Return the rule that an interval holds ``value``."""
    return lambda low, high: low <= value <= high


def either(*rules: Rule) -> Rule:
    """Return the rule that one of several holds."""
    return lambda low, high: any(rule(low, high) for rule in rules)


def side(low: float, high: float, supports: Rule, refutes: Rule) -> str:
    """Return on which side of a claim an interval lies; one that is missing is open.

    Raises ValueError where ``low`` exceeds ``high``.
    """
    if math.isnan(low) or math.isnan(high):
        return OPEN
    if low > high:
        raise ValueError(f"interval [{low}, {high}]: low exceeds high")
    if supports(low, high):
        return SUPPORTS
    return REFUTES if refutes(low, high) else OPEN


@dataclass(frozen=True)
class Cell:
    """One place where a claim meets evidence.

    name               what a reader calls it
    side               for, against or open
    value, low, high   estimate and 95 % interval; equal for a complete count, nan where there is none
    unit               unit of the three
    group              cells that belong together share it, so that a sentence can count them
    n                  what it rests on, in words ("12 pairs, 3 restarts")
    table              the result table that holds its row
    machine, device, date, note
        where and when it was measured or looked up, and what else the row says
    cluster            what is drawn anew when cells are drawn anew: the workload
    same               cells that differ in environment, machine or run alone share it
    disturbed          share of pairs that other work disturbed
    """

    name: str
    side: str
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    unit: str = ""
    group: str = ""
    n: str = ""
    table: str = ""
    machine: str = ""
    device: str = ""
    date: str = ""
    note: str = ""
    cluster: str = ""
    same: str = ""
    disturbed: float = 0.0


@dataclass(frozen=True)
class Clause:
    """A sentence that a certainty can change: subject, verb (indicative, infinitive), rest."""

    subject: str
    verb: tuple[str, str]
    rest: str

    def say(self, certainty: str) -> str:
        """Return the clause with the verb that the certainty allows; no stop at the end."""
        indicative, infinitive = self.verb
        if certainty == "high":
            return f"{self.subject} {indicative} {self.rest}"
        if certainty == "moderate":
            verb = f"{indicative} probably" if indicative in ("is", "are") else f"probably {indicative}"
            return f"{self.subject} {verb} {self.rest}"
        if certainty == "low":
            return f"{self.subject} may {infinitive} {self.rest}"
        return f"We are very uncertain whether {inside(self.subject)} {indicative} {self.rest}"


def inside(subject: str) -> str:
    """Write a subject inside a sentence: ordinary words lose their capital, names keep it."""
    name = subject.startswith(("PyTorch", "TensorFlow", "LiteRT", "ONNX"))
    return subject if name else subject[0].lower() + subject[1:]


@dataclass(frozen=True)
class Step:
    """One change of the certainty by one level, downwards unless its domain is agreement: its domain and its reason."""

    domain: str
    reason: str


@dataclass(frozen=True)
class Judgement:
    """What a judging function hands over.

    cells    the cells that decide
    none     what is missing where there are none, in words: then MissingEvidence is raised
    holds    the sentence where the claim is supported; fails, where it is not
    start    kind of the evidence, a key of :data:`STARTS`
    steps    downgrades that the judging function knows of
    combine  how cells make a verdict: "cells" (all must agree), "every" (one counter-example decides) or a share
             (more than that share of the cells decides)
    overall  the estimate that the page prints; without it, the one deciding cell
    beside   cells that are shown and do not decide
    missing  what a full test would need besides, in words
    note     what is worth saying besides, a sentence
    flag     what a verdict alone would hide, in a few words: that a claim was true on its day, that a formula differs
    """

    cells: Sequence[Cell]
    holds: Clause
    fails: Clause
    none: str = ""
    start: str = "measured in pairs"
    steps: Sequence[Step] = ()
    combine: str | float = "cells"
    overall: Cell | None = None
    beside: Sequence[Cell] = field(default_factory=tuple)
    missing: str = ""
    note: str = ""
    flag: str = ""

    def __post_init__(self):
        if self.none and not self.cells:
            raise MissingEvidence(self.none)


class MissingEvidence(Exception):
    """What a test asks for is not in the tables; the text says what is missing.

    ``beside`` holds cells that are near to it and do not decide.
    """

    def __init__(self, words: str, beside: Iterable[Cell] = ()):
        super().__init__(words)
        self.beside = tuple(beside)


def combine(cells: Sequence[Cell], how: str | float = "cells") -> str:
    """Return the verdict that the sides of the cells make; see :class:`Judgement` for ``how``."""
    sides = [cell.side for cell in cells]
    if not sides:
        return UNTESTED
    supports, refutes = sides.count(SUPPORTS), sides.count(REFUTES)
    if isinstance(how, float):
        if supports > how * len(sides):
            return SUPPORTED
        return REFUTED if refutes > how * len(sides) else UNDECIDED
    if supports == len(sides):
        return SUPPORTED
    if refutes == len(sides) or (how == "every" and refutes):
        return REFUTED
    return PARTLY if supports and refutes else UNDECIDED


def grade(start: str, steps: Sequence[Step], machines: int) -> tuple[str, tuple[str, ...]]:
    """Return the certainty and how it came about, a line a step.

    start     a key of :data:`STARTS`
    steps     changes; those of one domain count once, their reasons are joined
    machines  how many machines measured; 0 where no machine did
    """
    level = CERTAINTIES.index(STARTS[start])
    lines = [f"{start}: starts {CERTAINTIES[level]}"]
    for domain in DOMAINS:
        reasons = list(dict.fromkeys(step.reason for step in steps if step.domain == domain))
        if reasons:
            level = max(0, level - 1)
            lines.append(f"{domain}, one down: {'; '.join(reasons)}")
    if agreeing := list(dict.fromkeys(step.reason for step in steps if step.domain == AGREEMENT)):
        level = min(len(CERTAINTIES) - 1, level + 1)
        lines.append(f"{AGREEMENT}, one up: {'; '.join(agreeing)}")
    cap = CERTAINTIES.index(ONE_MACHINE)
    if machines == 1 and level > cap:
        level = cap
        lines.append(f"one machine alone: not above {ONE_MACHINE}")
    return CERTAINTIES[level], tuple(lines)
