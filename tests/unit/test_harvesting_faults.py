"""What a refresh does when services fail: a short fault run, and faults whose handling must be exactly known."""

import contextlib
import gzip
import json
import threading
import time
from collections import Counter
from datetime import timedelta

import numpy as np
import pytest

from analysis.harvesting.cache import Cache
from analysis.harvesting.client import Client
from analysis.harvesting.clock import Clock
from analysis.harvesting.errors import SourceError, Violation
from analysis.harvesting.running import plan_source
from reproductions.errors import SurveyError
from tests.loopback import fault_run, faults, papers, survey
from tests.loopback.fault_run import CORE, Storm, asked_again
from tests.loopback.faults import Fault, Faulty
from tests.loopback.server import Loopback, Response
from tests.loopback.services import arxiv_oai, arxiv_query, pwc_archive

QUERY, OAI, ARCHIVE = "arxiv_query", "arxiv_oai", "pwc_archive"
NEXT = papers.DAY + timedelta(days=1)
KEY = "k3y-with/odd+signs and space"


@pytest.fixture(autouse=True)
def clocks(tmp_path, monkeypatch):
    monkeypatch.setenv("SURVEY_CLOCKS", str(tmp_path / "clocks"))


def under(source, *kinds, seed=0):
    """A server of one source with faults of the given kinds: ``(name, at, times)``."""
    storm = Storm(seed, [Fault(source, faults.named(name), at, times) for name, at, times in kinds])
    return Faulty(survey.serve(seed, [source]), storm)


def right(folder, source, seed=0):
    version = survey.landed(folder, source)
    return version is not None and not survey.differences(version, survey.modules()[source].truth(seed))


def client(server, folder, **settings):
    usual = survey.QUICK | survey.LIMITS | {"base_url": server.url, "too_many": 3, "redirect_hosts": []} | settings
    clock = Clock("one", usual["pace_s"], usual["patience_s"])
    return Client("source", usual, Cache(folder), clock, user_agent="test", today=papers.DAY)


# --- the short fault run


@pytest.mark.parametrize("source", CORE)
def test_a_storm_ends_with_the_right_table_or_a_clear_message_and_afterwards_nothing_is_asked_twice(source):
    results = [fault_run.run_seed(seed, [source]) for seed in range(8)]
    assert not [problem for result in results for problem in result.problems]
    assert any(result.right for result in results) and any(result.refused for result in results)


def test_a_killed_refresh_goes_on_to_the_same_files_and_asks_for_no_finished_page():
    whole = fault_run.undisturbed(QUERY, 1)
    for number in range(3):
        assert not fault_run.run_kill(number, QUERY, 1, whole).problems


def test_a_full_disk_is_named_loses_nothing_and_is_gone_on_from():
    results = [fault_run.run_full_disk(number, ARCHIVE, number) for number in (2, 5, 8)]
    if None in results:
        pytest.skip("this system does not allow a small file system to be mounted, so no disk can be filled")
    assert not [problem for result in results for problem in result.problems]
    assert any(result.refused for result in results)


def test_every_kind_of_fault_applies_to_some_answer(tmp_path):
    missing = {kind.name: kind for kind in faults.KINDS}
    for source in CORE:
        service = survey.serve(0, [source])[source]
        with Loopback({source: service}) as server:
            survey.refresh(server, tmp_path, source)
        for name, kind in list(missing.items()):
            storm = Storm(0, [Fault(source, kind, None, np.inf)])
            for request in server.log if source in (kind.services or {QUERY}) else []:
                storm(request, service(request))
                if storm.injected:
                    del missing[name]
                    break
    assert not missing


# --- waiting


def test_after_429_the_service_is_left_alone_for_the_cooldown(tmp_path):
    with under(QUERY, ("429 without Retry-After", 1, 1)) as server:
        outcome = survey.refresh(server, tmp_path, QUERY, cooldown_s=0.7)
        repeated = [address for address, count in Counter(r.raw for r in server.log).items() if count > 1]
        first, second = (request.at for request in server.log if request.raw == repeated[0])
    assert outcome.outcome == "landed" and second - first >= 0.7


