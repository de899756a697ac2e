"""Environments of upkeep: named rightly, made only if asked, and an installer's refusal kept as an answer."""

import subprocess
import sys

import pytest

from reproductions.errors import SurveyError
from reproductions.upkeep import environments
from reproductions.upkeep.environments import Environments, NotInstallable


def test_registry_says_what_each_takes_and_why():
    for name, entry in environments.registry().items():
        assert entry["packages"] and entry["gib"] > 0 and entry["why"], name
        assert all("==" in package or "<" in package for package in entry["packages"]), name
        if entry.get("group") == "old_files":
            assert entry["makes"] in ("pytorch", "tensorflow") and entry["title"] and entry["pythons"]


def test_releases_of_a_side_have_an_age_each():
    old = [entry for entry in environments.registry().values() if entry.get("group") == "old_files"]
    for side in ("pytorch", "tensorflow"):
        ages = [entry["age"] for entry in old if entry["makes"] == side]
        assert len(ages) == len(set(ages)) > 1


def test_a_group_stands_for_its_members_and_a_given_interpreter_for_its_environment():
    asked = Environments(asked=("old_files",), given={"onnx": "/usr/bin/python3"})
    assert asked.wants("torch_1_8") and asked.wants("onnx") and not asked.wants("onnx2tf")
    assert asked.python("onnx") == "/usr/bin/python3"
    assert not Environments().wants("torch_1_8")


def test_a_misspelt_name_says_what_was_meant():
    with pytest.raises(SurveyError, match="did you mean 'onnx2torch'"):
        Environments(asked=("onnx2torhc",))


def test_what_cannot_be_installed_is_an_answer_and_leaves_nothing(tmp_path, monkeypatch):
    entry = {"packages": ["framework-survey-no-such-release==0"], "gib": 1, "why": "is a test", "common": False}
    monkeypatch.setattr(environments, "registry", lambda: {"none": entry})
    # pip itself is asked, with an empty folder in the place of any index.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    # Constraints of the machine have no say: with this one, pip would speak of a conflict instead.
    (tmp_path / "constraints.txt").write_text("framework-survey-no-such-release<=1\n")
    monkeypatch.setenv("PIP_CONSTRAINT", str(tmp_path / "constraints.txt"))
    with pytest.raises(NotInstallable, match="Could not find a version"):
        environments.make("none", tmp_path / "made")
    assert not list((tmp_path / "made").iterdir())


def test_installers_words_carry_no_address_and_no_endless_list():
    said = (
        "Looking in links: https://example.org/x\n"
        "ERROR: Could not find a version that satisfies the requirement torch==1.8.1 (from versions: 2.0, 2.1, 2.2)\n"
        "ERROR: No matching distribution found for torch==1.8.1\n"
    )
    words = environments.last_words(said)
    assert words.endswith("(from versions: 2.0 to 2.2)") and words.startswith("ERROR: Could not find")
    assert environments.last_words("ERROR: failed https://example.org/secret/simple") == "ERROR: failed ..."


def test_missing_modules_are_found_without_importing_them():
    assert environments.missing(sys.executable, ["json", "no_such_module_here"]) == ["no_such_module_here"]
    assert environments.missing("/no/such/python", ["json"]) == ["json"]


def test_an_interpreter_is_taken_only_if_it_is_what_it_says():
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert environments.interpreter([]) == environments.interpreter(["2.0", own]) == sys.executable
    found = environments.interpreter(["3.8", "3.9"])
    if found != sys.executable:
        ask = [found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        assert subprocess.run(ask, capture_output=True, text=True).stdout.strip() in ("3.8", "3.9")
