"""The tables of the trends: what was counted and refreshed is read, what can be said is written.

Each table is always written with all its columns. Where the data for it are absent, a row says in the column ``needs``
what would bring them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from analysis.harvesting import snapshots as landed
from analysis.indicators import Indicator, load_indicators
from analysis.trends import archive as archives
from analysis.trends import checks, classes, correction, envelope, fields, statements, uses
from analysis.trends.archive import REFRESH, Archive, Detector
from analysis.trends.glm import fit_binomial
from analysis.trends.series import POOLED, Series, from_shares, in_words, last_whole_quarter, middle, month_of
from analysis.trends.simulate import COVERAGE_COLUMNS
from analysis.trends.spline import Curve
from reproductions.errors import SurveyError
from reproductions.files import write_text

CLASS_COLUMNS = (
    *("indicator", "series", "period", "t", "grain", "what", "count", "n", "share", "low", "high", "check_low"),
    *("check_high", "interval", "inflation", "small", "incomplete", "needs"),
)
CURVE_COLUMNS = (
    *("indicator", "series", "rule", "t", "period", "share", "low", "high", "n", "observed", "incomplete", "break"),
    "needs",
)
FIELD_COLUMNS = (
    *("indicator", "which", "field", "period", "t", "grain", "count", "n", "inflation", "share", "low", "high"),
    *("shrunken", "shrunken_low", "shrunken_high", "small", "merged", "incomplete", "needs"),
)
CORRECTED_COLUMNS = (
    *("period", "t", "share", "low", "high", "n", "uncorrected", "uncorrected_low", "uncorrected_high"),
    *("archive", "archive_low", "archive_high", "difference", "difference_low", "difference_high", "break", "needs"),
)
FIT_COLUMNS = (
    *("indicator", "series", "periods", "logistic_deviance", "logistic_dispersion", "logistic_aic"),
    *("quadratic_dispersion", "quadratic_aic", "spline_deviance", "spline_dispersion", "spline_aic", "spline_edf"),
    *("verdict", "needs"),
)
CONFUSION_COLUMNS = ("archive_label", "detector_label", "repositories")
NEEDS_ARCHIVE = f"the Papers with Code archive: {REFRESH}"
NEEDS_DETECTOR = f"the repository detector, switched on in config (sources.repository_detector.enabled): {REFRESH}"
NEEDS_OVERLAP = "months that both hold: sources.pwc_live.first_month=2025-01"
CURVE_STEP = 1 / 12
LABELS = Path(__file__).resolve().parents[2] / "data" / "mention_labels.csv"


@dataclass(frozen=True)
class Data:
    """What the tables are made from; a part that is absent is None or empty."""

    shares: pd.DataFrame
    sources: pd.DataFrame
    quotes: pd.DataFrame
    indicators: dict[str, Indicator]
    archive: Archive | None
    detector: Detector | None
    named: tuple[str, list[tuple[str, frozenset[str]]]] | None
    coverage: pd.DataFrame | None
    labels: pd.DataFrame
    uses: tuple[pd.DataFrame, str] | None = None


def write_tables(
    tables: Path, snapshots: Path | None, coverage_csv: Path, indicators: dict[str, Indicator] | None = None
) -> dict[str, pd.DataFrame]:
    """Write the trend tables to the folder that holds the adoption tables; return them by name.

    tables        holds ``adoption_shares.csv``, ``sources.csv`` and ``adoption_quotes.csv`` (``analysis count``)
    snapshots     folder of the refreshed snapshots
    coverage_csv  result of ``analysis simulate``
    raises        SurveyError if a table is missing or a snapshot was edited
    """
    data = read(Path(tables), snapshots, coverage_csv, indicators or load_indicators())
    with threadpool_limits(1):  # the matrices are small: threads that wait for each other take ten times as long
        made = build(data)
    for name, table in made.items():
        text = table.to_csv(index=False, float_format="%.6f", lineterminator="\n")
        write_text(Path(tables) / f"{name}.csv", text)
    return made


def read(tables: Path, snapshots: Path | None, coverage_csv: Path, indicators: dict[str, Indicator]) -> Data:
    """Return the data of the tables; arguments and errors as in ``write_tables``."""
    read_in = {}
    for name in ("adoption_shares", "sources", "adoption_quotes"):
        path = tables / f"{name}.csv"
        try:
            read_in[name] = pd.read_csv(path, dtype={"period": str, "as_of": str, "stratum": str, "source": str})
        except FileNotFoundError:
            raise SurveyError(f"{path}: no such table; run python -m analysis count --out {tables.parent}") from None
    coverage = pd.read_csv(coverage_csv, keep_default_na=False) if Path(coverage_csv).exists() else None
    return Data(
        read_in["adoption_shares"],
        read_in["sources"],
        read_in["adoption_quotes"],
        indicators,
        archives.read_archive(snapshots),
        archives.read_detector(snapshots),
        _read_named(snapshots),
        coverage,
        pd.read_csv(LABELS, dtype=str),
        uses.refreshed(snapshots),
    )


def _read_named(snapshots: Path | None) -> tuple[str, list[tuple[str, frozenset[str]]]] | None:
    """Return the name of arXiv's refreshed series, and month and frameworks of each paper that names one."""
    for source in archives.ARXIV:
        version = landed.latest(snapshots, source) if snapshots else None
        figures = version.rows("figures") if version else []
        if figures:
            rows = pd.DataFrame(version.rows("named"))
            rows = rows[rows["fields"].str.contains("title|abstract")]
            papers = rows.groupby("arxiv_id").agg(month=("created", "first"), names=("framework", frozenset))
            named = [(month[:7], names) for month, names in zip(papers["month"], papers["names"], strict=True)]
            return f"{figures[0]['stratum']}, by month", named
    return None


