"""The refresh through the real workflow against the loopback server: plan, one source down, resumption, holding."""

import csv
import shutil
from datetime import timedelta

import numpy as np
import pytest

from tests.loopback import faults, papers, survey
from tests.loopback.faults import Fault, Faulty, Storm
from tests.loopback.services import pwc_archive

pytestmark = pytest.mark.workflow
QUERY, OAI, ARCHIVE = "arxiv_query", "arxiv_oai", "pwc_archive"
SOURCES = (QUERY, OAI, ARCHIVE)
FIRST, SECOND = papers.DAY, papers.DAY + timedelta(days=1)


@pytest.fixture(scope="module")
def bench(project, tmp_path_factory):
    """A copy of the project without results, a server whose query API is down, and a folder for cache and snapshots."""
    folder = tmp_path_factory.mktemp("refresh")
    copy = folder / "project"
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("results", "logs", ".snakemake"))
    storm = Storm(0, [])
    with Faulty(survey.serve(0, SOURCES), storm) as server, pytest.MonkeyPatch.context() as patch:
        survey.write(survey.configuration(server, folder, SOURCES), folder)
        for name, value in survey.environment(folder, FIRST).items():
            patch.setenv(name, value)
        yield copy, folder, server, patch


def down(source):
    return Fault(source, faults.named("503 first byte timeout"), None, np.inf)


def refresh(snakemake, bench, *more, check=True):
    copy, folder, server, _ = bench
    server.log.clear()
    arguments = ["--cores", 8, "refresh", "--configfile", folder / "survey.yaml", *more]
    return snakemake(copy, *arguments, check=check, timeout=300)


def right(folder, source):
    return not survey.differences(survey.landed(folder, source), survey.modules()[source].truth(0))


def test_plan_first_then_every_source_but_the_one_that_is_down(bench, snakemake):
    _, folder, server, _ = bench
    server.fault.faults.append(down(QUERY))
    done = refresh(snakemake, bench, check=False)
    plan, begun = done.stdout.index("This run will ask"), done.stdout.index("Refreshing ")
    asked = done.stdout[plan:begun]
    assert plan < begun and all(name in asked for name in SOURCES) and "Together" in asked and "minutes" in asked
    assert "transformers_wheels" not in asked
    assert done.returncode != 0
    assert "1 of 3 sources failed and keep their old date: arxiv_query" in done.stdout
    assert "status 503" in done.stdout and "run the same command again later" in done.stdout
    assert right(folder, OAI) and right(folder, ARCHIVE) and survey.landed(folder, QUERY) is None


def test_the_next_run_asks_only_what_failed_and_the_one_after_it_nothing(bench, snakemake):
    _, folder, server, _ = bench
    server.fault.faults.clear()
    done = refresh(snakemake, bench)
    assert {request.service for request in server.log} == {QUERY} and right(folder, QUERY)
    assert "arxiv_query: landed (snapshot 2024-04-12" in done.stdout
    assert "Nothing to be done" in refresh(snakemake, bench).stdout and not server.log


def test_on_another_day_a_failed_source_stands_at_its_old_date_and_a_large_change_is_held(bench, snakemake):
    copy, folder, server, patch = bench
    patch.setenv("SURVEY_DAY", SECOND.isoformat())
    survey.age(folder, QUERY, FIRST)
    server.fault.faults.append(down(QUERY))
    revision = _shrink_archive(folder, server)
    done = refresh(snakemake, bench, check=False)
    assert done.returncode != 0 and "2 of 3 sources failed and keep their old date" in done.stdout
    assert "pwc_archive: held (snapshot 2024-04-12" in done.stdout
    assert "run again with --config accept=pwc_archive" in done.stdout
    arguments = ["--cores", 2, "results/tables/refresh.csv", "--configfile", folder / "survey.yaml"]
    snakemake(copy, *arguments, timeout=300)
    with (copy / "results/tables/refresh.csv").open(encoding="utf-8", newline="") as handle:
        rows = {row["source"]: row for row in csv.DictReader(handle)}
    assert rows[QUERY]["snapshot"] == "2024-04-12" and rows[QUERY]["last_attempt"] == "2024-04-13"
    assert rows[QUERY]["outcome"] == "failed" and "503" in rows[QUERY]["message"]
    assert rows[ARCHIVE]["snapshot"] == "2024-04-12" and rows[ARCHIVE]["outcome"] == "held"
    assert rows[OAI]["outcome"] in ("landed", "unchanged") and rows[OAI]["last_attempt"] == "2024-04-13"
    server.fault.faults.clear()
    done = refresh(snakemake, bench, "--config", "accept=pwc_archive")
    assert "pwc_archive: landed (snapshot 2024-04-13" in done.stdout and "accepted: " in done.stdout
    landed = survey.landed(folder, ARCHIVE)
    assert revision[:10] in landed.provenance["version"] and landed.provenance["before"] == "2024-04-12"
    assert (folder / "snapshots" / ARCHIVE / "2024-04-12" / "provenance.json").exists()


def _shrink_archive(folder, server):
    """Put an archive with a third of the links under another revision, and let the configuration name it."""
    _, links = pwc_archive.archive(0)
    fewer, revision = links[::3], "f" * 40
    held = {
        (pwc_archive.LINKS[0], revision): {"data/train-00000-of-00001.parquet": pwc_archive.links_file(fewer)},
        pwc_archive.PAPERS: pwc_archive.files(0)[pwc_archive.PAPERS],
    }
    server.services[ARCHIVE] = pwc_archive.service(held=held)
    configured = survey.configuration(server, folder, SOURCES)
    configured["sources"][ARCHIVE] |= {"links_revision": revision, "links_rows": len(fewer)}
    survey.write(configured, folder)
    return revision
