"""A repository's source archive (tar.gz) read as it unfolds: nothing is written, followed or executed.

Only headers are taken from ``tarfile``: its own reader ends silently at a broken header in the middle, and reads the
name records of an archive into memory whatever their size.
"""

from __future__ import annotations

import re
import tarfile
import zlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import BinaryIO

from analysis.detecting.evidence import Evidence, Gatherer
from analysis.harvesting.errors import Violation

BLOCK = 512
PIECE = 1 << 16
_END = bytes(BLOCK)
_NAMES = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_YEARS = range(1990, 2100)


@dataclass(frozen=True)
class Bounds:
    """How much of an archive is looked at; beyond ``unfolded``, ``members`` or ``read`` it counts as partial.

    unfolded   bytes after decompression
    members    entries
    read       bytes of files whose content is looked at
    source     longest Python file or manifest
    notebook   longest notebook
    record     longest name record
    path       longest path, and parts its deepest one has
    """

    unfolded: int = 1 << 30
    members: int = 50_000
    read: int = 96 << 20
    source: int = 1 << 20
    notebook: int = 8 << 20
    record: int = 1 << 16
    path: int = 1_000
    parts: int = 60


class _Enough(Exception):
    """The bound is reached, or the kept beginning of the archive ends."""


def read_archive(handle: BinaryIO, *, cut: bool = False, bounds: Bounds | None = None) -> Evidence:
    """Return what a repository shows.

    handle   the archive as it came
    cut      whether it is known to be only the beginning of an archive
    raises   Violation if it is no whole archive, or one that no repository host makes
    """
    bounds = bounds or Bounds()
    gatherer = Gatherer()
    reader = _Reader(_Unfolding(handle, bounds.unfolded, cut), gatherer, bounds)
    partial = ""
    try:
        reader.read()
    except _Enough as enough:
        partial = str(enough)
    return gatherer.evidence(changed=reader.changed, commit=reader.commit, partial=partial)


class _Reader:
    """One pass over the members."""

    def __init__(self, stream: _Unfolding, gatherer: Gatherer, bounds: Bounds):
        self.stream, self.gatherer, self.bounds = stream, gatherer, bounds
        self.changed: date | None = None
        self.commit = ""
        self._looked = 0

    def read(self) -> None:
        """Read until the end mark; raises Violation, or _Enough at a bound."""
        members, name = 0, None
        while (block := self.stream.take(BLOCK)) != _END:
            info = _header(block)
            members += 1
            if members > self.bounds.members:
                raise _Enough(f"more than {self.bounds.members} entries")
            if info.type in _NAMES:
                name = self._record(info) or name
                continue
            self._member(info, name or info.name)
            name = None
        self.stream.finish()

    def _record(self, info: tarfile.TarInfo) -> str | None:
        """Return the name that a name record gives to the next member, if it does."""
        if info.size > self.bounds.record:
            raise Violation(f"a name record of {info.size} bytes", retry=False)
        content = self.stream.take(info.size)
        self.stream.skip(-info.size % BLOCK)
        if info.type == tarfile.GNUTYPE_LONGNAME:
            return content.rstrip(b"\0").decode("utf-8", "replace")
        if info.type == tarfile.GNUTYPE_LONGLINK:
            return None
        records = _pax(content)
        if "size" in records:
            raise _Enough("an entry of more than 8 GiB")
        if info.type == tarfile.XGLTYPE and _COMMIT.fullmatch(records.get("comment", "")):
            self.commit = records["comment"]
        return records.get("path")

    def _member(self, info: tarfile.TarInfo, name: str) -> None:
        plain = info.type in _PLAIN and not name.endswith("/")
        if info.type == tarfile.GNUTYPE_SPARSE:
            raise Violation("a sparse entry, which no repository host makes", retry=False)
        if not plain:
            self.gatherer.counts["skipped"] += info.type != tarfile.DIRTYPE and not name.endswith("/")
            if info.type not in tarfile.SUPPORTED_TYPES:
                self.stream.skip(info.size + -info.size % BLOCK)
            return
        path = _inside(name, self.bounds)
        self._date(info.mtime)
        content = b""
        if path is None:
            self.gatherer.counts["skipped"] += 1
        else:
            self.gatherer.see(path)
            if self.gatherer.wants(path):
                longest = self.bounds.notebook if path.endswith(".ipynb") else self.bounds.source
                if info.size <= longest:
                    content = self._look(path, info.size)
                else:
                    self.gatherer.counts["unread"] += 1
        self.stream.skip(info.size - len(content) + -info.size % BLOCK)

    def _look(self, path: str, size: int) -> bytes:
        self._looked += size
        if self._looked > self.bounds.read:
            raise _Enough(f"more than {self.bounds.read} bytes of source")
        content = self.stream.take(size)
        self.gatherer.read(path, content)
        return content

    def _date(self, mtime: float) -> None:
        try:
            day = datetime.fromtimestamp(mtime, UTC).date()
        except (ValueError, OverflowError, OSError):
            return
        if day.year in _YEARS and (self.changed is None or day > self.changed):
            self.changed = day


