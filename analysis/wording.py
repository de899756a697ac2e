"""How numbers, days and ages are written on the page."""

from __future__ import annotations

import math
import re
from datetime import date


def number_words(number: float, digits: int | None = None) -> str:
    """Write a number with thousands separated: ``digits`` decimals, or three significant digits."""
    if not math.isfinite(number):
        return "not finite"
    if digits is not None:
        return f"{number:,.{digits}f}"
    if number == 0:
        return "0"
    if abs(number) < 0.01 or abs(number) >= 1e7:
        mantissa, exponent = f"{number:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{number:,.{max(0, 2 - math.floor(math.log10(abs(number))))}f}"


def words_date(day: date) -> str:
    """Write a date for prose: 22 November 2026."""
    return f"{day.day} {day:%B} {day.year}"


def period_end(period: str) -> date | None:
    """Return the last day of a period written as 2022, 2022Q1, 2022-05 or 2022-05-31; None for anything else."""
    found = re.fullmatch(r"(\d{4})(?:\.0)?(?:-?Q([1-4])|-(\d\d)(?:-(\d\d))?)?", period.strip())
    if not found:
        return None
    year, quarter, month, day = (int(part) if part else 0 for part in found.groups())
    try:
        if day:
            return date(year, month, day)
        month = month or 3 * quarter or 12
        return date.fromordinal(date(year + month // 12, month % 12 + 1, 1).toordinal() - 1)
    except ValueError:
        return None


def age_words(days: int) -> str:
    """Write an age with the two units that matter: "4 years 6 months", "3 months", "12 days"."""
    if days < 45:
        return f"{days} day{'s' if days != 1 else ''}"
    months = round(days / 30.44)
    years, rest = divmod(months, 12)
    parts = [f"{n} {unit}{'s' if n != 1 else ''}" for n, unit in ((years, "year"), (rest, "month")) if n]
    return " ".join(parts)
