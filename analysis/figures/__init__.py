"""The registry of figures: one module a figure, discovered by its file name.

A figure module defines

``SECTION``
    the section of the page it belongs to (:data:`SECTIONS`);
``ORDER``
    an integer, its place inside the section;
``REQUIRES``
    the names of the tables (``results/tables/<name>.csv``, without the suffix) it reads;
``make(tables) -> Drawing``
    a pure function from ``{table name: DataFrame}`` to a :class:`Drawing`.

Adding a figure is adding a file; nothing else has to be edited. Every colour comes from ``analysis.style``, so that it
has a dark partner. ``tests/contract/test_figures.py`` holds what else is asked: numbers in the words, none of them
missing; no ``significant``, ``best`` or ``wins``; in the sections of measurements a picture for tables without rows.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from reproductions.errors import SurveyError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: The sections of the page that hold figures.
SECTIONS = (
    *("findings", "trends", "adoption", "performance", "parity", "deployment", "usability", "upkeep", "literature"),
)


@dataclass(frozen=True)
class Finding:
    """One row of the findings table at the top of the page.

    Every text is generated from the table the figure is drawn from.

    question   what a reader asks, as a question
    answer     one sentence, with its interval where one exists
    estimate   the number with its unit and interval, or "no interval: <reason>"
    evidence   n, population and period
    """

    question: str
    answer: str
    estimate: str
    evidence: str


@dataclass(frozen=True)
class Drawing:
    """What a figure module hands over; the frame around it is drawn by :mod:`analysis.drawing`.

    title        the finding, at most ten words, with a verb
    subtitle     measure, population, n, period, kind of interval
    limits       what the figure does not show, a sentence of five words or more
    description  at least 40 words for people who cannot see it, with first, last and peak values
    data         exactly the rows that are drawn; written beside the picture as CSV
    draw         paints on the matplotlib figure it is given (no title, no source line)
    sources      ids of ``data/adoption_sources.csv``, or ``"this machine"``
    size         width and height of the picture in inches
    finding      the row for the findings table, if the figure carries one
    """

    title: str
    subtitle: str
    limits: str
    description: str
    data: pd.DataFrame
    draw: Callable[[Figure], None]
    sources: tuple[str, ...]
    size: tuple[float, float] = (7.0, 3.7)
    finding: Finding | None = None


def discover() -> dict[str, ModuleType]:
    """Return ``{figure id: module}`` in page order (section, ``ORDER``, id).

    Raises SurveyError for a module that lacks one of the four, or names a section that the page has not.
    """
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names()}
    faults, remedy = [], "analysis/figures/__init__.py says what each is"
    for name, module in modules.items():
        if lacking := [part for part in ("SECTION", "ORDER", "REQUIRES", "make") if not hasattr(module, part)]:
            faults.append(f"analysis/figures/{name}.py: {', '.join(lacking)}: missing; {remedy}")
        elif module.SECTION not in SECTIONS:
            faults.append(f"analysis/figures/{name}.py: SECTION: {module.SECTION} is not one of {', '.join(SECTIONS)}")
    if faults:
        raise SurveyError("\n".join(faults))
    return dict(sorted(modules.items(), key=lambda item: (item[1].SECTION, item[1].ORDER, item[0])))


def required_tables(modules: Mapping[str, ModuleType]) -> tuple[str, ...]:
    """Return the names of the tables that these figures read, each once, sorted."""
    return tuple(sorted({name for module in modules.values() for name in module.REQUIRES}))


def names() -> tuple[str, ...]:
    """Return the figures' ids without importing them, sorted: for the workflow, which must start fast."""
    return tuple(sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_")))


def sections() -> dict[str, str]:
    """Return ``{figure id: section}``, read from the files without importing them: for the workflow.

    A figure that takes its section from a helper, ``SECTION = _trends.SECTION``, is followed there.
    """
    import re
    from pathlib import Path

    here = Path(__file__).resolve().parent

    def section(name: str) -> str:
        text = (here / f"{name}.py").read_text("utf-8")
        line = re.search(r'(?m)^SECTION = (?:"(\w+)"|_?(\w+)\.SECTION)$', text)
        return "" if line is None else line[1] or section(f"_{line[2]}")

    return {name: section(name) for name in names()}


def code() -> tuple[str, ...]:
    """Return the files that decide how figures look, relative to the project's root: a change redraws them."""
    from pathlib import Path

    here = Path(__file__).resolve().parent
    files = [
        *sorted(here.glob("*.py")),
        *(
            here.parent / name
            for name in (
                *("drawing.py", "style.py", "periods.py", "accuracies.py", "indicators.py", "indicators.yaml"),
                *("deployment.py", "runtimes.py", "usability.py", "upkeep.py", "literature.py"),
            )
        ),
        *(here.parent / "trends" / name for name in ("fields.py", "fields.yaml", "archive.py")),
    ]
    return tuple(str(path.relative_to(here.parents[1])) for path in files)
