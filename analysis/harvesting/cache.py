"""Raw answers, kept as they came: the body beside a record of url, status, headers, time and sha256.

An answer counts as kept once its record stands; the record is written last, so a kill at any byte leaves either a whole
answer or none. What was judged unusable is kept apart under ``rejected/`` with the reason.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO

from analysis.harvesting.errors import Violation
from reproductions.errors import SurveyError
from reproductions.files import write_json

PIECE = 1 << 18
MAX_DECODED = 1 << 28  # bytes a body that is read as a whole may unfold to; nothing we ask for comes near


@dataclass(frozen=True)
class Answer:
    """One kept answer.

    path       file of the body as it came over the wire
    url        what was asked, without keys
    status     HTTP status
    headers    response headers, names in lower case
    retrieved  when, UTC, ISO 8601
    sha256     of the body as it came
    bytes      length of the body as it came
    key        what it is found by
    """

    path: Path
    url: str
    status: int
    headers: Mapping[str, str]
    retrieved: str
    sha256: str
    bytes: int
    key: str

    @property
    def encoding(self) -> str:
        """The content encoding: empty or gzip."""
        return self.headers.get("content-encoding", "").strip().lower().replace("identity", "")

    def open(self) -> BinaryIO:
        """Open the decoded body for reading; a gzip body that was cut raises Violation when its end is reached."""
        if self.encoding in ("gzip", "x-gzip"):
            return io.BufferedReader(_Whole(self.path))
        if self.encoding:
            raise Violation(f"content encoding {self.encoding!r} was not asked for")
        return self.path.open("rb")

    def read(self, limit: int = MAX_DECODED) -> bytes:
        """Return the decoded body; raises Violation if it is longer than ``limit`` bytes, cut, or not what was kept."""
        with self.open() as handle:
            content = handle.read(limit + 1)
        if len(content) > limit:
            raise Violation(f"the body unfolds to more than {limit} bytes", retry=False)
        return content

    def json(self) -> object:
        """Return the body as JSON; raises Violation if it is none."""
        try:
            return json.loads(self.read())
        except (ValueError, RecursionError) as error:  # also a number of thousands of digits
            raise Violation(f"not JSON: {error}") from error

    def verify(self) -> None:
        """Raise SurveyError if the file is no longer what was kept."""
        try:
            with self.path.open("rb") as handle:
                found = hashlib.file_digest(handle, "sha256").hexdigest()
        except OSError:
            found = "nothing"
        if found != self.sha256:
            raise SurveyError(
                f"{self.path}: the kept answer to {self.url} has changed or is gone; "
                "run the refresh again, it asks for what is missing"
            )


class _Whole(io.RawIOBase):
    """A gzip body read strictly: a stream that ends early is an error, as is anything behind it."""

    def __init__(self, path: Path):
        self._raw, self._rest, self._done = path.open("rb"), b"", False
        self._inflate = zlib.decompressobj(wbits=31)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        while not self._done:
            try:
                source = self._inflate.unconsumed_tail or self._raw.read(PIECE)
                if not source:
                    raise Violation("the gzip body is cut short")
                content = self._inflate.decompress(source, len(buffer))
            except zlib.error as error:
                raise Violation(f"the gzip body is broken: {error}") from error
            if self._inflate.eof:
                self._done = True
                if self._inflate.unused_data or self._raw.read(1):
                    raise Violation("bytes follow the end of the gzip body")
            if content:
                buffer[: len(content)] = content
                return len(content)
        return 0

    def close(self) -> None:
        self._raw.close()
        super().close()


class Cache:
    """The kept answers of one source."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)

    def find(self, key: str, since: date) -> Answer | None:
        """Return the newest whole answer to ``key`` that was retrieved on ``since`` (UTC) or later, or None."""
        for record in sorted(self._place(key).glob(f"{key}.*.json"), reverse=True):
            answer = self._load(record)
            if answer is not None:
                return answer if answer.retrieved[:10] >= since.isoformat() else None
        return None

    def get(self, key: str, sha256: str) -> Answer | None:
        """Return the answer to ``key`` with exactly this content, whenever it was retrieved, or None."""
        for record in self._place(key).glob(f"{key}.*.json"):
            answer = self._load(record)
            if answer is not None and answer.sha256 == sha256:
                return answer
        return None

    @contextmanager
    def scratch(self, key: str) -> Iterator[Path]:
        """Give a file to write a body into; whatever is left of it afterwards is removed."""
        path = self._place(key) / f".{key}.part"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield path
        finally:
            path.unlink(missing_ok=True)

    def keep(self, answer: Answer) -> Answer:
        """Keep an accepted answer whose body lies in a scratch file; return it at its place."""
        stamp = _stamp(answer.retrieved)
        return self._put(answer, self._place(answer.key) / f"{answer.key}.{stamp}")

    def reject(self, answer: Answer, reason: str) -> Path:
        """Keep an answer that was judged unusable, with the reason, apart; return the body's file."""
        place = self.folder / "rejected" / f"{answer.key}.{_stamp(answer.retrieved)}"
        return self._put(answer, place, reason=reason).path

    def forget(self, key: str, reason: str) -> None:
        """Move every kept answer to ``key`` among the rejected ones: it will be asked again."""
        for record in list(self._place(key).glob(f"{key}.*.json")):
            answer = self._load(record)
            record.unlink()
            if answer is not None:
                self.reject(answer, reason)

    def _place(self, key: str) -> Path:
        return self.folder / "answers" / key[:2]

    def _put(self, answer: Answer, place: Path, **more: str) -> Answer:
        place.parent.mkdir(parents=True, exist_ok=True)
        body = place.with_name(place.name + ".body")
        answer.path.replace(body)
        record = asdict(answer) | {"path": body.name, "headers": dict(answer.headers)} | more
        write_json(place.with_name(place.name + ".json"), record)
        return Answer(**asdict(answer) | {"path": body})

    @staticmethod
    def _load(record: Path) -> Answer | None:
        """Return the answer of a record, or None where record or body is not whole: it is asked again then."""
        try:
            fields = json.loads(record.read_text(encoding="utf-8"))
            fields.pop("reason", None)
            answer = Answer(**fields | {"path": record.parent / fields["path"]})
            return answer if answer.path.stat().st_size == answer.bytes else None
        except (OSError, ValueError, TypeError, KeyError):
            return None


def compress(content: bytes) -> bytes:
    """Return gzip bytes that are the same whenever they are made."""
    return gzip.compress(content, compresslevel=6, mtime=0)


def _stamp(retrieved: str) -> str:
    moment = datetime.fromisoformat(retrieved).astimezone(UTC)
    return moment.strftime("%Y%m%dT%H%M%S.%f")
