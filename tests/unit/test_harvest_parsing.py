"""Pages of arXiv: read whole or refused."""

import contextlib
import gc
import re
from html import escape
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.harvesting.errors import Violation
from analysis.harvesting.parsing import RECORD_COLUMNS, atom, oai

PROTOCOLS = Path(__file__).parents[1] / "fixtures" / "protocols"
FIRST_ATOM = "arxiv_query/page_start0000_max5.xml"
FIRST_OAI = "oai_pmh/ListRecords_arXiv_p1.xml"


@pytest.fixture(scope="module")
def page():
    return lambda name: (PROTOCOLS / name).read_bytes()


def oai_with(title="A title", name="2401.90001", created="2024-01-03", extra=""):
    return (
        '<?xml version="1.0" encoding="UTF-8"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
        "<responseDate>2026-11-20T06:00:00Z</responseDate><ListRecords><record><header>"
        f"<identifier>oai:arXiv.org:{name}</identifier><datestamp>2026-11-17</datestamp></header><metadata>"
        f'<arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>{name}</id><created>{created}</created>{title}'
        f"<categories>cs.LG</categories><abstract>Text</abstract>{extra}</arXiv></metadata></record>"
        "</ListRecords></OAI-PMH>"
    ).encode()


def test_an_atom_page_gives_every_entry_with_its_identifier_as_written(page):
    feed = atom.parse(page("arxiv_query/page_start0005_max5.xml"))
    assert (feed.total, feed.start, feed.items_per_page) == (12, 5, 5)
    assert [record["arxiv_id"] for record in feed.records] == [f"2401.900{n:02}" for n in range(6, 11)]
    last = feed.records[-1]
    assert tuple(last) == RECORD_COLUMNS
    assert last["title"] == "Distillation <b>&</b> Pruning at Scale"
    assert last["comments"] == "with “curly” quotes — and 中文"


def test_an_atom_entry_keeps_both_dates_the_version_and_all_authors(page):
    record = atom.parse(page(FIRST_ATOM)).records[1]
    assert (record["version"], record["created"], record["updated"]) == ("v2", "2024-01-04", "2024-02-01")
    assert record["submitted"] == "2024-01-04T11:00:00Z"
    assert record["authors"] == "Bo Sample; Cy Sample"
    assert (record["categories"], record["primary_category"]) == ("cs.SD cs.LG eess.AS", "cs.SD")
    assert record["doi"] == "10.0000/example.1"


def test_pages_without_entries_are_pages(page):
    assert atom.parse(page("arxiv_query/zero_results.xml")).records == []
    assert atom.parse(page("arxiv_query/page_start0005_spurious_empty.xml")).total == 12


@pytest.mark.parametrize("name", ["incorrect_id", "max_results"])
def test_an_error_entry_raises_with_the_words_of_arxiv_and_is_not_asked_again(page, name):
    data = page(f"arxiv_query/error_400_{name}.xml")
    words = re.search(rb"<summary>(.*?)</summary>", data)[1].decode()
    with pytest.raises(Violation, match=re.escape(words)) as caught:
        atom.parse(data)
    assert not caught.value.retry


def test_a_paper_called_error_is_a_paper(page):
    data = page(FIRST_ATOM).replace(b"Sparse Adapters for Image Segmentation", b"Error")
    assert atom.parse(data).records[0]["title"] == "Error"


def test_the_same_paper_is_the_same_in_all_three_formats(page):
    same = ("arxiv_id", "title", "abstract", "comments", "categories", "primary_category", "created", "updated")
    raw, arxiv = oai.parse(page("oai_pmh/ListRecords_arXivRaw.xml")), oai.parse(page(FIRST_OAI))
    for record in (raw.records[1], atom.parse(page(FIRST_ATOM)).records[1]):
        assert {key: record[key] for key in same} == {key: arxiv.records[1][key] for key in same}
        assert (record["version"], record["authors"]) == ("v2", "Bo Sample; Cy Sample")


