"""The sources that are files of a public repository: proved by the commit's tree, counted by the embedded rule."""

import json

import pytest

from analysis.harvesting.cache import Answer
from analysis.harvesting.errors import Violation
from analysis.harvesting.running import refresh_source
from analysis.sources import github_innovation_graph, github_ranking, hiring_posts, top_pypi_packages
from tests.loopback.running import figures_of, run_of, service_of
from tests.loopback.server import Loopback, Response
from tests.loopback.services import _github

OF_FILES = ("github_innovation_graph", "github_ranking", "hiring_posts")
ALL = (*OF_FILES, "top_pypi_packages")


@pytest.fixture(autouse=True)
def clocks(tmp_path, monkeypatch):
    monkeypatch.setenv("SURVEY_CLOCKS", str(tmp_path / "clocks"))


def refreshed(source, tmp_path, fault=None, service=None, seed=0, **changes):
    with Loopback({source: service or service_of(source).service(seed)}, fault) as server:
        run = run_of(source, server.base(source), tmp_path, **changes)
        return refresh_source(run), run, server.log


def answered(tmp_path, body):
    path = tmp_path / "body"
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return Answer(path, "", 200, {}, "2026-11-22T00:00:00+00:00", "", path.stat().st_size, "")


@pytest.mark.parametrize("source", ALL)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_good_day_gives_the_embedded_rows_and_the_new_ones(source, seed, tmp_path):
    outcome, run, _ = refreshed(source, tmp_path, seed=seed)
    assert outcome.outcome == "landed", outcome.message
    assert figures_of(run.latest()) == service_of(source).truth(seed)
    outcome, _, _ = refreshed(source, tmp_path, seed=seed)
    assert outcome.outcome == "unchanged"


@pytest.mark.parametrize("source", OF_FILES)
def test_the_commit_is_in_the_provenance_and_a_pinned_one_is_asked_for(source, tmp_path):
    outcome, run, log = refreshed(source, tmp_path, commit=_github.COMMIT)
    assert outcome.outcome == "landed", outcome.message
    assert _github.COMMIT in run.latest().provenance["version"]
    assert any(request.path.endswith(f"commits/{_github.COMMIT}") for request in log)
    outcome, _, _ = refreshed(source, tmp_path, commit="main")
    assert outcome.outcome == "failed" and "40 hexadecimal digits" in outcome.message


@pytest.mark.parametrize("source", ALL)
def test_an_answer_cut_once_is_asked_for_again(source, tmp_path):
    seen = set()

    def cut_once(request, response):
        first = request.raw not in seen
        seen.add(request.raw)
        return (
            Response(response.body, response.status, response.headers, cut_at=len(response.body) // 2)
            if first
            else response
        )

    outcome, run, _ = refreshed(source, tmp_path, cut_once)
    assert outcome.outcome == "landed", outcome.message
    assert figures_of(run.latest()) == service_of(source).truth()


@pytest.mark.parametrize("source", ALL)
@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (403, {"X-RateLimit-Remaining": "0"}, "requests of this hour are used up"),
        (429, {}, "GitHub answers 429"),
        (503, {}, "status 503"),
    ],
)
def test_a_refusal_of_the_interface_ends_in_a_clear_error(source, status, headers, words, tmp_path):
    def refuse(request, response):
        return Response(b'{"message": "no"}', status, headers) if "/api/" in request.raw else response

    outcome, run, log = refreshed(source, tmp_path, refuse)
    assert outcome.outcome == "failed" and words in outcome.message and run.latest() is None
    assert len(log) == (1 if status == 403 else 5)


@pytest.mark.parametrize("source", OF_FILES)
def test_a_file_that_is_not_the_one_of_the_tree_is_refused_however_well_formed(source, tmp_path):
    def other(request, response):
        return Response(response.body.replace(b"1", b"2"), 200) if "/raw/" in request.raw else response

    outcome, run, _ = refreshed(source, tmp_path, other)
    assert outcome.outcome == "failed" and "checksum" in outcome.message and run.latest() is None


@pytest.mark.parametrize("source", ALL)
@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"null", b"NaN", b"<html>error</html>", b"\xff\xfe", b'{"tree": 7}', b'[{"ref": 1}]', b"[[]]"],
)
def test_a_strange_answer_never_becomes_a_table(source, body, tmp_path):
    outcome, run, _ = refreshed(source, tmp_path, lambda request, response: Response(body), backoff_s=[])
    assert outcome.outcome == "failed" and run.latest() is None
    assert "report this with the lines above" not in outcome.message, "a judge let another exception through"


@pytest.mark.parametrize(
    "content",
    [
        {"sha": "0" * 40, "truncated": True, "tree": []},
        {"sha": "1" * 40, "truncated": False, "tree": []},
        {"sha": "0" * 40, "truncated": False, "tree": [{"path": "a", "type": "blob", "sha": "x", "size": 1}]},
        {"sha": "0" * 40, "truncated": False, "tree": [{"path": "a/b", "type": "tree", "sha": "0" * 40}]},
        {"sha": "0" * 40, "truncated": False, "tree": [{"path": "a", "type": "tree", "sha": "0" * 40}] * 2},
        {"sha": "0" * 40, "truncated": False, "tree": [7]},
    ],
)
def test_a_tree_that_is_cut_repeats_itself_or_is_another_is_refused(content, tmp_path):
    from analysis.sources._github import _entries

    with pytest.raises(Violation):
        _entries(answered(tmp_path, json.dumps(content)), "0" * 40)


