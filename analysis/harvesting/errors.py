"""What can go wrong between a source and a table."""

from __future__ import annotations

from reproductions.errors import SurveyError


class SourceError(SurveyError):
    """A source cannot be refreshed now: the message names the source, the page and the remedy.

    source  id of the source
    page    address of the answer that could not be used, without keys
    what    what is wrong with it
    remedy  what the user can do
    """

    def __init__(self, source: str, page: str, what: str, remedy: str):
        super().__init__(f"{source}: {page}: {what}; {remedy}")
        self.source, self.page, self.what, self.remedy = source, page, what, remedy


class Violation(Exception):
    """An answer that arrived but must not be counted: an invariant of the page does not hold.

    reason  what does not hold, for a person
    retry   whether asking again may help; if not, the source fails at once
    """

    def __init__(self, reason: str, *, retry: bool = True):
        super().__init__(reason)
        self.reason, self.retry = reason, retry


class Held(SourceError):
    """A snapshot that differs more from the one before than it may without a person's agreement."""
