"""Framework names in texts: the rule, and the scan that must agree with it."""

from datetime import date, timedelta

import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import mentions
from analysis.harvesting.records import RECORD_SCHEMA


def records(rows):
    """Return a frame of records from ``(title, abstract, comments)``."""
    start = date(2024, 1, 1)
    filled = [
        dict.fromkeys(RECORD_SCHEMA, "")
        | {
            "arxiv_id": f"2401.{90000 + n}",
            "title": title,
            "abstract": abstract,
            "comments": comments,
            "deleted": False,
        }
        | {"created": (start + timedelta(days=n)).isoformat(), "categories": "cs.LG cs.CV", "primary_category": "cs.LG"}
        for n, (title, abstract, comments) in enumerate(rows)
    ]
    return polars.DataFrame(filled, schema=RECORD_SCHEMA)


@pytest.mark.parametrize(
    ("text", "frameworks"),
    [
        ("Our PyTorch implementation", {"pytorch"}),
        ("code (Py-Torch)", {"pytorch"}),
        ("pytorch_lightning and PYTORCH2", {"pytorch"}),
        ("tensorflow2.0", {"tensorflow"}),
        ("TensorFlow/Keras", {"tensorflow", "keras"}),
        ("TensorFlowLite", {"tensorflow"}),
        ("Tensor Flow on Riemannian Manifolds", set()),
        ("the tensor-flow equation", set()),
        ("Vision-Guided Control of a Welding Torch", set()),
        ("Torch7 and Lua Torch", set()),
        ("kernels in JAX-based code", {"jax"}),
        ("Jax Teller from Jax, Florida; AJAX", set()),
        ("Caffe2 and caffe", {"caffe"}),
        ("caffeine", set()),
        ("MXNet, Theano; Chainer", {"mxnet", "theano", "chainer"}),
        ("ChainerRL and torchrun", {"chainer", "pytorch"}),  # products of the projects themselves
        ("使用PyTorch实现", {"pytorch"}),
        ("\u212aeras and ten\u017forflow", set()),  # letters that fold to k and s beyond ASCII
        ("", set()),
    ],
)
def test_the_rule(text, frameworks):
    assert mentions.named(text) == frameworks


def test_the_scan_says_where_each_name_stands():
    frame = records(
        [("PyTorch", "We use pytorch and JAX.", "Keras code"), ("Torch", "none", ""), ("", "", "code in TensorFlow")]
    )
    found = mentions.scan(frame.lazy())
    assert found.select("arxiv_id", "framework", "field").rows() == [
        ("2401.90000", "jax", "abstract"),
        ("2401.90000", "keras", "comments"),
        ("2401.90000", "pytorch", "abstract"),
        ("2401.90000", "pytorch", "title"),
        ("2401.90002", "tensorflow", "comments"),
    ]
    assert found.columns == list(mentions.MENTION_SCHEMA)
    assert found["created"].unique().sort().to_list() == ["2024-01-01", "2024-01-03"]


PIECES = [
    "pytorch",
    "Py-Torch",
    "TensorFlow",
    "tensor flow",
    "KERAS",
    "jax",
    "JAX",
    "Theano",
    "\u212aeras",
    "torch",
    "7",
]
TEXTS = st.lists(st.sampled_from([*PIECES, "a", "Z", " ", "-", "_", "2", "中", "é", "\n", "ß", "."]), max_size=9).map(
    "".join
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=12))
def test_the_scan_agrees_with_the_rule_on_any_text(rows):
    found = mentions.scan(records(rows).lazy()).select("arxiv_id", "framework", "field").rows()
    expected = {
        (f"2401.{90000 + n}", framework, field)
        for n, row in enumerate(rows)
        for field, text in zip(mentions.FIELDS, row, strict=True)
        for framework in mentions.named(text)
    }
    assert sorted(found) == sorted(expected)


def test_the_scan_agrees_with_the_rule_row_by_row_on_files(tmp_path):
    from benchmarks import synthetic

    synthetic.write_records(tmp_path, 4000, seed=11, rows_per_part=1500)
    paths = sorted(tmp_path.glob("*.parquet"))
    assert len(paths) == 3
    expected = {
        (row["arxiv_id"], framework, field)
        for path in paths
        for row in polars.read_parquet(path).iter_rows(named=True)
        for field in mentions.FIELDS
        for framework in mentions.named(row[field])
    }
    found = mentions.scan(paths).select("arxiv_id", "framework", "field").rows()
    assert len(expected) > 40
    assert sorted(found) == sorted(expected)


def test_a_month_counts_a_paper_once_a_framework_and_shows_months_without_mentions():
    frame = records([("PyTorch", "pytorch", ""), ("", "pytorch", ""), ("", "Keras", "")])
    totals = polars.DataFrame({"month": ["2024-01", "2024-02"], "total": [40, 50]})
    table = mentions.monthly(mentions.scan(frame.lazy()), totals)
    counted = {(month, framework): (count, total) for month, framework, count, total in table.rows()}
    assert counted["2024-01", "pytorch"] == (2, 40)
    assert counted["2024-01", "keras"] == (1, 40)
    assert counted["2024-02", "pytorch"] == (0, 50)
    assert len(counted) == 2 * len(mentions.NAMES)


def test_a_mention_without_a_count_of_all_papers_is_an_error():
    hits = mentions.scan(records([("PyTorch", "", "")]).lazy())
    with pytest.raises(ValueError, match="2024-01"):
        mentions.monthly(hits, polars.DataFrame({"month": ["2024-02"], "total": [5]}))


def test_no_record_gives_an_empty_table_of_the_same_columns():
    assert mentions.scan(records([("", "", "")]).lazy()).schema == polars.Schema(mentions.MENTION_SCHEMA)
