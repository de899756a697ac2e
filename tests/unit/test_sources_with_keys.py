"""The sources that are off by default: each asks its own service, by its own rule, behind its own key."""

import json

import pytest

from analysis.harvesting import registry
from analysis.harvesting.cache import Answer
from analysis.harvesting.errors import Violation
from analysis.harvesting.running import refresh_source
from analysis.sources import huggingface_models, openalex, semantic_scholar, stack_exchange
from tests.loopback.running import figures_of, run_of, service_of
from tests.loopback.server import Loopback, Response

OPTIONAL = ("openalex", "semantic_scholar", "stack_exchange", "huggingface_models")
KEYS = {"openalex": "OPENALEX_API_KEY", "semantic_scholar": "SEMANTIC_SCHOLAR_API_KEY"}


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch):
    monkeypatch.setenv("SURVEY_CLOCKS", str(tmp_path / "clocks"))
    for source, variable in KEYS.items():
        monkeypatch.setenv(variable, service_of(source).KEY)


def refreshed(source, tmp_path, fault=None, seed=0, **changes):
    with Loopback({source: service_of(source).service(seed)}, fault) as server:
        run = run_of(source, server.base(source), tmp_path, clock=source, **changes)
        return refresh_source(run), run, server.log


def answered(tmp_path, content):
    path = tmp_path / "body"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return Answer(path, "", 200, {}, "2026-11-22T00:00:00+00:00", "", path.stat().st_size, "")


@pytest.mark.parametrize("source", OPTIONAL)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_good_day_gives_exactly_the_right_figures_and_nothing_is_asked_twice(source, seed, tmp_path):
    outcome, run, _ = refreshed(source, tmp_path, seed=seed)
    assert outcome.outcome == "landed", outcome.message
    assert figures_of(run.latest()) == service_of(source).truth(seed)


@pytest.mark.parametrize("source", OPTIONAL)
def test_a_source_that_costs_something_is_off_and_says_why(source):
    found = registry.find(source)
    assert not found.enabled and found.why_off and found.key == KEYS.get(source)
    assert found.indicator in found.defines


@pytest.mark.parametrize("source", KEYS)
def test_a_missing_key_is_named_and_a_present_one_is_never_written(source, tmp_path, monkeypatch):
    key = service_of(source).KEY
    outcome, _, _ = refreshed(source, tmp_path)
    assert outcome.outcome == "landed", outcome.message
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert key.encode() not in written and b"k3y%2Fwith" not in written
    monkeypatch.delenv(KEYS[source])
    outcome, _, log = refreshed(source, tmp_path / "other")
    assert outcome.outcome == "failed" and KEYS[source] in outcome.message and not log


@pytest.mark.parametrize("source", OPTIONAL)
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"7", b'"x"', b"\xff", b"<!doctype html>", b'{"meta": [], "total": "=1"}']
)
def test_a_strange_answer_never_becomes_a_table(source, body, tmp_path):
    outcome, run, _ = refreshed(source, tmp_path, lambda request, response: Response(body), backoff_s=[])
    assert outcome.outcome == "failed" and run.latest() is None
    assert "report this with the lines above" not in outcome.message, "a judge let another exception through"


@pytest.mark.parametrize(
    ("source", "refusal", "words"),
    [
        ("openalex", Response(b'{"error": "Rate limit"}', 429, {"X-RateLimit-Remaining": "0"}), "no credits are left"),
        (
            "stack_exchange",
            Response(b'{"error_id": 502, "error_name": "throttle_violation"}', 400),
            "throttle_violation",
        ),
    ],
)
def test_a_spent_budget_ends_the_day_at_once(source, refusal, words, tmp_path):
    outcome, _, log = refreshed(source, tmp_path, lambda request, response: refusal)
    assert outcome.outcome == "failed" and words in outcome.message and "tomorrow" in outcome.message and len(log) == 1
    outcome, _, log = refreshed(source, tmp_path)
    assert outcome.outcome == "failed" and not log, "the next process asks again on the same day"


@pytest.mark.parametrize("source", ["openalex", "semantic_scholar"])
def test_a_rate_limit_without_more_is_waited_for_and_then_ends_the_run(source, tmp_path):
    outcome, _, log = refreshed(source, tmp_path, lambda request, response: Response(b"{}", 429))
    assert outcome.outcome == "failed" and "429, too many requests" in outcome.message and len(log) == 4


def test_openalex_refuses_groups_that_do_not_add_up_or_lie_outside_the_window(tmp_path):
    run = run_of("openalex", "http://x", tmp_path)
    service = service_of("openalex")
    good = service.grouped(service.counts(None))
    openalex._years(answered(tmp_path, good), run)
    first = good["group_by"][0]
    for groups in (
        good["group_by"][1:],
        [*good["group_by"], first],
        [first | {"key": "2026"}, *good["group_by"][1:]],
        [first | {"key": 2015}, *good["group_by"][1:]],
        [first | {"key": "=cmd"}, *good["group_by"][1:]],
        [first | {"count": -1}, *good["group_by"][1:]],
        [first | {"count": 1e300}, *good["group_by"][1:]],
        "many",
    ):
        with pytest.raises(Violation):
            openalex._years(answered(tmp_path, good | {"group_by": groups}), run)


def test_semantic_scholar_refuses_a_page_of_another_year_or_length(tmp_path):
    papers = [{"paperId": f"p{n}", "year": 2024} for n in range(3)]
    assert semantic_scholar._total(answered(tmp_path, {"total": 3, "data": papers}), 2024) == 3
    for content in (
        {"total": 3, "data": papers[:2]},
        {"total": 2500, "data": papers},
        {"total": 3, "data": [*papers[:2], papers[2] | {"year": 2023}]},
        {"total": 3, "data": [*papers[:2], papers[0]]},
        {"total": -3, "data": []},
        {"total": float("nan"), "data": []},
    ):
        with pytest.raises(Violation):
            semantic_scholar._total(answered(tmp_path, content), 2024)


def test_stack_exchange_rests_as_long_as_an_answer_asks_and_settled_months_are_not_asked_again(tmp_path):
    service = service_of("stack_exchange")

    def ask_for_rest(request, response):
        return service.packed({"total": 5, "backoff": 3000})

    outcome, _, log = refreshed("stack_exchange", tmp_path, ask_for_rest)
    assert outcome.outcome == "failed" and "asked to rest until" in outcome.message and len(log) == 1
    run = run_of("stack_exchange", "http://x", tmp_path)
    assert stack_exchange._since(run, "2026-07").isoformat() == "2026-10-30"
    assert stack_exchange._since(run, "2026-08") is None


def test_the_hub_dump_must_be_the_file_of_its_listing_and_one_it_can_read(tmp_path):
    whole = service_of("huggingface_models").parquet()
    for wrong in (whole[:-1], whole + b"\0", whole[:100] + b"\0" + whole[101:]):
        fault = lambda request, response, wrong=wrong: Response(wrong) if "cdn" in request.path else response  # noqa: E731
        outcome, run, _ = refreshed("huggingface_models", tmp_path, fault)
        assert outcome.outcome == "failed" and "sha256" in outcome.message and run.latest() is None
    for seed in range(40):  # one byte turned over anywhere never ends in another exception
        place = seed * len(whole) // 40
        try:
            huggingface_models._counts(
                answered(tmp_path, whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
            )
        except Violation:
            continue
