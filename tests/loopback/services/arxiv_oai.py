"""arXiv's OAI-PMH service on a good day: sets, days of modification, tokens that carry their own state."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit
from xml.sax.saxutils import escape, quoteattr

from tests.loopback import papers
from tests.loopback.papers import Paper
from tests.loopback.server import Request, Response, Service
from tests.loopback.services import arxiv_query

DAY = papers.DAY
PAGE_SIZE = 8
SETS = {"cs.CV": "cs:cs:CV", "cs.LG": "cs:cs:LG", "cs.RO": "cs:cs:RO", "stat.ML": "stat:stat:ML"} | {
    "math.DG": "math:math:DG",
    "q-bio.NC": "q-bio:q-bio:NC",
}
ARXIV = 'xmlns="http://arxiv.org/OAI/arXiv/" xsi:schemaLocation="http://arxiv.org/OAI/arXiv/ http://arxiv.org/OAI/arXiv.xsd"'


def settings(base: str, seed: int = 0) -> dict:
    """Return the settings under which the source asks this service."""
    chosen = list(papers.CHOSEN)
    sets = {"categories": chosen, "sets": [SETS[c] for c in chosen]}
    return {"base_url": base, "since": papers.SINCE, "expected_pages": 3} | sets


def truth(seed: int = 0) -> dict[str, list[dict]]:
    """Return the right tables, straight from the papers."""
    return papers.tables(papers.counted(seed), source="arxiv_oai", stratum="chosen categories (OAI-PMH)")


def group(address: str) -> str:
    """Return what may have to be read again together with an address: the lists of its set."""
    given = dict(parse_qsl(urlsplit(address).query))
    given |= dict(parse_qsl(unquote(given.get("resumptionToken", ""))))
    return given.get("set", "")


def freely(address: str) -> bool:
    """Return whether an address may be asked again at any time: a token without a set comes from a page at fault."""
    return not group(address)


def service(seed: int = 0, page_size: int = PAGE_SIZE, encoded: bool = False) -> Service:
    """Return the service.

    page_size  records of a page
    encoded    whether a token has to be encoded once more than it stands in the answer
    """
    held = sorted(papers.papers(seed), key=lambda paper: (paper.datestamp, paper.arxiv_id))

    def answer(request: Request) -> Response:
        if request.path != "/oai":
            return Response(b"not found", 404)
        packed = arxiv_query.packed(request, 200, _answer(request, held, page_size, encoded))
        return replace(packed, headers=packed.headers | {"Content-Type": "text/xml"})

    return answer


def _answer(request: Request, held: list[Paper], page_size: int, encoded: bool) -> str:
    verb = request.get("verb")
    if verb == "Identify":
        return document(
            request,
            "<Identify>\n<repositoryName>arXiv</repositoryName>\n<baseURL>https://oaipmh.arxiv.org/oai</baseURL>\n"
            "<protocolVersion>2.0</protocolVersion>\n<adminEmail>help@example.org</adminEmail>\n"
            "<earliestDatestamp>2005-09-16</earliestDatestamp>\n<deletedRecord>persistent</deletedRecord>\n"
            "<granularity>YYYY-MM-DD</granularity>\n</Identify>\n",
        )
    if verb != "ListRecords":
        return error(request, "badVerb", "Illegal OAI verb")
    token = request.get("resumptionToken")
    if token is not None:
        given = _state(token, encoded)
        if given is None:
            return error(
                request, "badResumptionToken", "The value of the resumptionToken argument is invalid or expired."
            )
    else:
        given = {name: request.get(name) for name in ("metadataPrefix", "set", "from", "until")}
    if given.get("metadataPrefix") != "arXiv":
        return error(request, "cannotDisseminateFormat", "unknown format")
    return page(request, select(held, given), given, page_size)


def _state(token: str, encoded: bool) -> dict[str, str] | None:
    """Return what a token says, or None if it is not one of this service's."""
    if encoded:
        if "%" not in token:
            return None
        token = unquote(token)
    state = dict(parse_qsl(token))
    try:
        int(state["skip"]), date.fromisoformat(state["from"]), date.fromisoformat(state["until"])
    except (KeyError, ValueError):
        return None
    return state if token == urlencode(state, safe="") else None