def test_retry_after_is_waited_for(tmp_path):
    with under(OAI, ("503 with Retry-After", 0, 1)) as server:
        outcome = survey.refresh(server, tmp_path, OAI)
        first, second, *_ = (request.at for request in server.log)
    assert outcome.outcome == "landed" and second - first >= 1


def test_a_long_rest_ends_the_source_and_another_process_does_not_ask_before_it_is_over(tmp_path):
    calls = []

    def service(request):
        calls.append(request.raw)
        return Response(b"busy", 503, {"Retry-After": "3600"})

    with Loopback({QUERY: service}) as server:
        outcome = survey.refresh(server, tmp_path, QUERY)
        assert outcome.outcome == "failed" and "it asks to wait 3600 s" in outcome.message and len(calls) == 1
        file = survey.write(survey.configuration(server, tmp_path, [QUERY]), tmp_path)
        assert survey.start(file, tmp_path, QUERY).wait(timeout=60) == 1
    said = (tmp_path / "said.txt").read_text()
    assert "asked to rest until" in said and "run it again then" in said and len(calls) == 1


def test_the_fourth_429_ends_the_source(tmp_path):
    with under(QUERY, ("429 without Retry-After", None, np.inf)) as server:
        outcome = survey.refresh(server, tmp_path, QUERY)
    assert "429, too many requests, after 4 tries" in outcome.message and outcome.requests == 4


def test_a_spent_budget_stops_for_the_day(tmp_path):
    calls = []

    def service(request):
        calls.append(request.raw)
        return Response(b"", 429, {"X-RateLimit-Remaining": "0", "Retry-After": "1"})

    with Loopback({"api": service}) as server:
        asking = client(server, tmp_path)
        with pytest.raises(SourceError, match="today's budget is spent: no credits left; run it again tomorrow"):
            asking.get("/api/x", spent=lambda answer: "no credits left")
        with pytest.raises(SourceError, match="asked to rest until"):
            client(server, tmp_path).get("/api/y")
    assert len(calls) == 1


def test_a_shorter_rest_does_not_end_a_longer_one_and_none_is_endless(tmp_path):
    clock = Clock("one", 0, 30)
    clock.rest(500, "long")
    clock.rest(1, "short")
    with pytest.raises(Exception, match="long"), clock.turn():
        pass
    endless = Clock("two", 0, 30)
    endless.rest(float("inf"), "for ever")
    with pytest.raises(Exception, match="for ever"), endless.turn():
        pass


def test_a_clock_set_back_does_not_prolong_a_rest(tmp_path, monkeypatch):
    clock = Clock("one", 0, 30)
    clock.rest(0.3, "soon")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 86_400)
    started = time.monotonic()
    with clock.turn():
        assert time.monotonic() - started < 1


# --- the day


def test_a_second_run_of_the_day_asks_nothing_and_the_next_day_asks_what_has_not_settled(tmp_path):
    with Loopback(survey.serve(0, [QUERY])) as server:
        assert survey.refresh(server, tmp_path, QUERY).outcome == "landed"
        assert survey.refresh(server, tmp_path, QUERY).requests == 0
        survey.age(tmp_path, QUERY, papers.DAY)
        server.log.clear()
        assert survey.refresh(server, tmp_path, QUERY, NEXT).outcome == "unchanged"
        assert {arxiv_query.group(request.raw) for request in server.log} == {"202403"}


@pytest.mark.parametrize("source", CORE)
def test_the_plan_says_before_that_there_is_something_to_ask_and_afterwards_that_there_is_nothing(tmp_path, source):
    with Loopback(survey.serve(0, [source])) as server:
        configured = survey.configuration(server, tmp_path, [source])
        before = plan_source(survey.make_run(configured, source, papers.DAY))
        outcome = survey.refresh(server, tmp_path, source)
        after = plan_source(survey.make_run(configured, source, papers.DAY))
    assert not before.exact and 0.5 * outcome.requests <= before.requests <= 2 * outcome.requests
    assert after.exact and after.requests == after.bytes == 0


