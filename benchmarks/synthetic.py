"""Pages and tables in the shape of the real ones, from a seed. Nothing in them is a real paper."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np

ABSTRACT_BYTES = 1273  # mean of arXiv's abstracts, as UTF-8
NON_ASCII = 0.28  # share of abstracts with at least one character beyond ASCII
CHINESE = 0.075  # share with a passage of Chinese
OAI_PAGE = 1300  # records a page of the OAI-PMH server
ATOM_PAGE = 2000  # largest slice of the query API
LINKS = 300_161
PAPERS = 576_261
LABELS = ("none", "pytorch", "tf", "torch", "mxnet", "jax", "caffe2", "paddle", "mindspore", None)
LABEL_SHARES = (0.42, 0.38, 0.12, 0.02, 0.01, 0.02, 0.005, 0.01, 0.005, 0.01)

_CATEGORIES = ("cs.LG", "cs.CV", "cs.CL", "cs.AI", "stat.ML", "cs.RO", "eess.IV", "math.OC", "hep-th", "astro-ph.EP")
_MENTIONS = (
    "PyTorch",
    "TensorFlow",
    "Keras",
    "JAX",
    "Caffe",
    "Theano",
    "tensorflow2.0",
    "MXNet",
    "Chainer",
    "torch",
    "tensor flow",
)
_PLAIN = (
    "we propose a method for the estimation of gradients under weak supervision and show that it improves results on "
    "several benchmarks while the cost of training stays bounded by the number of samples; our analysis of attention "
    "kernels suggests that depth & width trade off when p < 0.05 and x > 1; code will be released for the flow on "
    "manifolds with sensors"
)
_FOREIGN = ("naïve", "Poincaré", "Schrödinger", "α", "→", "“robust”", "Erdős–Rényi", "ℓ₂", "Gödel’s")
_OAI_AUTHOR = "<author>\n<keyname>Example</keyname>\n<forenames>Ada</forenames>\n</author>\n"
_ATOM_AUTHOR = "    <author>\n      <name>Ada Example</name>\n    </author>\n"
_HAN = "我们提出一种新的方法用于图像分割并在多个数据集上验证"


def abstracts(count: int, seed: int, mentions: float = 0.02) -> list[str]:
    """Return ``count`` texts of the real mean size, of which the share ``mentions`` names a framework."""
    rng = np.random.default_rng(seed)
    words = np.array(_PLAIN.split())
    pool = " ".join(words[rng.integers(len(words), size=60_000)].tolist())
    sizes = np.clip(rng.normal(ABSTRACT_BYTES, 380, count), 150, 1920).astype(int)
    starts = rng.integers(0, len(pool) - 2000, count)
    draws = rng.random((3, count))
    picks = rng.integers(0, 1 << 30, count)
    texts = []
    for size, start, foreign, han, named, pick in zip(sizes, starts, *draws, picks, strict=True):
        text = pool[start : start + size]
        if foreign < NON_ASCII:
            text = f"{text[:90]} {_FOREIGN[pick % len(_FOREIGN)]} {text[110:]}"
            if han < CHINESE / NON_ASCII:
                text = f"{text[:200]} {_HAN} {text[275:]}"
        if named < mentions:
            text = f"{text[:300]} {_MENTIONS[pick % len(_MENTIONS)]} {text[310:]}"
        texts.append(text)
    return texts


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _wrap(text: str) -> str:
    """Break lines near 75 characters, as the server's abstracts have them."""
    lines, start = [], 0
    while len(text) - start > 80:
        end = text.rfind(" ", start, start + 80)
        if end <= start:
            break
        lines.append(text[start:end])
        start = end + 1
    return "\n".join([*lines, text[start:]])


def identifiers(first: int, count: int) -> list[tuple[str, str]]:
    """Return ``(arxiv_id, created)`` of consecutive papers; distinct for 3,000,000 and more of them."""
    found = []
    for number in range(first, first + count):
        month, within = divmod(number, 20_000)
        prefix, days = _month(month)
        found.append((f"{prefix}.{within + 1:05}", days[within % 28]))
    return found


@cache
def _month(number: int) -> tuple[str, list[str]]:
    """Return how the ids of a month begin, counted from January 2015, and its first 28 days."""
    year, month = divmod(number, 12)
    days = [date(2015 + year, month + 1, 1) + timedelta(days=day) for day in range(28)]
    return f"{15 + year:02}{month + 1:02}", [day.isoformat() for day in days]


