"""A small archive with a known truth, as the parquet files that a refresh keeps."""

import numpy as np
import polars
from scipy.special import expit

CATEGORIES = ("cs.CV", "cs.CL", "cs.LG", "cs.RO", "cs.SD", "math.NA")


def share(t):
    """Return the true share of PyTorch at a decimal year: one half at 2019.0."""
    return 0.05 + 0.9 * expit((np.asarray(t) - 2019.0) / 0.6)


def make_archive(folder, papers_a_month=60, seed=0):
    """Write links and papers of 2016 to July 2025; return their paths and arXiv's records of the papers."""
    rng = np.random.default_rng(seed)
    papers, links, records = [], [], []
    for month in range(115):
        year, of_year = 2016 + month // 12, month % 12 + 1
        for number in range(rng.poisson(papers_a_month)):
            name = f"https://example.org/paper/{month}-{number}"
            arxiv = f"{year % 100:02d}{of_year:02d}.{number + 10000:05d}"
            papers.append((name, arxiv, f"{year}-{of_year:02d}-15"))
            records.append((arxiv, primary := str(rng.choice(CATEGORIES)), f"{primary} cs.LG"))
            if rng.random() < 0.2:
                continue
            owner = f"lab{rng.integers(20)}" if rng.random() < 0.3 else f"own{month}-{number}"
            framework = "pytorch" if rng.random() < share(year + (of_year - 0.5) / 12) else "tf"
            for copy in range(rng.geometric(0.8)):
                label = rng.choice([framework, "none", "jax", "tf"], p=[0.7, 0.2, 0.05, 0.05])
                address = f"https://github.com/{owner}/r{month}-{number}-{copy}"
                links.append((name, address, None if rng.random() < 0.02 else str(label), copy == 0, True))
    columns = ["paper_url", "repo_url", "framework", "is_official", "mentioned_in_paper"]
    polars.DataFrame(links, schema=columns, orient="row").write_parquet(folder / "links.parquet")
    dated = polars.DataFrame(papers, schema=["paper_url", "arxiv_id", "date"], orient="row")
    dated.with_columns(polars.col("date").str.to_datetime("%Y-%m-%d")).write_parquet(folder / "papers.parquet")
    known = polars.DataFrame(records, schema=["arxiv_id", "primary_category", "categories"], orient="row")
    return folder / "links.parquet", [folder / "papers.parquet"], known


def archive_tables(folder, **more):
    """Return every table of an archive snapshot as lists of rows."""
    from analysis import archive_clusters, archive_labels

    links, papers, records = make_archive(folder, **more)
    tables = archive_labels.count(links, papers)
    tables |= archive_clusters.cluster_tables(links, papers)
    tables |= archive_clusters.field_tables(links, papers, records)
    return tables


def detector_tables(seed=0, months=("2025-01", "2025-02", "2025-06", "2025-08"), truth=(0.6, 0.06, 0.34)):
    """Return the tables of a detector snapshot with known error rates."""
    rng = np.random.default_rng(seed)
    labels = ("pytorch", "tf", "mixed", "none", "missing")
    rates = {
        "pytorch": [0.9, 0.01, 0.02, 0.04, 0.03],
        "tf": [0.03, 0.8, 0.05, 0.1, 0.02],
        "none": [0.06, 0.02, 0.01, 0.88, 0.03],
    }
    confusion = [
        {"archive_label": own, "detector_label": label, "repositories": str(count)}
        for own, row in rates.items()
        for label, count in zip(labels, rng.multinomial(300, row), strict=True)
    ]
    monthly = [
        {"month": month, "label": label, "repositories": str(count)}
        for month in months
        for label, count in zip(
            labels, rng.multinomial(500, np.array(truth) @ np.array(list(rates.values()))), strict=True
        )
    ]
    strata = [{"archive_label": own, "year": "2024", "repositories": "1000", "drawn": "300"} for own in rates]
    return {"confusion": confusion, "labels_by_month": monthly, "calibration_strata": strata}