def test_the_next_day_reads_only_the_running_months_of_the_bulk_harvest(tmp_path):
    with Loopback(survey.serve(0, [OAI])) as server:
        assert survey.refresh(server, tmp_path, OAI).outcome == "landed"
        assert survey.refresh(server, tmp_path, OAI).requests == 0
        survey.age(tmp_path, OAI, papers.DAY)
        server.log.clear()
        assert survey.refresh(server, tmp_path, OAI, NEXT).outcome == "unchanged"
        begun = [request.get("from") for request in server.log if request.get("from")]
    assert begun == ["2024-04-01"] * 3


def test_a_list_that_was_broken_off_yesterday_is_read_from_its_start_and_one_of_today_goes_on(tmp_path):
    kind = ("OAI: noRecordsMatch in the middle", 3, 5)
    for folder, aged in ((tmp_path / "today", False), (tmp_path / "later", True)):
        with under(OAI, kind) as server:
            assert survey.refresh(server, folder, OAI).outcome == "failed"
            broken = server.log[-1].raw
            if aged:
                survey.age(folder, OAI, papers.DAY)
            server.log.clear()
            assert survey.refresh(server, folder, OAI).outcome == "landed" and right(folder, OAI)
            assert (server.log[0].raw == broken) is not aged
            assert (server.log[0].get("resumptionToken") is None) is aged


def test_a_service_that_wants_its_tokens_encoded_once_more_is_understood(tmp_path):
    with Loopback({OAI: arxiv_oai.service(encoded=True)}) as server:
        assert survey.refresh(server, tmp_path, OAI).outcome == "landed" and right(tmp_path, OAI)


# --- what came must be what is there


@pytest.mark.parametrize("name", ["changing total", "spurious empty page, total 0", "entries of an earlier page"])
@pytest.mark.parametrize("at", [0, 2])
def test_a_list_that_moves_once_is_read_again_in_the_same_run(tmp_path, name, at):
    with under(QUERY, (name, at, 1)) as server:
        outcome = survey.refresh(server, tmp_path, QUERY)
        assert server.fault.injected and outcome.outcome == "landed" and right(tmp_path, QUERY), outcome.message


def test_halves_that_do_not_add_up_to_the_whole_are_refused(tmp_path):
    honest = arxiv_query.service()

    def service(request):
        """Lose the first half of every month: an empty list in place of it."""
        response = honest(request)
        if "0000 TO 20240115" in request.get("search_query") or "0000 TO 20240116" in request.get("search_query"):
            text = arxiv_query.feed(request.get("search_query"), [], total=0, start=0, size=10)
            return arxiv_query.packed(request, 200, text)
        return response

    with Loopback({QUERY: service}) as server:
        outcome = survey.refresh(server, tmp_path, QUERY)
    assert outcome.outcome == "failed" and "the halves of 2024-01-01/2024-01-31 hold 0 and" in outcome.message
    assert survey.landed(tmp_path, QUERY) is None


def test_the_reason_of_a_400_is_told(tmp_path):
    with under(QUERY, ("400 with an Atom error", 0, 1)) as server:
        outcome = survey.refresh(server, tmp_path, QUERY)
    assert "arXiv answers with an error: " in outcome.message and outcome.requests == 1


def test_a_status_that_nobody_expects_is_told_with_the_page_kept(tmp_path):
    with Loopback({QUERY: lambda request: Response(b"gone for good", 410)}) as server:
        outcome = survey.refresh(server, tmp_path, QUERY)
    assert "status 410 (gone for good); the answer is kept in " in outcome.message
    assert "report this" not in outcome.message


def test_a_file_list_that_its_files_contradict_is_asked_for_again(tmp_path):
    with under(ARCHIVE, ("archive: wrong checksum named", 0, 1)) as server:
        assert survey.refresh(server, tmp_path, ARCHIVE).outcome == "landed" and right(tmp_path, ARCHIVE)
        files = Counter(request.path for request in server.log if request.path.startswith("/cdn/"))
    assert max(files.values()) == 3  # twice alike against the wrong list, once against the right one


