"""The transformers source: pip against an index on the loopback server, wheels read as archives and never unpacked."""

import io
import json
import zipfile
from datetime import date

import pytest

from analysis.harvesting.errors import Violation
from analysis.harvesting.running import refresh_source
from analysis.sources import transformers_wheels as source
from tests.loopback.running import TODAY, figures_of, run_of
from tests.loopback.server import Loopback, Response
from tests.loopback.services import transformers_wheels as index

NAME = "transformers_wheels"
FEW = {release: wheel for release, wheel in index.wheels().items() if release in ("2.0.0", "4.57.1", index.NEW)}
LAST = {release: wheel for release, wheel in index.wheels().items() if release in ("5.23.0", index.NEW)}


@pytest.fixture(autouse=True)
def clocks(tmp_path, monkeypatch):
    monkeypatch.setenv("SURVEY_CLOCKS", str(tmp_path / "clocks"))


def downloaded(server):
    return [request.path for request in server.log if request.path.startswith("/files/")]


def start(tmp_path, server, **changes):
    return run_of(NAME, server.base(NAME), tmp_path, **changes)


def test_a_good_day_gives_every_release_once_and_a_later_run_downloads_only_what_is_new(tmp_path):
    with Loopback({NAME: index.index(FEW)}) as server:
        assert list(source.fetch(start(tmp_path, server)))  # what a run killed before it landed leaves behind
        assert len(downloaded(server)) == len(FEW)
        server.log.clear()
        run = start(tmp_path, server)
        outcome = refresh_source(run, accept=[NAME])
        assert outcome.outcome == "landed", outcome.message
        assert downloaded(server) == [], "wheels that were counted are not asked for again"
    truth = {key: count for key, count in index.truth().items() if key[1] in FEW}
    assert figures_of(run.latest()) == truth
    text = "".join(path.read_text() for path in (tmp_path / "snapshots").rglob("*.*"))
    assert "127.0.0.1" not in text and str(tmp_path) not in text
    later = FEW | {"5.25.0": index.wheel("5.25.0", "2026-11-21", (600, 0, 0))}
    with Loopback({NAME: index.index(later)}) as server:
        fresh = start(tmp_path, server)
        fresh.cache_dir = tmp_path / "another machine"
        outcome = refresh_source(fresh)
        assert outcome.outcome == "landed", outcome.message
        assert downloaded(server) == ["/files/transformers-5.25.0-py3-none-any.whl"]
    added = {("2026-11-21", "5.25.0", name): 600 if name == "pytorch" else 0 for name in source.FRAMEWORKS}
    assert figures_of(run.latest()) == truth | added


def test_every_embedded_release_is_counted_as_it_stands(tmp_path):
    for release, (day, counts) in index.releases().items():
        record = counted(tmp_path, index.wheels()[release], release)
        assert (record["date"], *(record[name] for name in source.FRAMEWORKS)) == (day, *counts)


def test_a_wheel_that_does_not_come_fails_the_run_and_the_next_one_goes_on_behind_the_last_whole_wheel(tmp_path):
    broken = f"/files/transformers-{index.NEW}-py3-none-any.whl"
    fault = lambda request, response: Response(b"", 503) if request.path == broken else response  # noqa: E731
    with Loopback({NAME: index.index(LAST)}, fault) as server:
        outcome = refresh_source(start(tmp_path, server, from_release="5.23.0"))
        assert outcome.outcome == "failed" and index.NEW in outcome.message and "127.0.0.1" not in outcome.message
    with Loopback({NAME: index.index(LAST)}) as server:
        assert refresh_source(start(tmp_path, server, from_release="5.23.0"), accept=[NAME]).outcome == "landed"
        assert downloaded(server) == [broken]


def test_a_wheel_cut_on_the_wire_is_not_counted(tmp_path):
    def cut(request, response):
        return Response(response.body, cut_at=2000) if request.path.startswith("/files/") else response

    with Loopback({NAME: index.index(LAST)}, cut) as server:
        outcome = refresh_source(start(tmp_path, server, from_release="5.23.0"))
    assert outcome.outcome == "failed" and not (tmp_path / "snapshots" / NAME / "2026-11-22").exists()