def oai_page(texts: Sequence[str], first: int, token: str = "next") -> bytes:  # noqa: S107 - not a password
    """Return an OAI-PMH page of the format arXiv with one record a text, numbered from ``first``."""
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n<responseDate>2026-11-20T06:00:00Z</responseDate>\n'
        '<request verb="ListRecords">http://oaipmh.arxiv.org/oai</request>\n<ListRecords>\n'
    ]
    for (name, created), text in zip(identifiers(first, len(texts)), texts, strict=True):
        category = _CATEGORIES[hash_of(name) % len(_CATEGORIES)]
        parts.append(
            f"<record>\n<header>\n<identifier>oai:arXiv.org:{name}</identifier>\n<datestamp>2026-11-17</datestamp>\n"
            f"<setSpec>cs:cs:LG</setSpec>\n</header>\n<metadata>\n"
            f'<arXiv xmlns="http://arxiv.org/OAI/arXiv/" xsi:schemaLocation="http://arxiv.org/OAI/arXiv/ '
            f'http://arxiv.org/OAI/arXiv.xsd">\n<id>{name}</id>\n<created>{created}</created>\n<authors>\n'
            f"{_OAI_AUTHOR * _author_count(name)}</authors>\n"
            f"<title>{_escape(text[:70])}</title>\n<categories>{category} cs.LG</categories>\n"
            "<comments>12 pages, 5 figures</comments>\n"
            "<license>http://arxiv.org/licenses/nonexclusive-distrib/1.0/</license>\n"
            f"<abstract>  {_wrap(_escape(text))}\n</abstract>\n</arXiv>\n</metadata>\n</record>\n"
        )
    parts.append(f"<resumptionToken>{token}</resumptionToken>\n</ListRecords>\n</OAI-PMH>\n")
    return "".join(parts).encode()


def atom_page(texts: Sequence[str], first: int) -> bytes:
    """Return a page of the query API with one entry a text."""
    parts = [
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom" '
        'xmlns="http://www.w3.org/2005/Atom">\n  <id>https://arxiv.org/api/example</id>\n'
        "  <title>arXiv Query: search_query=cat:cs.LG</title>\n  <updated>2026-11-20T00:00:00Z</updated>\n"
        f"  <opensearch:itemsPerPage>{len(texts)}</opensearch:itemsPerPage>\n"
        "  <opensearch:totalResults>29999</opensearch:totalResults>\n"
        f"  <opensearch:startIndex>{first}</opensearch:startIndex>\n"
    ]
    for (name, created), text in zip(identifiers(first, len(texts)), texts, strict=True):
        category = _CATEGORIES[hash_of(name) % len(_CATEGORIES)]
        scheme = 'scheme="http://arxiv.org/schemas/atom"'
        parts.append(
            f"  <entry>\n    <id>http://arxiv.org/abs/{name}v1</id>\n    <title>{_escape(text[:70])}</title>\n"
            f"    <updated>{created}T10:00:00Z</updated>\n"
            f'    <link href="https://arxiv.org/abs/{name}v1" rel="alternate" type="text/html"/>\n'
            f'    <link href="https://arxiv.org/pdf/{name}v1" rel="related" type="application/pdf" title="pdf"/>\n'
            f"    <summary>{_wrap(_escape(text))}</summary>\n"
            f'    <category term="{category}" {scheme}/>\n    <category term="cs.LG" {scheme}/>\n'
            f"    <published>{created}T10:00:00Z</published>\n    <arxiv:comment>12 pages, 5 figures</arxiv:comment>\n"
            f'    <arxiv:primary_category term="{category}"/>\n'
            f"{_ATOM_AUTHOR * _author_count(name)}  </entry>\n"
        )
    parts.append("</feed>\n")
    return "".join(parts).encode()


def _author_count(name: str) -> int:
    return 1 + hash_of(name) * 7919 % 8  # 1 to 8, 4.5 in the mean


def hash_of(text: str) -> int:
    """Return a small number from ``text`` that does not change between processes."""
    return sum(text.encode())


def gzip_pages(pages: int, seed: int, level: int = 1) -> Iterator[bytes]:
    """Yield ``pages`` gzipped OAI pages of 1,300 records with distinct identifiers.

    The abstracts repeat every three pages: drawing them anew would cost more than parsing them, and keeping more of
    them would be taken for memory of the ingest.
    """
    texts = [abstracts(OAI_PAGE, seed + number) for number in range(min(pages, 3))]
    for number in range(pages):
        page = oai_page(texts[number % len(texts)], number * OAI_PAGE)
        yield gzip.compress(page, level)


