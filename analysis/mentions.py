"""Which papers name a framework in their title, abstract or comments.

"Named in the abstract" is not use: few papers name their framework there, and those that do are often about one. The
rule below only says whether a name stands in a text; what it is named for is the question of ``analysis.roles``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars

from analysis.mention_rule import abbreviations, surroundings
from analysis.mention_rule.names import BEARERS, NAMES, TORCH, Name

FIELDS = ("title", "abstract", "comments")
KEPT = ("arxiv_id", "created", "categories", "primary_category")


MENTION_SCHEMA = {**dict.fromkeys(KEPT, polars.String), "framework": polars.String, "field": polars.String}


def normal(text: str) -> str:
    """Return ``text`` as the rule reads it: ligatures and full-width letters as ASCII, invisible signs taken out.

    LaTeX's optional hyphen (``\\-``), soft hyphens and zero-width signs vanish; a command
    that only changes the type face inside a word (``Tensor\\textsc{Flow}``) goes with its braces.
    """
    if not text.isascii() and _A_SIGN.search(text):
        text = text.translate(_SIGNS)
    return _INSIDE.sub("", text) if any(sign in text for sign in "\\{}") else text


def find(text: str) -> list[tuple[str, int, int]]:
    """Return ``(framework, start, end)`` of every mention in ``normal(text)``, in order of place."""
    return sorted(_found(normal(text)), key=lambda mention: mention[1:])


def named(text: str) -> frozenset[str]:
    """Return the frameworks that ``text`` names. This is the rule; everything else here only makes it fast."""
    text = normal(text)
    lower = text.lower()
    return frozenset(
        framework
        for framework, rule in _rules().items()
        if _spelt(framework, lower) and (_stands(_SURE.get(framework, ""), text) or _spans(text, rule))
    )


def scan(source: polars.LazyFrame | Iterable[Path | polars.LazyFrame]) -> polars.DataFrame:
    """Return the mentions in records: one row a paper, framework and field, columns of ``MENTION_SCHEMA``.

    source   records with ``KEPT`` and ``FIELDS``: one lazy frame, or several or parquet files
             (``records.latest_parts``), which are read one after another so that memory does not grow with their number
    returns  sorted by arxiv_id, framework and field; the same as ``named`` on every field of every row
    """
    pieces = [source] if isinstance(source, polars.LazyFrame) else source
    frames = (piece if isinstance(piece, polars.LazyFrame) else polars.scan_parquet(piece) for piece in pieces)
    found = [row for frame in frames for row in _mentions(frame)]
    return polars.DataFrame(found, schema=MENTION_SCHEMA, orient="row").sort("arxiv_id", "framework", "field")


def monthly(hits: polars.DataFrame, denominators: polars.DataFrame) -> polars.DataFrame:
    """Count papers by month and framework: ``month, framework, count, total``.

    hits          mentions of ``scan`` in the papers of the chosen categories; a paper counts once a framework
    denominators  ``month, total``: all papers of the chosen categories (``records.months``, row "(any chosen)")
    returns       every framework in every month of ``denominators``, with 0 where none names it

    raises  ValueError if a mention falls into a month without denominator
    """
    totals = denominators.select("month", polars.col("total").cast(polars.Int64))
    counts = (
        hits.select("arxiv_id", "framework", polars.col("created").str.slice(0, 7).alias("month"))
        .unique()
        .group_by("month", "framework")
        .agg(polars.len().cast(polars.Int64).alias("count"))
    )
    missing = counts.join(totals, on="month", how="anti")["month"].unique().sort().to_list()
    if missing:
        raise ValueError(f"mentions in months without a count of all papers: {', '.join(missing[:5])}")
    frameworks = polars.DataFrame({"framework": list(NAMES)})
    return (
        totals.join(frameworks, how="cross")
        .join(counts, on=["month", "framework"], how="left")
        .select("month", "framework", polars.col("count").fill_null(0), "total")
        .sort("month", "framework")
    )


_BESIDE = 120  # characters
# Usual names that are seldom anything else today: with a capital they count even where no software stands beside them.
_LIVING = {"keras", "jax"}
# Set in the type of code or of names.
_IN_TYPE = r"\\(?:texttt|textsc|tt|sc|textsf)\s*\{?\s*"
_LETTER = "[A-Za-zÀ-ɏ]"
_A_LETTER = re.compile(_LETTER)
_FLOWS = re.compile(r"ten(?:sor|-).{0,60}flow", re.DOTALL)

_SIGNS = {
    **dict.fromkeys((0xAD, 0x2060, 0xFEFF, *range(0x200B, 0x2010))),
    **{0xFF01 + n: chr(0x21 + n) for n in range(94)},
    **dict(zip(range(0xFB00, 0xFB07), ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True)),
}
_A_SIGN = re.compile(f"[{''.join(map(re.escape, map(chr, _SIGNS)))}]")
_FACE = r"(?:\}|\{?\\(?:text\w\w|emph|sc|tt|it|bf)\b\s*\{?|\{)+"
_INSIDE = re.compile(rf"\\-|(?<=[Pp][Yy]){_FACE}(?=[Tt])|(?<=[Tt]ensor){_FACE}(?=[Ff])")
# Every text in which ``named`` finds something matches this, whatever ``normal`` does to it: the engine reads all texts
# once for it, the rule itself decides on the few that are left.
_GAP = r"[\t-/:-@\[-`{-~]{0,12}(?:\\[a-z]+)?[\t-/:-@\[-`{-~]{0,12}"
SPELT = (
    *(f"py{_GAP}torch", f"tensor{_GAP}flow", "sorflow", rf"torch(?:\.|=|{TORCH})", "libtorch"),
    *("(?:import|install) torch", r"tf\.", r"\\-", "keras", "jax", "mxnet", "caffe", "theano", "chainer"),
)
# Spellings that are certain and that no phrase takes back: where one stands alone, no pattern has to be tried.
_SURE = {"pytorch": "PyTorch", "tensorflow": "TensorFlow", "mxnet": "MXNet"}
ODD = r"[\x{ad}\x{200b}-\x{200f}\x{2060}\x{feff}\x{fb00}-\x{fb06}\x{ff01}-\x{ff5e}]"


@dataclass(frozen=True)
class _Rule:
    framework: str
    certain: re.Pattern[str] | None
    usual: re.Pattern[str] | None
    unusual: re.Pattern[str] | None
    never: re.Pattern[str] | None
    confused: re.Pattern[str] | None
    own: str


@cache
def _rules() -> dict[str, _Rule]:
    def word(pattern: str) -> re.Pattern[str] | None:
        return re.compile(rf"(?<!{_LETTER})(?:{pattern})(?!{_LETTER})", re.ASCII) if pattern else None

    def phrase(pattern: str) -> re.Pattern[str] | None:
        return re.compile(pattern) if pattern else None

    def certain(framework: str, name: Name) -> str:
        return "|".join(filter(None, (name.certain, f"{_IN_TYPE}(?i:{framework})" if name.usual else "")))

    def confused(framework: str, name: Name) -> re.Pattern[str] | None:
        either = "(?:" + "|".join((framework.upper(), framework.capitalize())) + ")"
        return phrase(f"{name.confused}|{BEARERS.replace('NAME', either)}") if name.confused else None

    return {
        framework: _Rule(
            framework,
            word(certain(framework, n)),
            word(n.usual),
            word(n.unusual),
            phrase(n.never),
            confused(framework, n),
            n.own,
        )
        for framework, n in NAMES.items()
    }


def _found(text: str) -> Iterator[tuple[str, int, int]]:
    lower = text.lower()
    for framework, rule in _rules().items():
        if _spelt(framework, lower):
            yield from ((framework, *span) for span in _spans(text, rule))


def _spelt(framework: str, lower: str) -> bool:
    """Return whether the letters are there without which no pattern of the framework can match."""
    if framework == "tensorflow":
        return "tf." in lower or ("flow" in lower and _FLOWS.search(lower) is not None)
    return ("torch" if framework == "pytorch" else framework) in lower


def _around(text: str, rule: _Rule) -> Iterator[str]:
    """Yield the surroundings of each place where the framework's letters stand: phrases are shorter than those."""
    lower = text.lower()
    at = lower.find(rule.framework)
    while at >= 0:
        yield text[max(0, at - _BESIDE) : at + len(rule.framework) + _BESIDE]
        at = lower.find(rule.framework, at + 1)


