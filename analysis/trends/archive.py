"""Snapshots as series: the Papers with Code archive under every counting rule, and the repositories of the detector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.harvesting import snapshots
from analysis.trends import classes, clusters
from analysis.trends.series import LATE, Series, late_periods, middle
from analysis.trends.spline import find_crossing

REFRESH = "snakemake --cores 8 refresh"
ARCHIVE, DETECTOR, ARXIV = "pwc_archive", "repository_detector", ("arxiv_oai", "arxiv_query")
INDICATOR, DETECTED = "code_labels", "repository_framework_sample"
SERIES = "papers, all repositories, by month"
UNLABELLED = {"none", "(null)"}
UNITS = {"papers": "papers", "repositories": "repositories"}
REPOSITORIES = {"all": "all repositories", "official": "official repositories"}
BOTH = {
    "half": "papers with both count half for each",
    "dropped": "papers with both are dropped",
    "apart": "papers with both are a third class",
}
DEFAULT = "all papers, both dropped"
NO_KERAS = "not distinguishable: the archive has no label for Keras; such repositories are tf or none"
UNCLUSTERED = "owners are not allowed for: the interval is too narrow; refresh the archive for its clustering tables"
BOUNDS = {
    "bound: unlabelled all TensorFlow": "if every paper without a label used TensorFlow",
    "bound: unlabelled all PyTorch": "if every paper without a label used PyTorch",
}


@dataclass(frozen=True)
class Archive:
    """The tables of an archive snapshot, by month.

    kinds          month, repositories (all or official), pytorch, tensorflow, both, other, unlabelled: papers
    repositories   month, repositories (all or official), pytorch, tensorflow, total: repositories
    coverage       month, papers, with_repository, with_label
    clustering     ``clustering_by_month``, empty where the snapshot has none; linked: ``clustering_by_quarter``
    fields         ``papers_by_field``, empty where the snapshot has none
    samples        ``bootstrap_by_quarter``, empty where the snapshot has none
    field_owners   ``clustering_by_field``, ``field_linked`` and ``field_samples`` the other two tables of fields
                   (``archive_clusters.field_tables``), empty where the snapshot has none
    """

    kinds: pd.DataFrame
    repositories: pd.DataFrame
    coverage: pd.DataFrame
    clustering: pd.DataFrame
    linked: pd.DataFrame
    fields: pd.DataFrame
    samples: pd.DataFrame
    field_owners: pd.DataFrame = field(default_factory=pd.DataFrame)
    field_linked: pd.DataFrame = field(default_factory=pd.DataFrame)
    field_samples: pd.DataFrame = field(default_factory=pd.DataFrame)


def read_archive(folder: Path | None) -> Archive | None:
    """Return the latest archive snapshot, or None where there is none; raises SurveyError if it was edited."""
    version = snapshots.latest(folder, ARCHIVE) if folder else None
    if version is None:
        return None
    return make_archive({name: pd.DataFrame(version.rows(name)) for name in _TABLES})


_TABLES = (
    *("papers_by_month", "repositories_by_month", "coverage_by_month"),
    *("clustering_by_month", "clustering_by_quarter", "papers_by_field", "bootstrap_by_quarter"),
    *("clustering_by_field", "clustering_by_field_quarter", "bootstrap_by_field"),
)
_NUMBERS = (
    *("papers", "repositories_counted", "owners", "covariance", "with_repository", "with_label"),
    *("sample", "pytorch", "tensorflow"),
    *(
        "share_by_owner",
        "paper_share_by_owner",
        "classes_by_owner",
        "repository_share_by_owner",
        "repository_share_by_paper",
    ),
)


def make_archive(tables: Mapping[str, pd.DataFrame]) -> Archive:
    """Return the archive of tables as a snapshot holds them; see ``analysis.archive_labels``."""
    numbers = {
        name: table.assign(**{column: pd.to_numeric(table[column]) for column in _NUMBERS if column in table})
        for name, table in tables.items()
    }
    papers = numbers["papers_by_month"]
    counted = papers.assign(kind=[_kind(text) for text in papers["labels"]])
    kinds = _wide(counted, "papers", ("pytorch", "tensorflow", "both", "other", "unlabelled"))
    links = numbers["repositories_by_month"]
    links = links.assign(
        kind=links["framework"].map({"pytorch": "pytorch", "tf": "tensorflow"}).fillna("other"),
        number=pd.to_numeric(links["repositories"]),
    )
    official = links[links["official"].astype(str).str.lower() == "true"]
    both = pd.concat([links.assign(repositories="all"), official.assign(repositories="official")])
    repositories = _wide(both, "number", ("pytorch", "tensorflow", "other"))
    repositories["total"] = repositories[["pytorch", "tensorflow", "other"]].sum(axis=1)
    return Archive(
        kinds,
        repositories,
        numbers["coverage_by_month"],
        *(numbers.get(name, pd.DataFrame()) for name in ("clustering_by_month", "clustering_by_quarter")),
        *(numbers.get(name, pd.DataFrame()) for name in ("papers_by_field", "bootstrap_by_quarter")),
        *(numbers.get(name, pd.DataFrame()) for name in _TABLES[-3:]),
    )


def _kind(labels: str) -> str:
    """Return the class of a paper by the labels of its repositories."""
    found = set(labels.split("+"))
    if {"pytorch", "tf"} <= found:
        return "both"
    if "pytorch" in found:
        return "pytorch"
    if "tf" in found:
        return "tensorflow"
    return "unlabelled" if found <= UNLABELLED else "other"


def _wide(rows: pd.DataFrame, number: str, kinds: tuple[str, ...]) -> pd.DataFrame:
    keys = ["repositories", "month"]
    table = rows.pivot_table(index=keys, columns="kind", values=number, aggfunc="sum", fill_value=0)
    return table.reindex(columns=list(kinds), fill_value=0).sort_index().reset_index().rename_axis(columns=None)


def archive_series(archive: Archive) -> list[Series]:
    """Return the share under every counting rule, the default first; their common name is ``SERIES``."""
    found = [
        _series(archive, repositories, unit, both)
        for repositories in REPOSITORIES
        for unit in UNITS
        for both in (BOTH if unit == "papers" else ("apart",))
    ]
    return sorted(found, key=lambda series: not series.default)


def bounds(archive: Archive) -> list[Series]:
    """Return the shares if all papers without a label used the one or the other framework: no rule can leave them.

    Source: C. F. Manski, Nonparametric bounds on treatment effects, American Economic Review 80 (1990) 319-323.
    """
    rows = _rows(archive.kinds, "all")
    pytorch, tensorflow, without = (rows[name].to_numpy(float) for name in ("pytorch", "tensorflow", "unlabelled"))
    n = pytorch + tensorflow + without
    made = []
    for (rule, label), counted in zip(BOUNDS.items(), (pytorch, pytorch + without), strict=True):
        made.append(_make(rows, counted, n, rule=rule, label=label, note="a bound, not a rule", default=False))
    return made


def _rows(table: pd.DataFrame, repositories: str) -> pd.DataFrame:
    return table[table["repositories"] == repositories].sort_values("month").reset_index(drop=True)


def _series(archive: Archive, repositories: str, unit: str, both: str) -> Series:
    per_paper = unit == "papers"
    rows = _rows(archive.kinds if per_paper else archive.repositories, repositories)
    counts = rows[["pytorch", "tensorflow", *(["both"] if per_paper else [])]].to_numpy(float)
    scores = {"half": [1, 0, 0.5], "apart": [1, 0, 0][: counts.shape[1]]}
    if both == "dropped":
        pytorch, n = counts[:, 0], counts[:, 0] + counts[:, 1]
    else:
        pytorch, n = classes.effective_trials(scores[both], counts)
    inflation, linked, note = _clustering(archive, repositories, unit, tuple(rows["month"]), n)
    which = "" if repositories == "all" else "official "
    rule = f"all {unit}, both {both}" if per_paper else f"all {unit}"
    rule = rule if repositories == "all" else rule.replace("all", "official", 1)
    label = f"{REPOSITORIES[repositories]}, a {unit[:-1]} counts once"
    label = (
        f"papers with {REPOSITORIES[repositories]}; {BOTH[both]}" if per_paper else f"{which}repositories, each once"
    )
    return _make(
        rows, pytorch, n, rule=rule, label=label, note=note, default=rule == DEFAULT, inflation=inflation, scores=linked
    )


def _make(
    rows: pd.DataFrame,
    pytorch: np.ndarray,
    n: np.ndarray,
    *,
    rule: str,
    label: str,
    note: str,
    default: bool,
    inflation: np.ndarray | None = None,
    scores: tuple[np.ndarray, np.ndarray] | None = None,
) -> Series:
    months = tuple(rows["month"])
    return Series(
        indicator=INDICATOR,
        name=SERIES,
        rule=rule,
        t=np.array([middle(month) for month in months]),
        period=months,
        pytorch=pytorch,
        n=n,
        incomplete=late_periods(months, LATE[INDICATOR]),
        inflation=np.ones(len(months)) if inflation is None else inflation,
        scores=scores,
        default=default,
        label=label,
        note=note,
    )


def quarter_of(month: str) -> str:
    """Return the quarter of a month: 2019Q2 of 2019-05."""
    return f"{month[:4]}Q{(int(month[5:7]) + 2) // 3}"


def _clustering(archive: Archive, repositories: str, unit: str, months: tuple[str, ...], n: np.ndarray):
    """Return the inflation of each month, what links the quarters, and what to note where either is missing."""
    column = "paper_share_by_owner" if unit == "papers" else "repository_share_by_owner"
    if archive.clustering.empty:
        return np.ones(len(months)), None, UNCLUSTERED
    table = archive.clustering[archive.clustering["repositories"] == repositories].set_index("month")[column]
    inflation = classes.steady_inflation(table.reindex(months).fillna(1.0).to_numpy(), n)
    linked = archive.linked
    if linked.empty:
        return inflation, None, ""
    linked = linked[(linked["repositories"] == repositories) & (linked["unit"] == unit)]
    names = sorted({quarter_of(month) for month in months})
    place = {name: number for number, name in enumerate(names)}
    bins = np.array([place[quarter_of(month)] for month in months])
    return inflation, (bins, clusters.covariance_matrix(linked, names)), ""


def bootstrap_crossings(archive: Archive, repositories: str = "all") -> np.ndarray:
    """Return the crossing date of the default rule in every sample of owners, nan where a sample has none.

    Source: B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap (1993), sections 8 and 13.
    """
    if archive.samples.empty:
        return np.array([])
    rows = archive.samples[archive.samples["repositories"] == repositories]
    return sampled_crossings(archive_series(archive)[0], rows)


def sampled_crossings(series: Series, rows: pd.DataFrame) -> np.ndarray:
    """Return the crossing date in every sample, nan where a sample has none.

    series   whose counts are drawn anew
    rows     sample, quarter, pytorch, tensorflow
    """
    found = []
    for _, sample in rows.sort_values(["sample", "quarter"]).groupby("sample", sort=True):
        n = (sample["pytorch"] + sample["tensorflow"]).to_numpy(float)
        counted = replace(
            series,
            t=np.array([middle(quarter) for quarter in sample["quarter"]]),
            period=tuple(sample["quarter"]),
            pytorch=sample["pytorch"].to_numpy(float),
            n=n,
            incomplete=np.zeros(len(sample), dtype=bool),
            inflation=np.ones(len(sample)),
            scores=None,
        )
        curve = counted.fit() if np.sum(n > 0) else None
        found.append(np.nan if curve is None else find_crossing(curve).at)
    return np.array(found)


@dataclass(frozen=True)
class Detector:
    """A snapshot of the repository detector.

    monthly     month, label, repositories (reached ones only)
    confusion   archive_label, detector_label, repositories (reached ones only)
    strata      archive_label, repositories: what the calibration sample stands for
    """

    monthly: pd.DataFrame
    confusion: pd.DataFrame
    strata: pd.DataFrame


NOT_REACHED = ("missing", "unreadable", "unsupported")


def read_detector(folder: Path | None) -> Detector | None:
    """Return the latest snapshot of the detector that holds a calibration, or None where there is none."""
    version = snapshots.latest(folder, DETECTOR) if folder else None
    if version is None:
        return None
    names = ("labels_by_month", "confusion", "calibration_strata")
    return make_detector({name: pd.DataFrame(version.rows(name)) for name in names})


def make_detector(tables: Mapping[str, pd.DataFrame]) -> Detector | None:
    """Return the detector of tables as a snapshot holds them, or None where the calibration is empty."""
    confusion, monthly, strata = (tables[name] for name in ("confusion", "labels_by_month", "calibration_strata"))
    if confusion.empty or monthly.empty:
        return None
    monthly = monthly.assign(repositories=pd.to_numeric(monthly["repositories"]))
    confusion = confusion.assign(repositories=pd.to_numeric(confusion["repositories"]))
    if not strata.empty:
        strata = strata.assign(repositories=pd.to_numeric(strata["repositories"]))
        strata = strata.groupby("archive_label", as_index=False)["repositories"].sum()
    return Detector(
        monthly[~monthly["label"].isin(NOT_REACHED)], confusion[~confusion["detector_label"].isin(NOT_REACHED)], strata
    )
