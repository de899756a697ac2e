"""The bibliography: ``data/references.bib`` as numbered references, for the list at the page's end and for citing."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)
REFERENCES_BIB = Path(__file__).resolve().parents[1] / "data" / "references.bib"
KINDS = ("survey", "study", "source", "document", "data set", "method")


class BibliographyError(ValueError):
    """The bibliography cannot be read; the text names the file, the entry and the remedy."""


@dataclass(frozen=True)
class Reference:
    """One entry: its number on the page, who, what, where, when and the address."""

    key: str
    number: int
    kind: str
    author: str
    title: str
    where: str
    year: str
    url: str
    note: str


def load_references(path: Path = REFERENCES_BIB) -> dict[str, Reference]:
    """Return ``{key: Reference}`` in the order of the file; raise BibliographyError for an entry that is at fault."""
    import bibtexparser
    from bibtexparser.middlewares import LatexDecodingMiddleware

    logging.getLogger("pylatexenc").setLevel(logging.ERROR)
    text = path.read_text("utf-8")
    library = bibtexparser.parse_string(text, append_middleware=[LatexDecodingMiddleware()])
    written = bibtexparser.parse_string(text).entries_dict  # an address is no LaTeX
    faults = [f"line {block.start_line + 1}: {type(block).__name__}" for block in library.failed_blocks]
    found: dict[str, Reference] = {}
    for number, entry in enumerate(library.entries, start=1):
        fields = {name: str(field.value) for name, field in entry.fields_dict.items()}
        if "url" in fields:
            fields["url"] = str(written[entry.key].fields_dict["url"].value)
        if absent := [name for name in ("author", "title", "year", "keywords") if not fields.get(name)]:
            faults.append(f"entry {entry.key}: no {', '.join(absent)}")
            continue
        if fields["keywords"] not in KINDS:
            faults.append(f"entry {entry.key}: keywords {fields['keywords']!r} is not one of {', '.join(KINDS)}")
        if not fields.get("url", "https://").startswith(("https://", "http://")):
            faults.append(f"entry {entry.key}: url is no address")
        found[entry.key] = Reference(
            key=entry.key,
            number=number,
            kind=fields["keywords"],
            author=authors(fields["author"]),
            title=fields["title"],
            where=_where(fields),
            year=fields["year"],
            url=fields.get("url", ""),
            note=fields.get("note", ""),
        )
    if faults:
        raise BibliographyError(f"{path}: " + "; ".join(faults) + "; mend the entries")
    return found


def authors(text: str) -> str:
    """Write the authors of an entry: "Ansel J et al." for more than two."""
    names = [_name(name) for name in re.split(r"\s+and\s+", text)]
    if names[-1] == "others" or len(names) > 2:
        return f"{names[0]} et al."
    return " and ".join(names)


def _name(text: str) -> str:
    last, _, first = text.partition(", ")
    return f"{first} {last}".strip()


def _where(fields: Mapping[str, str]) -> str:
    place = next(
        (fields[name] for name in ("journal", "booktitle", "publisher", "howpublished") if fields.get(name)), ""
    )
    volume = fields.get("volume", "")
    if volume and fields.get("number"):
        volume += f"({fields['number']})"
    pages = fields.get("pages", "").replace("--", "–")
    return " ".join(part for part in (place, volume) if part) + (f", {pages}" if pages else "")


def keys_of(urls: Iterable[str], references: Mapping[str, Reference]) -> list[str]:
    """Return the keys of the entries with these addresses, in the order of the file, each once."""
    wanted = set(urls)
    return [reference.key for reference in references.values() if reference.url in wanted]
