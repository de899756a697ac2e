"""The page at three states of the data, in a real browser: what is embedded, after a refresh, with measured machines.

No fixture stands in for data here: the commands that the workflow calls read what the project carries. The third state
has the machines that landed, of which one measured upkeep alone, and no run of its own.
"""

from __future__ import annotations

import pytest

from analysis.__main__ import main
from analysis.figures import discover
from tests.browser.test_page import browser, pytestmark  # noqa: F401  fixture and conditions
from tests.conftest import ROOT

SNAPSHOTS, MEASUREMENTS = ROOT / "data" / "snapshots", ROOT / "data" / "measurements"
STATES = {"embedded": (None, None), "refreshed": (SNAPSHOTS, None), "measured": (SNAPSHOTS, MEASUREMENTS)}
MACHINES = sorted(path.parent.name for path in MEASUREMENTS.glob("*/machine.json"))


def build(out, snapshots, measurements):
    """Build the page by the commands of the workflow; a folder that is not given is an empty one."""
    nothing = out / "nothing"
    nothing.mkdir()
    read, measured = f"--snapshots={snapshots or nothing}", f"--measurements={measurements or nothing}"

    def call(name, *options):
        assert main([name, f"--out={out}", *options]) == 0, name

    call("count", read)
    call("trends", read)
    if measurements:  # the workflow measures itself: without any row there is nothing to summarise
        call("summarise", f"--landed={measurements}")
    call("usability", measured)
    call("deployment", measured)
    call("upkeep", read, measured)
    call("judge")
    there = {path.stem for path in (out / "tables").glob("*.csv")}
    call(
        "draw",
        "--processes=1",
        *(f"--only={name}" for name, module in discover().items() if set(module.REQUIRES) <= there),
    )
    call("report")
    return out / "report" / "index.html"


@pytest.fixture(params=STATES)
def state(request, browser, tmp_path):  # noqa: F811
    """The name of the state, and its page, opened; ``faults`` has what a browser complained of."""
    html = build(tmp_path, *STATES[request.param])
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    tab.faults = []
    tab.on("console", lambda message: tab.faults.append(f"console: {message.text}"))
    tab.on("pageerror", lambda error: tab.faults.append(f"error: {error}"))
    tab.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else tab.faults.append(r.url))
    tab.goto(html.as_uri())
    yield request.param, tab, html
    context.close()


def test_each_state_says_what_it_lacks(state):
    name, tab, html = state
    assert tab.faults == []
    assert html.stat().st_size <= 2_000_000
    dead = "(all) => all.map((a) => a.getAttribute('href')).filter((h) => !document.getElementById(h.slice(1)))"
    assert tab.locator("a[href^='#']").evaluate_all(dead) == []
    assert tab.locator("#findings .findings tbody tr").count() >= 1
    upkeep, deployment = tab.locator("#upkeep"), tab.locator("#deployment")
    absent = "No deployment path has been tried on a machine yet"
    untested = tab.locator("#cards > article[data-verdict='not tested here']").count()
    # What changed tells of verdicts that were recorded on machines whose rows this page need not have.
    words = "\n".join(tab.locator("main > section:not(#changed)").all_inner_texts())
    told = [machine for machine in MACHINES if machine in words]
    if name == "embedded":
        assert upkeep.locator(".absent").count() >= 8, "every table of upkeep says what fills it"
        assert "no snapshot" in upkeep.inner_text().lower()
    else:
        assert upkeep.locator("#tab-upkeep_frameworks tbody tr").count() >= 4
        assert tab.locator("#fig-upkeep_cadence .source").inner_text().count("read on") == 1
    if name == "measured":
        assert told == MACHINES and len(told) >= 2, "every machine is named"
        assert upkeep.locator("#tab-upkeep_moving tbody tr").count() >= 20
        assert absent not in deployment.inner_text()
        assert untested < 12
    else:
        assert told == [], "no machine has measured, so none is named"
        assert upkeep.locator("#tab-upkeep_moving .absent").count() == 1
        assert absent in deployment.inner_text()
        assert untested >= 12, "nothing was measured"
