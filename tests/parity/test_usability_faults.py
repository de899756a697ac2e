"""Every planted fault behaves as its fault.yaml says, in every mode; the corrected twins run clean.

The programs run as in the full measurement, each in a process of its own, with two economies: torch.compile stops
before it generates code (``aot_eager``), and a corrected twin is run once a framework.
"""

import pytest

from reproductions.usability.faults import catalogue, recording
from reproductions.usability.faults.commands import QUICK
from reproductions.usability.faults.measuring import measure

pytestmark = pytest.mark.frameworks
FAULTS = catalogue.discover()
CASES = [(name, cell) for name, fault in FAULTS.items() for cell in fault.cells()]


@pytest.fixture(scope="module")
def rows():
    found = {}

    def done(row):
        found[row["fault"], f"{row['framework']}-{row['mode']}"] = row

    measure(FAULTS.values(), cells=catalogue.CELLS, done=done, **QUICK)
    return found


@pytest.mark.parametrize(("name", "cell"), CASES, ids=[f"{name}-{cell}" for name, cell in CASES])
def test_fault_behaves_as_described(rows, name, cell):
    row, expected = rows[name, cell], FAULTS[name].expected[cell]
    assert row["status"] == "ran", row["note"]
    found = recording.expectation(row)
    assert found == expected, (
        f"{name} in {cell} now behaves differently: {found} (expected {expected})\n"
        f"value {row['value_faulty']}, corrected {row['value_corrected']}\n{row['message'][:2000]}\n"
        f"If this is right, record it: python -m reproductions.usability.faults {name} --record"
    )
