"""The target upkeep: said first, one at a time, and its tables made from what has landed."""

import re
import subprocess
import sys

import pytest

from analysis import upkeep
from tests.conftest import environment

pytestmark = pytest.mark.workflow


def test_the_target_plans_the_index_and_every_part_one_at_a_time(project, snakemake):
    done = snakemake(project, "-n", "upkeep")
    assert re.search(r"^run_upkeep +6$", done.stdout, re.M) and re.search(r"^fetch_source +1$", done.stdout, re.M)
    assert done.stdout.count("nothing else runs meanwhile") == 6 and "draw_figures" not in done.stdout


def test_tables_come_from_the_landed_snapshot_without_a_network(project, tmp_path):
    command = [sys.executable, "-m", "analysis", "upkeep", "--out", str(tmp_path)]
    subprocess.run(command, cwd=project, check=True, env=environment(project))
    assert {path.stem for path in (tmp_path / "tables").iterdir()} == set(upkeep.COLUMNS)