def select(held: list[Paper], given: dict[str, str | None]) -> list[Paper]:
    """Return the papers of a list by set and day of modification, after those that a token skips."""
    first, last = given.get("from") or "0000", given.get("until") or "9999"
    found = [
        paper
        for paper in held
        if first <= paper.datestamp.isoformat() <= last
        and (not given.get("set") or any(SETS[c].startswith(given["set"]) for c in paper.categories))
    ]
    return found[int(given.get("skip") or 0) :]


def page(request: Request, found: list[Paper], given: dict[str, str | None], size: int) -> str:
    """Return a page of a list with the token of the next, whose ``from`` goes forward with the records."""
    if not found:
        what = "The combination of the values of the from, until, set and metadataPrefix arguments"
        return error(request, "noRecordsMatch", f"{what} results in an empty list.")
    body = "".join(map(record, found[:size]))
    if len(found) > size:
        following = found[size]
        before = [p for p in found[:size] if p.datestamp == following.datestamp]
        # What a token skips counts from the first record of its day: those of earlier pages as well.
        skip = len(before) + (int(given.get("skip") or 0) if given.get("from") == str(following.datestamp) else 0)
        body += token(given, str(following.datestamp), skip)
    return document(request, f"<ListRecords>\n{body}</ListRecords>\n")


def token(given: dict[str, str | None], first: str, skip: int) -> str:
    """Return the element with the token of the next page, in the form of recorded answers."""
    state = {"verb": "ListRecords", "metadataPrefix": "arXiv", "from": first, "until": given.get("until") or str(DAY)}
    state |= {"set": given["set"]} if given.get("set") else {}
    text = quote(urlencode(state | {"skip": str(skip)}, safe=""), safe="")
    expires = datetime.now(UTC).date() + timedelta(days=1)
    return f"<resumptionToken expirationDate='{expires}T00:00:00Z'>{text}</resumptionToken>\n"


def document(request: Request, body: str) -> str:
    """Return a whole answer."""
    asked = " ".join(f"{name}={quoteattr(value)}" for name, value in request.query)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/ http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd">\n'
        f"<responseDate>{arxiv_query.now()}</responseDate>\n"
        f"<request {asked}>http://oaipmh.arxiv.org/oai</request>\n{body}</OAI-PMH>\n"
    )


def error(request: Request, code: str, words: str) -> str:
    """Return an error of the protocol, which comes with status 200."""
    return document(request, f'<error code="{code}">{escape(words)}</error>\n')


def record(paper: Paper) -> str:
    """Return a paper as a record in the format arXiv; a deleted one is a header alone."""
    sets = "".join(f"<setSpec>{SETS[c]}</setSpec>\n" for c in paper.categories)
    status = ' status="deleted"' if paper.deleted else ""
    head = (
        f"<record>\n<header{status}>\n<identifier>oai:arXiv.org:{paper.arxiv_id}</identifier>\n"
        f"<datestamp>{paper.datestamp}</datestamp>\n{sets}</header>\n"
    )
    if paper.deleted:
        return head + "</record>\n"
    forenames, _, keyname = paper.author.rpartition(" ")
    updated = f"<updated>{paper.updated:%Y-%m-%d}</updated>\n" if paper.version > 1 else ""
    comments = f"<comments>{escape(paper.comments)}</comments>\n" if paper.comments else ""
    return (
        f"{head}<metadata>\n<arXiv {ARXIV}>\n<id>{paper.arxiv_id}</id>\n"
        f"<created>{paper.submitted:%Y-%m-%d}</created>\n{updated}"
        f"<authors>\n<author>\n<keyname>{keyname}</keyname>\n<forenames>{forenames}</forenames>\n</author>\n</authors>\n"
        f"<title>{escape(paper.title)}</title>\n<categories>{' '.join(paper.categories)}</categories>\n{comments}"
        "<license>http://arxiv.org/licenses/nonexclusive-distrib/1.0/</license>\n"
        f"<abstract>  {escape(paper.abstract)}\n</abstract>\n</arXiv>\n</metadata>\n</record>\n"
    )
