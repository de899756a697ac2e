"""From counts to shares, rates and crossing dates: tables in, tables out.

A share is PyTorch among PyTorch-or-TensorFlow, as a fraction. Indicators are never blended: each keeps its own series,
and a series its own periods. What an indicator counts, and by which rules, stands in ``analysis/indicators.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.adoption_data import AdoptionDataError, did_you_mean, read_figures, read_quotes
from analysis.indicators import Indicator, Layout, Rule, Side, load_indicators
from analysis.intervals import wilson
from analysis.periods import parse_period
from reproductions.files import write_text

__all__ = [
    "AdoptionDataError",
    "count_rates",
    "count_shares",
    "did_you_mean",
    "find_crossings",
    "read_figures",
    "read_quotes",
    "write_tables",
]

WILSON = "wilson 95 %"
ENDED_AFTER_DAYS = 730  # a series that is not continued for two years counts as ended, not as current

SHARE_COLUMNS = (
    *("indicator", "rule", "series", "period", "period_start", "pytorch", "tensorflow", "n", "total"),
    *("share", "low", "high", "interval", "coverage", "complete", "source", "stratum"),
)
RATE_COLUMNS = ("indicator", "series", "period", "period_start", "framework", "count", "total", "rate", "low", "high")
REFRESH_COLUMNS = (
    *("source", "title", "gives", "licence", "asked", "snapshot", "span", "last_attempt", "outcome", "message"),
)
CROSSING_COLUMNS = (
    *("indicator", "rule", "series", "first_lead", "lasting_lead", "could_lead_from", "surely_leads_from"),
    *("periods", "periods_after", "reversals", "last_period", "status", "how_sure"),
)


def count_shares(figures: pd.DataFrame, indicators: Mapping[str, Indicator] | None = None) -> pd.DataFrame:
    """Return the PyTorch share of every series, period and counting rule (``SHARE_COLUMNS``).

    figures     checked rows as :func:`read_figures` returns them
    indicators  default: ``analysis/indicators.yaml``

    ``pytorch`` and ``tensorflow`` are counts, ``n`` their sum, ``total`` all units looked at (empty where the source
    does not say). ``share``, ``low``, ``high`` and ``coverage`` (n of total) are fractions. A period in which the
    source has no row for one of the two keeps its row without a share: absent is not zero. ``interval`` is
    ``wilson 95 %`` or ``none: <reason>``. ``complete`` is false where the source covers a period only in part, or a
    pooled year lacks months or venues. ``stratum`` is filled where a row stands for one stratum.
    """
    indicators = load_indicators() if indicators is None else indicators
    parts = [
        _shares_of(rows, indicator, layout, rule)
        for indicator, rows in _groups(figures, indicators)
        for layout in indicator.series
        for rule in indicator.rules
    ]
    parts = [part for part in parts if not part.empty]
    if not parts:
        return pd.DataFrame(columns=list(SHARE_COLUMNS))
    shares = _drop_idle_rules(pd.concat(parts, ignore_index=True))
    return shares.loc[:, list(SHARE_COLUMNS)].reset_index(drop=True)


def count_rates(figures: pd.DataFrame, indicators: Mapping[str, Indicator] | None = None) -> pd.DataFrame:
    """Return how often each framework is named among all units looked at, where the source gives a total.

    Columns ``RATE_COLUMNS``; ``rate``, ``low`` and ``high`` (Wilson, 95 %) are fractions of ``total``. One unit may
    be named by several frameworks, so the rates of a period need not add up.
    """
    indicators = load_indicators() if indicators is None else indicators
    parts = []
    for indicator, rows in _groups(figures, indicators):
        known = rows[rows["total"].notna()]
        for layout in indicator.series if len(known) else ():
            laid = _lay_out(known, layout)
            keys = ["series", "at", "framework"]
            table = laid.groupby(keys, sort=True).agg(count=("count", "sum"), total=("total", "sum")).reset_index()
            parts.append(table.assign(indicator=indicator.id))
    if not parts:
        return pd.DataFrame(columns=list(RATE_COLUMNS))
    rates = pd.concat(parts, ignore_index=True).rename(columns={"at": "period"})
    rates["total"] = rates["total"].astype("int64")
    rates["period_start"] = _starts(rates["period"])
    rates["rate"] = rates["count"] / rates["total"].replace(0, np.nan)
    rates["low"], rates["high"] = wilson(rates["count"], rates["total"])
    return rates.loc[:, list(RATE_COLUMNS)].reset_index(drop=True)


def find_crossings(
    shares: pd.DataFrame, sources: pd.DataFrame, indicators: Mapping[str, Indicator] | None = None
) -> pd.DataFrame:
    """Return when PyTorch passes TensorFlow in each series under each rule (``CROSSING_COLUMNS``).

    first_lead         first period with more PyTorch than TensorFlow
    lasting_lead       first such period after which TensorFlow is never ahead again, to the end of the series
    could_lead_from    first period after the last whose interval excludes a PyTorch lead (lies wholly at or below .5)
    surely_leads_from  first period whose interval lies wholly above .5
    periods            periods with a share; periods_after: those after lasting_lead
    reversals          how often TensorFlow comes to be ahead again after first_lead
    status             crossed, never behind, not yet, or ended before (the series stopped, at least two years before
                       the source was read, without a lasting lead)
    how_sure           a sentence: by interval where one exists, else by counting; and by the other rules' dates

    The two interval dates are empty where no interval applies. Periods without a share are passed over.
    """
    indicators = load_indicators() if indicators is None else indicators
    keys = ["indicator", "rule", "series"]
    found = [
        _crossing(group.sort_values("period_start"), sources, dict(zip(keys, key, strict=True)))
        for key, group in shares[shares["share"].notna()].groupby(keys, sort=False)
    ]
    if not found:
        return pd.DataFrame(columns=list(CROSSING_COLUMNS))
    table = pd.DataFrame(found, dtype=object)
    table["how_sure"] = [_how_sure(row, table, indicators[row["indicator"]]) for _, row in table.iterrows()]
    return table.loc[:, list(CROSSING_COLUMNS)].astype({"periods": int, "periods_after": int, "reversals": int})


def write_tables(
    figures_csv: Path | str,
    sources_csv: Path | str,
    quotes_csv: Path | str,
    schemas_dir: Path | str,
    out_dir: Path | str,
    *,
    snapshots: Path | None = None,
) -> dict[str, pd.DataFrame]:
    """Check the adoption data, count, and write the adoption tables as CSV; return them by name.

    Writes ``adoption_shares``, ``adoption_rates``, ``adoption_crossings``, ``sources``, ``refresh`` (what each source
    of a refresh gives, and how its last one ended) and ``adoption_quotes`` to ``out_dir``. ``snapshots`` is the folder
    of the refreshed snapshots; without it only the embedded figures count. Nothing is written before everything is
    counted, and each file is replaced at once.

    raises  AdoptionDataError for faulty data
    """
    indicators = load_indicators()
    figures, sources = read_figures(figures_csv, sources_csv, schemas_dir, indicators, snapshots)
    shares = count_shares(figures, indicators)
    tables = {
        "adoption_shares": shares,
        "adoption_rates": count_rates(figures, indicators),
        "adoption_crossings": find_crossings(shares, sources, indicators),
        "sources": _with_last_period(sources, figures, indicators),
        "refresh": refresh_states(snapshots),
        "adoption_quotes": read_quotes(quotes_csv, schemas_dir),
    }
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        _write(table, out_dir / f"{name}.csv")
    return tables


def refresh_states(snapshots: Path | None) -> pd.DataFrame:
    """Return a row a source of ``data/sources.yaml``: what stands, and how the last attempt to refresh it ended."""
    from analysis.harvesting import registry
    from analysis.harvesting.snapshots import attempts, latest

    rows = []
    for source in registry.sources().values():
        standing = latest(snapshots, source.id) if snapshots else None
        tried = attempts(snapshots, source.id) if snapshots else []
        last = tried[-1] if tried else {}
        rows.append(
            {
                "source": source.id,
                "title": source.title,
                "gives": source.gives,
                "licence": source.licence,
                "asked": "yes" if source.enabled else f"only when switched on: {source.why_off}",
                "snapshot": standing.name if standing else "",
                "span": standing.provenance["span"] if standing else "",
                "last_attempt": last.get("day", ""),
                "outcome": last.get("outcome", "never tried"),
                "message": last.get("message", ""),
            }
        )
    return pd.DataFrame(rows, columns=list(REFRESH_COLUMNS))


def _write(table: pd.DataFrame, path: Path) -> None:
    write_text(path, table.to_csv(index=False, float_format="%.6f", lineterminator="\n"))


def _groups(figures: pd.DataFrame, indicators: Mapping[str, Indicator]) -> Iterator[tuple[Indicator, pd.DataFrame]]:
    for indicator in indicators.values():
        rows = figures[figures["indicator"] == indicator.id]
        if len(rows):
            yield indicator, rows


def _lay_out(rows: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """Return the rows with the columns ``series`` and ``at``, the period they are counted in."""
    split = rows[layout.split] if layout.split != "none" else pd.Series("", index=rows.index)
    series = [layout.name.format(stratum=stratum) for stratum in split]
    at = rows["period"].str[:4] if layout.pool == "year" else rows["period"]
    return rows.assign(series=series, at=at)


def _starts(periods: pd.Series) -> pd.Series:
    starts = {text: parse_period(text).start.isoformat() for text in periods.unique()}
    return periods.map(starts)


def _side_counts(laid: pd.DataFrame, side: Side) -> pd.Series:
    """Return the count of one side by (series, at), for the periods that hold its first framework and stratum."""
    chosen = laid["framework"].isin(side.frameworks)
    needed = laid["framework"] == side.frameworks[0]
    if side.strata:
        chosen &= laid["stratum"].isin(side.strata)
        needed &= laid["stratum"] == side.strata[0]
    keys = ["series", "at"]
    present = laid[needed].groupby(keys)["count"].size()
    return laid[chosen].groupby(keys)["count"].sum().reindex(present.index)


def _shares_of(rows: pd.DataFrame, indicator: Indicator, layout: Layout, rule: Rule) -> pd.DataFrame:
    laid = _lay_out(rows, layout)
    sides = {"pytorch": _side_counts(laid, rule.pytorch), "tensorflow": _side_counts(laid, rule.tensorflow)}
    table = pd.DataFrame(sides).sort_index()
    if table.empty:
        return table
    keys = ["series", "at"]
    units = laid.drop_duplicates([*keys, "period", "stratum", "source"])
    table["total"] = units.groupby(keys)["total"].sum(min_count=1).astype("Int64")
    table["complete"] = _complete(laid, indicator, layout)
    table["source"] = laid.groupby(keys)["source"].agg(lambda ids: " ".join(sorted(set(ids))))
    table["stratum"] = _single(laid[laid["framework"] == rule.pytorch.frameworks[0]].groupby(keys)["stratum"])
    table = table.reset_index().rename(columns={"at": "period"})
    table[["pytorch", "tensorflow"]] = table[["pytorch", "tensorflow"]].astype("Int64")
    table["n"] = table["pytorch"] + table["tensorflow"]
    counted = table["n"].fillna(0) > 0
    whole = table["n"].where(counted).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    part = table["pytorch"].where(counted).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    table["share"] = part / whole
    if indicator.interval:
        table["low"], table["high"] = wilson(part, whole)
        table["interval"] = WILSON
    else:
        table["low"] = table["high"] = np.nan
        table["interval"] = f"none: {indicator.no_interval}"
    table["coverage"] = (table["n"] / table["total"]).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    table["period_start"] = _starts(table["period"])
    return table.assign(indicator=indicator.id, rule=rule.id)


def _single(groups: pd.api.typing.SeriesGroupBy) -> pd.Series:
    return groups.agg(lambda strata: strata.iloc[0] if strata.nunique() == 1 else "")


def _complete(laid: pd.DataFrame, indicator: Indicator, layout: Layout) -> pd.Series:
    groups = laid.groupby(["series", "at"])
    covered = groups["period"].agg(lambda periods: not set(periods) & set(indicator.partial))
    if layout.pool != "year":
        return covered
    if indicator.whole:
        return covered & groups["stratum"].agg(lambda strata: set(indicator.whole) <= set(strata))
    return covered & (groups["period"].nunique() == 12)


def _drop_idle_rules(shares: pd.DataFrame) -> pd.DataFrame:
    """Leave out a rule where a series has none of the rows that it adds: it would repeat the default by chance."""
    keys = ["indicator", "series"]
    sums = shares.groupby([*keys, "rule"], sort=False)[["pytorch", "tensorflow"]].sum()
    default = shares.groupby(keys, sort=False)["rule"].first()
    idle = {
        (*key, rule)
        for *key, rule in sums.index
        if rule != default[tuple(key)] and (sums.loc[(*key, rule)] == sums.loc[(*key, default[tuple(key)])]).all()
    }
    return shares[[key not in idle for key in zip(*(shares[name] for name in [*keys, "rule"]), strict=True)]]


def _crossing(group: pd.DataFrame, sources: pd.DataFrame, key: dict[str, str]) -> dict[str, object]:
    """Return the row of one series under one rule, without its sentence."""
    lead = np.sign((group["pytorch"] - group["tensorflow"]).to_numpy(dtype=float))
    periods = group["period"].to_numpy()
    behind = np.flatnonzero(lead < 0)
    ahead = np.flatnonzero(lead > 0)
    for_good = ahead[ahead > behind[-1]] if len(behind) else ahead
    # A tie between two TensorFlow leads is no reversal, so ties take the sign before them.
    decided = lead[lead != 0]
    after_first = decided[np.argmax(decided > 0) :] if len(ahead) else decided[:0]
    could, surely = _interval_dates(group)
    retrieved = pd.Timestamp(sources.set_index("source")["retrieved"].loc[group["source"].iloc[-1].split()].max())
    ended = (retrieved - pd.Timestamp(parse_period(periods[-1]).end)).days > ENDED_AFTER_DAYS
    without = "ended before" if ended else "not yet"
    with_lead = "crossed" if len(behind) else "never behind"
    return key | {
        "first_lead": periods[ahead[0]] if len(ahead) else None,
        "lasting_lead": periods[for_good[0]] if len(for_good) else None,
        "could_lead_from": could,
        "surely_leads_from": surely,
        "periods": len(periods),
        "periods_after": len(periods) - 1 - for_good[0] if len(for_good) else 0,
        "reversals": int(np.sum((after_first[1:] < 0) & (after_first[:-1] > 0))),
        "last_period": periods[-1],
        "status": with_lead if len(for_good) else without,
        "last_share": group["share"].iloc[-1],
        "last_interval": tuple(group[["low", "high"]].iloc[-1]),
        "first_period": periods[0],
    }


def _interval_dates(group: pd.DataFrame) -> tuple[str | None, str | None]:
    low, high, periods = (group[name].to_numpy() for name in ("low", "high", "period"))
    if np.isnan(low.astype(float)).any():
        return None, None
    excluded = np.flatnonzero(high <= 0.5)
    could = excluded[-1] + 1 if len(excluded) else 0
    sure = np.flatnonzero(low > 0.5)
    return (periods[could] if could < len(periods) else None), (periods[sure[0]] if len(sure) else None)


def _how_sure(row: pd.Series, table: pd.DataFrame, indicator: Indicator) -> str:
    return " ".join(filter(None, [_held(row), _by_interval(row, indicator), _by_rule(row, table, indicator)]))


def _held(row: pd.Series) -> str:
    periods = "1 period" if row["periods"] == 1 else f"{row['periods']} periods"
    if row["status"] == "never behind":
        return f"PyTorch is behind in none of the {periods} from {row['first_period']} to {row['last_period']}."
    if row["status"] == "crossed":
        after = row["periods_after"]
        later = f"{after or 'no'} later {'period' if after == 1 else 'periods'} to {row['last_period']}"
        if row["reversals"] == 0:
            return f"PyTorch is ahead in {row['lasting_lead']} and behind in no period after it ({later})."
        times = "once" if row["reversals"] == 1 else f"{row['reversals']} times"
        return (
            f"PyTorch is first ahead in {row['first_lead']}, falls behind again {times}, and is behind in no period "
            f"after {row['lasting_lead']} ({later})."
        )
    share = f"a PyTorch share of {100 * row['last_share']:.0f} %"
    before = f"; PyTorch was ahead for a time, first in {row['first_lead']}" if row["first_lead"] else ""
    ends = (
        "The series ends without a lasting PyTorch lead" if row["status"] == "ended before" else "No lasting lead yet"
    )
    return f"{ends}: {row['last_period']} has {share}{before}."


def _by_interval(row: pd.Series, indicator: Indicator) -> str:
    if not indicator.interval:
        return f"No interval: {indicator.no_interval}."
    could, surely = row["could_lead_from"], row["surely_leads_from"]
    if could is None:
        words = "The 95 % interval excludes a PyTorch lead up to the end."
    elif surely is None:
        words = f"The 95 % interval allows a PyTorch lead from {could} on and never requires one."
    else:
        words = f"The 95 % interval allows a PyTorch lead from {could} on and first requires one in {surely}."
    low, high = row["last_interval"]
    words += f" In {row['last_period']} it is {100 * low:.0f} to {100 * high:.0f} %."
    if indicator.naming == "overlapping":
        words += " One unit may name both; reading them as disjoint makes the interval too wide, not too narrow."
    return words


def _by_rule(row: pd.Series, table: pd.DataFrame, indicator: Indicator) -> str:
    same = (table["indicator"] == row["indicator"]) & (table["series"] == row["series"])
    labels = {rule.id: rule.label for rule in indicator.rules}
    parts = [
        f"{labels[other['rule']]}: {other['lasting_lead'] or other['status']}"
        for _, other in table[same & (table["rule"] != row["rule"])].iterrows()
    ]
    return f"By other counting rules: {'; '.join(parts)}." if parts else ""


def _with_last_period(
    sources: pd.DataFrame, figures: pd.DataFrame, indicators: Mapping[str, Indicator]
) -> pd.DataFrame:
    """Return the sources with the last period they hold, their rows, and the breaks that ``indicators.yaml`` adds."""
    last = figures.groupby("source")["period"].max()
    extra = [indicators[indicator].breaks for indicator in sources["indicator"]]
    breaks = ["; ".join(filter(None, pair)) for pair in zip(sources["breaks"], extra, strict=True)]
    rows = figures.groupby("source").size()
    return sources.assign(
        breaks=breaks,
        last_period=sources["source"].map(last),
        rows=sources["source"].map(rows).astype("Int64"),
    )
