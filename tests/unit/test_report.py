"""The page holds everything, asks for nothing, and says in words what is absent."""

from __future__ import annotations

import gzip
import html.parser
import re
import shutil
from datetime import date
from urllib.parse import unquote

import pandas as pd
import pytest

from analysis import report, style
from analysis.report import Column, PageError, cell, load_page_tables, render
from tests.page_fixtures import BUILT, HOSTILE, ROOT, built_page, real_tables, write_tables  # noqa: F401  fixtures

DAY = date.fromisoformat(BUILT)
TEMPLATES = ROOT / "workflow" / "report"
REGISTRY = ROOT / "analysis" / "page_tables.yaml"
FORBIDDEN = re.compile(r"\b(significant|proves|wins|beats|best|dominates)\b", re.IGNORECASE)


class Reader(html.parser.HTMLParser):
    """Collects ids, addresses by (tag, attribute), elements, and the visible text outside links to publications."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.addresses, self.tags, self.text, self.events, self._open = [], [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag in {"script", "style"}:
            self._open.append(tag)
        for key, value in attrs:
            if key == "id":
                self.ids.append(value)
            if key in {"src", "href", "xlink:href", "data", "action", "poster", "srcset"}:
                self.addresses.append((tag, key, value))
            if key.startswith("on"):
                self.events.append((tag, key))

    def handle_endtag(self, tag):
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data):
        if not self._open:
            self.text.append(data)


@pytest.fixture(scope="module")
def page(built_page):  # noqa: F811
    return Reader(built_page.text)


@pytest.fixture
def build(tmp_path):
    def run(**options):
        given = {"built": BUILT, "preset": "smoke", "template_dir": TEMPLATES} | options
        for name in ("tables", "figures"):
            (tmp_path / name).mkdir(exist_ok=True)
        out = render(tmp_path / "tables", tmp_path / "figures", None, tmp_path / "report" / "index.html", **given)
        return out.read_text("utf-8")

    return run


def test_no_id_stands_twice(page):
    assert len(page.ids) == len(set(page.ids))


def test_every_anchor_leads_somewhere(page):
    targets = {value[1:] for _, _, value in page.addresses if value.startswith("#")}
    assert targets <= set(page.ids)


def test_nothing_is_loaded(page, built_page):  # noqa: F811
    loading = [
        (tag, value) for tag, key, value in page.addresses if tag != "a" and not value.startswith(("#", "data:"))
    ]
    assert loading == []
    assert not re.search(r"@import|url\((?!#)", built_page.text)
    assert "default-src 'none'" in built_page.text


def test_files_beside_the_page_are_there(page, built_page):  # noqa: F811
    beside = {unquote(v) for tag, _, v in page.addresses if tag == "a" and v.startswith("../")}
    assert len(beside) > 3 * len(built_page.figures)
    assert all((built_page.html.parent / path).exists() for path in beside)


def test_every_figure_and_table_is_present(page, built_page):  # noqa: F811
    for record in built_page.figures:
        assert f"fig-{record['id']}" in page.ids
        assert record["title"] in "".join(page.text)
    for table in load_page_tables(REGISTRY):
        assert f"tab-{table.id}" in page.ids
    assert page.tags.count("svg") == len(built_page.figures)


def test_sections_stand_in_the_order_of_the_plan(page):
    wanted = [
        *("findings", "guide", "claims", "crossings", "trends", "adoption", "performance", "parity", "deployment"),
        *("usability", "upkeep", "literature", "methods", "sources", "machine", "changed", "dispute", "downloads"),
        "references",
    ]
    assert [name for name in page.ids if name in wanted] == wanted


def test_the_contents_list_every_section_in_its_order(built_page):  # noqa: F811
    nav = re.search(r"<nav\b.*?</nav>", built_page.text, re.S).group()
    assert re.findall(r'href="#(\w+)"', nav) == re.findall(r'<section id="(\w+)"', built_page.text)
    numbers = [int(text) for text in re.findall(r"<h2 [^>]*><span>(\d+)</span>", built_page.text)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_end_tags_are_left_out_of_tables_alone():
    text = (
        "<table><tr><td>a</td></tr></table><pre>&lt;/td> </li></pre><svg><text></text></svg><p>b</p><ul><li>c</li></ul>"
    )
    assert report.lean(text) == (
        "<table><tr><td>a</table><pre>&lt;/td> </li></pre><svg><text></text></svg><p>b</p><ul><li>c</ul>"
    )


def test_a_cell_that_sorts_by_a_number_needs_no_class_and_no_quotes():
    row = (
        '<tr><th scope="row" class="long longer">a</th><td data-sort="4.0" class="number">4</td>'
        '<td class="age" data-sort="a b">c</td></tr>'
    )
    assert report.lean(row) == (
        '<tr><th scope=row class="long longer">a<td data-sort=4>4<td class=age data-sort="a b">c'
    )
    assert report.lean(f"<pre>{row}</pre>") == f"<pre>{row}</pre>"


def test_groups_that_say_nothing_go_and_the_others_stay_whole():
    picture = '<svg><g><g clip-path="url(#a)"><g><path/><g/></g></g><text>b</text></g></svg>'
    assert report._ungroup(picture) == '<svg><g clip-path="url(#a)"><path/><g/></g><text>b</text></svg>'


def test_marks_of_one_look_say_it_once():
    rules = {"a": "fill: red", "b": "opacity: .5", "c": "fill: blue"}
    picture = (
        '<svg><path d="M0 0" class="a"/>\n<path d="M1 1" class="a"/>\n<text class="a" x="1">p</text>\n'
        '<text class="c" x="2">q</text>\n<text class="c" x="3">r</text>\n'
        '<path d="M2 2" class="b"/>\n<path d="M3 3" class="b"/>\n'
        '<path d="M4 4" class="c" transform="scale(2)"/>\n<path d="M5 5" class="c"/>\n</svg>'
    )
    assert report.group_runs(picture, rules) == (
        '<svg><g class="a">\n<path d="M0 0"/>\n<path d="M1 1"/>\n</g>\n<text class="a" x="1">p</text>\n'
        '<g class="c">\n<text x="2">q</text>\n<text x="3">r</text>\n</g>\n'
        '<path d="M2 2" class="b"/>\n<path d="M3 3" class="b"/>\n'
        '<path d="M4 4" class="c" transform="scale(2)"/>\n<path d="M5 5" class="c"/>\n</svg>'
    )


@pytest.mark.parametrize(
    ("path", "short"),
    [
        ("M 1.50 2.00 L 3.05 -4.0 L 10 100 z", "M1.5 2 3.05 -4 10 100z"),
        ("M 1 2 C 1 2 3 4 5 6 L 7 8 L 9 10", "M1 2C1 2 3 4 5 6L7 8 9 10"),
        ("M 1 2 L 3 4 M 5 6 L 7 8", "M1 2 3 4M5 6 7 8"),
        ("M 0 -0.00 L 0.10 20", "M0 -0 0.1 20"),
    ],
)
def test_a_path_is_written_short_and_stays_the_path(path, short):
    assert report.short_path(path) == short
    assert report.short_path(short) == short


def test_pictures_keep_their_ids_apart():
    from analysis import figures

    prefixes = [report.short_prefix(name) for name in figures.names()]
    assert len(set(prefixes)) == len(prefixes)


def test_hostile_text_is_inert(tmp_path, build):
    write_tables(tmp_path / "tables")
    text = build()
    reader = Reader(text)
    assert "<script>alert" not in text
    assert reader.events == []
    assert reader.tags.count("script") == 1
    assert HOSTILE in "".join(reader.text)


def test_hostile_links_are_not_links():
    column = Column("citation", "Publication", format="link", url="url")
    assert cell(column, {"citation": "x", "url": "javascript:alert(1)"}, DAY).href == ""
    assert cell(column, {"citation": "x", "url": "https://example.org"}, DAY).href == "https://example.org"


def test_words_stay_sober(page, built_page):  # noqa: F811
    sources = pd.read_csv(built_page.root / "tables" / "sources.csv", dtype=str).fillna("")
    quotes = pd.read_csv(built_page.root / "tables" / "adoption_quotes.csv", dtype=str).fillna("")
    claims = pd.read_csv(ROOT / "data" / "claims.csv", dtype=str).fillna("")
    text = " ".join(page.text)
    for quoted in [
        *claims[["statement", "supported_if", "refuted_if"]].to_numpy().ravel(),
        *sources.to_numpy().ravel(),
        *quotes.to_numpy().ravel(),
    ]:  # the words of others stay theirs
        text = text.replace(quoted, "") if len(quoted) > 8 else text
    assert [found.group() for found in FORBIDDEN.finditer(text)] == []


def test_no_cell_is_blank(built_page):  # noqa: F811
    cells = re.findall(r"<(?:td|th)\b[^>]*>(.*?)(?=<(?:td|th|tr)\b|</(?:tr|thead|tbody|table)>)", built_page.text, re.S)
    assert len(cells) > 1000
    assert [text for text in cells if not text.strip()] == []


def test_an_empty_build_says_what_is_missing_and_what_makes_it(build):
    text = build()
    for table in load_page_tables(REGISTRY):
        assert f"The table {table.table} has not been made yet" in text
        assert table.command in text
    assert "No figure has been drawn for this build" in text
    assert "nothing was measured for this build" in text


def test_an_empty_table_says_so(tmp_path, build):
    write_tables(tmp_path / "tables")
    path = tmp_path / "tables" / "parity.csv"
    pd.read_csv(path).head(0).to_csv(path, index=False)
    assert "The table parity holds no row yet" in build()


def test_a_missing_column_is_worded():
    assert cell(Column("gone", "Gone"), {}, DAY).text == "not recorded"


def test_sets_of_others_are_named_at_the_top(built_page):  # noqa: F811
    assert "other-cpu-8c-def456 (contributed, 2026-11-26)" in built_page.text
    assert report.other_sets(None) == ""


def test_the_device_is_said_plainly(built_page):  # noqa: F811
    assert "CPU; no GPU took part in any measurement on this page" in built_page.text
    assert report.device_words(pd.DataFrame({"device": ["cuda"]})) == "GPU"


def test_the_same_input_gives_the_same_page(built_page, tmp_path):  # noqa: F811
    for name in ("tables", "figures"):
        shutil.copytree(built_page.root / name, tmp_path / name)
    again = render(
        tmp_path / "tables",
        tmp_path / "figures",
        None,
        tmp_path / "report" / "index.html",
        built=BUILT,
        preset="quick",
        template_dir=TEMPLATES,
    )
    assert again.read_text("utf-8") == built_page.text


def test_the_page_stays_light(built_page):  # noqa: F811
    assert built_page.html.stat().st_size < report.PAGE_BYTES
    assert len(gzip.compress(built_page.html.read_bytes())) < 400_000
    assert len((TEMPLATES / "page.js").read_text().splitlines()) <= 120


def test_pictures_follow_the_style_sheet(built_page):  # noqa: F811
    pictures = "".join(re.findall(r"<svg .*?</svg>", built_page.text, flags=re.S))
    looks = "".join(re.findall(r"\.picture \.s[0-9a-f]+ \{.*?\}", built_page.text))
    assert re.findall(r"(?<!,)#[0-9a-f]{6}\b", pictures + looks) == []
    assert f"var(--pytorch,{style.COLORS['pytorch']})" in looks
    assert set(re.findall(r' class="(s[0-9a-f]+)[ "]', pictures)) == set(re.findall(r"\.picture \.(s[0-9a-f]+)", looks))


def test_every_picture_is_named_and_described(built_page):  # noqa: F811
    for record in built_page.figures:
        assert f'aria-describedby="fig-{record["id"]}-text"' in built_page.text
        assert f'id="fig-{record["id"]}-text"' in built_page.text


def test_a_small_csv_travels_in_the_page(page, built_page):  # noqa: F811
    links = [unquote(v).split(",", 1)[1] for _, _, v in page.addresses if v.startswith("data:text/csv")]
    kept = [record["files"]["csv"] for record in built_page.figures]
    small = [file["name"] for file in kept if file["bytes"] <= report.INLINE_CSV_BYTES]
    assert small
    assert sorted(links) == sorted((built_page.root / "figures" / name).read_text("utf-8") for name in small)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"ratio": 1.42, "low": 1.38, "high": 1.47, "status": "ok", "parity": "pass"}, "1.42 [1.38, 1.47]"),
        ({"ratio": 1.42, "low": 1.38, "high": 1.47, "status": "ok", "parity": "fail"}, "parity failed"),
        ({"ratio": float("nan"), "status": "oom", "parity": "pass"}, "failed: out of memory"),
        ({"ratio": float("nan"), "status": "ok", "parity": "pass"}, "not measured here"),
    ],
)
def test_a_ratio_is_shown_with_its_interval_or_its_state(row, text):
    column = Column("ratio", "Ratio", format="interval", low="low", high="high", digits=2)
    assert cell(column, row, DAY, states=True).text == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (3.14159, "3.14"),
        (1234.5, "1,234"),
        (3.1e-7, "3.1e-7"),
        (0.0123, "0.0123"),
        (float("inf"), "not finite"),
    ],
)
def test_numbers_keep_three_digits(number, text):
    assert report.number_words(number) == text


@pytest.mark.parametrize(
    ("period", "end"),
    [("2022", "2022-12-31"), ("2025Q3", "2025-09-30"), ("2022-05", "2022-05-31"), ("2022-12", "2022-12-31"),
     ("2026-11-13", "2026-11-13"), ("2024-02", "2024-02-29")],
)  # fmt: skip
def test_a_period_ends_on_its_last_day(period, end):
    assert report.period_end(period) == date.fromisoformat(end)


def test_what_is_no_period_is_said_as_it_is():
    assert report.period_end("soon") is None
    assert cell(Column("last_period", "Age", format="age"), {"last_period": "soon"}, DAY).text == "ends soon"


def test_age_is_counted_to_the_build():
    column = Column("last_period", "Age", format="age")
    assert cell(column, {"last_period": "2022-05"}, DAY).text == "4 years 6 months (to 2022-05)"
    assert report.age_words(1) == "1 day"


def test_a_bad_date_is_refused(build):
    with pytest.raises(PageError, match="YYYY-MM-DD"):
        build(built="22.11.2026")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            "- {id: a, table: a, section: nowhere, caption: c, command: x, columns: []}",
            "section nowhere is not one of findings, ",
        ),
        ("- {id: a, table: a, section: parity, caption: c, command: x, colums: []}", "columns"),
        (
            "- {id: a, table: t, section: parity, caption: c, command: , columns: [{column: x, header: x, format: f}]}",
            "format f of column x is not one of text, ",
        ),
    ],
)
def test_a_faulty_registry_names_its_entry(tmp_path, entry, message):
    path = tmp_path / "page_tables.yaml"
    path.write_text(entry)
    with pytest.raises(PageError, match=f"table a.*{message}"):
        load_page_tables(path)


def test_the_style_sheet_knows_both_sets_and_prints_the_light_one():
    css = report.palette_css()
    assert f"--pytorch:{style.COLORS['pytorch']}" in css
    assert "@media screen and (prefers-color-scheme:dark)" in css
    assert f"--pytorch:{style.COLORS_DARK['pytorch']}" in css


def test_every_claim_has_its_card_and_its_permanent_link(page, built_page):  # noqa: F811
    claims = pd.read_csv(built_page.root / "tables" / "claims.csv", dtype=str).fillna("")
    assert [name for name in page.ids if re.fullmatch(r"C\d\d", name)] == list(claims["claim"])
    assert [f"C{n:02}" for n in range(1, 25)] == list(claims["claim"])[:24], "permanent"
    for row in claims.to_dict("records"):
        assert f'<article id="{row["claim"]}" class="claim" data-verdict="{row["verdict"]}"' in built_page.text
        assert row["sentence"] in "".join(page.text)


def test_the_findings_begin_with_every_claim_under_its_verdict(built_page):  # noqa: F811
    claims = pd.read_csv(built_page.root / "tables" / "claims.csv", dtype=str).fillna("")
    board = built_page.text.partition('<dl class="board">')[2].partition("</dl>")[0]
    shown = {}
    for group in board.split("<dt")[1:]:
        verdict = re.search(r"</i> ([^<]+)", group).group(1).strip().lower()
        shown |= dict.fromkeys(re.findall(r'href="#(C\d\d)"', group), verdict)
    assert shown == dict(zip(claims["claim"], claims["verdict"], strict=True))
    assert built_page.text.index('<section id="findings"') < built_page.text.index('<dl class="board">')


@pytest.mark.parametrize("state", ["embedded", "refreshed", "second machine"])
def test_each_state_of_the_data_is_honest_about_what_it_lacks(state, built_page, build, tmp_path):  # noqa: F811
    """Embedded figures alone; after a refresh whose counts reach 2023; with the set of a second machine."""
    from analysis.claims import judging

    (tmp_path / "tables").mkdir()
    for path in (built_page.root / "tables").glob("*.csv"):
        if state == "second machine" or path.stem.startswith(("adoption_", "trend_", "sources", "literature")):
            shutil.copy(path, tmp_path / "tables" / path.name)
    if state == "refreshed":
        path = tmp_path / "tables" / "adoption_shares.csv"
        shares = pd.read_csv(path)
        late = shares.head(1).assign(
            indicator="code_labels", series="papers, by year", period="2023", n=5000, share=0.8, low=0.79, high=0.81
        )
        pd.concat([shares, late]).to_csv(path, index=False)
    tables = judging.read_tables(tmp_path / "tables", ROOT / "data" / "facts.csv")
    judging.write(judging.judge_all(tables) | {"facts": tables["facts"]}, tmp_path / "tables")
    text = build()
    verdicts = dict(re.findall(r'<article id="(C\d\d)" class="claim" data-verdict="([^"]*)"', text))
    assert len(verdicts) >= 24
    measured = state == "second machine"
    assert ("nothing was measured for this build" in text) is not measured
    assert (verdicts["C01"] == "not tested here") is not measured
    assert ("other-cpu-8c-def456" in text) is measured
    assert (verdicts["C13"] == "supported") is (state == "refreshed")
    assert verdicts["C12"] == "not tested here"


def test_undecided_is_never_called_no_difference(built_page):  # noqa: F811
    cards = re.findall(r'<article id="C.*?</article>', built_page.text, flags=re.S)
    assert len(cards) >= 24
    assert not any("no difference" in card.lower() for card in cards)


def test_the_headline_arithmetic_is_shown_with_what_it_should_say(page):
    text = "".join(page.text)
    for words in ("25.53 %", "77.74 %", "22.6 % less time", "2.27 times the speed"):
        assert words in text


def test_one_changed_number_changes_exactly_the_places_that_show_it(built_page, tmp_path):  # noqa: F811
    for name in ("tables", "figures"):
        shutil.copytree(built_page.root / name, tmp_path / name)
    path = tmp_path / "tables" / "facts.csv"
    path.write_text(path.read_text("utf-8").replace("589,824", "123,456"), "utf-8")
    again = render(
        tmp_path / "tables", tmp_path / "figures", None, tmp_path / "report" / "index.html",
        built=BUILT, preset="quick", template_dir=TEMPLATES,
    ).read_text("utf-8")  # fmt: skip
    before = set(built_page.text.splitlines())
    changed = [line for line in again.splitlines() if line not in before]
    assert [line for line in changed if "123,456" in line]
    assert all("123,456" in line or "facts.csv" in line for line in changed)


def test_the_words_of_a_page_lie_beside_it(built_page):  # noqa: F811
    import json

    kept = json.loads(built_page.html.with_name("verdicts.json").read_text("utf-8"))
    assert kept["built"] == BUILT
    assert len(kept["claims"]) >= 24


def test_a_style_of_the_pictures_is_said_once_and_named_by_what_it_says():
    page = (
        '<style>\nbody {}\n</style><p style="color: red">x</p>'
        '<svg><path style="fill: none"/><text style="font-size: 7px">a</text><path style="fill: none"/></svg>'
    )
    shared = report.share_styles(page)
    (plain,) = set(re.findall(r'<path class="(s[0-9a-f]+)"/>', shared))
    assert f".picture .{plain} {{fill: none}}\n" in shared.partition("</style>")[0]
    assert shared.count("fill: none") == shared.count("font-size: 7px") == 1
    assert '<p style="color: red">' in shared, "only pictures"
    clipped = report.share_styles(page.replace("<path style", '<path clip-path="url(#f1-2)" style', 1))
    assert f'<path class="{plain} f1-2"/>' in clipped and f'<path class="{plain}"/>' in clipped
    assert clipped.count("clip-path: url(#f1-2)") == 1
    other = report.share_styles(page.replace("font-size: 7px", "font-size: 8px"))
    assert f'<path class="{plain}"/>' in other, "another picture's style has not moved it"
