"""The workflow as a user meets it: plan, run without a network, nothing to do, report, resumption after a kill."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest
import yaml

from analysis.report import PAGE_BYTES
from tests.conftest import environment

pytestmark = pytest.mark.workflow
JOURNALS = "results/smoke/unfinished/*.jsonl"


@pytest.fixture(scope="session")
def smoke(project, snakemake, cache, offline):
    """A copy of the project in which ``snakemake --cores 2 smoke`` has run once, data cached, network taken away."""
    started = time.monotonic()
    done = snakemake(project, "--cores", 2, "smoke", "--config", f"cache={cache}", prefix=offline)
    return project, done.stdout, time.monotonic() - started


def again(cache):
    return ["--cores", 2, "smoke", "--config", f"cache={cache}"]


@pytest.mark.parametrize("name", ["config", "fashion_mnist", "gpu", "standard"])
def test_dry_run_with_every_config(root, project, snakemake, name):
    assert {path.stem for path in (root / "config").glob("*.yaml")} == {"config", "fashion_mnist", "gpu", "standard"}
    done = snakemake(project, "-n", "--configfile", f"config/{name}.yaml")
    assert "measure_workload" in done.stdout and "This was a dry-run" in done.stdout


def test_lint_is_clean(project, snakemake):
    assert "good condition" in snakemake(project, "--lint").stdout


def test_snakefile_stays_short_and_holds_no_function(root):
    lines = (root / "Snakefile").read_text().splitlines()
    assert len(lines) <= 50 and not any(line.startswith("def ") for line in lines)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("threads=two", "threads: 'two' is not of type integer"),
        ("thread=2", "thread: unknown key; did you mean 'threads'?"),
        ("preset=quik", "preset: 'quik' is not a preset of cnn_mnist; did you mean 'quick'?"),
    ],
)
def test_wrong_configuration_stops_with_one_clear_message(project, snakemake, setting, expected):
    done = snakemake(project, "-n", "--config", setting, check=False)
    assert done.returncode != 0 and expected in done.stdout and "Traceback" not in done.stdout


def test_wrong_key_in_a_file_names_the_file(project, snakemake, tmp_path):
    (tmp_path / "mine.yaml").write_text("devise: cpu\n")
    done = snakemake(project, "-n", "--configfile", tmp_path / "mine.yaml", check=False)
    assert "mine.yaml: devise: unknown key; did you mean 'device'?" in done.stdout


def test_bad_figures_row_stops_with_file_row_and_remedy_and_leaves_nothing(project, snakemake, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("results", "logs", ".snakemake"))
    table = folder / "data" / "adoption_figures.csv"
    lines = table.read_text().splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("conference_papers"))
    fields = next(csv.reader([lines[place]]))
    fields[4] = str(int(fields[5]) + 1)
    lines[place] = ",".join(fields)
    table.write_text("\n".join(lines) + "\n")
    done = snakemake(folder, "--cores", 1, "results/tables/adoption_shares.csv", check=False)
    assert done.returncode != 0
    assert f"adoption_figures.csv: row {place + 1}: count {fields[4]} exceeds total {fields[5]}" in done.stdout
    assert not list((folder / "results" / "tables").glob("*.csv"))


def test_smoke_run_makes_the_whole_chain_without_a_network(smoke):
    project, _, seconds = smoke
    results = project / "results" / "smoke"
    page = (results / "report" / "index.html").read_text()
    assert "<svg" in page and 100_000 < len(page.encode()) < PAGE_BYTES, "with the sets that have landed in it"
    figures = json.loads((results / "figures" / "figures.json").read_text())
    for figure in figures:
        for suffix in ("svg", "png", "csv"):
            least = 20 if suffix == "csv" else 100  # an absent panel has a head and no rows
            assert (results / "figures" / f"{figure['id']}.{suffix}").stat().st_size > least
    assert {path.stem for path in (results / "tables").glob("*.csv")} >= {
        "performance_ratios",
        "adoption_crossings",
        "parity",
    }
    print(f"smoke took {seconds:.0f} s")


def test_run_says_first_what_it_will_do_and_last_where_the_page_is(smoke):
    _, output, _ = smoke
    plan = output[output.index("This run will") : output.index("Estimated:")]
    assert (
        "he_2019" in plan and "retrieved 2026-" in plan and "cnn_mnist on mnist5k" in plan and "tensorflow-xla" in plan
    )
    closing = output[output.index("Page:") :].splitlines()[:3]
    assert closing[0].startswith("Page:     results/smoke/report/index.html")
    assert closing[1].startswith("Sources:") and "he_2019" in closing[1] and closing[2].startswith("Measured: on ")
    assert "block 1 of 20" in output and "left" in output


def test_every_measured_cell_passed_parity(smoke):
    project, _, _ = smoke
    for name in ("cnn_mnist", "gru_text"):
        with (project / "results/smoke/measurements" / f"{name}.csv").open() as handle:
            rows = list(csv.DictReader(handle))
        assert {row["status"] for row in rows} == {"ok"}
        checked = [row for row in rows if row["kind"] == "parity"]
        assert len(checked) == 10 and {row["parity"] for row in checked} == {"pass"}, checked


def test_second_run_does_nothing(smoke, snakemake, cache):
    project, _, _ = smoke
    assert "Nothing to be done" in snakemake(project, *again(cache)).stdout


def test_edited_figure_redraws_without_measuring(smoke, snakemake, cache):
    project, _, _ = smoke
    style = project / "analysis" / "style.py"
    text, stat = style.read_text(), style.stat()
    try:
        style.write_text(text + "\n# edited\n")
        planned = snakemake(project, "-n", *again(cache)).stdout
    finally:
        style.write_text(text)
        os.utime(style, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert "draw_figures" in planned and "measure_workload" not in planned and "check_parity" not in planned


def test_deleted_figure_brings_all_figures_and_the_page_again_the_same_without_measuring(smoke, snakemake, cache):
    project, _, _ = smoke
    results = project / "results" / "smoke"
    made = [results / "report" / "index.html", *(results / "figures").iterdir()]
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in made}
    (results / "figures" / "adoption_pypi.png").unlink()
    assert "Measuring" not in snakemake(project, *again(cache)).stdout
    assert not [path.name for path in made if path.read_bytes() != before[path][0]]
    assert all(path.stat().st_mtime_ns > before[path][1] for path in made), "each was written again"


def test_snakemake_report_builds(smoke, snakemake, cache):
    project, _, _ = smoke
    snakemake(project, "smoke", "--report", "report.zip", "--config", f"cache={cache}")
    assert (project / "report.zip").stat().st_size > 100_000


def test_a_set_dropped_in_is_on_the_page_without_measuring(smoke, snakemake, cache, tmp_path):
    project, _, _ = smoke
    landed = project / "data" / "measurements"
    if landed.exists():  # the project's own sets step aside, so that the rows are those of this test
        shutil.move(landed, tmp_path / "kept")
    export = [sys.executable, "-m", "reproductions", "export", "--results", "results/smoke", "--out", str(landed)]
    subprocess.run(export, cwd=project, check=True, env=environment(project))
    try:
        done = snakemake(project, *again(cache)).stdout
        assert "Turning measurements into ratios" in done and "Measuring" not in done
        with (project / "results/smoke/tables/performance_machines.csv").open() as handle:
            assert [row["origin"] for row in csv.DictReader(handle)] == ["this run", "contributed"]
        assert "contributed" in (project / "results/smoke/report/index.html").read_text()
        assert "Nothing to be done" in snakemake(project, *again(cache)).stdout
        (broken,) = landed.glob("*/performance/cnn_mnist.csv")
        broken.write_text(broken.read_text().replace(",ok,", ",fine,"))
        refused = snakemake(project, *again(cache), check=False)
        assert refused.returncode != 0 and "performance/cnn_mnist.csv: row 2: status: 'fine'" in refused.stdout
    finally:  # the page without the set is drawn by the next run, which is that of the next test
        shutil.rmtree(landed)
        if (tmp_path / "kept").exists():
            shutil.move(tmp_path / "kept", landed)


def start(folder, cache, *targets):
    arguments = [sys.executable, "-m", "snakemake", "--cores", "2", *targets, "--config", f"cache={cache}"]
    return subprocess.Popen(
        arguments,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(folder),
        start_new_session=True,
    )


def journalled(folder):
    return [
        json.loads(line)
        for path in folder.glob(JOURNALS)
        for line in path.read_bytes().splitlines(keepends=True)
        if line.endswith(b"\n")
    ]


def wait_for(condition, seconds=240, every_s=0.2):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what the test waits for did not happen"
        time.sleep(every_s)


def test_killed_measurement_resumes_and_a_second_run_meanwhile_is_refused(smoke, snakemake, cache):
    project, _, _ = smoke
    measured = project / "results/smoke/measurements/gru_text.csv"
    measured.unlink()
    running = start(project, cache, "smoke")
    wait_for(lambda: sum(row["kind"] == "block" for row in journalled(project)) >= 3, every_s=0.02)
    (measuring,) = [
        process
        for process in psutil.Process(running.pid).children(recursive=True)
        if process.cmdline()[1:4] == ["-m", "reproductions", "measure"]
    ]
    measuring.suspend()  # the smoke preset is over in seconds on a fast machine: hold it where it stands
    second = snakemake(project, *again(cache), check=False)
    assert second.returncode != 0 and "another run is working in this folder" in second.stdout
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    time.sleep(1.5)
    measuring.resume()
    measuring.wait(timeout=30)  # it ends by itself once the workflow is gone
    finished = journalled(project)
    time.sleep(2)
    assert journalled(project) == finished and not measured.exists()
    done = snakemake(project, *again(cache))
    assert "resuming," in done.stdout and "Page:" in done.stdout
    with measured.open() as handle:
        rows = list(csv.DictReader(handle))
    assert [row["session"] for row in rows[: len(finished)]] == [row["session"] for row in finished]
    blocks = [(row["round"], row["phase"], row["framework"], row["mode"]) for row in rows if row["kind"] == "block"]
    assert len(blocks) == len(set(blocks)) == 20
    assert "Nothing to be done" in snakemake(project, *again(cache)).stdout


def test_full_disk_while_the_page_is_written_keeps_the_old_one(smoke, tmp_path):
    project, _, _ = smoke
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("this system does not allow a small file system to be mounted, so no disk can be filled")
    try:
        results = disk / "results"
        (results / "report").mkdir(parents=True)
        (results / "report" / "index.html").write_text("old")
        for name in ("tables", "figures"):
            (results / name).symlink_to(project / "results" / "smoke" / name)
        (results / "machine.json").symlink_to(project / "results" / "smoke" / "machine.json")
        (disk / "filler").write_bytes(b"x" * 900_000)
        done = subprocess.run(
            [sys.executable, "-m", "analysis", "report", "--out", str(results)],
            cwd=project,
            capture_output=True,
            text=True,
            env=environment(project),
        )
        assert done.returncode == 2 and "no space left" in done.stderr and "Traceback" not in done.stderr, done.stderr
        assert (results / "report" / "index.html").read_text() == "old"
        assert [path.name for path in (results / "report").iterdir()] == ["index.html"]
    finally:
        subprocess.run(["umount", disk], check=True)


def test_readme_rule_graph_is_the_workflows(root, project, snakemake):
    graph = snakemake(project, "--rulegraph", "mermaid-js", "--quiet", "all").stdout
    rules = {
        line.split("[")[1].split("]")[0].strip('"') for line in graph.splitlines() if "[" in line and "-->" not in line
    }
    readme = (root / "README.md").read_text()
    drawn = readme[readme.index("```mermaid") :]
    for rule in rules - {"all"}:
        assert rule.split("<")[0].strip() in drawn, rule


def test_profile_caps_the_bench_slot(root):
    profile = yaml.safe_load((root / "profiles/default/config.yaml").read_text())
    assert "bench_slot=1" in profile["resources"]
