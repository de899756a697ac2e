"""A run with nothing to do leaves pandas out, and compares parameters as Snakemake does."""

import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.persistence import PersistenceBase

from analysis.starting import keep_pandas_out
from tests.conftest import ROOT

USUAL = PersistenceBase._serialize_param_pandas
# Stands for an instance, which needs a workflow: the comparison of a parameter uses nothing else of it.
STORE = SimpleNamespace(_serialize_param_builtin=partial(PersistenceBase._serialize_param_builtin, None))


@pytest.fixture(autouse=True)
def restored():
    yield
    PersistenceBase._serialize_param_pandas = USUAL


@pytest.mark.parametrize("value", ["text", 3, 0.5, None, ["a", 1], {"a": 1}, (), Path("x"), range(3)])
def test_a_parameter_is_compared_as_before(value):
    before = USUAL(STORE, value)
    keep_pandas_out()
    keep_pandas_out()  # each Snakefile that uses the workflow as a module calls it
    assert PersistenceBase._serialize_param_pandas(STORE, value) == before


def test_a_data_frame_is_still_compared_by_its_rows():
    import pandas as pd

    keep_pandas_out()
    one, other = (PersistenceBase._serialize_param_pandas(STORE, pd.DataFrame({"a": [n]})) for n in (1, 2))
    assert one != other


def test_plain_parameters_need_no_pandas():
    program = (
        "import sys; from snakemake.persistence import PersistenceBase as P\n"
        "from analysis.starting import keep_pandas_out; keep_pandas_out()\n"
        "class S:\n    _serialize_param_builtin = P._serialize_param_builtin\n"
        "P._serialize_param_pandas(S(), 'text'); print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
