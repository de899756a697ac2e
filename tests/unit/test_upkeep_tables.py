"""Upkeep's tables: cadence, keeping up, first wheels, runway and accelerators from small made-up releases."""

from datetime import date

import pandas as pd
import pytest

from analysis import upkeep
from analysis.adoption_data import read_rows
from analysis.sources.package_index import registry
from reproductions.errors import SurveyError
from tests.upkeep_fixtures import write_measurements

READ = "2026-11-26"
LIFE = [
    {"python": "3.12", "first_release": "2023-10-02", "end_of_life": "2028-10-31", "source": "https://x.example"},
    {"python": "3.14", "first_release": "2025-10-07", "end_of_life": "2030-10-31", "source": "https://x.example"},
]


def release(package, version, day, pythons="3.12", platforms="linux_x86_64", stage="final"):
    row = {"package": package, "version": version, "day": day, "pythons": pythons, "platforms": platforms}
    return row | {"stage": stage, "linux_tag": "2.28", "requires_python": ">=3.10"}


def need(package, version, name, specifier, extra=""):
    return {"package": package, "version": version, "day": READ, "name": name, "extra": extra, "specifier": specifier}


def made(releases, requirements=(), wheels=(), **more):
    rows = {"releases": list(releases), "requirements": list(requirements), "wheels": list(wheels)}
    return upkeep.tables(upkeep.Counted(READ, rows, {"python_life": LIFE} | more))


TORCH = [
    release("torch", "2.13.0", "2026-07-08", platforms="linux_x86_64 macos_x86_64"),
    release("torch", "2.13.1", "2026-08-01", platforms="linux_x86_64 macos_x86_64"),
    release("torch", "2.14.0", "2026-09-02", "3.12 3.14"),
    release("torch", "2.15.0", "2026-10-28", "3.12 3.14"),
]


def row_of(frame, **where):
    for name, value in where.items():
        frame = frame[frame[name] == value]
    (found,) = frame.to_dict("records")
    return found


def test_gaps_run_from_minor_to_minor_and_patches_are_counted_apart():
    table = made(TORCH)["upkeep_minors"]
    assert list(table["gap_days"])[1:] == [56, 56] and list(table["patches"]) == [1, 0, 0]
    assert row_of(made(TORCH)["upkeep_packages"], package="torch")["gap_days"] == 56


@pytest.mark.parametrize(
    ("specifier", "admits", "behind", "state"),
    [
        ("==2.15.0", "2.15.0", 0, "admits the newest"),
        (">=2.0", "2.15.0", 0, "admits the newest, sets no bound"),
        ("<2.14", "2.13.1", (date(2026, 11, 26) - date(2026, 9, 2)).days, "shuts newer ones out"),
        ("==1.0", None, None, "admits none that is served"),
    ],
)
def test_a_satellite_is_behind_since_the_first_release_that_it_shuts_out(specifier, admits, behind, state):
    own = release("torchvision", "0.1", "2026-08-01")
    found = made([*TORCH, own], [need("torchvision", "0.1", "torch", specifier)])["upkeep_packages"]
    row = row_of(found.astype(object).where(found.notna(), None), package="torchvision")
    assert (row["admits"], row["behind_days"], row["state"]) == (admits, behind, state)


def test_minors_that_still_wait_for_a_satellite_are_no_lag():
    own = [release("torchvision", "0.1", "2026-07-01"), release("torchvision", "0.2", "2026-07-18")]
    told = [need("torchvision", "0.2", "", "")]
    row = row_of(made([*TORCH, *own], told)["upkeep_packages"], package="torchvision")
    assert (row["lag_days"], row["lag_minors"], row["lag_waiting"]) == (10, 3, 2)
    assert row["state"] == "names no release of it"