def _stands(word: str, text: str) -> bool:
    """Return whether the word stands where it is first found, with no letter beside it."""
    at = text.find(word) if word else -1
    return at >= 0 and not _A_LETTER.search(text[max(at - 1, 0) : at] + text[at + len(word) : at + len(word) + 1])


def _spans(text: str, rule: _Rule) -> list[tuple[int, int]]:
    whole = text
    if rule.never and any(rule.never.search(beside) for beside in _around(text, rule)):
        text = rule.never.sub(lambda phrase: "." * len(phrase.group()), text)
    other = cache(lambda name: not name.islower() and abbreviations.defined(whole, name, rule.own))
    confused = cache(lambda: bool(rule.confused and rule.confused.search(whole)))
    spans = [match.span() for match in rule.certain.finditer(text)] if rule.certain else []
    spans += [
        match.span()
        for match in (rule.usual.finditer(text) if rule.usual else ())
        if _software_is_meant(_beside(text, match), match.group(), rule, confused) and not other(match.group())
    ]
    spans += [
        match.span()
        for match in (rule.unusual.finditer(text) if rule.unusual else ())
        if _unusual_is_meant(_beside(text, match), rule, confused) and not other(match.group())
    ]
    # "tf.keras" is also written "keras": the longest of what overlaps stays.
    spans.sort(key=lambda span: (span[0], -span[1]))
    return [span for k, span in enumerate(spans) if all(span[0] >= end for _, end in spans[:k])]


