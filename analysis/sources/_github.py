"""Files of a public GitHub repository at a commit, each proved by the blob checksum that the commit's tree gives.

Three kinds of request: the commit (the branch head unless the setting ``commit`` pins one) and its trees from the REST
interface at ``api_base_url`` (60 requests an hour without an account; a refresh takes two to four), the files from
``base_url``. A tree or a file never changes under its checksum, so neither is asked for twice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from analysis.harvesting.cache import Answer
from analysis.harvesting.errors import Violation
from analysis.harvesting.run import Run
from analysis.sources._shared import mapping, sequence, shown, whole
from reproductions.errors import SurveyError

SHA = re.compile(r"[0-9a-f]{40}", re.ASCII)
REPOSITORY = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", re.ASCII)
EVER = date.min


@dataclass(frozen=True)
class Blob:
    """A file of a tree: where it lies, the git checksum of its content, its length in bytes."""

    path: str
    sha: str
    size: int


def commit(run: Run) -> Answer:
    """Return the answer that names the commit: the pinned one, or today's head of the default branch."""
    pinned = run.settings["commit"]
    if pinned is not None and not (isinstance(pinned, str) and SHA.fullmatch(pinned)):
        raise SurveyError(f"sources.{run.source.id}.commit: {pinned!r} is not a commit; give its 40 hexadecimal digits")
    address = f"{_api(run)}/commits/{pinned or 'HEAD'}"

    def judge(answer: Answer) -> None:
        sha, _ = named(answer)
        if pinned and sha != pinned:
            raise Violation(f"asked for commit {pinned}, got {sha}")

    return run.client.get(address, judge=within_budget(judge), accept=(200, 403, 429), since=EVER if pinned else None)


def named(answer: Answer) -> tuple[str, str]:
    """Return the checksums of the commit and of its tree."""
    content = mapping(answer.json(), "the commit")
    inner = mapping(content.get("commit"), "the commit's body")
    tree = mapping(inner.get("tree"), "the commit's tree")
    return _sha(content.get("sha"), "the commit"), _sha(tree.get("sha"), "the commit's tree")


def folder(run: Run, tree: str, path: str) -> dict[str, Blob]:
    """Return the files of a folder below a tree by name; ``path`` is ``web/data``, empty for the tree itself."""
    for name in filter(None, path.split("/")):
        _, below = _listed(run, tree)
        if name not in below:
            raise SurveyError(f"{run.source.id}: the repository has no folder {path} any more; report this")
        tree = below[name]
    blobs, _ = _listed(run, tree)
    return {name: Blob(f"{path}/{name}".lstrip("/"), sha, size) for name, (sha, size) in blobs.items()}


def raw(run: Run, at: str, blob: Blob, judge: Callable[[Answer], None]) -> Answer:
    """Return a file at a commit whose content has the blob's checksum and satisfies ``judge``."""
    if blob.size > run.settings["max_bytes"]:
        raise SurveyError(f"{run.source.id}: {blob.path} has {blob.size} bytes; raise max_bytes if that is right")

    def proved(answer: Answer) -> None:
        content = answer.read(blob.size)
        digest = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        if digest != blob.sha:
            raise Violation(f"{blob.path}: {len(content)} bytes with another checksum than the commit's tree gives")
        judge(answer)

    return run.client.get(f"{_repository(run)}/{at}/{blob.path}", judge=proved, since=EVER)


def _listed(run: Run, tree: str) -> tuple[dict[str, tuple[str, int]], dict[str, str]]:
    """Return the files (checksum, bytes) and the folders (checksum) of a tree."""

    def judge(answer: Answer) -> None:
        _entries(answer, tree)

    address = f"{_api(run)}/git/trees/{tree}"
    return _entries(run.client.get(address, judge=within_budget(judge), accept=(200, 403, 429), since=EVER), tree)


def _entries(answer: Answer, tree: str) -> tuple[dict[str, tuple[str, int]], dict[str, str]]:
    content = mapping(answer.json(), "the tree")
    if content.get("sha") != tree:
        raise Violation(f"asked for tree {tree}, got {shown(content.get('sha'))}")
    if content.get("truncated") is not False:
        raise Violation("the tree is truncated", retry=False)
    blobs, below = {}, {}
    for listed in sequence(content.get("tree"), "the tree's entries"):
        entry = mapping(listed, "an entry of the tree")
        name, kind = entry.get("path"), entry.get("type")
        if not isinstance(name, str) or not name or "/" in name or name in blobs or name in below:
            raise Violation(f"the tree holds {shown(name)} twice, or no name")
        if kind == "tree":
            below[name] = _sha(entry.get("sha"), name)
        elif kind == "blob":
            blobs[name] = (_sha(entry.get("sha"), name), whole(entry.get("size"), name))
    return blobs, below


def within_budget(judge: Callable[[Answer], None]) -> Callable[[Answer], None]:
    """Return a judge that ends the refresh where the hour's requests are used up; GitHub says so with 403 or 429."""

    def judged(answer: Answer) -> None:
        if answer.status != 200:
            left = answer.headers.get("x-ratelimit-remaining", "")
            what = "GitHub's requests of this hour are used up" if left == "0" else f"GitHub answers {answer.status}"
            raise Violation(what, retry=left != "0")
        judge(answer)

    return judged


def _sha(value: object, what: str) -> str:
    if not isinstance(value, str) or not SHA.fullmatch(value):
        raise Violation(f"{shown(what)}: {shown(value)} is not a checksum")
    return value


def _api(run: Run) -> str:
    return f"{run.settings['api_base_url'].rstrip('/')}/repos/{_repository(run)}"


def _repository(run: Run) -> str:
    name = run.settings["repository"]
    if not REPOSITORY.fullmatch(name):
        raise SurveyError(f"sources.{run.source.id}.repository: {name!r} is not of the form owner/name")
    return name
