"""Synthetic papers: what arXiv would hold, and, known from how each was made, which frameworks it names.

Nothing here is computed by a rule on text: every sentence comes with its names, so that a table made of them is
independent of the production code. The traps are those of real texts (bare torch, Torch7, tensor flow in mathematics).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np

DAY = date(2024, 4, 12)  # the day of the survey: January to March are over, January and February have settled
SINCE, MONTHS = "2024-01", ("2024-01", "2024-02", "2024-03")
CHOSEN = ("cs.CV", "cs.LG", "stat.ML")
OTHER = ("cs.RO", "math.DG", "q-bio.NC")
FIELDS = ("title", "abstract", "comments")
FRAMEWORKS = ("caffe", "chainer", "jax", "keras", "mxnet", "pytorch", "tensorflow", "theano")
DRAWN = ("jax", "keras", "mxnet", "pytorch", "tensorflow")
ANY_CHOSEN = "(any chosen)"

TITLES = (
    ("Sparse Adapters for Image Segmentation", ""),
    ("A TensorFlow Toolkit for Acoustic Event Detection", "tensorflow"),
    ("Vision-Guided Control of a Welding Torch", ""),
    ("Tensor Flow on Riemannian Manifolds", ""),
    ("Porting Training Loops between PyTorch and TensorFlow", "pytorch tensorflow"),
    ("JAX Kernels for Graph Transformers", "jax"),
    ("Keras 3 Multi-Backend Study", "keras"),
    ("Torch7 Legacy Code: a Survey", ""),
    ("Distillation <b>&</b> Pruning at Scale", ""),
    ("0", ""),
    ("<script>alert('title')</script> Captions", ""),
    ("=cmd()|' /C calc'!A0", ""),
    ('"Quoted", with commas; and "quotes"', ""),
    ("“Curly” Quotes — and 中文标题", ""),
    ("On Tensor-Flow Equations", ""),
    ("Convergence of Adaptive Methods", ""),
    ("Naïve Bayes Revisited", ""),
    ("Latent Diffusion for Protein Backbones", ""),
)
NAMING = (
    ("Our PyTorch implementation is released.", "pytorch"),
    ("The network is trained in tensorflow2.0 on one card.", "tensorflow"),
    ("Keras 3 runs on a PyTorch backend; TensorFlow is not used.", "keras pytorch tensorflow"),
    ("Code: https://example-lab.github.io/prune (Py-Torch).", "pytorch"),
    ("本文使用PyTorch实现，并开源代码。", "pytorch"),
    ("All kernels are written in JAX.", "jax"),
    ("Caffe, Theano and Torch are compared with MXNet & Chainer.", "caffe theano mxnet chainer"),
    ("Layers are keras-based, loops use pytorch_lightning.", "keras pytorch"),
)
# What a name may mean depends on what stands beside it: a trap stands with neutral sentences only.
TRAPS = (
    "A torch is steered along the seam by a vision controller.",
    "We analyse the tensor flow of symmetric fields under curvature.",
    "Torch7 scripts are kept for reference.",
    "The workshop was held in Jax, by the sea.",
    "PyTorchVideo-like names do not count, nor does mytensorflow.",
)
NEUTRAL = (
    "No experiments are reported.",
    "For all x < y & y > z the bound holds — even at “scale” ≤ 1.",
    "Emoji 🔥 and ligatures ﬁ stand in real abstracts.",
    "Results are given as mean ± deviation over five seeds.",
    "We release a data set of 10,000 labelled images.",
)
COMMENTS = (
    ("", ""),
    ("12 pages, 3 figures", ""),
    ("Code in TensorFlow", "tensorflow"),
    ("with “curly” quotes — and 中文", ""),
    ("v2: typos; PyTorch code added", "pytorch"),
)
AUTHORS = ("Kä Mock", "Ada Example", "José Sample", "Bo Placeholder", "李 Instance")


@dataclass(frozen=True)
class Paper:
    """A paper as both doors of arXiv know it; ``named`` has the frameworks of each field, known from its making."""

    arxiv_id: str
    version: int
    title: str
    abstract: str
    comments: str
    categories: tuple[str, ...]
    submitted: datetime
    updated: datetime
    datestamp: date
    deleted: bool
    author: str
    named: Mapping[str, frozenset[str]]

    @property
    def month(self) -> str:
        return f"{self.submitted:%Y-%m}"


@cache
def papers(seed: int = 0, number: int = 260) -> tuple[Paper, ...]:
    """Return papers from December 2023 to 11 April 2024 in the order of submission; a few of other categories."""
    rng = np.random.default_rng([seed, 1])
    first, last = datetime(2023, 12, 20, tzinfo=UTC), datetime(2024, 4, 11, 20, tzinfo=UTC)
    seconds = rng.integers(0, int((last - first).total_seconds()), number - 6)
    times = [first + timedelta(seconds=int(s)) for s in seconds]
    # The edges of every month: its first and its last second are in it.
    times += [datetime(2024, month, 1, tzinfo=UTC) for month in (1, 2, 3)]
    times += [datetime(2024, month, 1, tzinfo=UTC) - timedelta(seconds=1) for month in (2, 3, 4)]
    return tuple(_paper(rng, number, moment) for number, moment in enumerate(sorted(times), start=1))


def _paper(rng: np.random.Generator, number: int, submitted: datetime) -> Paper:
    title, in_title = TITLES[rng.integers(len(TITLES))]
    abstract = _abstract(rng)
    comment, in_comment = COMMENTS[rng.integers(len(COMMENTS))]
    pool = CHOSEN + OTHER if rng.random() < 0.85 else OTHER
    categories = tuple(str(name) for name in rng.choice(pool, rng.integers(1, 4), replace=False))
    version = int(rng.choice([1, 1, 1, 2, 3]))
    later = timedelta(days=int(rng.integers(1, 60))) if version > 1 else timedelta(0)
    updated = min(submitted + later, datetime(2024, 4, 11, 22, tzinfo=UTC))
    datestamp = min(updated.date() + timedelta(days=int(rng.integers(0, 25))), DAY - timedelta(days=1))
    return Paper(
        arxiv_id=f"{submitted:%y%m}.{90000 + number:05d}",
        version=version,
        title=title,
        abstract=" ".join(text for text, _ in abstract),
        comments=comment,
        categories=categories,
        submitted=submitted,
        updated=updated,
        datestamp=datestamp,
        deleted=bool(rng.random() < 0.04),
        author=AUTHORS[rng.integers(len(AUTHORS))],
        named={
            "title": frozenset(in_title.split()),
            "abstract": frozenset(" ".join(names for _, names in abstract).split()),
            "comments": frozenset(in_comment.split()),
        },
    )


def _abstract(rng: np.random.Generator) -> list[tuple[str, str]]:
    """Return sentences with the frameworks that each names."""
    kind = rng.random()
    if kind < 0.45:
        some = [NAMING[k] for k in rng.choice(len(NAMING), rng.integers(1, 3), replace=False)]
    else:
        some = [(TRAPS[rng.integers(len(TRAPS))], "")] if kind < 0.7 else []
    some += [(NEUTRAL[k], "") for k in rng.choice(len(NEUTRAL), rng.integers(1, 3), replace=False)]
    return [some[k] for k in rng.permutation(len(some))]


def counted(seed: int = 0, months: Sequence[str] = MONTHS) -> list[Paper]:
    """Return the papers that belong into the tables: in a chosen category, of these months, not deleted."""
    return [p for p in papers(seed) if not p.deleted and p.month in months and set(p.categories) & set(CHOSEN)]


def tables(found: Iterable[Paper], *, source: str, stratum: str) -> dict[str, list[dict]]:
    """Return the right tables of a harvest of these papers, row by row as they should stand in the snapshot."""
    found = list(found)
    primary, either, mentions, both = Counter(), Counter(), Counter(), Counter()
    named = []
    for paper in found:
        for category in CHOSEN:
            primary[paper.month, category] += paper.categories[0] == category
            either[paper.month, category] += category in paper.categories
        primary[paper.month, ANY_CHOSEN] += paper.categories[0] in CHOSEN
        either[paper.month, ANY_CHOSEN] += 1
        for framework in FRAMEWORKS:
            fields = [field for field in FIELDS if framework in paper.named[field]]
            mentions.update((paper.month, framework, field) for field in fields)
            both[paper.month, framework] += bool({"title", "abstract"} & set(fields))
            if fields:
                named.append(
                    {
                        "arxiv_id": paper.arxiv_id,
                        "created": f"{paper.submitted:%Y-%m-%d}",
                        "primary_category": paper.categories[0],
                        "framework": framework,
                        "fields": "+".join(sorted(fields)),
                    }
                )
    return {
        "papers_by_month": [
            {"month": month, "category": name, "papers_primary": primary[month, name], "papers_any": count}
            for (month, name), count in sorted(either.items())
        ],
        "mentions_by_month": [
            {"month": month, "framework": framework, "field": field, "papers": count}
            for (month, framework, field), count in sorted(mentions.items())
        ],
        "named": sorted(named, key=lambda row: (row["created"], row["arxiv_id"], row["framework"])),
        "figures": [
            {
                "indicator": "arxiv_abstracts",
                "period": month,
                "stratum": stratum,
                "framework": framework,
                "count": count,
                "total": either[month, ANY_CHOSEN],
                "source": source,
            }
            for (month, framework), count in sorted(both.items())
            if framework in DRAWN
        ],
    }