def build(data: Data) -> dict[str, pd.DataFrame]:
    """Return the tables by name."""
    shares = data.shares[data.shares["indicator"] != archives.INDICATOR] if data.archive else data.shares
    # What the detector counted is not what there is; its series is the corrected one.
    shares = shares[shares["indicator"] != archives.DETECTED]
    found = list(from_shares(shares, data.sources, data.indicators).values())
    if data.archive:
        found += archives.archive_series(data.archive) + archives.bounds(data.archive)
    found += _named_series(data, found)
    curves = {_key(series): series.fit() for series in found}
    fielded, corrected = _fields(data), _corrected(data)
    return {
        "trend_classes": _classes(data),
        "trend_envelope": _envelope(data, found),
        "trend_sensitivity": _sensitivity(data, found, curves),
        "trend_curves": _curves(data, found, curves),
        "trend_statements": _statements(data, found, curves, (fielded[1], corrected)),
        "trend_fields": fielded[0],
        "trend_corrected": corrected,
        "trend_uses": _uses(data),
        "trend_fit": _fits(data, found, curves),
        "quote_checks": checks.quotes(data.quotes, data.shares, data.archive),
        "interval_coverage": _coverage(data),
        "mention_labels": data.labels,
        "detector_confusion": _frame([] if data.detector is None else _confusion(data.detector), CONFUSION_COLUMNS),
    }


def _key(series: Series) -> tuple[str, str, str]:
    return series.indicator, series.name, series.rule


def _seed(*words: str) -> int:
    return zlib.crc32("|".join(words).encode())


def _frame(rows: Iterable[dict], columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(columns))