def test_first_wheels_and_the_wait_that_is_not_over():
    wheel = {"package": "torch", "platform": "linux_x86_64", "first_version": "2.14.0", "first_day": "2025-11-06"}
    wheels = [wheel | {"python": "3.14"}, wheel | {"python": "3.12", "first_day": "2023-10-12"}]
    late = [wheel | {"package": "tensorflow", "python": "3.12", "first_day": "2023-11-01"}]
    releases = [*TORCH, release("tensorflow", "2.21.0", "2026-03-06")]
    table = made(releases, wheels=wheels + late)["upkeep_pythons"]
    assert row_of(table, package="torch", python="Python 3.14")["days"] == 30
    waiting = row_of(table, package="tensorflow", python="Python 3.14")
    assert waiting["state"] == "none yet" and waiting["days"] == (date(2026, 11, 26) - date(2025, 10, 7)).days


def test_runway_ends_with_python_and_platforms_that_are_gone_say_since_when():
    tables = made(TORCH)
    row = row_of(tables["upkeep_versions"], version="2.13.1")
    assert row["newest_python"] == "Python 3.12" and row["python_ends"] == "2028-10-31"
    assert row["days_left"] == (date(2028, 10, 31) - date(2026, 11, 26)).days
    assert row["platforms_gone"] == "macOS x86-64"
    gone = row_of(tables["upkeep_runway"], version="2.13.1", what="macOS x86-64")
    assert gone["state"] == "gone" and gone["served_until"] == "2026-09-02"


def test_cuda_majors_come_from_requirements_and_silence_is_an_answer():
    needs = [
        need("torch", "2.13.0", "nvidia-cudnn-cu12", "==9"),
        need("torch", "2.14.0", "cuda-toolkit[cublas]", "==13.0.3"),
        need("torch", "2.15.0", "", ""),
        need("jax", "0.9.0", "jax-cuda12-plugin[with-cuda]", "", "cuda12"),
    ]
    counted = upkeep.Counted(READ, {"requirements": needs})
    assert upkeep.cuda_majors(counted, "torch") == {(2, 13): ["12"], (2, 14): ["13"], (2, 15): []}
    assert upkeep.cuda_majors(counted, "jax") == {(0, 9): ["12"]}
    values = made(TORCH, needs)["upkeep_accelerators"]["value"]
    assert list(values)[:3] == ["CUDA 12", "CUDA 13", "named in no requirement"]


def test_builds_that_say_the_same_as_the_minor_before_are_not_listed_again():
    def build(version, value):
        key = "tensorflow/python/platform/build_info.py cuda_compute_capabilities"
        return {"package": "tensorflow", "version": version, "day": READ, "key": key, "value": value}

    told = [
        build("2.22.0rc0", "key absent"),
        build("2.20.0", "sm_60"),
        build("2.19.0", "sm_60"),
        build("2.21.0", "sm_60"),
    ]
    releases = [release("tensorflow", "2.21.0", "2026-03-06")]
    counted = upkeep.Counted(READ, {"releases": releases, "builds": told}, {"python_life": LIFE})
    frame = upkeep.tables(counted)["upkeep_accelerators"]
    rows = frame[frame["what"] == "GPU architectures in the Linux wheel"]
    assert list(rows["version"]) == ["2.19.0", "2.20.0", "2.21.0", "2.22.0rc0"]
    assert list(rows["shown"]) == ["yes", "no", "no", "yes"] and set(rows["basis"]) == {"metadata"}


@pytest.mark.parametrize("landed", [False, True])
def test_a_cited_build_stands_until_the_wheel_itself_was_read(landed):
    about = {"package": "tensorflow", "version": "2.21.0", "day": "2026-03-06"}
    cited = {"side": "tensorflow", "what": "CUDA version in the Linux wheel", "value": "12.5.1"} | about
    cited |= {"source": "a table", "read": READ}
    told = [about | {"key": "tensorflow/python/platform/build_info.py cuda_version", "value": "12.5.1"}]
    counted = upkeep.Counted(
        READ,
        {"releases": [release("tensorflow", "2.21.0", "2026-03-06")], "builds": told if landed else []},
        {"python_life": LIFE, "accelerators": [cited]},
    )
    frame = upkeep.tables(counted)["upkeep_accelerators"]
    (basis,) = frame.loc[frame["what"] == cited["what"], "basis"]
    assert basis == ("metadata" if landed else "cited")


