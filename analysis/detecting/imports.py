"""Which modules a Python file or a notebook imports: read in one linear pass, never executed, whatever the bytes are.

``import`` is a keyword that only begins a statement, so once strings and comments are out, reading lines finds exactly
what Python's own parser finds, and goes on where that stops (Python 2, templates, cut files). The parser itself is not
used: 800 kB of ``import a.b.a.b...`` make it take all of a machine's memory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_MEMBERS = r"\([^)]{0,10000}\)|[^;\n]*"
_FROM = rf"from[ \t]+([A-Za-z_][\w.]*)[ \t]+import\b[ \t]*({_MEMBERS})"
_IMPORT = re.compile(rf"(?:^|[;:])[ \t\f]*(?:{_FROM}|import[ \t]+([^;\n]+))", re.M)
_NAME = re.compile(r"\s*([A-Za-z_][\w.]*)")
LONGEST = 200  # of a dotted name; longer ones name no module
_SKIP = re.compile(r"#[^\n]*|\"\"\"|'''|\"|'")
_REST = {
    '"': re.compile(r'(?:\\.|[^"\\\n])*"?', re.S),
    "'": re.compile(r"(?:\\.|[^'\\\n])*'?", re.S),
}
_MAGIC = re.compile(r"^[ \t]*[%!?].*$", re.M)
CELLS = 5_000


class Unreadable(Exception):
    """A file that cannot be read as what its name says."""


def imported(content: bytes) -> frozenset[str]:
    """Return the dotted names of what Python source imports, relative imports left out; never raises.

    ``from a import b`` gives ``a`` and ``a.b``.
    """
    code = without_comments(decode(content), keep_strings=False).replace("\\\n", " ")
    return frozenset(name for name in _names(code) if len(name) <= LONGEST)


def imported_by_notebook(content: bytes) -> frozenset[str]:
    """Return what the Python code cells of a notebook import; raises Unreadable if it is none."""
    names: set[str] = set()
    for source in code_cells(content):
        names |= imported(source.encode("utf-8", "replace"))
    return frozenset(names)


def code_cells(content: bytes) -> Iterator[str]:
    """Yield the source of each Python code cell, magic lines emptied; raises Unreadable if it is no notebook."""
    try:
        book = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not JSON") from error
    if not isinstance(book, dict):
        raise Unreadable("not a notebook")
    if not _speaks_python(book.get("metadata")):
        return
    sheets = book["worksheets"] if isinstance(book.get("worksheets"), list) else [book]
    cells = [cell for sheet in sheets if isinstance(sheet, dict) for cell in _list(sheet.get("cells"))]
    for cell in cells[:CELLS]:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", cell.get("input", ""))
        source = "".join(part for part in source if isinstance(part, str)) if isinstance(source, list) else source
        if not isinstance(source, str) or _is_other_language(source):
            continue
        yield _MAGIC.sub("", source)


def decode(content: bytes) -> str:
    """Return text for bytes of unknown encoding: UTF-16 by its mark, otherwise UTF-8, otherwise byte by byte."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def without_comments(text: str, *, keep_strings: bool) -> str:
    """Return source without comments and, unless kept, without the content of strings; one pass over the text."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    parts, at = [], 0
    while match := _SKIP.search(text, at):
        parts.append(text[at : match.start()])
        at, mark = match.end(), match[0]
        if mark[0] == "#":
            continue
        at = _end_of_long(text, mark, at) if len(mark) == 3 else _REST[mark].match(text, at).end()
        parts.append(text[match.start() : at] if keep_strings else "''")
    parts.append(text[at:])
    return "".join(parts)


def _list(value: object) -> list:
    return value if isinstance(value, list) else []


def _speaks_python(metadata: object) -> bool:
    metadata = metadata if isinstance(metadata, dict) else {}
    for part, key in (("kernelspec", "language"), ("language_info", "name")):
        inner = metadata.get(part)
        language = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(language, str) and language:
            return "python" in language.lower()
    return True


def _is_other_language(source: str) -> bool:
    """Return whether a cell magic hands the cell to something else than Python."""
    head = source.lstrip().split("\n", 1)[0].split()
    known = ("%%time", "%%timeit", "%%capture", "%%prun", "%%memit")
    return bool(head) and head[0].startswith("%%") and head[0] not in known


def _names(code: str) -> Iterator[str]:
    for module, members, modules in _IMPORT.findall(code):
        if module:
            yield module
            yield from (f"{module}.{name}" for name in _listed(members.strip(" ()")))
        else:
            yield from _listed(modules)


def _listed(text: str) -> Iterator[str]:
    for part in text.split(","):
        name = _NAME.match(part)
        if name:
            yield name[1]


def _end_of_long(text: str, mark: str, at: int) -> int:
    while True:
        found = text.find(mark, at)
        if found < 0:
            return len(text)
        first = found
        while text[first - 1] == "\\" and first > at:
            first -= 1
        if (found - first) % 2 == 0:
            return found + 3
        at = found + 1
