"""Monthly downloads: ClickHouse's history and pypistats' last days, two counts that are never added up."""

import json

import pytest

from analysis.harvesting.cache import Answer
from analysis.harvesting.errors import Violation
from analysis.harvesting.running import land_source, refresh_source
from analysis.sources import pypi_installs as source
from tests.loopback.running import TODAY, figures_of, run_of
from tests.loopback.server import Loopback, Response
from tests.loopback.services import pypi_installs as services

NAME = "pypi_installs"


@pytest.fixture(autouse=True)
def clocks(tmp_path, monkeypatch):
    monkeypatch.setenv("SURVEY_CLOCKS", str(tmp_path / "clocks"))


def refreshed(tmp_path, fault=None, seed=0, **changes):
    with Loopback({NAME: services.service(seed)}, fault) as server:
        run = run_of(NAME, server.base(NAME), tmp_path, **changes)
        return refresh_source(run), run, server.log


def answered(tmp_path, content):
    path = tmp_path / "body"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return Answer(path, "", 200, {}, "2026-11-22T00:00:00+00:00", "", path.stat().st_size, "")


@pytest.mark.parametrize("seed", [0, 1])
def test_a_good_day_gives_both_counts_apart_and_nothing_is_asked_twice(tmp_path, seed):
    outcome, run, log = refreshed(tmp_path, seed=seed)
    assert outcome.outcome == "landed", outcome.message
    assert figures_of(run.latest()) == services.truth(seed)
    assert outcome.requests == len(log) == 1 + len(services.PACKAGES)
    rows = run.latest().rows("downloads")
    assert {row["package"] for row in rows} == set(services.PACKAGES)
    assert max(row["month"] for row in rows) == "2026-10", "the running month is not counted"
    assert land_source(run).outcome == "unchanged", "the kept answers give the same table without a network"


def test_what_pypistats_no_longer_serves_is_carried_on_and_a_revision_is_noted(tmp_path, monkeypatch):
    outcome, run, _ = refreshed(tmp_path)
    assert outcome.outcome == "landed", outcome.message
    full = services.days
    early = [day for day in full("torch") if f"{day:%Y-%m}" == "2026-06"]

    def later(package, seed=0):
        days = {day: n for day, n in full(package, seed).items() if day not in early}
        if package == "torch":
            days[max(day for day in days if f"{day:%Y-%m}" == "2026-09")] += 500_000
        return days

    monkeypatch.setattr(services, "days", later)
    with Loopback({NAME: services.service()}) as server:
        run = run_of(NAME, server.base(NAME), tmp_path)
        run.cache_dir = tmp_path / "another machine"
        outcome = refresh_source(run, accept=[NAME])
    assert outcome.outcome == "landed", outcome.message
    assert figures_of(run.latest())["2026-06", services.WITHOUT, "pytorch"] == sum(full("torch")[day] for day in early)
    assert "revised: torch 2026-09" in run.latest().provenance["notes"]
    assert "revised: keras" not in run.latest().provenance["notes"]


def test_a_used_up_quota_ends_the_day_and_the_next_process_does_not_ask(tmp_path):
    words = b"Code: 201. DB::Exception: Quota for user `demo` for 3600s has been exceeded. (QUOTA_EXCEEDED)"
    fault = lambda request, response: Response(words, 500) if request.method == "POST" else response  # noqa: E731
    outcome, _, log = refreshed(tmp_path, fault, clock="clickhouse")
    assert outcome.outcome == "failed" and "QUOTA_EXCEEDED" in outcome.message and len(log) == 1
    outcome, _, log = refreshed(tmp_path, clock="clickhouse")
    assert outcome.outcome == "failed" and "asked to rest until" in outcome.message and len(log) == 0


@pytest.mark.parametrize("status", [200, 429])
def test_a_rate_limit_is_waited_for_and_then_ends_the_run(tmp_path, status):
    def limited(times):
        left = [times]

        def fault(request, response):
            if "/recent/" in request.path and left[0] > 0:
                left[0] -= 1
                return Response(b"RATE LIMIT EXCEEDED", status)
            return response

        return fault

    outcome, run, _ = refreshed(tmp_path, limited(2))
    assert outcome.outcome == "landed", outcome.message
    assert figures_of(run.latest()) == services.truth()
    outcome, _, _ = refreshed(tmp_path / "other", limited(99))
    assert (
        outcome.outcome == "failed"
        and "pypi_installs" in outcome.message
        and "/recent/packages/torch" in outcome.message
    )


