"""The package index: pip's session against a recorded index on the loopback server; nothing is installed."""

import copy
import json
from pathlib import Path

import pytest

from analysis.harvesting.errors import Violation
from analysis.harvesting.running import land_source, refresh_source
from analysis.sources import package_index as source
from tests.loopback.running import run_of
from tests.loopback.server import Loopback, Response
from tests.loopback.services import package_index as index

NAME = "package_index"


@pytest.fixture(autouse=True)
def clocks(tmp_path, monkeypatch):
    monkeypatch.setenv("SURVEY_CLOCKS", str(tmp_path / "clocks"))


def start(tmp_path, server, **changes):
    return run_of(NAME, server.base(NAME), tmp_path, **changes)


def test_a_good_day_lands_and_the_snapshot_is_made_again_offline(tmp_path):
    with Loopback({NAME: index.service()}) as server:
        run = start(tmp_path, server)
        outcome = refresh_source(run)
        asked = [request.path for request in server.log]
        whole = [
            request for request in server.log if request.path.endswith(".whl") and not request.headers.get("range")
        ]
    assert outcome.outcome == "landed", outcome.message
    assert sum(path.startswith("/simple/") for path in asked) == len(index.projects())
    assert {request.method for request in whole} <= {"HEAD"}, "only parts of a wheel are asked for"
    version = run.latest()
    releases = {(row["package"], row["version"]): row for row in version.rows("releases")}
    assert releases["torch", "2.15.0"]["day"] == "2026-10-28"
    assert releases["tensorflow", "2.22.0rc0"]["stage"] == "pre"
    builds = {(row["package"], row["version"], row["key"].split()[1]): row["value"] for row in version.rows("builds")}
    assert builds["torch", "2.15.0", "cuda"] == "13.0" and builds["torch", "2.15.0", "hip"] == "none"
    assert builds["tensorflow", "2.21.0", "cuda_compute_capabilities"] == "sm_60, compute_90"
    assert (
        builds["tensorflow", "2.22.0rc0", "cuda_version"]
        == builds["tensorflow", "2.21.0", "cudnn_version"]
        == "key absent"
    )
    text = "".join(path.read_text() for path in (tmp_path / "snapshots").rglob("*.*"))
    assert "127.0.0.1" not in text and str(tmp_path) not in text
    again = start(tmp_path, server)  # the server has gone
    assert land_source(again).outcome == "unchanged"


def test_metadata_that_was_read_once_is_not_asked_for_again(tmp_path):
    with Loopback({NAME: index.service()}) as server:
        assert refresh_source(start(tmp_path, server)).good
        server.log.clear()
        assert refresh_source(start(tmp_path, server)).outcome == "unchanged"
        assert server.log == [], "the same day nothing is asked twice"


def test_an_index_without_sizes_and_dates_is_refused_and_its_address_is_told_nowhere(tmp_path):
    old = copy.deepcopy(index.projects())
    for content in old.values():
        content["meta"] = {"api-version": "1.0"}
    with Loopback({NAME: index.index(old)}) as server:
        outcome = refresh_source(start(tmp_path, server))
    assert outcome.outcome == "failed" and "says no sizes and upload dates" in outcome.message
    assert "127.0.0.1" not in outcome.message + (tmp_path / "snapshots" / NAME / "attempts.csv").read_text()


def test_changed_metadata_is_not_counted(tmp_path):
    def change(request, response):
        return Response(response.body + b"more") if request.path.endswith(".metadata") else response

    with Loopback({NAME: index.service()}, change) as server:
        outcome = refresh_source(start(tmp_path, server))
    assert outcome.outcome == "failed" and "does not have the sha256" in outcome.message
    assert not list((tmp_path / "snapshots" / NAME).glob("2*"))


def test_requirements_are_read_inside_a_wheel_where_the_index_keeps_no_metadata_beside_it(tmp_path):
    bare = copy.deepcopy({"torchvision": index.projects()["torchvision"]})
    for entry in bare["torchvision"]["files"]:
        del entry["core-metadata"]
    with Loopback({NAME: index.index(bare)}) as server:
        run = start(tmp_path, server, packages=["torchvision"])
        outcome = refresh_source(run)
        whole = [
            request for request in server.log if request.path.endswith(".whl") and not request.headers.get("range")
        ]
    assert outcome.outcome == "landed", outcome.message
    assert {request.method for request in whole} <= {"HEAD"}, "only parts of a wheel are asked for"
    assert [row["specifier"] for row in run.latest().rows("requirements")] == [">=2.14.0"]


def test_an_index_that_fails_for_a_moment_is_asked_again(tmp_path):
    seen = []

    def once(request, response):
        seen.append(request.path)
        return Response(b"", 503) if seen.count(request.path) == 1 else response

    with Loopback({NAME: index.service()}, once) as server:
        assert refresh_source(start(tmp_path, server, packages=["torchvision"])).outcome == "landed"
    assert seen.count("/simple/torchvision/") == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(name="other"),
        lambda content: content.update(files=None),
        lambda content: content["files"][0].update(size="5"),
        lambda content: content["files"][0].update({"upload-time": "yesterday"}),
        lambda content: content["files"][0].update(url=None),
        lambda content: content.pop("meta"),
    ],
)
def test_an_answer_of_another_shape_is_a_violation_and_nothing_else(change):
    content = copy.deepcopy(index.projects()["torchvision"])
    change(content)
    with pytest.raises(Violation):
        source.read_files(content, "torchvision")


