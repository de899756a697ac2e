"""Snapshots: they appear whole, never over another, take the embedded figures' place, and large changes are held."""

import json
from dataclasses import replace
from datetime import date

import pytest

from analysis.adoption_data import AdoptionDataError, read_figures
from analysis.harvesting import registry, snapshots
from analysis.harvesting.moves import compare
from reproductions.errors import SurveyError
from tests.conftest import ROOT

DAY = date(2026, 12, 1)
FIGURES = [
    {"indicator": "transformers_modules", "period": period, "stratum": release, "framework": name, "count": count}
    for period, release, counts in (
        ("2026-11-20", "5.23.0", {"pytorch": 529, "tensorflow": 0, "jax": 0}),
        ("2026-12-01", "5.24.0", {"pytorch": 540, "tensorflow": 0, "jax": 0}),
    )
    for name, count in counts.items()
]


def provenance(**more):
    fields = {
        "source": "transformers_wheels",
        "indicator": "transformers_modules",
        "title": "Model modules",
        "what_is_counted": "modules",
        "publisher": "PyPI package transformers",
        "version": "5.24.0",
        "licence": "own count",
        "retrieved": "2026-12-01",
        "span": "2026-11-20/2026-12-01",
        "breaks": "",
        "caveats": "modules",
        "notes": "",
        "supersedes": ["transformers_wheels"],
    }
    return fields | more


def land(folder, figures=FIGURES, day=DAY, **more):
    files = snapshots.render(snapshots.Snapshot({}, "2026-11-20/2026-12-01", "5.24.0", figures), "transformers_wheels")
    return snapshots.land(folder, "transformers_wheels", day, files, provenance(**more))


def read(folder):
    data = ROOT / "data"
    return read_figures(
        data / "adoption_figures.csv",
        data / "adoption_sources.csv",
        ROOT / "workflow" / "schemas",
        snapshots=folder,
    )


def test_a_second_snapshot_of_a_day_stands_beside_the_first_and_is_the_latest(tmp_path):
    first = land(tmp_path)
    second = land(tmp_path, FIGURES[:3])
    later = land(tmp_path, day=date(2026, 12, 11))
    assert [version.name for version in snapshots.versions(tmp_path, "transformers_wheels")] == [
        "2026-12-01",
        "2026-12-01-2",
        "2026-12-11",
    ]
    assert first.folder != second.folder and snapshots.latest(tmp_path, "transformers_wheels").name == later.name


def test_twelfth_snapshot_of_a_day_is_newer_than_the_second(tmp_path):
    for _ in range(12):
        last = land(tmp_path)
    assert snapshots.latest(tmp_path, "transformers_wheels").name == last.name == "2026-12-01-12"


def test_half_written_snapshot_does_not_count(tmp_path):
    land(tmp_path)
    scratch = tmp_path / "transformers_wheels" / "2026-12-05"
    scratch.mkdir()
    (scratch / "figures.csv").write_text("cut sho")
    assert snapshots.latest(tmp_path, "transformers_wheels").name == "2026-12-01"


def test_the_same_content_is_recognised(tmp_path):
    version = land(tmp_path)
    files = snapshots.render(
        snapshots.Snapshot({}, "2026-11-20/2026-12-01", "other", list(reversed(FIGURES))), "transformers_wheels"
    )
    assert snapshots.same_content(version, files)
    assert not snapshots.same_content(version, files | {"more.csv": b"a\n"})


def test_a_newer_snapshot_takes_the_place_of_the_embedded_figures(tmp_path):
    before, _ = read(None)
    land(tmp_path)
    figures, sources = read(tmp_path)
    own = figures[figures["source"] == "transformers_wheels"]
    assert sorted(own["period"].unique()) == ["2026-11-20", "2026-12-01"]
    others = before[before["source"] != "transformers_wheels"]
    assert len(figures) == len(others) + len(FIGURES)
    row = sources[sources["source"] == "transformers_wheels"]
    assert len(row) == 1 and row.iloc[0]["version"] == "5.24.0"


def test_a_snapshot_older_than_the_embedded_figures_does_not_count(tmp_path):
    before, _ = read(None)
    land(tmp_path, retrieved="2026-01-01")
    assert len(read(tmp_path)[0]) == len(before)


def test_an_edited_snapshot_is_refused_with_the_remedy(tmp_path):
    version = land(tmp_path)
    table = version.folder / "figures.csv"
    table.write_text(table.read_text().replace("540", "999"))
    with pytest.raises(SurveyError, match=r"figures\.csv: differs from its sha256.*restore the file"):
        read(tmp_path)


def test_a_broken_provenance_names_the_file(tmp_path):
    version = land(tmp_path)
    (version.folder / "provenance.json").write_text("{")
    with pytest.raises(SurveyError, match=r"provenance\.json: cannot be read"):
        read(tmp_path)


