"""Fetching the texts of the labelled papers, against a loopback service with the shapes of arXiv's answers."""

import csv
import json

import pytest

from analysis import roles
from analysis.mention_model import texts
from reproductions.errors import SurveyError
from tests.loopback import papers, survey
from tests.loopback.running import run_of
from tests.loopback.server import Loopback, Response
from tests.loopback.services import arxiv_query

HELD = [paper for paper in papers.papers(0) if not paper.deleted]
SMALL = 7  # papers a request, so that there are several


@pytest.fixture(autouse=True)
def small_slices(monkeypatch):
    monkeypatch.setattr(texts, "SLICE", SMALL)


@pytest.fixture
def labels(tmp_path):
    """Return a file of labels of 20 papers, one of them with two frameworks."""
    path = tmp_path / "labels.csv"
    names = [paper.arxiv_id for paper in HELD[:20]]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("arxiv_id", "framework", "role"))
        writer.writerows((name, "pytorch", "used") for name in [*names, names[0]])
    return path


def fetching(server, tmp_path):
    source = run_of("arxiv_query", server.base("arxiv_query"), tmp_path, **survey.QUICK).source
    run = texts.make_run(source, papers.DAY, tmp_path / "cache")
    run.say = lambda text: None
    return run


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_labelled_paper_comes_once_with_its_text_in_the_order_of_the_labels(tmp_path, labels):
    with Loopback({"arxiv_query": arxiv_query.service()}) as server:
        written = texts.fetch_texts(fetching(server, tmp_path), labels)
        asked = len(server.log)
    found = lines(written)
    assert asked == 3
    assert [row["arxiv_id"] for row in found] == [paper.arxiv_id for paper in HELD[:20]]
    assert [row["date"] for row in found] == [f"{paper.submitted:%Y-%m-%d}" for paper in HELD[:20]]
    assert [" ".join(row["abstract"].split()) for row in found] == [" ".join(p.abstract.split()) for p in HELD[:20]]
    assert written.parent == tmp_path / "cache" / "sources" / "mention_texts"


def test_what_has_come_is_not_asked_again(tmp_path, labels):
    broken = {"left": 1}

    def fault(request, response):
        if len(server.log) == 3 and broken["left"]:
            broken["left"] = 0
            return Response(b"", 404)
        return response

    with Loopback({"arxiv_query": arxiv_query.service()}, fault) as server:
        with pytest.raises(SurveyError, match="404"):
            texts.fetch_texts(fetching(server, tmp_path), labels)
        first = texts.fetch_texts(fetching(server, tmp_path), labels)
        assert len(server.log) == 4
        content = first.read_bytes()
        again = texts.fetch_texts(fetching(server, tmp_path), labels)
        assert len(server.log) == 4
    assert again.read_bytes() == content


def test_a_page_that_lacks_papers_is_asked_again(tmp_path, labels):
    def fault(request, response):
        if len(server.log) == 1:
            _, body = 200, arxiv_query.feed("", HELD[: SMALL - 1], total=SMALL, start=0, size=SMALL)
            return Response(body.encode(), 200, arxiv_query.KIND)
        return response

    with Loopback({"arxiv_query": arxiv_query.service()}, fault) as server:
        written = texts.fetch_texts(fetching(server, tmp_path), labels)
        assert len(server.log) == 4
    assert len(lines(written)) == 20


def test_a_paper_that_never_comes_is_named(tmp_path, labels):
    with labels.open("a", encoding="utf-8") as stream:
        stream.write("2401.99999,pytorch,used\n")
    with (
        Loopback({"arxiv_query": arxiv_query.service()}) as server,
        pytest.raises(SurveyError, match=r"1 of 7 papers did not come \(2401\.99999\)"),
    ):
        texts.fetch_texts(fetching(server, tmp_path), labels)
    assert not list(tmp_path.rglob("*.jsonl"))


def test_a_paper_that_was_not_asked_for_is_refused(tmp_path, labels):
    def fault(request, response):
        body = arxiv_query.feed("", HELD[20 : 20 + SMALL], total=SMALL, start=0, size=SMALL)
        return Response(body.encode(), 200, arxiv_query.KIND)

    with (
        Loopback({"arxiv_query": arxiv_query.service()}, fault) as server,
        pytest.raises(SurveyError, match="not asked for"),
    ):
        texts.fetch_texts(fetching(server, tmp_path), labels)


@pytest.mark.parametrize("name", ["1911.1325e1", "", "19051.0090"])
def test_an_identifier_that_is_none_is_refused_before_anybody_is_asked(tmp_path, labels, name):
    with labels.open("a", encoding="utf-8") as stream:
        stream.write(f"{name},pytorch,used\n")
    with Loopback({"arxiv_query": arxiv_query.service()}) as server:
        with pytest.raises(SurveyError, match="no identifier of arXiv"):
            texts.fetch_texts(fetching(server, tmp_path), labels)
        assert not server.log


def test_the_command_writes_what_training_reads(tmp_path, labels, capsys):
    out = tmp_path / "texts.jsonl"
    with Loopback({"arxiv_query": arxiv_query.service()}) as server:
        more = json.dumps(survey.QUICK | {"base_url": server.base("arxiv_query")})
        where = ["--labels", str(labels), "--out", str(out), "--cache", str(tmp_path / "cache"), "--settings", more]
        assert roles.main(["fetch", *where]) == 0
    assert "evaluate --texts" in capsys.readouterr().err
    with labels.open(encoding="utf-8") as stream:
        rows = [row | {"confidence": "high"} for row in csv.DictReader(stream)]
    full = tmp_path / "full.csv"
    with full.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    examples, records = roles.labelled(full, out)
    assert len(examples) == 21
    assert records[0]["title"] == lines(out)[0]["title"]


def test_every_shipped_label_has_an_identifier_that_can_be_asked_for():
    assert len(texts._identifiers(roles.LABELS)) > 200
    assert len(texts._identifiers(roles.FOUND)) > 200
