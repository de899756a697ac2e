"""Every study, document, data source and data set that the page rests on has an entry, and is cited."""

from __future__ import annotations

import re

import pandas as pd
import pytest
import yaml

from analysis.bibliography import BibliographyError, authors, load_references
from tests.page_fixtures import ROOT, built_page, real_tables  # noqa: F401  fixtures

DATA = ROOT / "data"
REFERENCES = load_references()


def column(name, field):
    return set(pd.read_csv(DATA / name, dtype=str).fillna("")[field]) - {""}


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ("adoption_sources.csv", "source"),
        ("adoption_quotes.csv", "quote"),
        ("facts.csv", "cites"),
        ("claims.csv", "cites"),
    ],
)
def test_what_tables_name_has_an_entry(table, field):
    missing = {key for keys in column(table, field) for key in keys.split()} - set(REFERENCES)
    assert not missing, f"data/{table}: {field}: give each an entry in data/references.bib"


def test_sources_and_data_sets_have_an_entry():
    from analysis.harvesting import registry

    datasets = set(yaml.safe_load((DATA / "datasets.yaml").read_text("utf-8"))) - {"synthetic"}
    missing = (set(registry.entries()) | datasets) - set(REFERENCES)
    assert not missing, "give each source and data set an entry of its name in data/references.bib"


def test_every_published_result_has_an_entry():
    missing = column("literature.csv", "url") - {reference.url for reference in REFERENCES.values()}
    assert not missing, "data/literature.csv: url: give each an entry with this url in data/references.bib"


def test_no_address_and_no_brace_is_left_over():
    for reference in REFERENCES.values():
        assert not re.search(r"[{}\\]", " ".join((reference.author, reference.title, reference.where, reference.note)))
        assert reference.url == "" or reference.url.startswith("http")
    urls = [reference.url for reference in REFERENCES.values() if reference.url]
    assert len(urls) == len(set(urls))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("He, H.", "H. He"),
        ("Rogan, W. J. and Gladen, B.", "W. J. Rogan and B. Gladen"),
        ("Paszke, A. and others", "A. Paszke et al."),
        ("A, B. and C, D. and E, F.", "B. A et al."),
    ],
)
def test_authors_are_written_short(text, words):
    assert authors(text) == words


def test_a_faulty_entry_is_named(tmp_path):
    path = tmp_path / "references.bib"
    path.write_text("@misc{a, author = {X}, title = {Y}, keywords = {study}}\n")
    with pytest.raises(BibliographyError, match="entry a: no year"):
        load_references(path)
    path.write_text("@misc{a, author = {X}, title = {Y}, year = {2020}, keywords = {study}}\n" * 2)
    with pytest.raises(BibliographyError, match="DuplicateBlockKey"):
        load_references(path)


def test_every_entry_is_on_the_page_and_cited(built_page):  # noqa: F811
    for key in REFERENCES:
        assert f'id="ref-{key}"' in built_page.text
    cited = set(re.findall(r'class="cite" href="#ref-(\w+)"', built_page.text))
    assert set(REFERENCES) - cited == set(), "cite it on the page: by a claim, a fact that a sentence takes, a source"
