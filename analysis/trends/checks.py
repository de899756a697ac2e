"""What others have said, beside what is counted here: He's conferences, and quoted points of the archive."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.intervals import wilson
from analysis.periods import parse_period
from analysis.trends.archive import REFRESH, Archive
from analysis.trends.series import decimal

QUOTE_COLUMNS = (
    *("quote", "measure", "population", "as_of", "framework", "quoted_percent", "ours_percent", "low", "high", "n"),
    *("difference", "what_ours_is", "explanation", "needs"),
)
BY_REPOSITORY = (
    "the site counted by the day a repository was made, here papers' months count; the site's denominator held "
    "repositories without a label, and so does ours"
)
ONE_ONLY = (
    "the quoted share was read off a published chart; ours is counted from He's table, papers naming both left out"
)


def venue_years(shares: pd.DataFrame) -> pd.DataFrame:
    """Return conference, date and counts of every venue-year of He's table that names a framework.

    columns   venue, t, pytorch, n; a venue-year stands for the first day of the month of the conference, and ICLR's
              accepted papers and submissions are one venue, as in the dates that the crossings are checked against
    """
    rows = shares[(shares["indicator"] == "conference_papers") & (shares["period"].str.len() > 4)]
    rows = rows[rows["n"].fillna(0) > 0]
    return pd.DataFrame(
        {
            "venue": rows["stratum"].str.split().str[0],
            "t": [decimal(parse_period(text).start) for text in rows["period"]],
            "pytorch": rows["pytorch"].astype(float),
            "n": rows["n"].astype(float),
        }
    ).reset_index(drop=True)


def quotes(quoted: pd.DataFrame, shares: pd.DataFrame, archive: Archive | None) -> pd.DataFrame:
    """Return each quoted share beside ours (``QUOTE_COLUMNS``, percentages; difference is ours minus quoted).

    Points quoted from Papers with Code are compared with repositories of all kinds, those without a label among them,
    and, as its counterpart by papers, nothing else; conference points with He's counts. What cannot be compared here
    says what it needs, or why not.
    """
    rows = []
    for quote in quoted.to_dict("records"):
        for framework in ("pytorch", "tensorflow"):
            percent = quote[f"{framework}_percent"]
            if pd.isna(percent):
                continue
            base = {name: quote[name] for name in ("quote", "measure", "population", "as_of")}
            base |= {"framework": framework, "quoted_percent": percent, "needs": ""}
            rows.append(base | _ours(quote, framework, percent, shares, archive))
    return pd.DataFrame(rows, columns=list(QUOTE_COLUMNS))


def _ours(quote: dict, framework: str, percent: float, shares: pd.DataFrame, archive: Archive | None) -> dict:
    if quote["measure"] == "code_labels":
        if archive is None:
            return {"needs": f"the archive: {REFRESH}"}
        table = archive.repositories[archive.repositories["repositories"] == "all"]
        months = table[table["month"].str.startswith(str(quote["as_of"]))]
        if months.empty:
            return {"explanation": f"the archive holds no repository of {quote['as_of']}"}
        what = f"repositories of papers of {quote['as_of']} with the label, of all their repositories"
        return _compare(months[framework].sum(), months["total"].sum(), percent, what, BY_REPOSITORY)
    if quote["measure"] == "conference_papers":
        conference, year = str(quote["population"]).rsplit(" ", 1)
        rows = shares[(shares["indicator"] == "conference_papers") & (shares["period"].str.len() > 4)]
        rows = rows[rows["stratum"].fillna("").str.startswith(f"{conference} ") & rows["period"].str.startswith(year)]
        if rows.empty:
            return {"explanation": f"He's table ends before {quote['population']}"}
        what = f"papers of {quote['population']} naming only one of the two"
        return _compare(rows[framework].sum(), rows["n"].sum(), percent, what, ONE_ONLY)
    return {"explanation": "a survey of people; nothing here counts the same"}


def _compare(count: float, total: float, percent: float, what: str, explanation: str) -> dict:
    low, high = wilson(count, total)
    ours = 100 * count / total if total else np.nan
    return {
        "ours_percent": ours,
        "low": 100 * float(low),
        "high": 100 * float(high),
        "n": int(total),
        "difference": ours - percent,
        "what_ours_is": what,
        "explanation": explanation,
    }
