"""Pages of arXiv to records. Peers do with a page what they do when a user harvests with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Work = Callable[[], dict[str, object]]


def _over(folder: Path, pattern: str, parse: Callable[[bytes], int], most: int | None = None) -> Work:
    paths = sorted(folder.glob(pattern))[:most]
    parse(paths[0].read_bytes())  # the first page builds tables and loads code: not what is measured

    def work() -> dict[str, object]:
        return {"items": sum(parse(path.read_bytes()) for path in paths)}

    return work


def ours_oai(folder: Path) -> Work:
    """Our parser of OAI-PMH pages."""
    from analysis.harvesting.parsing import oai

    return _over(folder, "oai-*.xml", lambda data: len(oai.parse(data).records))


def ours_atom(folder: Path) -> Work:
    """Our parser of Atom pages."""
    from analysis.harvesting.parsing import atom

    return _over(folder, "atom-*.xml", lambda data: len(atom.parse(data).records))


def sickle(folder: Path) -> Work:
    """Sickle's own iterator, its requests answered from memory; it reads each page three times, as it always does."""
    return _over(folder, "oai-*.xml", lambda data: len(sickle_records(data)))


def sickle_records(data: bytes) -> list[dict[str, object]]:
    """Return what ``Sickle.ListRecords`` gives of one page."""
    from sickle import Sickle
    from sickle.response import OAIResponse

    class FromMemory(Sickle):
        """Answers once, then with an empty last page."""

        asked = 0

        def harvest(self, **parameters: str) -> OAIResponse:
            self.asked += 1
            return OAIResponse(_Answer(data if self.asked == 1 else LAST), parameters)

    return [record.metadata for record in FromMemory("http://example.org").ListRecords(metadataPrefix="arXiv")]


class _Answer:
    def __init__(self, content: bytes):
        self.content, self.encoding = content, "utf-8"


LAST = (
    b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-11-20T06:00:00Z</responseDate>'
    b"<ListRecords><resumptionToken/></ListRecords></OAI-PMH>"
)


def sickle_once(folder: Path) -> Work:
    """Sickle's classes put together by hand so that each page is read once."""
    from sickle.models import Record
    from sickle.response import OAIResponse

    from analysis.harvesting.parsing.oai import OAI

    def parse(data: bytes) -> int:
        found = OAIResponse(_Answer(data), {}).xml.iterfind(f".//{OAI}record")
        return len([Record(element).metadata for element in found])

    return _over(folder, "oai-*.xml", parse)


def element_tree(folder: Path) -> Work:
    """The bare floor: the standard library's tree and every leaf of a record, no checks, no white space collapsed."""
    from xml.etree.ElementTree import fromstring

    return _over(folder, "oai-*.xml", _leaves(fromstring))


def defusedxml(folder: Path) -> Work:
    """The usual way of refusing entities, with the same walk."""
    from defusedxml.ElementTree import fromstring

    return _over(folder, "oai-*.xml", _leaves(fromstring))


def lxml(folder: Path) -> Work:
    """libxml2's tree, with the same walk."""
    from lxml.etree import fromstring

    return _over(folder, "oai-*.xml", _leaves(fromstring))


def _leaves(fromstring: Callable) -> Callable[[bytes], int]:
    from analysis.harvesting.parsing.oai import OAI

    def parse(data: bytes) -> int:
        records = fromstring(data).iter(f"{OAI}record")
        return len([[(node.tag, node.text) for node in record.iter() if not len(node)] for record in records])

    return parse


def arxiv(folder: Path) -> Work:
    """The arxiv package's own parser."""
    from arxiv import _feed

    return _over(folder, "atom-*.xml", lambda data: len(_feed.parse(data).results))


def feedparser(folder: Path) -> Work:
    """feedparser, one page: it is twenty times slower."""
    import feedparser

    return _over(folder, "atom-*.xml", lambda data: len(feedparser.parse(data).entries), most=1)


def doctype(folder: Path) -> Work:
    """The search for a DOCTYPE as a share of the whole parsing, page by page in turn."""
    import time

    from analysis.harvesting.parsing import oai

    pages = [path.read_bytes() for path in sorted(folder.glob("oai-*.xml"))]

    def work() -> dict[str, object]:
        searching = parsing = 0.0
        for page in pages:
            start = time.process_time()
            for _ in range(10):
                found = b"<!DOCTYPE" in page
            middle = time.process_time()
            records = oai.parse(page).records
            searching, parsing = searching + (middle - start) / 10, parsing + time.process_time() - middle
            assert records and not found  # noqa: S101
        return {"items": len(pages), "share": searching / parsing}

    return work


def cut(folder: Path) -> Work:
    """The first half of a page's bytes: what each parser makes of it."""

    def work() -> dict[str, object]:
        pages = {kind: next(iter(sorted(folder.glob(f"{kind}-*.xml")))).read_bytes() for kind in ("oai", "atom")}
        halves = {kind: page[: len(page) // 2] for kind, page in pages.items()}
        from analysis.harvesting.errors import Violation
        from analysis.harvesting.parsing import atom, oai

        said = {}
        for name, kind, parse in (("ours, OAI-PMH", "oai", oai.parse), ("ours, Atom", "atom", atom.parse)):
            try:
                said[name] = f"{len(parse(halves[kind]).records)} records, no error"
            except Violation as error:
                said[name] = f"raises: {error}"
        said |= _cut_by_peers(halves)
        return {"items": len(said), "said": said}

    return work


def _cut_by_peers(halves: dict[str, bytes]) -> dict[str, str]:
    import logging

    logging.disable(logging.CRITICAL)
    said = {}
    try:
        said["Sickle"] = f"{len(sickle_records(halves['oai']))} records, no error: the harvest ends there"
        from arxiv import _feed

        feed = _feed.parse(halves["atom"])
        said["arxiv"] = f"{len(feed.results)} records, malformed={feed.malformed}"
        import feedparser

        parsed = feedparser.parse(halves["atom"])
        said["feedparser"] = f"{len(parsed.entries)} records, bozo={parsed.bozo}"
    except ImportError as error:
        said[error.name or "a peer"] = "not installed"
    return said


CONTENDERS = {
    "ours, OAI-PMH": ours_oai,
    "Sickle": sickle,
    "Sickle, each page read once": sickle_once,
    "ElementTree, bare walk": element_tree,
    "defusedxml, bare walk": defusedxml,
    "lxml, bare walk": lxml,
    "ours, Atom": ours_atom,
    "arxiv": arxiv,
    "feedparser": feedparser,
    "doctype": doctype,
    "cut": cut,
}