class _Unfolding:
    """The bytes of a gzip stream in order; ends early only if the stream is known to be a beginning."""

    def __init__(self, handle: BinaryIO, limit: int, cut: bool):
        self._handle, self._limit, self._cut = handle, limit, cut
        self._inflate = zlib.decompressobj(wbits=31)
        self._ready, self._at, self._total = b"", 0, 0

    def take(self, size: int) -> bytes:
        """Return exactly ``size`` bytes."""
        if len(self._ready) - self._at >= size:
            self._at += size
            return self._ready[self._at - size : self._at]
        parts, missing = [self._ready[self._at :]], size - len(self._ready) + self._at
        while missing > 0:
            if not self._more():
                raise Violation("the archive ends without its end mark")
            parts.append(self._ready[:missing])
            self._at = len(parts[-1])
            missing -= self._at
        return b"".join(parts)

    def skip(self, size: int) -> None:
        """Leave out ``size`` bytes."""
        while size > 0:
            size -= len(self.take(min(size, PIECE)))

    def finish(self) -> None:
        """Read what follows the end mark, which must be a little padding and the whole end of the stream."""
        rest = 0
        padding = self._ready[self._at :]
        while True:
            rest += len(padding)
            if rest > 1 << 20 or padding.count(0) != len(padding):
                raise Violation("something follows the end of the archive", retry=False)
            if not self._more():
                return
            padding = self._ready

    def _more(self) -> bool:
        """Unfold a piece; return whether there was one."""
        while not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._handle.read(PIECE)
            if not packed:
                if self._cut:
                    raise _Enough("longer than is taken")
                raise Violation("the archive is cut short")
            try:
                piece = self._inflate.decompress(packed, PIECE)
            except zlib.error as error:
                raise Violation(f"not a whole gzip stream: {error}") from error
            if piece:
                self._total += len(piece)
                if self._total > self._limit:
                    raise _Enough(f"unfolds to more than {self._limit} bytes")
                self._ready, self._at = piece, 0
                return True
        if self._inflate.unused_data or self._handle.read(1):
            raise Violation("bytes follow the end of the gzip stream")
        return False


def _header(block: bytes) -> tarfile.TarInfo:
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise Violation(f"a broken entry in the archive: {error}") from error
    if info.size < 0:
        raise Violation("an entry of negative size", retry=False)
    return info


def _pax(content: bytes) -> dict[str, str]:
    """Return the records of an extended header."""
    records, at = {}, 0
    while at < len(content) and content[at : at + 1] != b"\0":
        digits = content[at : at + 8].split(b" ", 1)[0]
        length = int(digits) if digits.isdigit() else 0
        name, equals, value = content[at + len(digits) + 1 : at + length].partition(b"=")
        if length <= len(digits) + 1 or at + length > len(content) or not equals:
            raise Violation("a broken name record in the archive")
        records[name.decode("utf-8", "replace")] = value.rstrip(b"\n").decode("utf-8", "replace")
        at += length
    return records


def _inside(name: str, bounds: Bounds) -> str | None:
    """Return the path below the archive's single top folder, or None for a path that no repository has."""
    if len(name) > bounds.path or name.startswith("/") or "\0" in name or "\\" in name:
        return None
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or not 2 <= len(parts) <= bounds.parts:
        return None
    return "/".join(parts[1:])
