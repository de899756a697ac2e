"""Contenders in turn, each in a fresh process; medians and paired ratios of CPU time."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ONE_THREAD = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1"}


class ContenderFailed(Exception):
    """A contender ended with an error; the message has its last words."""


@dataclass
class Series:
    """What one contender did, a value a round. ``missing`` says why it could not run at all."""

    task: str
    name: str
    outcomes: list[dict[str, object]] = field(default_factory=list)
    missing: str = ""

    @property
    def rates(self) -> list[float]:
        """Items a CPU-second, a value a round."""
        return [outcome["items"] / outcome["seconds"] for outcome in self.outcomes]

    @property
    def peak_mib(self) -> float:
        """Largest peak of any round."""
        return max(outcome["peak_mib"] for outcome in self.outcomes)


def once(task: str, name: str, folder: Path, timeout: int = 3600) -> dict[str, object]:
    """Run a contender in a process of its own, one thread; raises ContenderFailed."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.worker", task, name, str(folder)],
        cwd=ROOT,
        env={**os.environ, **ONE_THREAD},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        raise ContenderFailed(f"{task}, {name}: {done.stderr.strip()[-400:]}")
    return json.loads(done.stdout.splitlines()[-1])


def alternate(task: str, names: Sequence[str], folder: Path, rounds: int, say: Callable[[str], None]) -> list[Series]:
    """Run every contender once a round, forwards and backwards in turn so that a drift hits all alike.

    raises  ContenderFailed, also where contenders that give an answer do not agree on it
    """
    series = {name: Series(task, name) for name in names}
    for number in range(rounds):
        say(f"{task}: round {number + 1} of {rounds}, {len(names)} contenders")
        for name in names if number % 2 == 0 else reversed(names):
            if series[name].missing:
                continue
            outcome = once(task, name, folder)
            if "missing" in outcome:
                series[name].missing = outcome["missing"]
            else:
                series[name].outcomes.append(outcome)
    answers = {
        name: one.outcomes[0]["answer"] for name, one in series.items() if one.outcomes and "answer" in one.outcomes[0]
    }
    if len({json.dumps(answer) for answer in answers.values()}) > 1:
        raise ContenderFailed(f"{task}: the contenders do not agree: {answers}")
    return list(series.values())


def ratio(ours: Series, peer: Series) -> tuple[float, float, float] | None:
    """Return median, least and greatest of the rates' ratio, paired by round; None where the peer is missing."""
    if not (ours.outcomes and peer.outcomes):
        return None
    ratios = [one / other for one, other in zip(ours.rates, peer.rates, strict=True)]
    return statistics.median(ratios), min(ratios), max(ratios)