def test_nothing_landed_gives_every_table_without_a_row(tmp_path, root):
    made = upkeep.write_tables(tmp_path, tmp_path, root / "data", root / "workflow" / "schemas", tmp_path / "out")
    assert set(made) == set(upkeep.COLUMNS)
    assert made["upkeep_packages"].empty and len(made["upkeep_removals"])


def test_a_faulty_row_of_a_machine_is_named(tmp_path, root):
    path = tmp_path / "some-machine" / "upkeep_builds.csv"
    path.parent.mkdir()
    path.write_text(
        "machine,date,side,package,version,what,value,asked,command,status,note\n"
        "another,2026-11-26,pytorch,torch,2.13.0,CUDA version,none,torch.version.cuda,"
        "python -m reproductions upkeep builds,ok,\n"
    )
    with pytest.raises(SurveyError, match="lies in the folder of some-machine"):
        upkeep.read(tmp_path, tmp_path, root / "data", root / "workflow" / "schemas")


def test_the_landed_snapshot_covers_the_registry(root):
    data = root / "data"
    counted = upkeep.read(data / "snapshots", data / "measurements", data, root / "workflow" / "schemas")
    frame = upkeep.tables(counted)["upkeep_packages"]
    assert set(frame["package"]) == set(registry()["packages"])
    assert frame["read"].nunique() == 1 and (frame["age_days"] >= 0).all()


def test_every_row_says_its_day_what_it_rests_on_and_the_command(root, tmp_path):
    data = root / "data"
    measured = write_measurements(tmp_path)
    tables = upkeep.tables(upkeep.read(data / "snapshots", measured, data, root / "workflow" / "schemas"))
    for name, frame in tables.items():
        days = frame[next(column for column in ("date", "read", "resolved") if column in frame)]
        assert days.astype(str).str.fullmatch(r"\d{4}-\d\d-\d\d").all(), name
        assert set(frame["basis"]) <= {"metadata", "cited", "run", "not run"}, name
        made = frame[(frame["basis"] != "cited")]
        assert made["command"].astype(str).str.startswith("python -m ").all(), name
    assert set(tables["upkeep_moving"]["basis"]) == {"run", "not run"}


def test_a_removal_that_was_not_read_is_not_published(root):
    rows = [
        {"day": "2026", "side": "pytorch", "who": who, "what": "x", "state": state, "source": "https://x.example"}
        for who, state in (("A", "read"), ("B", "unverified"))
    ]
    (row,) = made([], removals=rows)["upkeep_removals"].to_dict("records")
    assert (row["who"], row["basis"]) == ("A", "cited")
    published, _ = read_rows(root / "data" / "removals.csv", root / "workflow" / "schemas" / "removals.schema.yaml")
    assert all(row["read"] for _, row in published if row["state"] == upkeep.PUBLISHED)


def test_a_removal_that_was_read_without_a_day_is_named(tmp_path, root):
    for name in upkeep.CURATED:
        text = (root / "data" / f"{name}.csv").read_text("utf-8")
        row = "2026,pytorch,A,dropped it,read,https://x.example,,\n" if name == "removals" else ""
        (tmp_path / f"{name}.csv").write_text(text + row, encoding="utf-8")
    with pytest.raises(SurveyError, match=r"removals\.csv: row \d+: read: empty, although the state is read"):
        upkeep.read(tmp_path, tmp_path, tmp_path, root / "workflow" / "schemas")


def test_registry_names_only_packages_that_it_holds():
    packages = registry()["packages"]
    for name, entry in packages.items():
        assert entry.get("follows", name) in packages and entry.get("wheels", name) in packages
        assert entry["side"] in upkeep.SIDES and entry["kind"]


def test_a_move_says_its_direction_and_the_share_of_parameters_that_train(tmp_path, root):
    from tests.upkeep_fixtures import write_measurements

    data = root / "data"
    counted = upkeep.read(tmp_path / "none", write_measurements(tmp_path), data, root / "workflow" / "schemas")
    made = upkeep.tables(counted)
    row = row_of(made["upkeep_moving"], route="onnx2torch")
    assert row["direction"] == "TensorFlow to PyTorch" and row["kept"] == 0.006
    assert len(made["upkeep_defaults"]) == 3 and len(made["upkeep_old_files"]) == 3


