"""What state each tool of the matrix is in, from ``states.yaml``: looked up and dated, never measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from reproductions.errors import SurveyError

REGISTRY = Path(__file__).with_name("states.yaml")
STATES = ("maintained", "maintenance", "deprecated", "archived", "renamed", "unclear")


@dataclass(frozen=True)
class State:
    """The state of one tool.

    title   as it calls itself
    state   one of :data:`STATES`
    since   date (or month, or release) from which it holds, or an empty string where none is stated
    release, released  newest release and its month
    looked  date on which it was looked up
    source  address of the page that says so, or what was seen instead
    why     one line
    """

    tool: str
    title: str
    state: str
    since: str
    release: str
    released: str
    looked: str
    source: str
    why: str


def load(path: Path = REGISTRY) -> dict[str, State]:
    """Return ``{tool: state}``; SurveyError for a state that is not known."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = {tool: State(tool=tool, **{key: str(value) for key, value in entry.items()}) for tool, entry in raw.items()}
    for state in found.values():
        if state.state not in STATES:
            raise SurveyError(f"{path.name}: {state.tool}: state {state.state!r} is not one of {', '.join(STATES)}")
    return found
