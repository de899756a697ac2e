"""One clock a service: its requests follow each other at its own pace, from however many processes they come."""

from __future__ import annotations

import getpass
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from reproductions.files import write_json

LONGEST_S = 31 * 86_400.0  # no rest is taken for longer than this, whatever a service says


def clocks_folder() -> Path:
    """Return the folder of the clocks, shared by every copy of the project (``SURVEY_CLOCKS`` names another)."""
    chosen = os.environ.get("SURVEY_CLOCKS")
    return Path(chosen) if chosen else Path(tempfile.gettempdir()) / f"framework-survey-{getpass.getuser()}-clocks"


class Stopped(Exception):
    """The service has asked for a rest that is longer than we wait; ``until`` says when it ends, ``reason`` why."""

    def __init__(self, until: datetime, reason: str):
        super().__init__(f"asked to rest until {until.isoformat(timespec='minutes')}: {reason}")
        self.until, self.reason = until, reason


class Clock:
    """The turn to ask one service.

    name        the service; sources of one service share it
    pace_s      seconds from the start of one request to the start of the next
    patience_s  longest rest that is waited for; a longer one raises Stopped
    """

    def __init__(self, name: str, pace_s: float, patience_s: float, say: Callable[[str], None] = lambda text: None):
        self.name, self.pace_s, self.patience_s, self.say = name, pace_s, patience_s, say
        self._state = clocks_folder() / f"{name.replace(':', '_')}.json"

    @cached_property
    def _lock(self):
        """The lock of the state: one object, so that who holds the turn can also ask for a rest."""
        from filelock import FileLock

        self._state.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(self._state.with_suffix(".lock"))

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn and hold it: while one request is under way, nobody else asks the same service."""
        with self._lock:
            state = self._read()
            rest_s = self._left(state)
            if rest_s > self.patience_s:
                raise Stopped(datetime.fromtimestamp(time.time() + rest_s, UTC), state.get("reason", ""))
            if rest_s > 0:
                self.say(f"{self.name} asked for a rest ({state.get('reason', '')}); going on in {rest_s:.0f} s")
                time.sleep(rest_s)
            # A clock set back must not make us wait for hours: never longer than one pace.
            wait_s = min(state.get("asked", 0) + self.pace_s - time.time(), self.pace_s)
            if wait_s > 0:
                time.sleep(wait_s)
            self._write(asked=time.time())
            yield

    def rest(self, seconds: float, reason: str) -> None:
        """Let nobody ask for ``seconds``; the reason is what the next one is told. A longer rest stays."""
        seconds = min(seconds, LONGEST_S)
        with self._lock:
            if seconds > self._left(self._read()):
                now = time.time()
                self._write(rest_from=now, rest_until=now + seconds, reason=reason)

    @staticmethod
    def _left(state: dict) -> float:
        """Return the seconds of rest that are left: never more than were asked for, even if the clock was set back."""
        until = state.get("rest_until", 0)
        return min(until - time.time(), until - state.get("rest_from", 0))

    def _read(self) -> dict:
        try:
            state = json.loads(self._state.read_text(encoding="utf-8"))
            return state if isinstance(state, dict) else {}
        except (OSError, ValueError):
            return {}

    def _write(self, **changes: object) -> None:
        write_json(self._state, self._read() | changes)