def file(name, day="2026-01-02", **more):
    size = {"filename": name, "url": f"../../files/{name}", "size": 10, "upload-time": f"{day}T01:02:03.4Z"}
    return size | {"yanked": False} | more


def rows(*files):
    content = {"meta": {"api-version": "1.1"}, "name": "torch", "files": list(files)}
    return source.read_files(content, "torch")


def test_withdrawn_files_and_odd_names_do_not_count():
    read = rows(
        file("torch-1.0-cp312-cp312-win_amd64.whl", yanked="broken"),
        file("torch-1.0-py2.7.egg"),
        file("torch-not a version.tar.gz"),
        file("torch-1.1.tar.gz"),
    )
    assert [str(each["version"]) for each in read] == ["1.1"]


def test_wheel_tags_become_pythons_and_platforms():
    read = rows(
        file("torch-1.0-cp313-cp313t-manylinux_2_28_x86_64.whl"),
        file("torch-1.0-cp39-abi3-macosx_11_0_arm64.whl"),
        file("torch-1.0-py2.py3-none-any.whl"),
        file("torch-1.0-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"),
    )
    (release,) = source.release_rows("torch", read)
    assert release["pythons"] == "any 3.9+ 3.10 3.13t" and release["linux_tag"] == "2.17"
    assert release["platforms"] == "any linux_x86_64 macos_arm64"


def test_a_release_is_as_old_as_its_first_file_and_only_new_pre_releases_stay():
    read = rows(
        file("torch-2.0.tar.gz", "2026-02-01"),
        file("torch-2.0-py3-none-any.whl", "2026-01-30"),
        file("torch-2.0rc1.tar.gz", "2026-01-01"),
        file("torch-2.1rc1.tar.gz", "2026-03-01"),
    )
    found = source.release_rows("torch", read)
    assert [(row["version"], row["day"], row["stage"]) for row in found] == [
        ("2.0", "2026-01-30", "final"),
        ("2.1rc1", "2026-03-01", "pre"),
    ]


def test_requirements_name_the_cuda_major_and_other_ones_are_left_out():
    texts = [
        "nvidia-cudnn-cu13==9.1; platform_system == 'Linux'",
        *("cuda-toolkit[cublas,nvjitlink]==13.0.3", "numpy", "a b c ;;"),
    ]
    found = source.requirement_rows("torch", "2.0", "2026-01-01", texts)
    assert [row["name"] for row in found] == ["nvidia-cudnn-cu13", "cuda-toolkit[cublas,nvjitlink]"]
    (nothing,) = source.requirement_rows("torch", "2.0", "2026-01-01", ["numpy"])
    assert nothing["name"] == ""


def test_a_build_is_read_without_being_run_and_what_it_no_longer_says_is_an_answer():
    text = "import os\nos.remove('x')\nbuild_info = {'cuda_version': '12', 'cuda_compute_capabilities': []}\n"
    rows_ = source.build_rows("tensorflow", "2.30.0", "2026-11-01", text)
    values = {row["key"].split()[1]: row["value"] for row in rows_}
    assert values["cuda_version"] == "12" and values["cuda_compute_capabilities"] == "none"
    assert values["cudnn_version"] == "key absent"
    assert {row["value"] for row in source.build_rows("torch", "3.0.0", "2026-11-01", None)} == {"key absent"}
    with pytest.raises(Violation, match="cannot be read"):
        source.build_rows("torch", "3.0.0", "2026-11-01", "cuda = (")


def test_a_recorded_lock_gives_one_wheel_a_package_and_the_bytes_of_the_route():
    lock = (Path(index.RECORDED) / "pylock.route.toml").read_text()
    route = source.registry()["routes"]["jax_linux"]
    found = source.route_rows("jax_linux", route, lock, "2026-11-26")
    assert len({row["package"] for row in found}) == len(found) >= 5
    assert {"jax", "jaxlib", "numpy"} <= {row["package"] for row in found}
    assert all(row["bytes"] > 1000 for row in found)
    with pytest.raises(Violation, match="has no wheel for windows_x86_64"):
        source.route_rows("x", route | {"platform": "windows_x86_64"}, lock, "")


def test_without_uv_the_routes_of_the_last_snapshot_stay_with_their_day(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "uv_command", lambda: None)
    with Loopback({NAME: index.service()}) as server:
        run = start(tmp_path, server, packages=["torchvision"], routes=True)
        assert refresh_source(run).outcome == "landed"
    notes = json.loads((run.latest().folder / "provenance.json").read_text())["notes"]
    assert "not resolved anew: uv is not installed" in notes
