"""The repository detector from drawing to snapshot: the right tables, bounded, and never a repository twice."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from analysis.harvesting.cache import Answer, Cache
from analysis.harvesting.registry import find
from analysis.harvesting.run import Piece, Run
from analysis.harvesting.running import refresh_source
from analysis.sources import repository_detector as detector
from analysis.sources.pwc_live import links_path
from tests.loopback.server import Loopback, Response
from tests.loopback.services import repository_detector as loopback

TODAY = date(2026, 11, 22)
QUICK = {"pace_s": 0, "backoff_s": [0, 0, 0, 0], "cooldown_s": 0, "calibration": 0}


@pytest.fixture(autouse=True)
def clocks(tmp_path, monkeypatch):
    monkeypatch.setenv("SURVEY_CLOCKS", str(tmp_path / "clocks"))


def run_against(server: Loopback, tmp_path: Path, **changes) -> Run:
    own = QUICK | {"base_url": server.base("codeload")} | changes
    return Run(find("repository_detector", {"repository_detector": own}), TODAY, tmp_path / "cache", tmp_path / "snap")


def write_links(tmp_path: Path, months: dict[str, set[str]], official: bool = True) -> None:
    path = links_path(tmp_path / "cache")
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"month": m, "repo": a, "official": official} for m, own in months.items() for a in sorted(own)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def some_months(*wanted: str) -> dict[str, set[str]]:
    return {month: own for month, own in loopback.official().items() if month in wanted}


def counted(run: Run) -> dict[tuple[str, str], int]:
    rows = run.latest().rows("labels_by_month")
    return {(row["month"], row["label"]): int(row["repositories"]) for row in rows if row["repositories"] != "0"}


def keep_archive(tmp_path: Path, rows: list[dict]) -> None:
    """Put the links of the archive where a refresh of pwc_archive leaves them."""
    import polars as pl

    run = Run(find("pwc_archive"), TODAY, tmp_path / "cache", tmp_path / "snap")
    cache = Cache(run.folder)
    with cache.scratch("0123abcd") as path:
        pl.DataFrame(rows).write_parquet(path)
        body = path.read_bytes()
        moment = datetime.now(UTC).isoformat(timespec="microseconds")
        answer = Answer(path, "u", 200, {}, moment, hashlib.sha256(body).hexdigest(), len(body), "0123abcd")
        kept = cache.keep(answer)
    run.remember([Piece({"part": "links", "file": "data/links.parquet"}, kept)])


def test_a_good_day_gives_exactly_the_right_tables(tmp_path):
    months = some_months("2025-09", "2025-10")
    write_links(tmp_path, months)
    with Loopback({"codeload": loopback.service()}) as server:
        run = run_against(server, tmp_path, sample=18)
        outcome = refresh_source(run)
    assert outcome.outcome == "landed", outcome.message
    expected = {key: n for key, n in loopback.truth(sample=18).items() if key[0] in months}
    assert counted(run) == expected
    for row in run.latest().rows("labels_by_month"):
        assert int(row["official_population"]) == len(months[row["month"]]) > int(row["sampled"]) == 18
    for row in run.latest().rows("figures"):
        label = {"tensorflow": "tf"}.get(row["framework"], row["framework"])
        lost = sum(expected.get((row["period"], name), 0) for name in ("missing", "unsupported", "unreadable"))
        assert int(row["count"]) == expected.get((row["period"], label), 0)
        assert int(row["total"]) == 18 - lost


def test_only_counts_are_landed_and_no_archive_is_kept(tmp_path):
    write_links(tmp_path, some_months("2025-09"))
    with Loopback({"codeload": loopback.service()}) as server:
        run = run_against(server, tmp_path)
        refresh_source(run)
    assert not any(b"lab-" in path.read_bytes() for path in run.latest().folder.iterdir())
    bodies = list(run.folder.glob("answers/*/*.body"))
    assert bodies and all(path.read_bytes()[:1] == b"{" for path in bodies)
    kept = [json.loads(path.read_bytes()) for path in bodies]
    assert all(len(entry["archive"]["sha256"]) == 64 for entry in kept if "archive" in entry)


def test_a_larger_sample_contains_the_smaller_one_and_asks_only_for_what_is_new(tmp_path):
    write_links(tmp_path, some_months("2025-09"))
    with Loopback({"codeload": loopback.service()}) as server:
        small = run_against(server, tmp_path, sample=8)
        assert refresh_source(small).outcome == "landed"
        first = [request.path for request in server.log]
        assert counted(small) == {k: n for k, n in loopback.truth(sample=8).items() if k[0] == "2025-09"}
        large = run_against(server, tmp_path, sample=16)
        assert detector.plan(large).requests <= 8
        outcome = refresh_source(large, accept=["repository_detector"])
        assert outcome.outcome == "landed", outcome.message
        assert max(Counter(request.path for request in server.log).values()) == 1
    assert set(first) <= {request.path for request in server.log}
    drawn = [detector.draw(map(str, range(1000)), "m", size, "s") for size in (10, 400)]
    assert drawn[1][:10] == drawn[0] and drawn[0] != detector.draw(map(str, range(1000)), "n", 10, "s")


def test_a_gone_repository_is_counted_and_not_replaced(tmp_path):
    gone = next(f"github.com/x/r{n}" for n in range(99) if loopback.shape(f"github.com/x/r{n}")[0] == "missing")
    write_links(tmp_path, {"2025-09": {gone, "gitlab.com/x/y", "github.com/only-owner", "github.com/a/b/tree/main"}})
    with Loopback({"codeload": loopback.service()}) as server:
        run = run_against(server, tmp_path)
        assert refresh_source(run).outcome == "landed"
        assert len(server.log) == 1
    assert counted(run) == {("2025-09", "missing"): 1, ("2025-09", "unsupported"): 3}
    assert run.latest().rows("figures") == []


def test_the_calibration_is_drawn_by_stratum_and_set_against_the_archive_label(tmp_path):
    rows = loopback.labelled()
    keep_archive(tmp_path, rows)
    write_links(tmp_path, {"2025-09": {"gitlab.com/x/y"}})
    with Loopback({"codeload": loopback.service()}) as server:
        run = run_against(server, tmp_path, calibration=1000)
        outcome = refresh_source(run)
    assert outcome.outcome == "landed", outcome.message
    expected = Counter(
        (row["framework"], loopback.shape(row["repo_url"].removeprefix("https://"))[0])
        for row in rows
        if "old-lab/work" in row["repo_url"]
    )
    found = {
        (row["archive_label"], row["detector_label"]): int(row["repositories"])
        for row in run.latest().rows("confusion")
        if row["repositories"] != "0"
    }
    assert found == dict(expected)
    rates = run.latest().rows("confusion_rates")
    assert all(float(row["low"]) <= float(row["share"]) <= float(row["high"]) for row in rates)
    strata = run.latest().rows("calibration_strata")
    assert sum(int(row["repositories"]) for row in strata) == sum(expected.values())
    assert {row["year"] for row in strata} == {"2019", "2020", "2021"}


def test_a_calibration_is_spread_evenly_and_grows_by_what_it_had():
    labelled = {f"github.com/a/r{n}": ("tf" if n % 10 else "jax", str(2019 + n % 2)) for n in range(1000)}
    small, strata = detector.draw_calibration(labelled, 80, "s")
    large, _ = detector.draw_calibration(labelled, 200, "s")
    assert {row["drawn"] for row in strata} == {26} and {r["repo"] for r in small} <= {r["repo"] for r in large}


def test_without_its_inputs_it_says_what_to_do(tmp_path):
    with Loopback({}) as server:
        run = run_against(server, tmp_path)
        assert "refresh pwc_live first" in refresh_source(run).message
        assert detector.plan(run).note
        write_links(tmp_path, some_months("2025-09"))
        message = refresh_source(run_against(server, tmp_path, calibration=10)).message
    assert "refresh pwc_archive first" in message


def test_a_longer_archive_is_cut_and_marked_as_a_part(tmp_path):
    filler = os.urandom(600_000)
    body = loopback.archive({"a.py": "import torch\n", "b.bin": filler, "c.py": "import jax\n"})
    nothing = loopback.archive({"b.bin": filler, "c.py": "import jax\n"})

    def big(request):
        return Response(body if "first" in request.path else nothing, chunked=True)

    write_links(tmp_path, {"2025-09": {"github.com/x/first", "github.com/x/second"}})
    with Loopback({"codeload": lambda request: big(request)}) as server:
        run = run_against(server, tmp_path, max_bytes=300_000)
        outcome = refresh_source(run)
    assert outcome.outcome == "landed", outcome.message
    assert counted(run) == {("2025-09", "pytorch"): 1, ("2025-09", "unreadable"): 1}
    [row] = [row for row in run.latest().rows("labels_by_month") if row["label"] == "pytorch"]
    assert row["partial"] == "1"


def cut(body: bytes) -> Response:
    return Response(body[: len(body) // 2], 200)


BROKEN = {
    "cut gzip": cut,
    "cut on the wire": lambda body: Response(body, 200, cut_at=len(body) // 2),
    "not gzip": lambda body: Response(b"hello world", 200),
    "HTML": lambda body: Response(b"<!DOCTYPE html><html>unicorn</html>", 200),
    "empty": lambda body: Response(b"", 200),
    "503": lambda body: Response(b"", 503),
    "pretends to be cut": lambda body: Response(body[: len(body) // 2], 200, {detector.CUT: "yes"}),
}


@pytest.mark.parametrize("how", sorted(BROKEN))
def test_a_passing_fault_changes_nothing_and_a_lasting_one_names_repository_and_remedy(tmp_path, how):
    address = next(f"github.com/x/r{n}" for n in range(99) if loopback.shape(f"github.com/x/r{n}")[0] == "jax")
    write_links(tmp_path, {"2025-09": {address}})
    state = {"left": 2}

    def fault(request, response):
        state["left"] -= 1
        return BROKEN[how](response.body) if state["left"] >= 0 else response

    with Loopback({"codeload": loopback.service()}, fault) as server:
        state["left"] = 1000
        outcome = refresh_source(run_against(server, tmp_path))
        assert outcome.outcome == "failed" and address.removeprefix("github.com/") in outcome.message
        assert "repository_detector.unreadable" in outcome.message
        state["left"] = 2
        run = run_against(server, tmp_path)
        assert refresh_source(run).outcome == "landed"
    assert counted(run) == {("2025-09", "jax"): 1}
    assert len(list(run.folder.glob("rejected/*.body"))) <= 1


def test_a_repository_that_a_person_gave_up_is_counted_as_unreadable(tmp_path):
    write_links(tmp_path, {"2025-09": {"github.com/x/broken"}})
    with Loopback({}) as server:
        run = run_against(server, tmp_path, unreadable=["X/Broken"])
        assert refresh_source(run).outcome == "landed"
        assert not server.log
    assert counted(run) == {("2025-09", "unreadable"): 1}


def test_a_redirect_to_another_host_is_refused(tmp_path):
    write_links(tmp_path, {"2025-09": {"github.com/x/y"}})
    with Loopback(
        {"codeload": lambda request: Response(b"", 302, {"Location": "https://elsewhere.example/"})}
    ) as server:
        outcome = refresh_source(run_against(server, tmp_path))
    assert outcome.outcome == "failed" and "redirects to" in outcome.message


def test_a_kept_verdict_that_was_damaged_is_asked_again(tmp_path):
    write_links(tmp_path, some_months("2025-09"))
    with Loopback({"codeload": loopback.service()}) as server:
        run = run_against(server, tmp_path)
        refresh_source(run)
        asked = len(server.log)
        [first, *_] = [p for p in sorted(run.folder.glob("answers/*/*.body")) if b'"evidence"' in p.read_bytes()]
        first.write_bytes(b"#" * first.stat().st_size)
        assert refresh_source(run_against(server, tmp_path)).outcome == "unchanged"
        assert len(server.log) == asked + 1


def test_a_killed_run_goes_on_and_asks_for_no_finished_repository_again(tmp_path):
    months = some_months("2025-09")
    write_links(tmp_path, months)
    program = textwrap.dedent(
        """
        import sys
        from datetime import date
        from pathlib import Path
        from analysis.harvesting.registry import find
        from analysis.harvesting.run import Run
        from analysis.harvesting.running import refresh_source
        own = {"pace_s": 0, "backoff_s": [0], "cooldown_s": 0, "calibration": 0, "base_url": sys.argv[1]}
        home = Path(sys.argv[2])
        source = find("repository_detector", {"repository_detector": own})
        run = Run(source, date(2026, 11, 22), home / "cache", home / "snap")
        refresh_source(run)
        """
    )
    with Loopback({"codeload": loopback.service()}) as server:
        for wanted in (3, 9):
            process = subprocess.Popen(
                [sys.executable, "-c", program, server.base("codeload"), str(tmp_path)], stderr=subprocess.DEVNULL
            )
            until = time.monotonic() + 20
            while len(server.log) < wanted and time.monotonic() < until and process.poll() is None:
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            process.wait()
        run = run_against(server, tmp_path)
        outcome = refresh_source(run)
        times = Counter(request.path for request in server.log)
    assert outcome.outcome == "landed", outcome.message
    assert sum(n - 1 for n in times.values()) <= 2  # at most the one under way at each kill
    assert all(path.read_bytes()[:1] == b"{" for path in run.folder.glob("answers/*/*.body"))
    assert counted(run) == {key: n for key, n in loopback.truth().items() if key[0] == "2025-09"}


def test_the_check_reads_known_repositories(tmp_path):
    def known(request):
        name = request.path.removesuffix("/tar.gz/HEAD").strip("/")
        code = {"karpathy/nanogpt": "torch", "openai/gpt-2": "tensorflow", "google-research/vision_transformer": "flax"}
        if name in code:
            return Response(loopback.archive({"a.py": f"import {code[name]}\n"}))
        return Response(loopback.archive({"a.py": "x = 1\n"})) if name == detector.RENAMED else Response(b"", 404)

    with Loopback({"codeload": known}) as server:
        findings = detector.check(run_against(server, tmp_path))
    assert all(finding.holds for finding in findings) and len(findings) == 5
    with Loopback({"codeload": lambda request: replace(known(request), status=503)}) as server:
        assert not any(finding.holds for finding in detector.check(run_against(server, tmp_path / "again")))


def test_the_rows_of_a_snapshot_have_the_columns_on_record(tmp_path):
    write_links(tmp_path, some_months("2025-09"))
    with Loopback({"codeload": loopback.service()}) as server:
        run = run_against(server, tmp_path)
        refresh_source(run)
    with (run.latest().folder / "labels_by_month.csv").open() as handle:
        assert next(csv.reader(handle)) == [
            "month",
            "label",
            "repositories",
            "partial",
            "sampled",
            "official_population",
        ]
