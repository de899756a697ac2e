"""The page in a real browser: no request, no error, readable narrow, dark, printed and without scripts."""

from __future__ import annotations

import shutil

import pytest

from tests.page_fixtures import built_page, real_tables  # noqa: F401  fixtures

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FOUND = next((path for path in map(shutil.which, BROWSERS) if path), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TITLE = "PyTorch and TensorFlow, measured and counted"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(FOUND is None, reason=f"no browser is installed; looked for {', '.join(BROWSERS)}"),
]


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=FOUND, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def visit(browser, built_page):  # noqa: F811
    contexts = []

    def open_page(fragment="", width=1280, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        tab = context.new_page()
        tab.faults = []
        tab.on("console", lambda message: tab.faults.append(f"console: {message.text}"))
        tab.on("pageerror", lambda error: tab.faults.append(f"error: {error}"))
        tab.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else tab.faults.append(r.url))
        tab.on("requestfailed", lambda r: tab.faults.append(f"failed: {r.url[:80]}"))
        tab.goto(built_page.html.as_uri() + fragment)
        return tab

    yield open_page
    for context in contexts:
        context.close()


def sideways(tab):
    return tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_it_opens_without_fault_at_any_width(visit, width):
    tab = visit(width=width)
    assert tab.title() == TITLE
    assert tab.faults == []
    assert sideways(tab) <= 0


def test_nothing_is_lost_without_scripts(visit, built_page):  # noqa: F811
    with_script, without = visit(), visit(java_script_enabled=False)
    assert without.locator("figure svg").count() == len(built_page.figures)
    assert without.locator("table").count() == with_script.locator("table").count()
    assert without.locator("tbody tr").count() == with_script.locator("tbody tr").count()
    assert without.locator("th button").count() == 0


def test_columns_sort_by_value_with_states_last(visit):
    tab = visit("#tab-cells")
    tab.evaluate("document.querySelectorAll('#tab-cells details').forEach((d) => { d.open = true })")
    head = tab.locator("#tab-cells thead th", has_text="Peak memory (MiB)")
    column = head.evaluate("(cell) => cell.cellIndex")

    def values():
        script = "(rows, i) => rows.map((row) => row.cells[i].dataset.sort)"
        return tab.locator("#tab-cells tbody tr").evaluate_all(script, column)

    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    up = values()
    assert up[-1] is None, "a cell without a value comes last"
    valued = [float(v) for v in up if v is not None]
    assert valued == sorted(valued)
    head.locator("button").click()
    assert values() == [*[v for v in up if v is not None][::-1], *[v for v in up if v is None]]


def test_rows_are_filtered_by_all_words(visit):
    tab = visit("#tab-ratios")
    tab.evaluate("document.querySelectorAll('#tab-ratios details').forEach((d) => { d.open = true })")
    tab.locator("#tab-ratios input[type=search]").fill("xla inference")
    visible = tab.locator("#tab-ratios tbody tr:visible").all_inner_texts()
    assert visible
    assert all("XLA" in row and "inference" in row for row in visible)
    assert tab.locator("#tab-ratios output").inner_text().startswith(f"{len(visible)} of")


def test_dark_is_dark_and_readable(visit):
    tab = visit(color_scheme="dark")
    script = "(node) => [getComputedStyle(node).backgroundColor, getComputedStyle(node).color]"
    assert tab.locator("body").evaluate(script) == ["rgb(20, 23, 26)", "rgb(232, 234, 237)"]
    fills = tab.locator("figure svg text").evaluate_all(
        "(all) => [...new Set(all.map((t) => getComputedStyle(t).fill))]"
    )
    assert "rgb(27, 31, 35)" not in fills, "ink on near-black"
    assert tab.faults == []


def test_print_is_light_and_opens_what_is_folded(visit):
    tab = visit(color_scheme="dark")
    tab.emulate_media(media="print")
    assert tab.locator("body").evaluate("(node) => getComputedStyle(node).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.locator("nav").is_hidden()
    assert tab.locator("#tab-crossings tbody tr").first.is_visible()
    printed = tab.pdf(format="A4", print_background=True)
    assert printed.startswith(b"%PDF")
    assert len(printed) > 100_000


def test_a_permanent_link_reaches_its_figure(visit, built_page):  # noqa: F811
    name = built_page.figures[-1]["id"]
    tab = visit(f"#fig-{name}")
    box = tab.locator(f"#fig-{name}").bounding_box()
    assert -5 <= box["y"] < 900


def test_keys_reach_the_findings_first(visit):
    tab = visit()
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the findings"


def test_the_data_of_a_figure_can_be_saved(visit, tmp_path):
    tab = visit()
    with tab.expect_download() as waiting:
        tab.locator("#fig-performance_memory a[download]").click()
    waiting.value.save_as(tmp_path / "data.csv")
    assert (tmp_path / "data.csv").read_text("utf-8").startswith("origin,machine,workload")


def test_words_in_a_picture_stay_inside_it(visit):
    tab = visit()
    script = """(pictures) => pictures.flatMap((svg) => {
        const frame = svg.getBoundingClientRect();
        return [...svg.querySelectorAll("text")].filter((t) => {
            const box = t.getBoundingClientRect();
            return box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1
                || box.bottom > frame.bottom + 1;
        }).map((t) => `${svg.getAttribute("aria-labelledby")}: ${t.textContent}`);
    })"""
    assert tab.locator("figure svg").evaluate_all(script) == []
