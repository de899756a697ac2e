"""The relaunched Papers with Code: a good day gives the right table, and nothing unconfirmed is ever counted."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.harvesting.cache import Answer
from analysis.harvesting.errors import Violation
from analysis.harvesting.registry import find
from analysis.harvesting.run import Run
from analysis.harvesting.running import refresh_source
from analysis.sources import _pwc_pages as pages
from analysis.sources import pwc_live
from analysis.sources._pwc_pages import Window
from tests.loopback.server import Loopback, Response
from tests.loopback.services import pwc_live as loopback

TRAPS = Path(__file__).parents[1] / "fixtures" / "protocols" / "pwc_live"
SEPTEMBER = Window(date(2025, 9, 1), date(2025, 9, 30))
TODAY = date(2026, 11, 22)
QUICK = {"pace_s": 0, "backoff_s": [0, 0, 0, 0], "cooldown_s": 0}


@pytest.fixture(autouse=True)
def clocks(tmp_path, monkeypatch):
    monkeypatch.setenv("SURVEY_CLOCKS", str(tmp_path / "clocks"))


def run_against(server: Loopback, tmp_path: Path, today: date = TODAY, **changes) -> Run:
    own = QUICK | {"base_url": server.base("pwc") + "/api/v1", "page_size": 20} | changes
    return Run(find("pwc_live", {"pwc_live": own}), today, tmp_path / "cache", tmp_path / "snapshots")


def trap(name: str) -> object:
    return json.loads((TRAPS / name).read_text(encoding="utf-8"))


def table(run: Run) -> list[dict[str, str]]:
    return run.latest().rows("papers_by_month")


def as_text(rows: list[dict]) -> list[dict[str, str]]:
    return [{name: str(value) for name, value in row.items()} for row in rows]


def listing(request) -> bool:
    return request.path == "/api/v1/papers/"


@pytest.mark.parametrize("seed", [0, 1])
def test_a_good_day_gives_exactly_the_right_table(tmp_path, seed):
    with Loopback({"pwc": loopback.service(seed)}) as server:
        run = run_against(server, tmp_path)
        outcome = refresh_source(run)
    assert outcome.outcome == "landed", outcome.message
    assert table(run) == as_text(loopback.truth(seed))
    assert run.latest().provenance["span"] == "2025-08/2026-10"


def test_the_links_stay_in_the_cache_and_out_of_the_snapshot(tmp_path):
    with Loopback({"pwc": loopback.service()}) as server:
        run = run_against(server, tmp_path)
        refresh_source(run)
    rows = [json.loads(line) for line in pwc_live.links_path(run.cache_dir).read_text().splitlines()]
    truth = loopback.truth()
    assert len(rows) == sum(row["links"] for row in truth)
    assert len({row["repo"] for row in rows if row["official"]}) == sum(row["official_repositories"] for row in truth)
    assert not any(b"github" in path.read_bytes() for path in run.latest().folder.iterdir())


def test_the_same_day_asks_nothing_again_and_a_later_day_only_the_last_months(tmp_path):
    with Loopback({"pwc": loopback.service()}) as server:
        refresh_source(run_against(server, tmp_path, first_month="2026-06"))
        asked = len(server.log)
        assert refresh_source(run_against(server, tmp_path, first_month="2026-06")).outcome == "unchanged"
        assert len(server.log) == asked
    run = run_against(server, tmp_path, today=date(2099, 1, 15), first_month="2098-07")
    windows = {month: pwc_live._since(run, month) for month in pwc_live.months(run)}
    assert [month for month, since in windows.items() if since == run.today] == ["2098-10", "2098-11", "2098-12"]
    # An older month is good once it was read after it had left the window.
    assert windows["2098-09"] == date(2099, 1, 1) and windows["2098-08"] == date(2098, 12, 1)


def test_a_window_with_more_than_the_service_lists_is_halved(tmp_path, monkeypatch):
    monkeypatch.setattr(pwc_live, "PAGES", 1)
    with Loopback({"pwc": loopback.service(papers_a_day=2)}) as server:
        run = run_against(server, tmp_path, first_month="2026-10")
        outcome = refresh_source(run)
        starts = {request.get("start_date") for request in server.log if listing(request)}
    assert outcome.outcome == "landed", outcome.message
    assert table(run) == as_text(loopback.truth(papers_a_day=2)[-1:])
    assert {"2026-10-01", "2026-10-17"} <= starts


def test_a_day_with_more_than_the_service_lists_fails_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(pwc_live, "PAGES", 1)
    with Loopback({"pwc": loopback.service(papers_a_day=8)}) as server:
        run = run_against(server, tmp_path, page_size=2, first_month="2026-10")
        outcome = refresh_source(run)
    assert outcome.outcome == "failed" and "papers of one day" in outcome.message


def change(nth: int, how, times: int = 1):
    """Return a fault that changes the JSON of the n-th listing page asked for, and of those after it."""
    seen = {"pages": 0}

    def fault(request, response):
        if not listing(request):
            return response
        seen["pages"] += 1
        if not nth <= seen["pages"] < nth + times:
            return response
        content = json.loads(response.body)
        changed = how(content)
        return replace(response, body=json.dumps(content if changed is None else changed).encode())

    return fault


def drop_row(content):
    content["results"].pop()


def repeat_row(content):
    content["results"][1] = content["results"][0]


def reorder(content):
    content["results"].reverse()


def another_total(content):
    content["count"] += 1


def unconfirmed(content):
    content["applied_filters"].pop("end_date")


def other_window(content):
    content["results"][0]["published"] = "2024-01-01"


def without_lists(content):
    for row in content["results"]:
        row["repositories"] = None
        row.pop("code_repository_count")


def empty(content):
    content.update(results=[], next_page=None)


def no_lists_but_counts(content):
    content["results"][0].update(repositories=None, code_repository_count=3)


FAULTS = [
    drop_row,
    repeat_row,
    reorder,
    another_total,
    unconfirmed,
    other_window,
    without_lists,
    empty,
    no_lists_but_counts,
    lambda content: [content],
    lambda content: content | {"count": "9" * 30},
]


@pytest.mark.parametrize("how", FAULTS)
@pytest.mark.parametrize("nth", [1, 2, 5])
def test_a_passing_fault_on_a_page_changes_nothing(tmp_path, how, nth):
    with Loopback({"pwc": loopback.service()}, change(nth, how)) as server:
        run = run_against(server, tmp_path, first_month="2026-09")
        outcome = refresh_source(run)
    assert outcome.outcome == "landed", outcome.message
    assert table(run) == as_text(loopback.truth()[-2:])


@pytest.mark.parametrize("how", FAULTS)
def test_a_lasting_fault_fails_with_page_and_remedy_and_lands_nothing(tmp_path, how):
    with Loopback({"pwc": loopback.service()}, change(3, how, times=1000)) as server:
        run = run_against(server, tmp_path, first_month="2026-06")
        outcome = refresh_source(run)
    assert outcome.outcome == "failed" and run.latest() is None
    assert "start_date=2026-" in outcome.message and "again" in outcome.message


def test_a_paper_that_arrives_between_two_pages_makes_the_month_be_read_again(tmp_path):
    state = {"pages": 0}

    def fault(request, response):
        if not listing(request) or not request.get("start_date").startswith("2026-10"):
            return response
        state["pages"] += 1
        if state["pages"] == 1:  # one paper fewer before the second page is asked for
            content = json.loads(response.body)
            content["count"] -= 1
            return replace(response, body=json.dumps(content).encode())
        return response

    with Loopback({"pwc": loopback.service()}, fault) as server:
        run = run_against(server, tmp_path, first_month="2026-10")
        outcome = refresh_source(run)
    assert outcome.outcome == "landed", outcome.message
    assert table(run) == as_text(loopback.truth()[-1:])


@pytest.mark.parametrize("where", ["https://elsewhere.example/", "/pwc/api/v1/papers/?page=1"])
def test_redirects_are_not_followed(tmp_path, where):
    def fault(request, response):
        return Response(b"", 302, {"Location": where}) if listing(request) else response

    with Loopback({"pwc": loopback.service()}, fault) as server:
        outcome = refresh_source(run_against(server, tmp_path))
        assert sum(listing(request) for request in server.log) == 1
    assert outcome.outcome == "failed" and "redirect" in outcome.message


def test_the_first_429_is_waited_for_and_the_second_ends_the_refresh(tmp_path):
    def fault(times):
        left = {"times": times}

        def answer(request, response):
            left["times"] -= listing(request)
            crowded = listing(request) and left["times"] >= 0
            return Response((TRAPS / "error_429.json").read_bytes(), 429, {"Retry-After": "0"}) if crowded else response

        return answer

    with Loopback({"pwc": loopback.service()}, fault(1)) as server:
        assert refresh_source(run_against(server, tmp_path / "one", first_month="2026-10")).outcome == "landed"
    with Loopback({"pwc": loopback.service()}, fault(2)) as server:
        outcome = refresh_source(run_against(server, tmp_path / "two"))
        assert sum(listing(request) for request in server.log) == 2
    assert outcome.outcome == "failed" and "429" in outcome.message


@pytest.mark.parametrize(
    ("status", "name"), [(422, "error_422.json"), (404, "error_404.json"), (405, "error_405_legacy_tasks.json")]
)
def test_an_error_status_of_a_listing_stops_at_once(tmp_path, status, name):
    def fault(request, response):
        return Response((TRAPS / name).read_bytes(), status) if listing(request) else response

    with Loopback({"pwc": loopback.service()}, fault) as server:
        outcome = refresh_source(run_against(server, tmp_path))
        assert sum(listing(request) for request in server.log) == 1
    assert outcome.outcome == "failed" and str(status) in outcome.message


def test_a_changed_openapi_is_noted_and_found_by_the_check(tmp_path):
    def changed(request, response):
        if request.path != "/openapi.json":
            return response
        content = json.loads(response.body)
        content["info"]["version"] = "2"
        return replace(response, body=json.dumps(content).encode())

    with Loopback({"pwc": loopback.service()}) as server:
        refresh_source(run_against(server, tmp_path, first_month="2026-08"))
    with Loopback({"pwc": loopback.service(1)}, changed) as server:
        run = run_against(server, tmp_path, first_month="2026-08")
        outcome = refresh_source(run, accept=["pwc_live"])
        assert outcome.outcome == "landed", outcome.message
        assert "openapi.json changed from" in run.latest().provenance["notes"]
    with Loopback({"pwc": loopback.service(1)}) as server:
        findings = pwc_live.check(run_against(server, tmp_path, first_month="2026-08"))
    assert not next(f for f in findings if "since the last snapshot" in f.question).holds


def test_the_check_prints_the_counts_of_the_framework_filter_and_draws_nothing_from_them(tmp_path):
    with Loopback({"pwc": loopback.service()}) as server:
        run = run_against(server, tmp_path)
        findings = {finding.question: finding for finding in pwc_live.check(run)}
    assert all(finding.holds for finding in findings.values())
    [filtered] = [finding for question, finding in findings.items() if "framework=" in question]
    assert all(word in filtered.found for word in ("without", "PyTorch", "TensorFlow", "JAX"))
    assert "never plotted" in filtered.question
    assert "no TensorFlow" in next(f.found for q, f in findings.items() if "catalogue, with papers" in q)
    assert run.latest() is None


def test_the_check_reports_an_unconfirmed_framework_filter_instead_of_its_count(tmp_path):
    def ignored(request, response):
        content = json.loads(response.body)
        if listing(request):
            content["applied_filters"].pop("framework", None)
        return replace(response, body=json.dumps(content).encode())

    with Loopback({"pwc": loopback.service()}, ignored) as server:
        findings = pwc_live.check(run_against(server, tmp_path))
    assert any("not confirmed" in finding.found and not finding.holds for finding in findings)


def test_the_plan_counts_what_is_missing(tmp_path):
    with Loopback({"pwc": loopback.service()}) as server:
        run = run_against(server, tmp_path, first_month="2026-06", papers_a_month=90)
        before = pwc_live.plan(run)
        refresh_source(run)
        after = pwc_live.plan(run_against(server, tmp_path, first_month="2026-06", papers_a_month=90))
    assert before.requests > 15 and after.requests <= 1


# --- the traps on record ---------------------------------------------------------------------------------------------


def test_the_two_pages_on_record_are_read_whole():
    listing, papers = pages.Listing(SEPTEMBER, 3), []
    for number in (1, 2):
        path = TRAPS / f"papers_month_page{number}.json"
        page = listing.add(Answer(path, "u", 200, {}, "2026-11-22T00:00:00+00:00", "", 0, "k"))
        papers += page.papers
    assert [paper.arxiv_id for paper in papers] == ["2509.90001", "2509.90002", "2509.90003", "2509.90010", None]
    assert listing.whole and listing.count == 5
    assert papers[2].links == () and [link.official for link in papers[1].links] == [True, False]
    assert papers[3].links[0].address == "gitlab.com/lab-c/zero"


def test_an_empty_month_is_an_answer():
    window = Window(date(1990, 1, 1), date(1990, 1, 31))
    page = pages.read_page(trap("papers_month_empty.json"), window, 1, 100)
    assert page.count == 0 and page.last and page.papers == ()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("papers_month_unconfirmed.json", "not confirmed"),
        ("papers_month_no_applied_key.json", "applied_filters is missing"),
        ("papers_month_ignored_filter.json", "outside"),
        ("papers_recent_bare_list.json", "not an object"),
        ("papers_search_no_total.json", "count"),
        ("task_page_recommended_frameworks.json", "applied_filters is missing"),
        ("error_404.json", "applied_filters is missing"),
        ("error_422.json", "applied_filters is missing"),
        ("frameworks.json", "applied_filters is missing"),
        ("paper_detail_resources.json", "applied_filters is missing"),
    ],
)
def test_what_is_no_confirmed_page_is_refused(name, reason):
    with pytest.raises(Violation, match=reason):
        pages.read_page(trap(name), SEPTEMBER, 1, 3)


def test_a_page_of_a_listing_over_the_cap_is_read_so_that_its_window_can_be_halved():
    assert pages.read_page(trap("papers_month_over_cap.json"), SEPTEMBER, 1, 3).count == 12345


def test_repositories_that_were_not_asked_for_are_unknown_and_not_none():
    august = Window(date(2025, 8, 1), date(2025, 8, 31))
    content = trap("papers_month_aug_schema.json")
    [paper] = pages.read_page(content, august, 1, 100, resources=False).papers
    assert paper.links is None and paper.stated is None
    with pytest.raises(Violation, match="none of 1 papers says"):
        pages.read_page(content, august, 1, 1)
    assert pages.read_paper(trap("paper_detail_no_resources.json"), resources=False).links is None


def test_the_framework_filter_is_read_only_where_it_is_confirmed():
    content, sent = trap("papers_framework_filter.json"), {"framework": "PyTorch"}
    assert pages.read_page(content, SEPTEMBER, 1, 1, resources=False, filters=sent).count == 73
    with pytest.raises(Violation, match="framework=JAX is not confirmed"):
        pages.read_page(content, SEPTEMBER, 1, 1, resources=False, filters={"framework": "JAX"})


def test_a_paper_must_be_the_one_asked_for():
    content = trap("paper_detail_resources.json")
    assert len(pages.read_detail(content, "2509.90002").links) == 2
    with pytest.raises(Violation, match="came"):
        pages.read_detail(content, "2509.90001")


def test_the_catalogue_may_lack_the_frameworks():
    known = pages.catalogue(trap("frameworks.json"))
    assert known == {"vllm": 73, "llama-cpp": 2} and "pytorch" not in known


def test_a_cut_answer_is_asked_again_and_then_fails(tmp_path):
    def fault(request, response):
        return Response((TRAPS / "truncated.json").read_bytes()) if listing(request) else response

    with Loopback({"pwc": loopback.service()}, fault) as server:
        outcome = refresh_source(run_against(server, tmp_path))
        assert sum(listing(request) for request in server.log) == 5
    assert outcome.outcome == "failed" and "not JSON" in outcome.message


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_stands_in_a_field_is_read_or_a_violation(data):
    page = trap("papers_month_page1.json")
    row = page["results"][data.draw(st.integers(0, 2))]
    repository = page["results"][0]["repositories"][0]
    place = data.draw(st.sampled_from([page, row, repository, page["applied_filters"]]))
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(VALUES)
    with suppress(Violation):
        pages.read_page(page, SEPTEMBER, 1, 3)


@pytest.mark.parametrize("body", [b"", b"[" * 200_000, b"9" * 6_000, b"\xff\xfe", b'{"count": NaN}', b'"\\ud800"'])
def test_whatever_the_bytes_the_judge_raises_only_violations(tmp_path, body):
    path = tmp_path / "body"
    path.write_bytes(body)
    answer = Answer(path, "u", 200, {}, "2026-11-22T00:00:00+00:00", "", len(body), "k")
    for judge in (pages.Listing(SEPTEMBER, 3).judge, pwc_live._judge_openapi, pwc_live._judge_detail("2509.90002")):
        with pytest.raises(Violation):
            judge(answer)