def test_effects_of_defaults_are_drawn_with_what_is_settled(tmp_path, root):
    from analysis.figures import upkeep_defaults
    from tests.upkeep_fixtures import write_measurements

    counted = upkeep.read(tmp_path / "none", write_measurements(tmp_path), root / "data", root / "workflow" / "schemas")
    drawing = upkeep_defaults.make(upkeep.tables(counted))
    assert drawing.title == "1 of 2 defaults change accuracy here" and len(drawing.data) == 2
    assert "adam epsilon -1.00 points (-1.50 to -0.50)" in drawing.finding.answer
    empty = upkeep_defaults.make({"upkeep_defaults": upkeep.tables(counted)["upkeep_defaults"].head(0)})
    assert "snakemake" in empty.limits and not empty.finding


def old_files(*rows):
    """Return a table of old files: (maker, kind, network, loader, way, outcome) each."""
    names = ("maker", "kind", "network", "loader", "way", "outcome")
    common = {"machine": "m", "date": "2026-01-02", "side": "tensorflow", "status": "ok", "note": ""}
    made = [common | dict(zip(names, row, strict=True)) for row in rows]
    for row in made:
        row |= {"title": row["kind"], "saved_by": f"tensorflow 2.1+x, keras {row['maker']}"}
        row |= {"loaded_by": f"tensorflow 2.2, keras {row['loader']}"}
    return pd.DataFrame(made)


def test_an_old_file_opens_as_well_as_the_worse_of_its_networks():
    from analysis.figures import upkeep_old_files

    table = old_files(
        ("old", "h5", "dense", "today", "load", "same"),
        ("old", "h5", "dense", "today", "weights", "same"),
        ("old", "h5", "recurrent", "today", "load", "fails"),
        ("old", "h5", "recurrent", "today", "weights", "same"),
        ("old", "saved", "dense", "today", "load", "same"),
        ("old", "saved", "recurrent", "today", "load", "differs"),
        ("today", "saved", "dense", "today", "load", "fails"),
        ("today", "saved", "recurrent", "today", "load", "fails"),
        ("today", "h5", "dense", "today", "load", "same"),
        ("today", "h5", "recurrent", "today", "load", "same"),
    )
    drawing = upkeep_old_files.make({"upkeep_old_files": table})
    assert drawing.data["opens"].tolist() == ["another way", "one network only", "not at all", "as it is"]
    assert drawing.title == "0 of 2 old files open today as they are"
    assert "1 another way, 1 one network only" in drawing.finding.answer
    assert upkeep_old_files.release("tensorflow 2.15.1+cpu, keras 2.15.0") == "Keras 2.15.0 on TensorFlow 2.15.1"


def test_old_files_say_what_was_not_installed_and_what_was_not_opened():
    from analysis.figures import upkeep_old_files

    table = old_files(("today", "h5", "dense", "today", "load", "same"))
    waiting = {"maker": "old", "saved_by": "Keras 2", "status": "not_run", "kind": "all", "side": "tensorflow"}
    gone = {"maker": "older", "saved_by": "Keras 1", "status": "not_installable", "kind": "all", "side": "tensorflow"}
    about = {"machine": "m", "date": "2026-01-02"}
    table = pd.concat([table, pd.DataFrame([about | waiting, about | gone])], ignore_index=True)
    drawing = upkeep_old_files.make({"upkeep_old_files": table})
    assert "Keras 2: not measured here" in drawing.limits and "Keras 1 could not be installed here" in drawing.limits
    assert drawing.title == "Only files of today's releases were opened" and drawing.finding is None
    elsewhere = old_files(("old", "h5", "dense", "today", "load", "same")).assign(machine="n", date="2026-01-01")
    both = upkeep_old_files.make({"upkeep_old_files": pd.concat([elsewhere, table], ignore_index=True)})
    assert set(both.data["machine"]) == {"n"}, "a later machine without old releases has less to show"
    empty = upkeep_old_files.make({"upkeep_old_files": table.head(0)})
    assert "snakemake" in empty.limits and not empty.finding and len(empty.description.split()) >= 40