def test_faults_of_a_snapshot_are_told_like_those_of_the_embedded_rows(tmp_path):
    bad = [*FIGURES, FIGURES[0] | {"period": "2026-13-01"}, FIGURES[1] | {"indicator": "moduls"}]
    land(tmp_path, bad)
    with pytest.raises(AdoptionDataError) as raised:
        read(tmp_path)
    assert (
        "2026-13-01" in str(raised.value) and "moduls" in str(raised.value) and "figures.csv: row" in str(raised.value)
    )


def test_attempts_keep_one_line_a_day_and_outcome(tmp_path):
    for outcome, message in (("failed", "503"), ("failed", "429"), ("landed", "")):
        snapshots.record_attempt(tmp_path, "arxiv_query", DAY, outcome=outcome, message=message)
    rows = snapshots.attempts(tmp_path, "arxiv_query")
    assert [(row["outcome"], row["message"]) for row in rows] == [("failed", "429"), ("landed", "")]


def source(**more):
    entry = {
        "id": "somewhere",
        "title": "t",
        "gives": "g",
        "what_is_counted": "w",
        "publisher": "p",
        "licence": "l",
        "settings": {},
    }
    return registry.Source(**entry | more)


def counts(pytorch, tensorflow, period="2019", indicator="stackoverflow_questions"):
    return [
        {"indicator": indicator, "period": period, "stratum": "", "framework": name, "count": count, "total": None}
        for name, count in (("pytorch", pytorch), ("tensorflow", tensorflow))
    ]


def test_a_share_that_moves_too_far_needs_agreement():
    moves = compare(source(), counts(500, 500), counts(600, 400), {}, {})
    assert len(moves.problems) == 1 and "2019 moves from 0.500 to 0.600" in moves.problems[0]
    assert not compare(source(), counts(500, 500), counts(520, 480), {}, {}).problems


def test_a_small_count_may_move_as_far_as_its_interval_reaches():
    posts = {"period": "2019-05", "indicator": "hiring_posts"}
    assert not compare(source(), counts(5, 5, **posts), counts(6, 4, **posts), {}, {}).problems
    assert compare(source(), counts(500, 500, **posts), counts(600, 400, **posts), {}, {}).problems


def test_lost_rows_need_agreement_and_new_ones_do_not():
    both = counts(5, 5) + counts(6, 5, "2018")
    assert "2 of 4 rows are gone" in compare(source(), both, counts(5, 5), {}, {}).problems[0]
    moves = compare(source(), counts(5, 5), both, {}, {})
    assert not moves.problems and "2 rows from 2019 to 2019 before, 4 rows from 2018 to 2019 now" in moves.lines[0]


def test_a_table_that_shrinks_needs_agreement():
    assert compare(source(), [], [], {"papers": 100}, {"papers": 90}).problems == (
        "papers shrinks from 100 to 90 rows",
    )
    assert not compare(source(), [], [], {"papers": 100}, {"papers": 99}).problems


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"arxiv_quer": {}}, "sources.arxiv_quer: no such source; did you mean 'arxiv_query'?"),
        (
            {"arxiv_query": {"page_sise": 5}},
            "sources.arxiv_query.page_sise: unknown setting; did you mean 'page_size'?",
        ),
        ({"arxiv_query": {"page_size": "many"}}, "sources.arxiv_query.page_size: 'many' is not of the kind"),
        ({"arxiv_query": {"pace_s": -1}}, "sources.arxiv_query.pace_s: -1 is not"),
        ({"arxiv_query": {"enabled": 1}}, "sources.arxiv_query.enabled: 1 is not"),
        ({"arxiv_query": 5}, "sources.arxiv_query: 5 is not a mapping"),
    ],
)
def test_wrong_settings_are_named_with_the_remedy(settings, expected):
    with pytest.raises(SurveyError) as raised:
        registry.sources(settings)
    assert expected in str(raised.value)


def test_every_source_has_its_module_with_the_four_functions():
    for entry in registry.sources().values():
        module = entry.module()
        assert all(callable(getattr(module, name, None)) for name in ("plan", "fetch", "extract", "check")), entry.id
        assert entry.enabled or entry.why_off, entry.id
        assert entry.caveats and entry.terms, entry.id
        assert json.dumps(dict(entry.settings))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"caveat": "x"}, "sources.a.caveat: unknown key; did you mean 'caveats'?"),
        ({"licence": None}, "sources.a.licence: missing; say it in a line"),
        ({"settings": {}}, "sources.a.settings.base_url: missing"),
    ],
)
def test_a_faulty_entry_is_named_with_the_remedy(change, expected):
    entry = registry.entries()["arxiv_query"] | change
    with pytest.raises(SurveyError) as raised:
        registry._source("a", entry, {}, "configuration")
    assert expected in str(raised.value)


def test_a_source_without_its_module_or_a_function_is_named(monkeypatch):
    absent = replace(registry.find("arxiv_query"), id="nowhere")
    with pytest.raises(SurveyError, match=r"nowhere: analysis/sources/nowhere\.py is absent"):
        absent.module()
    source = registry.find("arxiv_query")
    monkeypatch.delattr(source.module(), "check")
    with pytest.raises(SurveyError, match=r"arxiv_query\.py has no check; analysis/sources/README\.md"):
        source.module()