def _joined(parts: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    parts = [part.astype(object) for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True).loc[:, list(columns)] if parts else pd.DataFrame(columns=list(columns))


# --- classes ---------------------------------------------------------------------------------------------------------


def _classes(data: Data) -> pd.DataFrame:
    parts = [_share_classes(data)]
    if data.archive is None:
        parts.append(_frame([{"indicator": archives.INDICATOR, "needs": NEEDS_ARCHIVE}], CLASS_COLUMNS))
    else:
        parts += [archive_classes(data.archive, repositories) for repositories in archives.REPOSITORIES]
    return _joined(parts, CLASS_COLUMNS)


def _share_classes(data: Data) -> pd.DataFrame:
    """Return two-way shares and coverage of every indicator with intervals; of conference papers the classes too."""
    rows = []
    for name, indicator in data.indicators.items():
        own = data.shares[(data.shares["indicator"] == name) & (data.shares["rule"] == indicator.default_rule.id)]
        if not indicator.interval or name == archives.INDICATOR:
            continue
        for row in own[own["n"].fillna(0) > 0].to_dict("records"):
            base = {
                "indicator": name,
                "series": row["series"],
                "period": row["period"],
                "t": middle(row["period"]),
                "grain": "year" if len(row["period"]) == 4 else indicator.grain,
                "incomplete": str(row["complete"]).lower() != "true",
                "inflation": 1.0,
                "needs": "",
            }
            counts = [row["pytorch"], row["tensorflow"]]
            if indicator.naming == "disjoint" and pd.notna(row["total"]):
                counts.append(row["total"] - row["n"])
            rows += _class_rows(base, dict(zip(("pytorch", "tensorflow", "both or neither"), counts, strict=False)))
            if pd.notna(row["total"]) and row["total"] > 0:
                rows.append(_coverage_row(base, row["n"], row["total"]))
    return _frame(rows, CLASS_COLUMNS)


def _class_rows(base: dict, counts: dict[str, float], inflation: float = 1.0, two_way: float = 1.0) -> list[dict]:
    """Return the rows of one period: its two-way share, and its classes where there are more than two."""
    k, n = counts["pytorch"], counts["pytorch"] + counts["tensorflow"]
    rows = []
    if n > 0:
        low, high = classes.clustered_wilson(k, n, two_way)
        check = classes.jeffreys(k / two_way, n / two_way)
        rows.append(
            base
            | {"what": "two_way", "count": k, "n": n, "share": k / n, "low": float(low), "high": float(high)}
            | {"check_low": float(check[0]), "check_high": float(check[1]), "interval": "wilson 95 %"}
            | {"inflation": two_way, "small": n < classes.SMALL}
        )
    total = sum(counts.values())
    if len(counts) < 3 or total <= 0:
        return rows
    low, high, method = classes.simultaneous(np.array([list(counts.values())]) / inflation)
    for place, (name, count) in enumerate(counts.items()):
        rows.append(
            base
            | {"what": name, "count": count, "n": total, "share": count / total}
            | {"low": low[0, place], "high": high[0, place], "interval": f"{method[0]}, together 95 %"}
            | {"inflation": inflation, "small": total < classes.SMALL}
        )
    return rows


def _coverage_row(base: dict, count: float, total: float) -> dict:
    share = {"what": "coverage", "count": count, "n": total, "share": count / total}
    return base | share | {"interval": "none: a complete count", "small": False, "inflation": np.nan}


def archive_classes(archive: Archive, repositories: str) -> pd.DataFrame:
    """Return the four classes, the two-way share and the coverage by month; quarters where a month is small."""
    table = archive.kinds[archive.kinds["repositories"] == repositories].set_index("month")
    counts = pd.DataFrame(
        {
            "pytorch": table["pytorch"],
            "tensorflow": table["tensorflow"],
            "both": table["both"],
            "other": table["other"] + table["unlabelled"],
        }
    )
    n = (counts["pytorch"] + counts["tensorflow"]).to_numpy(float)
    inflation, two_way = np.ones(len(counts)), np.ones(len(counts))
    if not archive.clustering.empty:
        known = archive.clustering[archive.clustering["repositories"] == repositories].set_index("month")
        known = known.reindex(counts.index).fillna(1.0)
        inflation = classes.steady_inflation(known["classes_by_owner"].to_numpy(), counts.sum(axis=1).to_numpy(float))
        two_way = classes.steady_inflation(known["paper_share_by_owner"].to_numpy(), n)
    months = pd.DataFrame({"inflation": inflation, "two_way": two_way}, index=counts.index)
    cover = archive.coverage.set_index("month").reindex(counts.index)
    late = set(counts.index[archives.late_periods(tuple(counts.index), archives.LATE[archives.INDICATOR])])
    rows = []
    for period, members in merged(dict(zip(counts.index, n, strict=True))):
        base = {
            "indicator": archives.INDICATOR,
            "series": f"papers, {archives.REPOSITORIES[repositories]}",
            "period": period,
            "t": middle(period),
            "grain": "quarter" if "Q" in period else "month",
            "incomplete": bool(late & set(members)),
            "needs": "",
        }
        factors = months.loc[members].mean()
        rows += _class_rows(base, counts.loc[members].sum().to_dict(), factors["inflation"], factors["two_way"])
        if repositories == "all" and cover.loc[members, "papers"].sum() > 0:
            rows.append(_coverage_row(base, cover.loc[members, "with_label"].sum(), cover.loc[members, "papers"].sum()))
    return _frame(rows, CLASS_COLUMNS)


def merged(units: dict[str, float], small: int = classes.SMALL) -> list[tuple[str, list[str]]]:
    """Return periods with their months: a quarter stands for its months where one of them has fewer than 20 units."""
    quarters: dict[str, list[str]] = {}
    for month in sorted(units):
        quarters.setdefault(archives.quarter_of(month), []).append(month)
    found = []
    for quarter, months in quarters.items():
        if min(units[month] for month in months) < small:
            found.append((quarter, months))
        else:
            found += [(month, [month]) for month in months]
    return found


# --- rules -----------------------------------------------------------------------------------------------------------


def _named_series(data: Data, found: list[Series]) -> list[Series]:
    """Return the series of refreshed arXiv abstracts under the rules for Keras and for papers naming both."""
    if data.named is None:
        return []
    name, papers = data.named
    own = [series for series in found if series.name == name and series.default]
    if not own:
        return []
    rules = envelope.from_named(papers, own[0].period)
    return [
        replace(own[0], rule=rule, label=label, pytorch=pytorch, n=n, default=False)
        for rule, (label, pytorch, n) in rules.items()
    ]


def _envelope(data: Data, found: list[Series]) -> pd.DataFrame:
    parts = [envelope.rows(series) for series in found if series.name != POOLED]
    venues = data.shares[data.shares["indicator"] == "conference_papers"]
    for row in venues.to_dict("records"):
        same = {name: row[name] for name in ("indicator", "series", "period", "rule", "share", "low", "high", "n")}
        more = {"t": middle(row["period"]), "label": "He's terms (Keras counts as TensorFlow)", "default": True}
        rest = {"bound": False, "incomplete": str(row["complete"]).lower() != "true", "note": "", "needs": ""}
        parts.append(_frame([same | more | rest], envelope.COLUMNS))
    for rule in ("Keras apart", "Keras dropped"):
        note = "not distinguishable: He's counts hold Keras with TensorFlow"
        parts.append(envelope.absent("conference_papers", rule, note))
    parts.append(
        envelope.absent("conference_papers", "both half", "not distinguishable: papers naming both count for neither")
    )
    if data.named is None:
        parts.append(
            envelope.absent(
                "arxiv_abstracts", "Keras dropped; both half, dropped, apart", "", f"arXiv's records: {REFRESH}"
            )
        )
    if data.archive is None:
        parts.append(envelope.absent(archives.INDICATOR, archives.DEFAULT, "", NEEDS_ARCHIVE))
    for rule in ("Keras apart", "Keras dropped"):
        parts.append(envelope.absent(archives.INDICATOR, rule, archives.NO_KERAS, series=archives.SERIES))
    return _joined(parts, envelope.COLUMNS)


def _sensitivity(data: Data, found: list[Series], curves: dict[tuple, Curve | None]) -> pd.DataFrame:
    parts = []
    for series in (series for series in found if series.default):
        others = [
            (other, curves[_key(other)])
            for other in found
            if not other.default and (other.indicator, other.name) == (series.indicator, series.name)
        ]
        if (shorter := envelope.without_incomplete(series)) is not None:
            others.append(shorter)
        seed = _seed(*_key(series))
        parts.append(envelope.sensitivity(series, others, curves[_key(series)], seed))
    if data.archive is None:
        rows = [{"indicator": archives.INDICATOR, "series": archives.SERIES, "needs": NEEDS_ARCHIVE}]
        parts.append(_frame(rows, envelope.SENSITIVITY))
    return _joined(parts, envelope.SENSITIVITY)


# --- trends ----------------------------------------------------------------------------------------------------------


def _curves(data: Data, found: list[Series], curves: dict[tuple, Curve | None]) -> pd.DataFrame:
    parts = [_curve(series, curves[_key(series)]) for series in found if series.default]
    if data.archive is None:
        row = {"indicator": archives.INDICATOR, "series": archives.SERIES, "needs": NEEDS_ARCHIVE}
        parts.append(_frame([row], CURVE_COLUMNS))
    return _joined(parts, CURVE_COLUMNS)


def _curve(series: Series, curve: Curve | None) -> pd.DataFrame:
    """Return the observed shares and, where there is one, the trend by months up to the last whole quarter."""
    base = {"indicator": series.indicator, "series": series.name, "rule": series.rule, "needs": ""}
    seen = envelope.rows(series)
    observed = seen.assign(**base, observed=True)
    observed["break"] = _marks(series, series.t)
    parts = [observed[seen["n"] > 0].reindex(columns=list(CURVE_COLUMNS))]
    if curve is not None:
        first, last = curve.basis.first, curve.basis.last
        at = np.append(np.arange(first, last - CURVE_STEP / 2, CURVE_STEP), last)
        share, low, high = curve.share(at)
        if not series.interval:
            low = high = np.full(len(at), np.nan)
        late = series.t[series.incomplete & (series.n > 0)]
        since = late.min() if len(late) and not (~series.incomplete & (series.t > late.min())).any() else np.inf
        fitted = {"t": at, "period": [month_of(t) for t in at], "share": share, "low": low, "high": high}
        fitted |= {"observed": False, "incomplete": at >= since, "break": _marks(series, at)}
        parts.append(pd.DataFrame(base | fitted).reindex(columns=list(CURVE_COLUMNS)))
    return _joined(parts, CURVE_COLUMNS)


def _marks(series: Series, t: np.ndarray) -> list[str]:
    """Return the reasons of the breaks at the first time that each of them reaches."""
    marks = [""] * len(t)
    for step in series.steps:
        after = np.flatnonzero(t >= step.start)
        if len(after) and t.min() < step.start:
            first = after[np.argmin(t[after])]
            marks[first] = "; ".join(filter(None, [marks[first], step.reason]))
    return marks


def _statements(data: Data, found: list[Series], curves: dict[tuple, Curve | None], more: tuple) -> pd.DataFrame:
    rows = []
    for series in found:
        if series.default:
            short = data.indicators[series.indicator].short
            rows += statements.state(series, curves[_key(series)], short, _seed(*_key(series)))
    rows += _venues(data)
    by_field, corrected = more
    rows += _corrected_share(corrected)
    for field, series in by_field:
        short = data.indicators[series.indicator].short
        rows += statements.state(series, series.fit(), short, _seed(field, *_key(series)), field)
    if data.archive is not None:
        rows += _bootstrapped(data.archive, by_field)
    if data.archive is None:
        for name in statements.STATEMENTS:
            base = {"indicator": archives.INDICATOR, "series": archives.SERIES, "statement": name}
            rows.append(base | {"verdict": "no data", "needs": NEEDS_ARCHIVE})
    return _frame(rows, statements.COLUMNS)


def _bootstrapped(archive: Archive, by_field: list[tuple[str, Series]]) -> list[dict]:
    """Return crossing dates of the archive and its fields by the bootstrap over owners, beside those by the band."""
    found = [("", archives.SERIES, archives.bootstrap_crossings(archive))]
    for field, series in by_field:
        if series.indicator == archives.INDICATOR and not archive.field_samples.empty:
            samples = archive.field_samples[archive.field_samples["field"] == field]
            found.append((field, series.name, archives.sampled_crossings(series, samples)))
    return [_dated_by_samples(*each) for each in found if np.isfinite(each[2]).any()]


def _dated_by_samples(field: str, series: str, dates: np.ndarray) -> dict:
    known = dates[np.isfinite(dates)]
    low, at, high = (float(np.quantile(known, level)) for level in (0.025, 0.5, 0.975))
    where = f"Code of papers ({field})" if field else "Code of papers"
    return {
        "indicator": archives.INDICATOR,
        "series": series,
        "rule": archives.DEFAULT,
        "field": field,
        "statement": "crossing",
        "verdict": "crossed",
        "value": at,
        "low": low,
        "high": high,
        "unit": "decimal year",
        "period": month_of(at),
        "method": (
            f"{statements.RESAMPLED} of {len(dates)} samples of owners; {len(dates) - len(known)} of them do not cross"
        ),
        "sentence": (
            f"{where}, owners of repositories drawn anew {len(dates)} times: PyTorch first led in "
            f"{in_words(month_of(at))} (95 % interval: {in_words(month_of(low))} to {in_words(month_of(high))})."
        ),
        "needs": "",
    }


def _corrected_share(corrected: pd.DataFrame) -> list[dict]:
    """Return the corrected share of the last month of the detector."""
    known = corrected[corrected["share"].notna()]
    if known.empty:
        return []
    last = known.iloc[-1]
    share, low, high = (float(last[name]) for name in ("share", "low", "high"))
    words = f"{100 * share:.0f} % of PyTorch and TensorFlow (95 % interval: {100 * low:.0f} to {100 * high:.0f} %)"
    return [
        {
            "indicator": archives.DETECTED,
            "series": "corrected for the detector's errors",
            "rule": "corrected",
            "field": "",
            "statement": "last_share",
            "verdict": "ahead" if low > 0.5 else "behind" if high < 0.5 else "open",
            "value": share,
            "low": low,
            "high": high,
            "unit": "share",
            "period": last["period"],
            "method": "inverse of the detector's error rates; interval over both samples",
            "sentence": f"Sampled repositories, corrected: in {in_words(last['period'])} PyTorch has {words}.",
            "needs": "",
        }
    ]


def _venues(data: Data) -> list[dict]:
    """Return when each conference crossed, by one slope common to all of them."""
    rows = checks.venue_years(data.shares)
    if rows.empty:
        return []
    made = []
    for found in statements.common_slope(rows["venue"], rows["t"], rows["pytorch"], rows["n"]):
        dates = f"{found.at:.1f} (95 % interval: {found.low:.1f} to {found.high:.1f})"
        made.append(
            {
                "indicator": "conference_papers",
                "series": found.venue,
                "rule": data.indicators["conference_papers"].default_rule.id,
                "field": "",
                "statement": "crossing",
                "verdict": "crossed",
                "value": found.at,
                "low": found.low,
                "high": found.high,
                "unit": "decimal year",
                "period": month_of(found.at),
                "method": "logit with one slope for all venues; Fieller's interval",
                "sentence": f"Conference papers ({found.venue}): PyTorch first led in {dates}.",
                "needs": "",
            }
        )
    return made


def _fits(data: Data, found: list[Series], curves: dict[tuple, Curve | None]) -> pd.DataFrame:
    rows = []
    for series in found:
        curve = curves[_key(series)]
        if series.default and series.interval and curve is not None:
            rows.append(_misfit(series, curve))
    if data.archive is None:
        rows.append({"indicator": archives.INDICATOR, "series": archives.SERIES, "needs": NEEDS_ARCHIVE})
    return _frame(rows, FIT_COLUMNS)


def _misfit(series: Series, curve: Curve) -> dict:
    """Return how a plain logistic curve, one with a bend, and the spline fit the same periods."""
    kept = series.whole & (series.n > 0)
    t, k, n = series.t[kept], series.pytorch[kept], series.n[kept]
    levels = [np.ones(len(t))]
    if series.groups is not None:
        levels = list((series.groups[kept][:, None] == np.unique(series.groups[kept])[None, :]).T.astype(float))
    at = t - t.mean()
    plain = fit_binomial(k, n, np.column_stack([*levels, at]))
    bent = fit_binomial(k, n, np.column_stack([*levels, at, at**2]))
    better = plain.aic - min(bent.aic, curve.aic)
    verdict = "misfits" if better > 10 else "does not clearly misfit"
    return {
        "indicator": series.indicator,
        "series": series.name,
        "periods": len(t),
        "logistic_deviance": plain.deviance,
        "logistic_dispersion": plain.dispersion,
        "logistic_aic": plain.aic,
        "quadratic_dispersion": bent.dispersion,
        "quadratic_aic": bent.aic,
        "spline_deviance": curve.deviance,
        "spline_dispersion": curve.dispersion,
        "spline_aic": curve.aic,
        "spline_edf": curve.edf,
        "verdict": f"a plain logistic curve {verdict}: AIC {better:+.1f} against the better of the others",
        "needs": "",
    }


# --- fields, correction, coverage ------------------------------------------------------------------------------------


def _fields(data: Data) -> tuple[pd.DataFrame, list[tuple[str, Series]]]:
    """Return the table of fields, and a series for each field that statements are made about."""
    conferences, named = fields.from_conferences(data.shares, data.indicators["conference_papers"])
    parts, series = [conferences], named
    if data.archive is not None and not data.archive.fields.empty:
        months = tuple(data.archive.kinds["month"])
        own = data.archive
        table, more = fields.from_archive(own.fields, last_whole_quarter(months), own.field_owners, own.field_linked)
        parts.append(table)
        series = series + more
    else:
        names = fields.load_fields()["fields"]
        rows = [{"indicator": archives.INDICATOR, "which": "primary", "field": f, "needs": fields.NEEDS} for f in names]
        parts.append(_frame(rows, FIELD_COLUMNS))
    return _joined(parts, FIELD_COLUMNS), series


def _corrected(data: Data) -> pd.DataFrame:
    if data.detector is None:
        return _frame([{"needs": NEEDS_DETECTOR}], CORRECTED_COLUMNS)
    rows = correction.by_month(data.detector, data.archive, _seed("corrected"))
    if not any(np.isfinite(row.get("difference", np.nan)) for row in rows):
        rows.append({"needs": NEEDS_OVERLAP if data.archive else NEEDS_ARCHIVE})
    return _frame(rows, CORRECTED_COLUMNS)


def _uses(data: Data) -> pd.DataFrame:
    """Return PyTorch among mentions and among uses: of the labelled archives, and of a refreshed harvest."""
    parts = [uses.by_labels(data.shares, data.labels, _seed("uses", "labels"))]
    if data.uses is None:
        parts.append(_frame([{"needs": uses.NEEDS}], uses.COLUMNS))
    else:
        parts.append(uses.by_model(*data.uses, _seed("uses", "model")))
    return _joined(parts, uses.COLUMNS)


def _confusion(detector: Detector) -> list[dict]:
    return detector.confusion.loc[:, list(CONFUSION_COLUMNS)].to_dict("records")


def _coverage(data: Data) -> pd.DataFrame:
    columns = (*COVERAGE_COLUMNS, "needs")
    if data.coverage is None:
        return _frame([{"needs": "python -m analysis simulate"}], columns)
    return data.coverage.assign(needs="").reindex(columns=list(columns))