def test_an_index_that_is_not_there_ends_in_a_clear_error_without_its_address(tmp_path):
    with Loopback({}) as server:
        outcome = refresh_source(start(tmp_path, server))
    assert outcome.outcome == "failed"
    assert "pip lists no releases" in outcome.message and "127.0.0.1" not in outcome.message


def test_what_counts_is_the_lowest_patch_of_each_minor_release_and_the_embedded_ones():
    listed = ["1.9.0", "2.0.0", "4.57.3", "4.57.1", "4.14.1", "5.10.4", "5.10.1", "5.9.0"]
    assert source.wanted(listed, "2.0.0") == ["2.0.0", "4.14.1", "4.57.1", "5.9.0", "5.10.1"]


def counted(tmp_path, content, release="5.23.0"):
    path = tmp_path / "some.whl"
    path.write_bytes(content)
    return source.count_modules(path, release, TODAY)


def test_the_rule_counts_by_name_and_by_the_word_torch(tmp_path):
    more = (
        ("transformers/models/x/modeling_x.py", b"x: 'torch.Tensor' = None"),
        ("transformers/models/y/modeling_y.py", b"pytorch only, PyTorch and torchvision"),
        ("transformers/models/z/modeling_tf_z_utils.py", b""),
    )
    record = counted(tmp_path, index.wheel("5.23.0", "2026-11-13", (3, 2, 1), more))
    assert [record[name] for name in source.FRAMEWORKS] == [4, 2, 1] and record["date"] == "2026-11-13"


@pytest.mark.parametrize(
    "more",
    [
        (("../../etc/passwd", b""),),
        (("/etc/modeling_x.py", b"torch"),),
        (("transformers\\modeling_x.py", b"torch"),),
        (("transformers/models/x/modeling_\x1b[2J.py", b"torch"),),
        (("transformers/models/x/modeling_bomb.py", b"\0" * (9 << 20)),),
    ],
)
def test_a_hostile_wheel_is_refused(tmp_path, more):
    with pytest.raises(Violation):
        counted(tmp_path, index.wheel("5.23.0", "2026-11-13", (3, 0, 0), more))


def test_a_wheel_that_is_another_release_empty_or_no_archive_is_refused(tmp_path):
    whole = index.wheel("5.23.0", "2026-11-13", (3, 0, 0))
    strange = io.BytesIO()
    with zipfile.ZipFile(strange, "w") as archive:
        archive.writestr("transformers-5.23.0.dist-info/METADATA", "Name: transformers\nVersion: 5.23.0\n\n")
    for content, release in (
        (whole, "5.22.0"),
        (strange.getvalue(), "5.23.0"),
        (whole[:-40], "5.23.0"),
        (b"", "5.23.0"),
    ):
        with pytest.raises(Violation):
            counted(tmp_path, content, release)
    for seed in range(60):  # one byte turned over anywhere never ends in another exception
        place = seed * len(whole) // 60
        try:
            counted(tmp_path, whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        except Violation:
            continue


@pytest.mark.parametrize("day", ["1980-01-01", "2030-01-01"])
def test_file_times_that_are_no_release_day_are_refused(tmp_path, day):
    content = index.wheel("5.23.0", day, (3, 0, 0))
    with pytest.raises(Violation, match="no release day"):
        source.count_modules(write(tmp_path, content), "5.23.0", date(2026, 11, 22))


def write(folder, content):
    path = folder / "a.whl"
    path.write_bytes(content)
    return path


def test_a_record_cut_by_a_kill_is_counted_again_and_a_strange_one_never_becomes_a_row(tmp_path):
    with Loopback({NAME: index.index(LAST)}) as server:
        run = start(tmp_path, server)
        folder = run.work / "records"
        folder.mkdir()
        good = {
            "release": "5.23.0",
            "date": "2026-11-13",
            "sha256": "0" * 64,
            "bytes": 1,
            "pytorch": 9,
            "tensorflow": 0,
        }
        (folder / "5.23.0.json").write_text(json.dumps(good | {"jax": -1}))
        (folder / "5.22.0.json").write_text('{"release": "5.2')
        (folder / "5.21.0.json").write_text(json.dumps(good | {"release": "=cmd|calc", "jax": 0}))
        assert source._known(run) == {}
        (folder / "5.23.0.json").write_text(json.dumps(good | {"jax": 0}))
        assert list(source._known(run)) == ["5.23.0"]