def _software_is_meant(beside: str, name: str, rule: _Rule, confused: Callable[[], bool]) -> bool:
    """Return whether a usual name means the software, by what stands beside it and what the text speaks of."""
    close, strong, weak = surroundings.software()
    if close.search(beside):
        return True
    if confused():
        return False
    return bool(strong.search(beside) or weak.search(beside)) or (rule.framework in _LIVING and not name.islower())


def _unusual_is_meant(beside: str, rule: _Rule, confused: Callable[[], bool]) -> bool:
    """Return whether an unusual spelling means the software: it is close by, or beside it where things are done in it.

    A person too is someone with whom or for whom something is done.
    """
    close, sure, _ = surroundings.software()
    inside, along = surroundings.prepositions()
    where = inside if rule.framework in _LIVING else along
    return bool(close.search(beside) or (where.search(beside) and sure.search(beside) and not confused()))


def _beside(text: str, match: re.Match[str]) -> str:
    # The name itself is left out and leaves a mark, also where it stands again: it is no software beside itself.
    before, after = text[max(0, match.start() - _BESIDE) : match.start()], text[match.end() : match.end() + _BESIDE]
    beside = f"{before}\0{after}"
    return re.sub(rf"(?i:\b{re.escape(match.group())}\b)", "\0", beside)


def _mentions(frame: polars.LazyFrame) -> Iterator[tuple[str, ...]]:
    either = f"(?i-u:{'|'.join(SPELT)})|{ODD}"
    candidates = (
        frame.select(*KEPT, *FIELDS)
        .filter(polars.any_horizontal(polars.col(field).str.contains(either) for field in FIELDS))
        .collect(engine="streaming")
    )
    for *kept, title, abstract, comments in candidates.iter_rows():
        for field, text in zip(FIELDS, (title, abstract, comments), strict=True):
            for framework in named(text):
                yield *kept, framework, field
