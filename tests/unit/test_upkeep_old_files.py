"""Old files without a framework: what is opened by what, outcomes and ways out."""

import json
import sys
from types import SimpleNamespace

import pytest

from reproductions.upkeep.environments import Environments, NotInstallable
from reproductions.upkeep.old_files import discover, measure
from reproductions.upkeep.old_files.measure import Options, Release

KIND = {
    "title": "File",
    "side": "pytorch",
    "documented": "https://example.org",
    "ways": {"load": "load(path)", "all": "all(path)"},
}
MODULES = {"file": SimpleNamespace(KIND=KIND, __file__="file.py")}
OLD = Release("old", "Old 1", "pytorch", 1, loads=False, python="python")
NEW = Release("today", "today's", "pytorch", float("inf"), loads=True, python="python")


def rows(*answers, saved=None, found=(OLD, NEW)):
    key = ("pytorch", "old", "file", "dense")
    made = {key: saved or {"outputs": [[1.0]], "version": "torch 1"}}
    opened = [{"key": key, "loader": "today", "version": "torch 2", **answer} for answer in answers]
    return measure.tabulate(MODULES, found, made, opened)


def test_outcomes_follow_from_the_outputs():
    same, other = rows({"way": "load", "outputs": [[1.0 + 1e-7]]}, {"way": "all", "outputs": [[1.1]]})
    assert (same["outcome"], other["outcome"]) == ("same", "differs") and other["difference"] == pytest.approx(0.1)
    assert same["saved_by"] == "torch 1" and same["loaded_by"] == "torch 2" and same["way"] == "load(path)"


def test_a_failure_keeps_its_message_and_names_the_way_out():
    failed, _ = rows(
        {"way": "load", "error": "UnpicklingError: /tmp/x/model.pt no"}, {"way": "all", "outputs": [[1.0]]}
    )
    assert failed["outcome"] == "fails" and failed["message"] == "UnpicklingError: model.pt no"
    assert failed["way_out"] == "all(path) in torch 2"
    (alone,) = rows({"way": "load", "error": "UnpicklingError: no"})
    assert alone["way_out"] is None


def test_what_was_not_made_or_not_installed_is_a_row():
    (made,) = rows(saved={"error": "ValueError: unknown format", "version": "torch 1"})
    assert made["status"] == "not_made" and made["note"] == "ValueError: unknown format"
    missing = Release("old", "Old 1", "pytorch", 1, False, status="not_installable", note="ERROR: no matching")
    (absent,) = measure.tabulate(MODULES, [missing], {}, [])
    assert (absent["status"], absent["note"], absent["kind"]) == ("not_installable", "ERROR: no matching", "all")


def test_without_being_asked_no_old_release_is_installed(monkeypatch):
    monkeypatch.setattr(Environments, "python", lambda *given: pytest.fail("an environment was made"))
    found = measure.releases({"pytorch", "tensorflow"}, Options())
    assert {release.status for release in found if release.id != "today"} == {"not_run"}
    assert [release.id for release in found if release.status == "ok"] == ["today", "today"]
    assert all("old_files" in release.note for release in found if release.status == "not_run")


def test_a_release_that_cannot_be_installed_keeps_the_installers_words(monkeypatch):
    def refuse(self, name):
        raise NotInstallable("ERROR: Could not find a version")

    monkeypatch.setattr(Environments, "python", refuse)
    found = measure.releases({"pytorch"}, Options(environments=Environments(asked=("old_files",))))
    assert {release.status for release in found} == {"not_installable", "ok"}


def test_a_release_opens_older_files_and_none_that_is_newer(monkeypatch):
    asked = []
    monkeypatch.setattr(measure, "_ask", lambda release, tasks, options: asked.extend(tasks) or [{} for _ in tasks])
    middle = Release("middle", "Middle", "pytorch", 2, loads=True, python="python")
    made = {("pytorch", name, "file", "dense"): {"outputs": [1], "folder": "."} for name in ("old", "today")}
    measure._open(middle, MODULES, made, [OLD, middle, NEW], Options())
    assert {task["key"][1] for task in asked} == {"old"} and len(asked) == len(KIND["ways"])


def test_a_killed_run_goes_on_behind_the_last_whole_release(tmp_path, monkeypatch):
    asked = []

    def ask(release, tasks, options):
        asked.append((release.id, tasks[0]["do"]))
        if len(asked) == 3:
            raise KeyboardInterrupt
        return [{"outputs": [[1.0]], "version": f"torch {release.id}"} for _ in tasks]

    monkeypatch.setattr(measure, "discover", lambda: MODULES)
    monkeypatch.setattr(measure, "releases", lambda sides, options: [OLD, NEW])
    monkeypatch.setattr(measure, "_ask", ask)
    with pytest.raises(KeyboardInterrupt):
        measure.measure(tmp_path, Options(networks=("dense",)))
    rows = measure.measure(tmp_path, Options(networks=("dense",), flags=("--extra", "old_files")))
    assert asked == [("old", "save"), ("today", "save"), ("today", "load"), ("today", "load")]
    assert {row["outcome"] for row in rows} == {"same"} and {row["saved_by"] for row in rows} == {
        "torch old",
        "torch today",
    }
    assert {row["command"] for row in rows} == {"python -m reproductions upkeep old_files file --extra old_files"}
    assert not list((tmp_path / "unfinished").iterdir()), "what is whole leaves neither journal nor files"


def test_a_process_that_dies_takes_one_file_along(tmp_path):
    kind = tmp_path / "kind.py"
    kind.write_text(
        "import os\n"
        "def save(network, folder):\n    return [1]\n"
        "def load(way, network, folder):\n    os._exit(7) if way == 'die' else None\n    return [1]\n"
    )
    (tmp_path / "torch.py").write_text("__version__ = '0'\n")
    runner = tmp_path / "runner.py"
    runner.write_text(measure.RUNNER.read_text())
    tasks = [
        {"do": "load", "kind": str(kind), "way": way, "network": "dense", "folder": "."} for way in ("a", "die", "b")
    ]
    release = Release("own", "own", "pytorch", 1, loads=True, python=sys.executable)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "RUNNER", runner)
        answers = measure._ask(release, tasks, Options())
    assert [("outputs" in answer, "ended" in answer.get("error", "")) for answer in answers] == [
        (True, False),
        (False, True),
        (True, False),
    ]


def test_every_kind_is_one_file_that_says_how_it_is_opened():
    for name, module in discover().items():
        assert module.KIND["side"] in measure.SIDES and module.KIND["ways"], name
        assert callable(module.save) and callable(module.load) and json.dumps(module.KIND)


def test_the_version_is_that_of_the_keras_which_tensorflow_names(monkeypatch):
    from reproductions.upkeep.old_files import models

    silent = SimpleNamespace(keras=SimpleNamespace())
    for name, module in {"tensorflow": silent, "keras": SimpleNamespace(__version__="3.1"),
                         "tf_keras": SimpleNamespace(__version__="2.9")}.items():  # fmt: skip
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delenv("TF_USE_LEGACY_KERAS", raising=False)
    assert models.keras_version() == "3.1" and models.keras_major() == 3
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    assert models.keras_version() == "2.9" and models.keras_major() == 2