def test_an_unknown_label_fails_the_run_and_is_named(tmp_path):
    _, links = pwc_archive.archive()
    odd = [link | {"framework": "chainer"} if number == 7 else link for number, link in enumerate(links)]
    held = dict(pwc_archive.files()) | {
        pwc_archive.LINKS: {"data/train-00000-of-00001.parquet": pwc_archive.links_file(odd)}
    }
    with Loopback({ARCHIVE: pwc_archive.service(held=held)}) as server:
        outcome = survey.refresh(server, tmp_path, ARCHIVE)
    assert outcome.outcome == "failed" and "unknown label 'chainer' (1 links)" in outcome.message
    assert outcome.message.startswith(f"{ARCHIVE}: ") and survey.landed(tmp_path, ARCHIVE) is None


@pytest.mark.parametrize("source", CORE)
def test_a_kept_answer_that_changed_on_disk_is_noticed_and_asked_again(tmp_path, source):
    with Loopback(survey.serve(0, [source])) as server:
        configured = survey.configuration(server, tmp_path, [source])
        assert survey.refresh(server, tmp_path, source).good
        bodies = sorted((tmp_path / "cache" / "sources" / source / "answers").glob("*/*.body"))
        for body in bodies[::8] if len(bodies) > 5 else bodies:
            if not body.exists():  # its list was read again for the sake of another page
                continue
            content = bytearray(body.read_bytes())
            content[len(content) // 2] ^= 255
            body.write_bytes(bytes(content))
            with contextlib.suppress(SurveyError):  # it may say that it cannot tell; it must not break the others' plan
                plan_source(survey.make_run(configured, source, papers.DAY))
            server.log.clear()
            outcome = survey.refresh(server, tmp_path, source)
            assert outcome.outcome == "unchanged" and server.log and right(tmp_path, source), outcome.message


def test_a_changed_letter_in_a_kept_page_is_not_counted(tmp_path):
    with Loopback(survey.serve(0, [OAI])) as server:
        assert survey.refresh(server, tmp_path, OAI).good
        folder = tmp_path / "cache" / "sources" / OAI / "answers"
        body = next(
            path for path in sorted(folder.glob("*/*.body")) if b"PyTorch" in gzip.decompress(path.read_bytes())
        )
        text = gzip.decompress(body.read_bytes()).replace(b"PyTorch", b"ByTorch")
        squeezed = gzip.compress(text, mtime=0)
        record = body.with_name(body.name.removesuffix(".body") + ".json")
        record.write_text(json.dumps(json.loads(record.read_text()) | {"bytes": len(squeezed)}))
        body.write_bytes(squeezed)
        outcome = survey.refresh(server, tmp_path, OAI)
        assert outcome.outcome == "failed" and "has changed or is gone; run the refresh again" in outcome.message
        assert survey.refresh(server, tmp_path, OAI).outcome == "unchanged" and right(tmp_path, OAI)


def test_a_gzip_bomb_is_refused_before_it_unfolds(tmp_path):
    import zlib

    squeeze = zlib.compressobj(9, wbits=31)
    piece = b"\0" * (1 << 20)
    bomb = b"".join([*(squeeze.compress(piece) for _ in range(300)), squeeze.flush()])
    answer = Response(bomb, headers={"Content-Encoding": "gzip"})
    with Loopback({"x": lambda request: answer}) as server, pytest.raises(SourceError, match="unfolds to more than"):
        client(server, tmp_path).get("/x")


# --- keys


def test_a_key_never_stands_in_a_file_or_a_message(tmp_path):
    answers = iter(
        [
            lambda request: Response(b"slow down: " + request.raw.encode(), 429),
            lambda request: Response(b"broken: " + KEY.encode() + b" " + request.raw.encode() * 9, 500),
            lambda request: Response(b"", 302, {"Location": "http://elsewhere.invalid/?" + request.raw}),
        ]
    )
    said = []
    with Loopback({"api": lambda request: next(answers)(request)}) as server:
        asking = client(server, tmp_path / "cache")
        asking.say = said.append
        with pytest.raises(SourceError) as raised:
            asking.get("/api/x", {"q": "torch"}, secrets={"api_key": KEY}, headers={"Authorization": f"Bearer {KEY}"})
        said.append(str(raised.value))
    with Loopback({"api": lambda request: Response(b"no: " + KEY.encode() + request.raw.encode(), 403)}) as server:
        with pytest.raises(SourceError) as raised:
            client(server, tmp_path / "cache").get("/api/x", secrets={"api_key": KEY})
        said.append(str(raised.value))
    with pytest.raises(SourceError) as raised:  # the service is gone: the error of the connection has the address
        client(server, tmp_path / "cache").get("/api/z", secrets={"api_key": KEY})
    said.append(str(raised.value))
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for spelling in (KEY, "k3y-with%2Fodd%2Bsigns", "k3y-with/odd"):
        assert spelling.encode() not in written
        assert not [words for words in said if spelling in words]
    assert "torch" in said[-3] or "redirects to" in said[-3]


# --- the machinery


def test_a_judge_that_refuses_for_good_is_asked_once(tmp_path):
    def judge(answer):
        raise Violation("never", retry=False)

    with Loopback({"x": lambda request: Response(b"body")}) as server:
        with pytest.raises(SourceError, match="never"):
            client(server, tmp_path).get("/x", judge=judge)
        assert len(server.log) == 1
    (record,) = (tmp_path / "rejected").glob("*.json")
    assert json.loads(record.read_text())["reason"] == "never"


def test_a_second_refresh_of_a_source_meanwhile_is_refused(tmp_path):
    from filelock import FileLock

    folder = tmp_path / "cache" / "sources" / QUERY
    folder.mkdir(parents=True)
    with Loopback(survey.serve(0, [QUERY])) as server:
        with FileLock(folder / "refresh.lock"):
            outcome = survey.refresh(server, tmp_path, QUERY)
        assert "another refresh of it is running" in outcome.message and not server.log
        assert survey.refresh(server, tmp_path, QUERY).outcome == "landed"


def test_sources_of_one_service_never_ask_it_at_the_same_time(tmp_path):
    guard, under_way, most = threading.Lock(), [], []
    begun = [tmp_path / "cache" / "sources" / source / "refresh.lock" for source in (QUERY, OAI)]

    def one_at_a_time(service):
        def answer(request):
            with guard:
                under_way.append(request.raw)
                most.append(len(under_way))
            # The first answer is held until the other process is about to ask as well.
            until = time.monotonic() + 60
            while not all(path.exists() for path in begun) and time.monotonic() < until:
                time.sleep(0.02)
            time.sleep(0.5 if len(most) == 1 else 0.01)
            with guard:
                under_way.remove(request.raw)
            return service(request)

        return answer

    services = {name: one_at_a_time(service) for name, service in survey.serve(0, [QUERY, OAI]).items()}
    with Loopback(services) as server:
        configured = survey.configuration(server, tmp_path)
        for source in (QUERY, OAI):
            configured["sources"][source] |= {"timeout_s": [60, 60], "deadline_s": 120}
        file = survey.write(configured, tmp_path)
        running = [survey.start(file, tmp_path, source) for source in (QUERY, OAI)]
        assert [process.wait(timeout=120) for process in running] == [0, 0]
        asked = {request.service for request in server.log}
    assert max(most) == 1 and asked == {QUERY, OAI}


def test_leftovers_of_a_killed_landing_are_removed_by_the_next(tmp_path):
    left = tmp_path / "snapshots" / QUERY / ".landing-left"
    left.mkdir(parents=True)
    (left / "figures.csv").write_text("half")
    with Loopback(survey.serve(0, [QUERY])) as server:
        assert survey.refresh(server, tmp_path, QUERY).outcome == "landed"
    assert not left.exists()


def test_asking_again_is_noticed():
    storm = Storm(0, [])
    storm.given = [(QUERY, "/a"), (QUERY, "/b"), (QUERY, "/a")]
    assert len(asked_again(storm, [QUERY])) == 1 and not asked_again(storm, [QUERY], allowed=1)