def test_an_oai_page_gives_token_expiry_and_deleted_records(page):
    first, second = oai.parse(page(FIRST_OAI)), oai.parse(page("oai_pmh/ListRecords_arXiv_p2.xml"))
    assert first.token.startswith("verb%3DListRecords%26") and first.expires == "2026-11-21T00:00:00Z"
    assert [record["deleted"] for record in second.records].count(True) == 1
    deleted = next(record for record in second.records if record["deleted"])
    assert (deleted["arxiv_id"], deleted["datestamp"], deleted["title"]) == ("2401.90099", "2026-11-18", "")


@pytest.mark.parametrize("ending", ["empty_token", "no_token"])
def test_both_endings_of_a_list_end_it(page, ending):
    last = oai.parse(page(f"oai_pmh/ListRecords_arXiv_p3_last_{ending}.xml"))
    assert last.token is None
    assert last.records[0]["title"] == "0"


def test_answers_of_the_oai_server_that_are_no_list(page):
    assert oai.parse(page("oai_pmh/error_noRecordsMatch.xml")).records == []
    with pytest.raises(oai.BadToken):
        oai.parse(page("oai_pmh/error_badResumptionToken.xml"))
    for name in ("error_badArgument", "Identify", "ListSets"):
        with pytest.raises(Violation) as caught:
            oai.parse(page(f"oai_pmh/{name}.xml"))
        assert not isinstance(caught.value, oai.BadToken)


def test_a_missing_title_is_empty_and_not_zero():
    assert oai.parse(oai_with(title="")).records[0]["title"] == ""
    assert oai.parse(oai_with(title="<title>0</title>")).records[0]["title"] == "0"


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="￾￿")))
def test_any_title_comes_back_with_its_white_space_collapsed(text):
    title = oai.parse(oai_with(title=f"<title>{escape(text)}</title>")).records[0]["title"]
    assert title == re.sub("[ \t\r\n]+", " ", text).strip(" ")


@pytest.mark.parametrize(
    "name", ["2401.90010", "0704.0001", "1412.9999", "1501.00001", "cs/0610046", "math.GT/0309136"]
)
def test_identifiers_are_kept_as_strings(name):
    assert oai.parse(oai_with(name=name)).records[0]["arxiv_id"] == name


@pytest.mark.parametrize(
    "name", ["1911.1325", "2401.9001", "2413.00001", "24010.0001", "", "2401.90001v1", "٢٤٠١.90001"]
)
def test_an_identifier_that_went_through_a_float_or_is_none_is_refused(name):
    with pytest.raises(Violation, match="identifier"):
        oai.parse(oai_with(name=name))


@pytest.mark.parametrize("created", ["", "2024-02-30", "03 Jan 2024", "2024-W01-1", "20240103"])
def test_a_record_without_a_real_date_is_refused(created):
    with pytest.raises(Violation, match="date"):
        oai.parse(oai_with(created=created))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<id>http://arxiv.org/abs/2401.90001v1</id>", b""),
        (b"<id>http://arxiv.org/abs/2401.90001v1</id>", b"<id>http://arxiv.org/abs/2401.90001v1</id><id>x</id>"),
        (b"<published>2024-01-03T10:00:00Z</published>", b""),
        (b"<title>Sparse Adapters", b"<title><b>Sparse</b> Adapters"),
        (b"<opensearch:totalResults>12</opensearch:totalResults>", b""),
        (b"<opensearch:totalResults>12<", b"<opensearch:totalResults>many<"),
    ],
)
def test_an_atom_page_that_lacks_or_doubles_what_it_needs_is_refused(page, old, new):
    data = page(FIRST_ATOM)
    assert old in data
    with pytest.raises(Violation):
        atom.parse(data.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<id>2401.90001</id>", b"<id>2401.90002</id>"),
        (b"<id>2401.90001</id>", b""),
        (b"<identifier>oai:arXiv.org:2401.90001</identifier>", b""),
        (b"<categories>cs.CV cs.LG</categories>", b"<categories>cs.CV</categories><categories>cs.LG</categories>"),
        (b"<responseDate>2026-11-20T06:00:00Z</responseDate>", b""),
        (b"</ListRecords>", b"</ListRecords><ListRecords/>"),
        (b"</ListRecords>", b"<stray/></ListRecords>"),
    ],
)
def test_an_oai_page_that_lacks_or_doubles_what_it_needs_is_refused(page, old, new):
    data = page(FIRST_OAI)
    assert old in data
    with pytest.raises(Violation):
        oai.parse(data.replace(old, new, 1))