ROWS = services.rows()


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c | {"rows": c["rows"] + 1},
        lambda c: c | {"rows": None},
        lambda c: c | {"meta": c["meta"][::-1]},
        lambda c: c | {"meta": [{"name": "month", "type": "String"}, *c["meta"][1:]]},
        lambda c: c | {"data": "many"},
        lambda c: services.clickhouse([*ROWS, ROWS[0]]),
        lambda c: services.clickhouse([*ROWS, ROWS[0] | {"month": "2026-11-01"}]),
        lambda c: services.clickhouse([*ROWS, ROWS[0] | {"month": "2015-13-01"}]),
        lambda c: services.clickhouse([*ROWS, ROWS[0] | {"month": "2015-12-02"}]),
        lambda c: services.clickhouse([*ROWS, ROWS[0] | {"project": "=cmd|calc"}]),
        lambda c: services.clickhouse([*ROWS, ROWS[0] | {"project": ["torch"]}]),
        lambda c: services.clickhouse([*ROWS[1:], ROWS[0] | {"download_count": "-5"}]),
        lambda c: services.clickhouse([*ROWS[1:], ROWS[0] | {"download_count": "1e9"}]),
        lambda c: services.clickhouse([*ROWS[1:], ROWS[0] | {"download_count": 10**30}]),
        lambda c: services.clickhouse([*ROWS[1:], ROWS[0] | {"download_count": float("nan")}]),
        lambda c: services.clickhouse([*ROWS[1:], ROWS[0] | {"download_count": True}]),
        lambda c: services.clickhouse([r for r in ROWS if (r["project"], r["month"]) != ("torch", "2020-05-01")]),
        lambda c: services.clickhouse([r for r in ROWS if r["project"] != "tensorflow"]),
        lambda c: services.clickhouse([r for r in ROWS if r["month"] < "2026-06"]),
        lambda c: services.clickhouse([]),
        lambda c: [],
        lambda c: 7,
    ],
)
def test_a_history_that_breaks_its_own_rules_is_refused(tmp_path, change):
    good = services.clickhouse(ROWS)
    source._check_history(source._history(answered(tmp_path, good), "2026-10"), "2026-10")
    with pytest.raises(Violation):
        source._check_history(source._history(answered(tmp_path, change(good)), "2026-10"), "2026-10")


DAY = {"category": "without_mirrors", "date": "2026-11-20", "downloads": 5}


@pytest.mark.parametrize(
    "content",
    [
        services.recent("torch") | {"package": "tensorflow"},
        services.recent("torch") | {"type": "recent_downloads"},
        services.recent("torch") | {"data": []},
        *(
            {"package": "torch", "type": "overall_downloads", "data": [wrong]}
            for wrong in (
                DAY | {"category": "with_mirrors"},
                DAY | {"date": "2026-11-23"},
                DAY | {"date": "2020-01-01"},
                DAY | {"date": "2026-02-30"},
                DAY | {"date": 20261120},
                DAY | {"downloads": -1},
                DAY | {"downloads": 1.5},
                DAY | {"downloads": None},
                DAY | {"downloads": "=1+1"},
                7,
            )
        ),
        {"package": "torch", "type": "overall_downloads", "data": [DAY, DAY]},
        {"data": {"last_day": 1}, "package": "torch", "type": "recent_downloads"},
        b"RATE LIMIT EXCEEDED",
        b"",
    ],
)
def test_days_that_were_not_asked_for_or_cannot_be_are_refused(tmp_path, content):
    source._check_days(answered(tmp_path, services.recent("torch")), "torch", TODAY)
    with pytest.raises(Violation):
        source._check_days(answered(tmp_path, content), "torch", TODAY)


def test_a_month_with_a_day_missing_does_not_count():
    days = services.days("torch")
    gone = next(day for day in days if f"{day:%Y-%m}" == "2026-08")
    counted = source.whole_months({day: n for day, n in days.items() if day != gone})
    assert sorted(counted) == ["2026-06", "2026-07", "2026-09", "2026-10"]