def write_pages(folder: Path, oai_pages: int, atom_pages: int, seed: int) -> None:
    """Write ``oai-*.xml``, ``oai-*.xml.gz`` and ``atom-*.xml``."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(oai_pages):
        page = oai_page(abstracts(OAI_PAGE, seed + number), number * OAI_PAGE)
        (folder / f"oai-{number:04}.xml").write_bytes(page)
        (folder / f"oai-{number:04}.xml.gz").write_bytes(gzip.compress(page, 6))
    for number in range(atom_pages):
        page = atom_page(abstracts(ATOM_PAGE, seed + 1000 + number), number * ATOM_PAGE)
        (folder / f"atom-{number:04}.xml").write_bytes(page)


def write_records(folder: Path, count: int, seed: int, rows_per_part: int = 20_000) -> None:
    """Write the mention scan's input: parquet parts with the columns of a record, ``count`` rows."""
    import polars

    from analysis.harvesting.records import RECORD_SCHEMA

    folder.mkdir(parents=True, exist_ok=True)
    for part, first in enumerate(range(0, count, rows_per_part)):
        size = min(rows_per_part, count - first)
        texts = abstracts(size, seed + part)
        names, created = zip(*identifiers(first, size), strict=True)
        filled = {
            "arxiv_id": names,
            "created": created,
            "title": [text[:70] for text in texts],
            "abstract": texts,
            "comments": ["12 pages, 5 figures"] * size,
            "categories": [f"{_CATEGORIES[hash_of(name) % len(_CATEGORIES)]} cs.LG" for name in names],
            "primary_category": [_CATEGORIES[hash_of(name) % len(_CATEGORIES)] for name in names],
            "datestamp": ["2026-11-17"] * size,
            "deleted": [False] * size,
        }
        columns = {name: filled.get(name, [""] * size) for name in RECORD_SCHEMA}
        polars.DataFrame(columns, schema=RECORD_SCHEMA).write_parquet(folder / f"part-{part:05}.parquet")


def write_archive(folder: Path, papers: int, links: int, seed: int, shards: int = 4) -> None:
    """Write ``links.parquet`` and ``papers-*.parquet`` with the columns of the Papers with Code archive."""
    import polars

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    days = rng.integers(0, 4500, papers)
    bounds = np.linspace(0, papers, shards + 1).astype(int)
    for shard, (first, last) in enumerate(pairwise(bounds)):
        _archive_shard(first, last, days[first:last], seed + shard).write_parquet(
            folder / f"papers-{shard}.parquet", compression="snappy"
        )
    # A paper in three has code, some many repositories; 3 % of the links lead to a paper the archive does not hold.
    linked = (papers * rng.random(links) ** 2 * 0.99).astype(int) + rng.integers(0, 2, links)
    linked[rng.random(links) < 0.03] += papers
    labels = rng.choice(len(LABELS), size=links, p=LABEL_SHARES)
    official = rng.random(links) < 0.4
    polars.DataFrame(
        {
            "paper_url": [_paper_url(int(number)) for number in linked],
            "paper_title": [f"Paper {number} on gradients" for number in linked],
            "paper_arxiv_id": [f"2001.{number % 90000 + 1:05}" for number in linked],
            "paper_url_abs": [f"https://arxiv.org/abs/2001.{number % 90000 + 1:05}" for number in linked],
            "paper_url_pdf": [f"https://arxiv.org/pdf/2001.{number % 90000 + 1:05}" for number in linked],
            "repo_url": [f"https://github.com/lab-{number % 50000}/code-{number}" for number in range(links)],
            "is_official": official,
            "mentioned_in_paper": rng.random(links) < 0.3,
            "mentioned_in_github": rng.random(links) < 0.5,
            "framework": [LABELS[index] for index in labels],
        }
    ).write_parquet(folder / "links.parquet", compression="snappy")


def _paper_url(number: int) -> str:
    return f"https://paperswithcode.com/paper/a-study-of-gradients-number-{number}"


def _archive_shard(first: int, last: int, days: np.ndarray, seed: int):
    import polars

    numbers = range(first, last)
    epoch = np.datetime64("2012-01-01", "ms")
    text = [None] * len(numbers)
    return polars.DataFrame(
        {
            "paper_url": [_paper_url(number) for number in numbers],
            "arxiv_id": [f"2001.{number % 90000 + 1:05}" for number in numbers],
            "nips_id": [None] * len(numbers),
            "openreview_id": text,
            "title": [f"Paper {number} on gradients" for number in numbers],
            "abstract": abstracts(len(numbers), seed),
            "short_abstract": text,
            "url_abs": [f"https://arxiv.org/abs/2001.{number % 90000 + 1:05}" for number in numbers],
            "url_pdf": [f"https://arxiv.org/pdf/2001.{number % 90000 + 1:05}" for number in numbers],
            "proceeding": text,
            "authors": [["Ada Example", "Bo Sample"]] * len(numbers),
            "tasks": [["Segmentation"]] * len(numbers),
            "date": epoch + days.astype("timedelta64[D]").astype("timedelta64[ms]"),
            "conference": text,
        },
        schema_overrides={
            "nips_id": polars.Float64,
            "openreview_id": polars.String,
            "short_abstract": polars.String,
            "proceeding": polars.String,
            "conference": polars.String,
        },
    )
