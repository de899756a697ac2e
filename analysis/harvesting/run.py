"""What a source's module is handed, and what it hands back."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

from analysis.harvesting.cache import Answer, Cache
from analysis.harvesting.client import Client
from analysis.harvesting.clock import Clock
from analysis.harvesting.registry import Source
from analysis.harvesting.snapshots import Version, latest
from reproductions.errors import SurveyError
from reproductions.files import write_json

VERSION = "0.1"
PROJECT = "framework-survey"


@dataclass(frozen=True)
class Plan:
    """What a refresh of a source is going to ask.

    requests  requests that are not in the cache yet, an estimate where only the answers can tell
    bytes     bytes they will bring, an estimate
    note      what a person should know, one line
    exact     whether ``requests`` is a count and not an estimate
    """

    requests: int
    bytes: int
    note: str = ""
    exact: bool = True


@dataclass(frozen=True)
class Piece:
    """An answer that counts, with what the source calls it (``{"month": "2024-03", "page": 2}``)."""

    label: Mapping[str, object]
    answer: Answer


@dataclass(frozen=True)
class Finding:
    """What the first live answer settles about one open question.

    question  what was not known
    found     what the service says now
    expected  what the code relies on; empty if it relies on nothing
    holds     whether it may go on as it is
    """

    question: str
    found: str
    expected: str = ""
    holds: bool = True


@dataclass
class Run:
    """One refresh of one source.

    source     the source with its settings
    today      the day of the run, UTC
    cache_dir  folder of everything kept between runs
    snapshots  folder of the landed snapshots
    contact    who to write to about our requests, or None
    """

    source: Source
    today: date
    cache_dir: Path
    snapshots: Path
    contact: str | None = None

    @property
    def settings(self) -> Mapping:
        """The source's settings with the configuration laid over them."""
        return self.source.settings

    @property
    def folder(self) -> Path:
        """Folder of this source in the cache."""
        return Path(self.cache_dir) / "sources" / self.source.id

    @property
    def work(self) -> Path:
        """Folder for what is derived from answers and can be derived again (parquet parts and the like)."""
        path = self.folder / "work"
        path.mkdir(parents=True, exist_ok=True)
        return path

    @cached_property
    def client(self) -> Client:
        """The way to ask the service."""
        settings = self.settings
        clock = Clock(self.source.clock, settings["pace_s"], settings["patience_s"], self.say)
        agent = f"{PROJECT}/{VERSION} (adoption statistics of machine-learning frameworks; {self._contact})"
        cache = Cache(self.folder)
        own = self.source.part("session")
        return Client(
            self.source.id,
            settings,
            cache,
            clock,
            user_agent=agent,
            today=self.today,
            say=self.say,
            session=own(self) if own else None,
        )

    @property
    def _contact(self) -> str:
        return f"contact: {self.contact}" if self.contact else "no contact configured"

    @cached_property
    def key(self) -> str:
        """The service's key from the environment; raises SurveyError saying which variable to set."""
        import os

        value = os.environ.get(self.source.key or "", "").strip()
        if self.source.key and not value:
            raise SurveyError(f"{self.source.id}: needs a key; set the environment variable {self.source.key}")
        if not value.isascii() or not value.isprintable():
            raise SurveyError(f"{self.source.id}: {self.source.key} holds characters that no key has; set it again")
        return value

    def latest(self) -> Version | None:
        """Return the newest landed snapshot, or None."""
        return latest(self.snapshots, self.source.id)

    def say(self, text: str) -> None:
        """Tell the person what is going on, one line."""
        print(f"{self.source.id}: {text}", file=sys.stderr, flush=True)

    def progress(self, steps: Sequence, what: str) -> Iterator:
        """Yield each of ``steps``, saying before it how far we are and how long it still takes."""
        started = time.monotonic()
        for number, step in enumerate(steps, start=1):
            elapsed = time.monotonic() - started
            left = f", {_duration(elapsed / (number - 1) * (len(steps) - number + 1))} left" if elapsed > 2 else ""
            self.say(f"{what} {number} of {len(steps)}{left}")
            yield step

    def remember(self, pieces: Iterable[Piece]) -> list[Piece]:
        """Write the list of the answers that count, so that they can be parsed again without a network."""
        pieces = list(pieces)
        rows = [{"label": dict(p.label), "key": p.answer.key, "sha256": p.answer.sha256} for p in pieces]
        write_json(self._manifest, {"day": self.today.isoformat(), "pieces": rows})
        return pieces

    def recall(self) -> list[Piece]:
        """Return the answers of the last complete fetch; raises SurveyError if there was none or one is gone."""
        try:
            content = json.loads(self._manifest.read_text(encoding="utf-8"))
            rows = [(row["label"], row["key"], row["sha256"]) for row in content["pieces"]]
        except FileNotFoundError:
            raise SurveyError(f"{self.source.id}: nothing was fetched completely yet; fetch it first") from None
        except (ValueError, KeyError, TypeError) as error:
            raise SurveyError(f"{self._manifest}: cannot be read ({error}); fetch the source again") from error
        pieces, cache = [], Cache(self.folder)
        for label, key, sha256 in rows:
            answer = cache.get(key, sha256)
            if answer is None:
                raise SurveyError(f"{self.source.id}: the answer for {label} is no longer kept; fetch the source again")
            pieces.append(Piece(label, answer))
        return pieces

    @property
    def _manifest(self) -> Path:
        return self.folder / "fetched.json"


def retrieved(pieces: Sequence[Piece], today: date) -> str:
    """Return the day of the oldest answer that counts, which is how old the snapshot is."""
    days = [datetime.fromisoformat(piece.answer.retrieved).astimezone(UTC).date() for piece in pieces]
    return min(days, default=today).isoformat()


def _duration(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 90
        else f"{seconds / 60:.0f} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )
