"""Two sets beside each other: what changed, what only one holds, and nothing declared inside the noise."""

from __future__ import annotations

import io
import json

import pandas as pd
import pytest

from analysis import comparing
from reproductions import __main__ as cli
from reproductions import contributions
from reproductions.errors import SurveyError
from tests.measured_fixtures import CARD, rows, write_results


def written(folder, table, **options):
    return write_results(folder, table, **options)


@pytest.fixture(scope="module")
def base():
    return rows(workloads=("cnn_mnist",), sweep=False)


def cells(found):
    return [change for change in found.changes if change.kind == "cell"]


def test_the_same_twice_shows_no_change(base, tmp_path):
    again = rows(workloads=("cnn_mnist",), sweep=False, seed=9)
    found = comparing.compare(written(tmp_path / "a", base), written(tmp_path / "b", again))
    assert {change.words for change in cells(found)} <= {"practically equal", "no change shown"}
    assert not found.only and not [name for name in found.differences if name.startswith(("machine", "version"))]


def test_a_slower_framework_is_named_and_the_other_is_not(base, tmp_path):
    slow = base.copy()
    hit = slow["framework"] == "tensorflow"
    slow.loc[hit, ["wall_ms", "cpu_ms"]] *= 1.4
    found = comparing.compare(written(tmp_path / "a", base), written(tmp_path / "b", slow))
    said = {change.what: change for change in cells(found) if change.phase == "train" and change.environment == "tuned"}
    assert said["tensorflow-xla"].words == "B slower" and said["tensorflow-xla"].low < 1.4 < said["tensorflow-xla"].high
    assert said["pytorch-eager"].words in {"practically equal", "no change shown"}
    moved = [change for change in found.changes if change.kind == "ratio"]
    assert {change.words for change in moved} == {"moved towards PyTorch"}


def test_noise_alone_is_no_change(base, tmp_path):
    loud = rows(workloads=("cnn_mnist",), sweep=False, noise=0.8, rounds=4, seed=4)
    found = comparing.compare(written(tmp_path / "a", base), written(tmp_path / "b", loud))
    assert sum(change.words.startswith("B ") for change in cells(found)) <= 3, "5 % of the intervals may miss"


def test_one_restart_gives_no_interval(base, tmp_path):
    short = base[base["restart"] == 0]
    found = comparing.compare(written(tmp_path / "a", base), written(tmp_path / "b", short))
    assert {change.words for change in found.changes} == {"no interval"}


def test_what_one_side_alone_holds_is_listed(base, tmp_path):
    fewer = base[base["mode"] != "xla"]
    found = comparing.compare(written(tmp_path / "a", base), written(tmp_path / "b", fewer))
    assert {side for side, _ in found.only} == {"A"} and all(what.endswith("tensorflow-xla") for _, what in found.only)


def test_machines_versions_and_profiles_that_differ_are_told(base, tmp_path):
    other = base.assign(machine="other-8c-ffffff")
    other.loc[other["framework"] == "pytorch", "version"] = "2.14.0"
    folders = [
        written(tmp_path / "a", base),
        written(tmp_path / "b", other, card=CARD | {"processor": "Another CPU"}),
    ]
    sets = [contributions.export(folder, tmp_path / "sets") for folder in folders]
    about = json.loads((sets[1] / "environment.json").read_text())
    about["profiles"]["tuned"]["OMP_WAIT_POLICY"] = "ACTIVE"
    (sets[1] / "environment.json").write_text(json.dumps(about))
    told = comparing.compare(*sets).differences
    assert told["machine: processor"] == ("Example CPU", "Another CPU")
    assert told["version: pytorch"] == ("2.13.0", "2.14.0")
    assert told["profile tuned: OMP_WAIT_POLICY"] == ("PASSIVE", "ACTIVE")


@pytest.mark.parametrize("form", ["text", "json", "csv"])
def test_every_form_holds_every_cell(base, tmp_path, capsys, form):
    folders = [str(written(tmp_path / name, base)) for name in ("a", "b")]
    assert cli.main(["compare", *folders, "--format", form]) == 0
    said = capsys.readouterr().out
    count = len(comparing.compare(*folders).changes)
    if form == "json":
        assert len(json.loads(said)["changes"]) == count
    elif form == "csv":
        assert len(pd.read_csv(io.StringIO(said))) == count
    else:
        assert sum(" cpu " in line for line in said.splitlines()) == count and "nothing" in said


def test_a_folder_of_another_kind_is_refused(tmp_path):
    with pytest.raises(SurveyError, match="neither performance/"):
        comparing.compare(tmp_path, tmp_path)
