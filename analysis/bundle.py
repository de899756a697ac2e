"""The data bundle: every table as CSV, described as a Data Package, with licences, checksums and a citation.

The zip holds no time of day: the same tables on the same day of building give the same bytes. It can be archived as it
is; ``.zenodo.json`` holds what an archive asks for when it gives a DOI.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from reproductions.files import read_yaml, write_bytes

ROOT = Path(__file__).resolve().parents[1]
TABLES_YAML = ROOT / "data" / "tables.yaml"
SCHEMAS = ROOT / "workflow" / "schemas"
PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
NAME = "framework-survey"
TITLE = "PyTorch and TensorFlow, measured and counted: the tables"
#: Tables of data/ that the results are made from; they travel in the folder inputs/.
INPUTS = (
    *("adoption_figures", "adoption_sources", "adoption_quotes", "literature", "literature_studies", "claims"),
    *("facts", "verdicts", "reference_accuracies", "mention_labels", "python_life", "removals", "accelerators"),
)
BESIDE = ("LICENSE", "data/references.bib")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time that a zip can hold
TYPES = {"i": "integer", "u": "integer", "f": "number", "b": "boolean"}
LICENCES = {
    "Apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC-BY-SA-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "MIT": "https://opensource.org/license/mit",
}


class BundleError(ValueError):
    """The bundle cannot be made; the text names the table or file and the remedy."""


def write_bundle(tables_dir: Path, out: Path, *, built: str, root: Path = ROOT) -> Path:
    """Write the zip and return its path.

    tables_dir  folder with the result tables, ``<name>.csv``
    built       ISO date of the build, part of the version
    root        folder of the project, which holds data/, LICENSE and CITATION.cff

    Raises BundleError for a table that data/tables.yaml does not name.
    """
    registry = read_yaml(TABLES_YAML)
    kinds = {name: kind for kind, entry in registry["kinds"].items() for name in entry["tables"]}
    paths = {path.stem: path for path in sorted(tables_dir.glob("*.csv"))}
    if strange := sorted(set(paths) - set(kinds)):
        raise BundleError(f"{TABLES_YAML}: {', '.join(strange)}: name each table under its kind, with a title")
    files = {f"tables/{name}.csv": path.read_bytes() for name, path in paths.items()}
    files |= {f"inputs/{name}.csv": (root / "data" / f"{name}.csv").read_bytes() for name in INPUTS}
    files |= {Path(name).name: (root / name).read_bytes() for name in BESIDE}
    frames = {name: pd.read_csv(io.BytesIO(files[name]), low_memory=False) for name in files if name.endswith(".csv")}
    version = f"{_version(root)}+{built}"
    package = _package(files, frames, registry) | {"version": version, "created": f"{built}T00:00:00Z"}
    files["CITATION.cff"] = _citation(root, version, built)
    files["datapackage.json"] = _json(package)
    files[".zenodo.json"] = _json(_archive(version, built))
    files["README.md"] = _readme(package).encode()
    files["SHA256SUMS"] = "".join(f"{_sha256(files[name])}  {name}\n" for name in sorted(files)).encode()
    write_bytes(out, _zip(files))
    return out


def _package(
    files: Mapping[str, bytes], frames: Mapping[str, pd.DataFrame], registry: Mapping[str, Any]
) -> dict[str, Any]:
    entries = {name: entry for entry in registry["kinds"].values() for name in entry["tables"]}
    sources, terms = _sources(frames), _terms(frames)
    resources = []
    for path, frame in frames.items():
        name = Path(path).stem
        if path.startswith("tables/"):
            entry, said = entries[name], registry["columns"]
            own = [source for table in entry.get("sources", ()) for source in sources.get(table, ())]
            about = {
                "title": entry["tables"][name],
                "licenses": [_licence(entry["licence"]), *(terms if "sources" in entry.get("sources", ()) else ())],
                **({"sources": own} if own else {}),
            }
        else:
            title, said = _described(name)
            about = {"title": title, "licenses": [_licence("Apache-2.0")]}
        resources.append(
            {
                "name": path.removesuffix(".csv").replace("/", "-").replace("_", "-"),
                "type": "table",
                "path": path,
                **about,
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "bytes": len(files[path]),
                "hash": f"sha256:{_sha256(files[path])}",
                "schema": {"fields": _fields(frame, said), "missingValues": [""]},
            }
        )
    return {
        "$schema": PROFILE,
        "name": NAME,
        "title": TITLE,
        "description": (
            "Adoption counted from public sources, benchmarks and usability measured, published results collected, and "
            "the claims of arXiv:2508.04035 judged. Every number of the page is in these tables."
        ),
        "keywords": ["PyTorch", "TensorFlow", "benchmark", "adoption", "reproducibility"],
        "licenses": [_licence("Apache-2.0")],
        "contributors": [{"title": "The framework survey authors", "roles": ["creator"]}],
        "resources": resources,
    }


def _sources(frames: Mapping[str, pd.DataFrame]) -> dict[str, list[dict[str, str]]]:
    """Return by table the sources that its rows name, each with its licence in the words of the source."""
    found: dict[str, list[dict[str, str]]] = {}
    if (frame := frames.get("tables/sources.csv")) is not None:
        found["sources"] = [
            {"title": f"{row['title']} ({row['publisher']}), {row['licence']}", "version": str(row["version"])}
            for row in frame.fillna("").to_dict("records")
        ]
    for name in ("adoption_quotes", "literature"):
        if (frame := frames.get(f"tables/{name}.csv")) is not None:
            cited = frame.drop_duplicates("url")[["citation", "url"]]
            found[name] = [{"title": citation, "path": url} for citation, url in cited.itertuples(index=False)]
    return found


def _terms(frames: Mapping[str, pd.DataFrame]) -> list[dict[str, str]]:
    """Return the licences under which rows of counted tables stand besides, with the sources that ask for them."""
    frame = frames.get("tables/sources.csv")
    found: dict[str, list[str]] = {}
    for row in [] if frame is None else frame.fillna("").to_dict("records"):
        for name in LICENCES:
            if name in str(row["licence"]):
                found.setdefault(name, []).append(str(row["source"]))
    return [_licence(name) | {"title": f"rows of {', '.join(own)}"} for name, own in found.items()]


def _described(name: str) -> tuple[str, dict[str, str]]:
    """Return title and descriptions of columns of a table of data/, from its schema where it has one."""
    path = SCHEMAS / f"{name}.schema.yaml"
    if not path.exists():
        return f"data/{name}.csv", {}
    schema = read_yaml(path)
    said = {key: entry["description"] for key, entry in schema["properties"].items() if "description" in entry}
    return str(schema.get("description", schema.get("title", name))).strip(), said


def _fields(frame: pd.DataFrame, said: Mapping[str, str]) -> list[dict[str, str]]:
    fields = []
    for name in frame.columns:
        entry = {"name": str(name), "type": TYPES.get(frame[name].dtype.kind, "string")}
        if name in said:
            entry["description"] = " ".join(str(said[name]).split())
        fields.append(entry)
    return fields


def _licence(name: str) -> dict[str, str]:
    return {"name": name, "path": LICENCES[name]}


def _version(root: Path) -> str:
    found = re.search(r'(?m)^version = "([^"]+)"', (root / "pyproject.toml").read_text("utf-8"))
    if not found:
        raise BundleError("pyproject.toml: no version; give the project one")
    return found.group(1)


def _citation(root: Path, version: str, built: str) -> bytes:
    """Return CITATION.cff as the citation of this version of the tables."""
    text = (root / "CITATION.cff").read_text("utf-8")
    text = re.sub(r"(?m)^type: .*$", "type: dataset", text)
    text = re.sub(r"(?m)^version: .*$", f"version: {version}", text)
    return re.sub(r"(?m)^date-released: .*$", f'date-released: "{built}"', text).encode()


def _archive(version: str, built: str) -> dict[str, Any]:
    return {
        "title": TITLE,
        "upload_type": "dataset",
        "version": version,
        "publication_date": built,
        "creators": [{"name": "The framework survey authors"}],
        "license": "Apache-2.0",
        "keywords": ["PyTorch", "TensorFlow", "benchmark", "adoption", "reproducibility"],
        "related_identifiers": [{"identifier": "arXiv:2508.04035", "relation": "reviews", "scheme": "arxiv"}],
    }


def _readme(package: Mapping[str, Any]) -> str:
    lines = [f"# {package['title']}", "", f"Version {package['version']}. {package['description']}", ""]
    lines += [
        "`tables/` holds the tables of the page, `inputs/` what they were made from. `datapackage.json` describes each",
        "column (Data Package 2.0), `sha256sum --check SHA256SUMS` checks every file, `CITATION.cff` says how to cite.",
        "A number that was counted from a source keeps that source's terms; `datapackage.json` names them by table.",
        "Texts that begin like a formula carry an apostrophe in front, so that no spreadsheet runs them.",
        "",
        "| file | what |",
        "|---|---|",
        *(f"| `{resource['path']}` | {' '.join(resource['title'].split())} |" for resource in package["resources"]),
    ]
    return "\n".join(lines) + "\n"


def _json(content: object) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _zip(files: Mapping[str, bytes]) -> bytes:
    """Return a zip whose bytes depend on names and contents alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bundle:
        for name in _order(files):
            entry = zipfile.ZipInfo(f"{NAME}/{name}", EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            bundle.writestr(entry, files[name])
    return buffer.getvalue()


def _order(names: Iterable[str]) -> list[str]:
    """Return the names with what a reader opens first in front."""
    first = ("README.md", "datapackage.json", "CITATION.cff", "LICENSE", "SHA256SUMS")
    return [*(name for name in first if name in set(names)), *sorted(set(names) - set(first))]