# -- each source's own content -----------------------------------------------------------------------------------------
HEAD = "num_pushers,topic,iso2_code,year,quarter\n"
ROWS = "500,pytorch,US,2020,1\n600,tensorflow,US,2020,1\n"


@pytest.mark.parametrize(
    "rows",
    [
        "",
        "99,pytorch,US,2020,1\n600,tensorflow,US,2020,1\n",
        ROWS + "501,pytorch,US,2020,1\n",
        ROWS + "500,pytorch,US,2020,3\n",
        ROWS + "-5,pytorch,US,2020,2\n",
        ROWS + "NaN,pytorch,US,2020,2\n",
        ROWS + "1e3,pytorch,US,2020,2\n",
        ROWS + "9999999999999999,pytorch,US,2020,2\n",
        ROWS + "500,pytorch,US,2020,5\n",
        ROWS + "500,pytorch,US,2035,1\n",
        ROWS + "500,pytorch,=cmd,2020,2\n",
        ROWS + "500,pytorch,U\x1b,2020,2\n",
        ROWS + "500,pytorch,US\n",
        '"' + ROWS,
        ROWS + "\u0665\u0660\u0660,pytorch,US,2020,2\n",
    ],
)
def test_a_topics_file_that_breaks_its_own_rules_is_refused(rows, tmp_path):
    run = run_of("github_innovation_graph", "http://x", tmp_path)
    github_innovation_graph._check(answered(tmp_path, HEAD + ROWS), run)
    with pytest.raises(Violation):
        github_innovation_graph._check(answered(tmp_path, HEAD + rows), run)


def test_a_ranking_that_contradicts_itself_is_refused_and_a_repository_is_known_by_its_address_alone(tmp_path):
    run = run_of("github_ranking", "http://x", tmp_path)
    ranking = service_of("github_ranking").ranking("2026-09-01").decode()
    stars = github_ranking._stars(answered(tmp_path, ranking), run)
    assert stars == service_of("github_ranking").stars("2026-09-01")
    line = next(line for line in ranking.splitlines() if "pytorch/pytorch" in line and "top-100" in line)
    count = line.split(",")[3]
    for wrong in (
        line.replace(count, "1"),
        line.replace(count, "-5"),
        line.replace(count, "=1+1"),
        line.replace(count, ""),
    ):
        with pytest.raises(Violation):
            github_ranking._judge(answered(tmp_path, ranking.replace(line, wrong)), run)
    forged = ranking.replace("github.com/pytorch/pytorch", "example.org/pytorch/pytorch")
    assert "pytorch/pytorch" not in github_ranking._stars(answered(tmp_path, forged), run)
    nobody = ranking.replace("github.com/", "example.org/")
    with pytest.raises(Violation):
        github_ranking._judge(answered(tmp_path, nobody), run)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('month:"May24"', 'month:"Jun24"'),
        ('month:"May24"', 'month:"May35"'),
        ('month:"May24"', 'month:"=cmd"'),
        ("num_comments:409", "num_comments:-1"),
        ("num_comments:409", "num_comments:1e999"),
        ("num_comments:409", "num_comments:2"),
        ("num_comments:409", "num_comments:NaN"),
        ("num_comments:409", "num_comments:409,num_comments:409"),
        ("PyTorch:", "PyTorsch:"),
        ("data=[", "data=alert(1);["),
        ("data=[", "date=["),
        ("}}];", "}}"),
        ("points:549", "points:(()=>549)()"),
        ("points:549", "points:`549`"),
    ],
)
def test_a_script_that_is_no_literal_or_counts_what_cannot_be_is_refused(old, new, tmp_path):
    run = run_of("hiring_posts", "http://x", tmp_path)
    script = service_of("hiring_posts").script()
    hiring_posts._posts(answered(tmp_path, script), run)
    assert old in script
    with pytest.raises(Violation):
        hiring_posts._posts(answered(tmp_path, script.replace(old, new)), run)


def test_the_script_is_read_minified_and_unminified(tmp_path):
    minified = 'data=[{month:"May24",x:.49,y:5.,z:-.5,null:null,t:true,"a \\"b":[],e:1e3}];'
    value = {"month": "May24", "x": 0.49, "y": 5, "z": -0.5, "null": None, "t": True, 'a "b': [], "e": 1000.0}
    assert hiring_posts.read_script(minified) == [value]
    assert hiring_posts.read_script("data = " + json.dumps([value], indent=2)) == [value]


@pytest.mark.parametrize(
    "change",
    [
        {"last_update": "2026-04-01 06:00:00"},
        {"last_update": 7},
        {"rows": []},
        {"rows": None},
        {"rows": [{"download_count": "many", "project": "torch"}]},
    ],
)
def test_a_list_of_another_month_or_kind_is_refused(change, tmp_path):
    content = service_of("top_pypi_packages").content("2026-05")
    top_pypi_packages._judge(answered(tmp_path, json.dumps(content)), "2026-05")
    with pytest.raises(Violation):
        top_pypi_packages._judge(answered(tmp_path, json.dumps(content | change)), "2026-05")
    for row in ({"download_count": 10**9, "project": "zz"}, {"download_count": 1, "project": "torch"}, 7):
        with pytest.raises(Violation):
            wrong = content | {"rows": [*content["rows"], row]}
            top_pypi_packages._judge(answered(tmp_path, json.dumps(wrong)), "2026-05")
