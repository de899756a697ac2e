"""Refreshing one source against the loopback server, as the tests of the sources do it."""

from __future__ import annotations

import importlib
from datetime import date
from pathlib import Path

from analysis.harvesting import registry
from analysis.harvesting.run import Run
from analysis.harvesting.snapshots import Version

TODAY = date(2026, 11, 22)


def service_of(source: str):
    """Return the module of a source's loopback service."""
    return importlib.import_module(f"tests.loopback.services.{source}")


def run_of(source: str, base: str, folder: Path, **changes: object) -> Run:
    """Return a run of a source against ``base``, with cache and snapshots below ``folder``."""
    settings = service_of(source).settings(base) | changes
    found = registry.find(source, {source: settings})
    return Run(found, TODAY, folder / "cache", folder / "snapshots")


def figures_of(version: Version) -> dict[tuple, int]:
    """Return ``{(period, stratum, framework): count}`` of a snapshot."""
    rows = version.rows("figures")
    assert len({(r["period"], r["stratum"], r["framework"]) for r in rows}) == len(rows)
    return {(row["period"], row["stratum"], row["framework"]): int(row["count"]) for row in rows}