@pytest.mark.parametrize(("parse", "name"), [(atom.parse, FIRST_ATOM), (oai.parse, FIRST_OAI)])
def test_a_page_cut_at_any_byte_raises(page, parse, name):
    data = page(name).rstrip()
    for end in range(len(data)):
        with pytest.raises(Violation):
            parse(data[:end])


def test_a_page_larger_than_one_piece_is_read_whole_and_a_cut_in_it_raises():
    from benchmarks import synthetic

    texts = synthetic.abstracts(300, seed=3)
    for parse, data in ((oai.parse, synthetic.oai_page(texts, 0)), (atom.parse, synthetic.atom_page(texts, 0))):
        records = parse(data).records
        assert [record["abstract"] for record in records] == [re.sub("[ \n]+", " ", text).strip() for text in texts]
        assert len({record["arxiv_id"] for record in records}) == 300
        for end in range(1, len(data) - 1, len(data) // 40):
            with pytest.raises(Violation):
                parse(data[:end])


@pytest.mark.parametrize("parse", [atom.parse, oai.parse])
@pytest.mark.parametrize(
    ("data", "reason", "retry"),
    [
        (b"", "empty", True),
        (b"  \n", "empty", True),
        (b"Rate exceeded.", "well-formed", True),
        (b"<!DOCTYPE html><html><body>503</body></html>", "HTML", True),
        (b"<html><body><p>first byte timeout<br></body></html>", "HTML", True),
        (b"<html><body/></html>", "HTML", True),
        (b'{"error": 1}', "well-formed", True),
        (b"<other/>", "root element", True),
        (b'<!DOCTYPE feed [<!ENTITY a "b">]><feed/>', "DOCTYPE", False),
        (b'<?xml version="1.0" encoding="utf-16"?><feed/>', "encoding", False),
        (b"<?xml version='1.0' encoding='latin-1'?><feed/>", "encoding", False),
        ("<feed/>".encode("utf-16"), "UTF-8", False),
        ("<feed/>".encode("utf-16-le"), "UTF-8", False),
        ("<feed/>".encode("utf-16-be"), "UTF-8", False),
        ("<feed/>".encode("utf-32"), "UTF-8", False),
        (b'<feed xmlns="http://www.w3.org/2005/Atom">\xff</feed>', "well-formed", True),
    ],
)
def test_what_is_no_page_raises_with_its_reason(parse, data, reason, retry):
    with pytest.raises(Violation, match=reason) as caught:
        parse(data)
    assert caught.value.retry is retry


@pytest.mark.parametrize("parse", [atom.parse, oai.parse])
def test_an_entity_bomb_is_refused_before_it_is_read(parse):
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE feed [<!ENTITY a0 "boom">{levels}]><feed>&a11;</feed>'
    for data in (bomb.encode(), b"\xef\xbb\xbf" + bomb.encode(), bomb.encode("utf-16")):
        with pytest.raises(Violation) as caught:
            parse(data)
        assert not caught.value.retry


def test_an_abstract_about_doctypes_is_read():
    title = "<title>On &lt;!DOCTYPE html&gt; and &lt;!ENTITY&gt; &amp; ]]&gt; '; DROP TABLE papers</title>"
    assert oai.parse(oai_with(title=title)).records[0]["title"].startswith("On <!DOCTYPE html> and <!ENTITY> & ]]>")


def test_parsing_leaves_the_garbage_collector_as_it_was(page):
    assert gc.isenabled()
    for data in (page(FIRST_OAI), page(FIRST_OAI)[:500]):
        with contextlib.suppress(Violation):
            oai.parse(data)
        assert gc.isenabled()
