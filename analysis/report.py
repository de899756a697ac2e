"""The page: one self-contained HTML file from tables, figures and the machine card.

Everything that a reader sees is prose of the template or comes from a file under ``results/``. A table or a figure that
is absent is named in words, with the command that makes it. The page asks for nothing: pictures are inline, styles
and script too, and a content security policy forbids the rest.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import logging
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from analysis import bibliography, deployment_page, guide, literature, style, usability_page
from analysis.claims import history
from analysis.claims import page as claims_page
from analysis.drawing import prefix_ids, replace_file
from analysis.measured_rows import once
from analysis.wording import age_words, number_words, period_end, words_date
from reproductions.files import read_yaml

log = logging.getLogger(__name__)
INLINE_CSV_BYTES = 2_000  # a larger CSV is linked beside the page, not held in it
SHOWN_ROWS = 10  # rows of a figure's data that the page itself lists
PAGE_BYTES = 2_000_000  # what a page may weigh; sets of other machines make it grow
TITLE = "PyTorch and TensorFlow, measured and counted"
QUESTION = (
    "Which of the two do people use, and which runs the same model faster, "
    "as far as open data and this machine can tell?"
)

# Words of the tables for which no other module has a display name.
LABELS = {
    **style.FRAMEWORK_LABELS,
    **style.MODE_LABELS,
    **style.ENVIRONMENT_LABELS,
    **style.PHASE_LABELS,
    "cpu": "CPU",
    "wall": "wall-clock time",
    "gpu": "GPU",
    "cuda": "GPU",
    "pass": "passed",
    "fail": "failed",
    "ok": "measured",
    "gpus": "GPUs",
    "libc": "C library",
    "memory gib": "memory (GiB)",
    "python": "Python",
}
METRIC_LABELS = {"cpu": "CPU time", "wall": "wall-clock time"}

# What the words of an empty cell mean; a table's legend holds the ones that it uses.
STATES = {
    "not measured here": "no such run on this machine",
    "failed": "it was tried and did not finish; the reason follows",
    "failed, as expected": "a failure that is known upstream; the reason and the report follow",
    "wrong numbers": "it answers, but not as the model does, so its speed does not count",
    "not supported": "the framework or the tool does not offer it in this version",
    "not tried": "possible, but not part of this run's plan",
    "parity failed": "the two sides do not compute the same, so their times are not compared",
    "parity untested": "equality of the two sides was not shown, so their times are not compared",
    "not recorded": "the table has no such column or value",
    "not stated": "the publication does not give it",
    "not given": "it does not apply, or the publication does not say",
}


class PageError(Exception):
    """The page could not be built; the text names the file and the remedy."""


@dataclass(frozen=True)
class Column:
    """One column of a table on the page; see ``analysis/page_tables.yaml``."""

    column: str
    header: str
    format: str = "text"
    digits: int | None = None
    low: str = ""
    high: str = ""
    url: str = ""
    also: tuple[str, ...] = ()
    row: bool = False
    filter: bool = False
    missing: str = "not measured here"

    @property
    def numeric(self) -> bool:
        """Whether the cells are numbers, set flush right."""
        return self.format in {"number", "interval", "percent", "percent_interval"}


@dataclass(frozen=True)
class PageTable:
    """One table on the page; see ``analysis/page_tables.yaml``."""

    id: str
    table: str
    section: str
    caption: str
    command: str
    columns: tuple[Column, ...]
    note: str = ""
    folded: bool = False
    states: bool = False
    most: int = 0
    once: bool = False
    only: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """What stands in a cell: ``text``, a raw value to sort by, and how it is set."""

    text: str
    sort: str
    state: bool = False
    href: str = ""
    title: str = ""


@dataclass
class Section:
    """A section of the page: its figures and its tables in page order."""

    figures: list[dict[str, Any]] = field(default_factory=list)
    tables: list[dict[str, Any]] = field(default_factory=list)


def render(
    tables_dir: Path | str,
    figures_dir: Path | str,
    machine_json: Path | str | None,
    out_html: Path | str,
    *,
    built: str,
    preset: str,
    template_dir: Path | str,
    page_tables: Path | str | None = None,
) -> Path:
    """Write the page and return its path.

    ``tables_dir`` holds the CSV tables and ``figures_dir`` what :func:`analysis.drawing.draw_all` wrote; both are
    linked relative to the page. ``machine_json`` is the card of the machine that measured (it may be absent). ``built``
    is the ISO date of the build, from which every age is counted; ``preset`` names the extent of the measurements.
    ``template_dir`` holds ``page.html.j2``, ``page.css`` and ``page.js``.

    Raises :class:`PageError` for a date, registry or ``figures.json`` that cannot be read.
    """
    tables_dir, figures_dir, out_html = Path(tables_dir), Path(figures_dir), Path(out_html)
    day = _day(built)
    registry = load_page_tables(page_tables or Path(__file__).with_name("page_tables.yaml"))
    tables = {path.stem: pd.read_csv(path, low_memory=False) for path in sorted(tables_dir.glob("*.csv"))}
    figures = _figures(figures_dir, out_html.parent)
    machine = _machine(machine_json, tables.get("machine"))
    if "machine" not in tables and machine:
        tables["machine"] = pd.DataFrame({"item": list(machine), "value": list(machine.values())})
    sections = _sections(registry, tables, figures, day)
    references = bibliography.load_references()
    for figure in figures:
        figure["cites"] = _cites(figure, tables, references)
    claims = tables.get("claims", pd.DataFrame())
    targets = [f"fig:{figure['id']}" for figure in figures] + [f"tab:{spec.id}" for spec in registry]
    targets += list(claims.get("claim", []))
    files = {path.stem: _relative(path, out_html.parent) for path in tables_dir.glob("*.csv")}
    bundle = out_html.with_name("data.zip")
    context = {
        "title": TITLE,
        "question": QUESTION,
        "built": built,
        "built_words": words_date(day),
        "preset": preset,
        "status": _status(tables, machine, day),
        "not_measured": _not_measured(tables, figures, registry),
        "findings": [figure for figure in figures if figure["finding"]],
        "titles": [figure for figure in figures if not figure["finding"]],
        "sections": sections,
        "usability": usability_page.context(tables),
        "deployment": deployment_page.context(tables),
        "claims": claims_page.context(tables, targets, files),
        "guide": guide.context(tables, targets, files),
        "published": {"least": literature.LEAST},
        "references": references,
        "cited": _cited(references),
        "cite": lambda key: _cite(references[key]),
        "see": _see,
        "number": itertools.count(1).__next__,
        "downloads": _downloads(tables_dir, out_html.parent),
        "bundle": _file(bundle, out_html.parent) if bundle.exists() else None,
        "rules": {"equal": style.EQUAL_WITHIN, "much": style.MUCH_BEYOND},
        "retrieved": _range(tables.get("sources"), "retrieved"),
        "version": _version(),
        "palette": palette_css(),
    }
    html = _fill(Path(template_dir), context)
    if (size := len(html.encode())) > PAGE_BYTES:
        log.warning(
            "the page has %s bytes, more than %s: lower `most` in page_tables.yaml", f"{size:,}", f"{PAGE_BYTES:,}"
        )
    out_html.parent.mkdir(parents=True, exist_ok=True)
    replace_file(out_html, html.encode())
    if len(claims):
        words = history.as_json(claims, history.fingerprints(tables), built)
        replace_file(out_html.with_name("verdicts.json"), words.encode())
    return out_html


def load_page_tables(path: Path | str) -> tuple[PageTable, ...]:
    """Read the registry of the tables on the page; raise :class:`PageError` naming the entry that is faulty."""
    entries = read_yaml(path)
    found, seen = [], set()
    for entry in entries:
        name = entry.get("id", "?")
        try:
            columns = tuple(Column(**column) for column in entry.pop("columns"))
            table = PageTable(columns=columns, **entry)
        except (KeyError, TypeError) as error:
            raise PageError(f"{path}: table {name}: {error}; the head of the file lists the keys") from error
        faults = [f"id {name} stands twice"] if name in seen else []
        faults += (
            [f"section {table.section} is not one of {', '.join(SECTIONS)}"] if table.section not in SECTIONS else []
        )
        faults += [
            f"format {c.format} of column {c.column} is not one of {', '.join(FORMATS)}"
            for c in columns
            if c.format not in FORMATS
        ]
        if faults:
            raise PageError(f"{path}: table {name}: {'; '.join(faults)}")
        seen.add(name)
        found.append(table)
    return tuple(found)


SECTIONS = (
    *("findings", "trends", "adoption", "performance", "parity", "deployment", "usability", "upkeep"),
    *("literature", "sources", "machine"),
)
# It sums up the section that it belongs to, so it stands before it.
PLACES = {"trend_crossings": "findings"}


# ---------------------------------------------------------------------------------------------------------- figures


def _figures(folder: Path, page_dir: Path) -> list[dict[str, Any]]:
    index = folder / "figures.json"
    if not index.exists():
        return []
    try:
        records = json.loads(index.read_text("utf-8"))
    except ValueError as error:
        raise PageError(f"{index}: not JSON ({error}); remove it and draw the figures again") from error
    return [_figure(record, folder, page_dir) for record in records]


def _figure(record: Mapping[str, Any], folder: Path, page_dir: Path) -> dict[str, Any]:
    files = record["files"]
    picture = (folder / files["page"]["name"]).read_text("utf-8")
    csv = (folder / files["csv"]["name"]).read_text("utf-8")
    data = pd.read_csv(folder / files["csv"]["name"], dtype=str, keep_default_na=False)
    return {
        **record,
        "svg": inline_svg(picture, short_prefix(record["id"])),
        "links": {kind: _relative(folder / files[kind]["name"], page_dir) for kind in ("svg", "png", "csv")},
        "data_link": _data_link(csv) if files["csv"]["bytes"] <= INLINE_CSV_BYTES else "",
        "columns": list(data.columns),
        "rows_shown": data.head(SHOWN_ROWS).to_numpy().tolist(),
        "kilobytes": max(1, round(files["csv"]["bytes"] / 1000)),
    }


def short_prefix(figure: str) -> str:
    """Return what stands before each id of a figure's picture: a digest, because thousands of references repeat it.

    It depends on the figure alone, so that no picture changes with another one; a test keeps them apart.
    """
    return f"f{hashlib.sha256(figure.encode()).hexdigest()[:4]}-"


def inline_svg(picture: str, prefix: str) -> str:
    """Fit an SVG into the page: ids prefixed and only where something refers to them, colours as CSS variables.

    The variables of the style sheet decide the colour in light, dark and print; the literal stays as the fall-back.
    """
    picture = re.sub(r"<style[^>]*>.*?</style>\s*", "", picture, flags=re.S)
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', picture))
    picture = re.sub(r'\sid="([^"]*)"', lambda found: found.group() if found.group(1) in used else "", picture)
    for number, name in enumerate(sorted(used)):
        picture = re.sub(rf'(?<=[#"]){re.escape(name)}(?=[")])', str(number), picture)
    picture = prefix_ids(picture, prefix)
    picture = re.sub(r"<g>\s*</g>\s*", "", picture)
    # What says nothing in a page goes: the family is inherited, a rotation by nothing, a group of one text.
    picture = re.sub(r"font-family: [^;\"]*(; )?", "", picture)
    picture = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", picture)
    picture = re.sub(r"<g>\s*(<text [^>]*>[^<]*</text>)\s*</g>", r"\1", picture)
    picture = picture.replace("xlink:href=", "href=")
    picture = re.sub(r"(font: [^\";]*?)'DejaVu Sans'[^\";]*", r"\1var(--sans)", picture)
    picture = _lighten(picture)
    picture = re.sub(r"#[0-9a-f]{6}\b", _variable, picture)
    return re.sub(r'(<svg [^>]*?)width="[\d.]+pt" height="[\d.]+pt"', r"\1", picture).strip()


def _lighten(picture: str) -> str:
    """Take out what draws nothing: defaults written out, rotations by nothing, groups around one element, breaks."""
    picture = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", picture)
    picture = re.sub(r"(?:font-family: inherit|text-anchor: start|stroke-linejoin: miter); ?", "", picture)
    picture = re.sub(r"; stroke-linejoin: miter(?=\")", "", picture)
    picture = re.sub(
        r' d="[^"]*"', lambda found: re.sub(r"\s+(?=\")|\s*\n", " ", found.group()).replace(' "', '"'), picture
    )
    for _ in range(3):  # groups stand inside groups
        picture = re.sub(r"<g>\s*(<(?:text|path|use)\b[^<]*(?:/>|>[^<]*</text>))\s*</g>", r"\1", picture)
    picture = re.sub(r"<g\b[^>]*/>\s*", "", picture)
    for _ in range(2):
        picture = re.sub(r"<g>\s*</g>\s*", "", picture)
    picture = _ungroup(picture)
    # A hundredth of a point cannot be seen, and marks of one look share it.
    picture = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\.\d\d)\d+", r"\1", tag.group()), picture)
    picture = re.sub(r' d="([^"]*)"', lambda found: f' d="{short_path(found[1])}"', picture)
    return re.sub(r"<g(?P<about>[^>]*)>\s*(?P<uses>(?:<use\b[^>]*/>\s*){2,})</g>", _share_style, picture)


def _ungroup(picture: str) -> str:
    """Take out the groups that say nothing of what they hold."""
    kept: list[bool] = []
    parts = []
    for part in re.split(r"(<g\b[^>]*>|</g>)\s*", picture):
        if part.startswith("<g") and not part.endswith("/>"):
            kept.append(part != "<g>")
            says = kept[-1]
        else:
            says = kept.pop() if part == "</g>" else True
        parts.append(part if says else "")
    return "".join(parts)


def short_path(path: str) -> str:
    """Write a path without what SVG reads anyway: spaces beside letters, a line's letter again, zeros at the end."""
    parts, before = [], ""
    for command, written in re.findall(r"([A-Za-z])([^A-Za-z]*)", path):
        numbers = re.sub(r"\.(?=\s|$)", "", re.sub(r"(\.\d*?)0+(?=\s|$)", r"\1", written.strip()))
        parts.append(f" {numbers}" if command == "L" and before in ("M", "L") else command + numbers)
        before = command
    return "".join(parts)


def _share_style(found: re.Match[str]) -> str:
    looks = set(re.findall(r' style="([^"]*)"', found["uses"]))
    if len(looks) != 1 or "style=" in found["about"] or found["uses"].count(" style=") != found["uses"].count("<use"):
        return found.group()
    (look,) = looks
    uses = found["uses"].replace(f' style="{look}"', "")
    return f'<g{found["about"]} style="{look}">\n{uses}</g>'


def _variable(found: re.Match[str]) -> str:
    role = style.ROLES.get(found.group())
    return f"var({role[0]},{found.group()})" if role else found.group()


def palette_css() -> str:
    """Return the style sheet's variables: the light set everywhere, the dark one on dark screens (never in print)."""
    light = "".join(f"{name}:{color};" for color, (name, _) in style.ROLES.items())
    dark = "".join(f"{name}:{other};" for _, (name, other) in style.ROLES.items())
    return f":root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"


def _data_link(csv: str) -> str:
    return f"data:text/csv;charset=utf-8,{quote(csv, safe=' ,:;/()[]=+-._~')}".replace(" ", "%20")


def _relative(path: Path, start: Path) -> str:
    return quote(Path(os.path.relpath(path, start)).as_posix())


# ----------------------------------------------------------------------------------------------------------- tables


def _sections(
    registry: Iterable[PageTable], tables: Mapping[str, pd.DataFrame], figures: Iterable[dict[str, Any]], day: date
) -> dict[str, Section]:
    sections = {name: Section() for name in SECTIONS}
    for figure in figures:
        name = PLACES.get(figure["id"], figure["section"])
        if name not in sections:
            raise PageError(
                f"analysis/figures/{figure['id']}.py: section {name} is unknown; use one of {', '.join(SECTIONS)}"
            )
        sections[name].figures.append(figure)
    for table in registry:
        sections[table.section].tables.append(build_table(table, tables.get(table.table), day))
    return sections


def build_table(spec: PageTable, frame: pd.DataFrame | None, day: date) -> dict[str, Any]:
    """Return what the template needs for one table: rows of cells and a legend, or words for its absence."""
    shown: dict[str, Any] = {"spec": spec, "rows": [], "legend": {}, "absent": "", "more": ""}
    if frame is None:
        shown["absent"] = f"The table {spec.table} has not been made yet. This makes it:"
    elif frame.empty:
        shown["absent"] = f"The table {spec.table} holds no row yet. This fills it:"
    else:
        chosen = _chosen(spec, frame)
        shown["rows"] = [
            [cell(column, row, day, states=spec.states) for column in spec.columns] for row in chosen.to_dict("records")
        ]
        if len(chosen) < len(frame):
            shown["more"] = f"{len(chosen):,} of {len(frame):,} rows; {spec.table}.csv holds them all"
        used = {entry.text for row in shown["rows"] for entry in row if entry.state}
        shown["legend"] = {
            words: meaning for words, meaning in STATES.items() if any(text.startswith(words) for text in used)
        }
    return shown


def _chosen(spec: PageTable, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that the page itself lists; a column that is absent chooses nothing."""
    for name, value in spec.only.items():
        if name in frame:
            wanted = value if isinstance(value, list) else [value]
            told = frame[name].fillna("").astype(str).str.lower()
            frame = frame[told.isin([str(each).lower() for each in wanted])]
    if spec.once:
        frame = once(frame)
    return frame.head(spec.most) if spec.most else frame


def cell(column: Column, row: Mapping[str, Any], day: date, *, states: bool = False) -> Cell:
    """Return the cell of a row: its value in the column's format, or words for why there is none (never a blank).

    With ``states`` the columns ``status`` and ``parity`` of the row say why a number is absent or not admitted.
    """
    if column.column not in row:
        return Cell("not recorded", "", state=True)
    value = row[column.column]
    if states and column.numeric and (_empty(value) or column.format == "interval"):
        words = style.state_words(str(row.get("status", "ok")), str(row.get("parity", "pass")))
        if words:
            return Cell(words, "", state=True)
    if _empty(value):
        return Cell(column.missing, "", state=True)
    return FORMATS[column.format](column, value, row, day)


def _empty(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _text(column: Column, value: Any, row: Mapping[str, Any], _: date) -> Cell:
    others = (row.get(name) for name in column.also)
    text = "; ".join(str(part) for part in (value, *others) if not _empty(part))
    return Cell(text, text)


def _number(column: Column, value: Any, _: Mapping[str, Any], __: date) -> Cell:
    try:
        number = float(value)
    except ValueError:
        return Cell(str(value), str(value))
    return Cell(number_words(number, column.digits), repr(number))


def _interval(column: Column, value: Any, row: Mapping[str, Any], _: date) -> Cell:
    return _with_bounds(column, float(value), (row.get(column.low), row.get(column.high)), 1)


def _percent_interval(column: Column, value: Any, row: Mapping[str, Any], _: date) -> Cell:
    return _with_bounds(column, float(value), (row.get(column.low), row.get(column.high)), 100)


def _percent(column: Column, value: Any, _: Mapping[str, Any], __: date) -> Cell:
    return Cell(number_words(100 * float(value), column.digits), repr(float(value)))


def _with_bounds(column: Column, value: float, bounds: tuple[Any, Any], factor: int) -> Cell:
    text = number_words(factor * value, column.digits)
    if not any(_empty(bound) for bound in bounds):
        low, high = (number_words(factor * float(bound), column.digits) for bound in bounds)
        text += f" [{low}, {high}]"
    elif column.low:
        text += " (no interval)"
    return Cell(text, repr(value))


def _date(_: Column, value: Any, __: Mapping[str, Any], ___: date) -> Cell:
    text = f"{value:.0f}" if isinstance(value, float) else str(value)
    return Cell(text, text)


def _age(_: Column, value: Any, __: Mapping[str, Any], day: date) -> Cell:
    last = period_end(str(value))
    if last is None:
        return Cell(f"ends {value}", str(value))
    days = max(0, (day - last).days)
    return Cell(f"{age_words(days)} (to {value})", f"{days:06d}")


def _code(_: Column, value: Any, __: Mapping[str, Any], ___: date) -> Cell:
    text = str(value)
    return Cell(text[:12] + "…" if len(text) > 13 else text, text, title=text)


def _link(column: Column, value: Any, row: Mapping[str, Any], _: date) -> Cell:
    url = str(row.get(column.url, ""))
    return Cell(str(value), str(value), href=url if url.startswith(("https://", "http://")) else "")


def _label(column: Column, value: Any, _: Mapping[str, Any], __: date) -> Cell:
    names = LABELS | METRIC_LABELS if column.column == "metric" else LABELS
    text = names.get(str(value), str(value).replace("_", " "))
    text = re.sub(r"\b(pytorch|tensorflow)\b", lambda name: LABELS[name.group()], text)
    return Cell(text, text)


FORMATS = {
    "text": _text,
    "number": _number,
    "interval": _interval,
    "percent": _percent,
    "percent_interval": _percent_interval,
    "date": _date,
    "age": _age,
    "code": _code,
    "link": _link,
    "label": _label,
}


# ------------------------------------------------------------------------------------------------------------ dates


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise PageError(f"built: {text!r} is not a date; give it as YYYY-MM-DD") from error


def _range(frame: pd.DataFrame | None, column: str) -> str:
    if frame is None or column not in frame or frame[column].dropna().empty:
        return ""
    values = sorted(frame[column].dropna().astype(str))
    return values[0] if values[0] == values[-1] else f"{values[0]} to {values[-1]}"


# ------------------------------------------------------------------------------------------------------- the header


def _machine(path: Path | str | None, table: pd.DataFrame | None) -> dict[str, str]:
    """Return the machine card as {item in lower case: value}, from the card's table and its JSON."""
    card: dict[str, str] = {}
    if path is not None and Path(path).exists():
        try:
            card.update(_flat(json.loads(Path(path).read_text("utf-8"))))
        except ValueError as error:
            raise PageError(f"{path}: not JSON ({error}); measure again or remove it") from error
    if table is not None and {"item", "value"} <= set(table):
        rows = table.dropna(subset=["item", "value"])
        card.update({str(item).lower(): str(value) for item, value in zip(rows["item"], rows["value"], strict=True)})
    return card


def _flat(node: Any, name: str = "") -> dict[str, str]:
    if not isinstance(node, dict):
        return {name: ", ".join(map(str, node)) if isinstance(node, list) else str(node)}
    found: dict[str, str] = {}
    for key, value in node.items():
        found |= _flat(value, f"{name} {key}".strip().replace("_", " ").lower())
    return found


def _first(card: Mapping[str, str], *names: str) -> str:
    return next((card[name] for name in names if card.get(name)), "")


def _status(tables: Mapping[str, pd.DataFrame], machine: Mapping[str, str], day: date) -> list[tuple[str, str]]:
    sources, cells = tables.get("sources"), tables.get("performance_cells")
    rows = []
    if sources is not None and "last_period" in sources and len(sources):
        ends = [(period_end(str(p)), str(p)) for p in sources["last_period"].dropna()]
        ends = sorted((end, text) for end, text in ends if end)
        if ends:
            (oldest, first), (newest, last) = ends[0], ends[-1]
            before = [age_words(max(0, (day - end).days)) for end in (oldest, newest)]
            words = f"the oldest ends {first} ({before[0]} before this build), the newest {last} ({before[1]} before)"
            rows.append(
                ("Evidence as of", f"{len(sources)} adoption source{'s' if len(sources) != 1 else ''}; {words}")
            )
        rows.append(("Sources read on", _range(sources, "retrieved") or "not recorded"))
    else:
        rows.append(("Evidence as of", "no adoption source has been read into this build"))
    processor = _first(machine, "processor", "cpu", "cpu model", "model", "processor model", "cpu name")
    name = _first(machine, "name", "machine", "id", "hostname")
    when = re.sub(r"^(\S+) to \1$", r"\1", _first(machine, "measured"))
    measured = ", ".join(dict.fromkeys(text for text in (name, processor, when) if text))
    rows.append(("Measured on", measured or "no machine has measured for this build"))
    rows.append(("Device", device_words(cells)))
    if others := other_sets(tables.get("performance_machines")):
        rows.append(("Beside this run", others))
    if cells is not None and len(cells):
        marks = {"as_shipped": "A as shipped (open square)", "tuned": "B tuned (filled circle)"}
        names = set(cells["environment"].dropna().astype(str))
        rows.append(("Environments", "; ".join(marks.get(name, name) for name in sorted(names))))
    return rows


def other_sets(machines: pd.DataFrame | None) -> str:
    """Name the sets of measurements that this run did not make, or "" where there are none."""
    if machines is None or "origin" not in machines:
        return ""
    others = machines[machines["origin"] != "this run"]
    words = [f"{row['machine']} ({row['origin']}, {row['date']})" for row in others.to_dict("records")]
    return "; ".join(words)


def device_words(cells: pd.DataFrame | None) -> str:
    """Say plainly on which device the cells ran."""
    if cells is None or cells.empty or "device" not in cells:
        return "nothing was measured for this build"
    devices = sorted(cells["device"].dropna().astype(str).unique())
    if all(name.lower() == "cpu" for name in devices):
        return "CPU; no GPU took part in any measurement on this page"
    return ", ".join(LABELS.get(name, name) for name in devices)


def _not_measured(
    tables: Mapping[str, pd.DataFrame], figures: list[dict[str, Any]], registry: Iterable[PageTable]
) -> list[str]:
    """List what a reader might expect and not find, each with its reason."""
    found = []
    cells = tables.get("performance_cells")
    if cells is not None and len(cells):
        if device_words(cells).startswith("CPU;"):
            found.append(
                "GPUs: the machine that measured has none that the frameworks see, so nothing here says which is "
                "faster on one. On a machine with a GPU the same commands use it."
            )
        failed = cells[cells["status"] != "ok"]
        if len(failed):
            found.append(f"Cells without a value: {len(failed)} of {len(cells)}; each says why in the table of cells.")
    found.append(
        "Code labels of Papers with Code, the primary measure of use in research: the service is closed and its data "
        "cannot be embedded; the table of quoted shares holds the points that publications printed."
    )
    lower = cells is not None and "precision" in cells and (cells["precision"] != "float32").any()
    narrow = "" if lower else "precisions below float32, "
    found.append(f"Other frameworks, several devices at once, {narrow}and models of today's largest sizes.")
    absent = [spec.table for spec in registry if spec.table not in tables]
    if absent:
        found.append(f"Tables not made for this build: {', '.join(dict.fromkeys(absent))}.")
    if not figures:
        found.append("Figures: none has been drawn for this build; `snakemake --cores 2` draws them.")
    return found


def _downloads(tables_dir: Path, page_dir: Path) -> list[dict[str, Any]]:
    """Return the tables beside the page; the files of a figure are linked where it stands."""
    return [_file(path, page_dir) for path in sorted(tables_dir.glob("*.csv"))]


def _file(path: Path, page_dir: Path) -> dict[str, Any]:
    return {
        "name": path.name,
        "href": _relative(path, page_dir),
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("framework-survey")
    except PackageNotFoundError:
        return "uninstalled"


# ----------------------------------------------------------------------------------------------------- bibliography


def _cites(
    figure: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], references: Mapping[str, bibliography.Reference]
) -> list[str]:
    """Return the keys of what a figure rests on: its sources, and the studies where it shows published results."""
    keys = [name for name in figure["sources"] if name in references]
    published = tables.get("literature")
    if "literature" in figure["requires"] and published is not None and "url" in published:
        keys += bibliography.keys_of(published["url"].dropna().astype(str), references)
    return list(dict.fromkeys(keys))


def _cited(references: Mapping[str, bibliography.Reference]) -> dict[str, list[str]]:
    """Return the keys that the section on methods lists: sources, quoted shares and data sets."""
    from analysis.harvesting import registry

    sources = registry.entries()
    counted = [key for key, entry in references.items() if entry.kind == "source"]
    return {
        "sources": [key for key in counted if key in sources],
        "quotes": [key for key in counted if key not in sources],
        "datasets": [key for key, entry in references.items() if entry.kind == "data set"],
    }


def _cite(reference: bibliography.Reference) -> Any:
    from markupsafe import Markup

    return Markup('<a class="cite" href="#ref-{}">[{}]</a>').format(reference.key, reference.number)


def _see(name: str) -> Any:
    """Return a link to a claim, a figure or a table of the page, named as people name it."""
    from markupsafe import Markup

    kind, _, target = name.partition(":")
    if kind == "fig":
        return Markup('<a href="#fig-{}">figure: {}</a>').format(target, target.replace("_", " "))
    if kind == "tab":
        return Markup('<a href="#tab-{}">table: {}</a>').format(target, target.replace("_", " "))
    return Markup('<a href="#{}">{}</a>').format(name, name)


# --------------------------------------------------------------------------------------------------------- template


def _fill(template_dir: Path, context: Mapping[str, Any]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
    from markupsafe import Markup

    script = (template_dir / "page.js").read_text("utf-8")
    environment = Environment(
        loader=FileSystemLoader(template_dir),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code_spans"] = _code_spans
    try:
        page = environment.get_template("page.html.j2").render(
            **context,
            css=Markup((template_dir / "page.css").read_text("utf-8")),  # noqa: S704  our own file
            script=Markup(script),  # noqa: S704  our own file
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            trusted=Markup,
        )
    except TemplateError as error:
        raise PageError(f"{template_dir / 'page.html.j2'}: {error}") from error
    return lean(share_styles(page))


def lean(page: str) -> str:
    """Leave out what HTML does not ask for in tables and lists: end tags, quotes, breaks between cells, a ninth of it.

    A cell that sorts by a number and says no other class is a number; the style sheet knows it by that.
    """
    kept = re.split(r"(<(pre|script|svg)\b.*?</\2>)", page, flags=re.S)
    markup = [re.sub(r"</(?:td|th|tr|li|dt|dd)>", "", part) for part in kept[::3]]
    markup = [re.sub(r"\s*\n(?=<t[dh]\b)|\n(?=\n<tr\b)", "", part) for part in markup]
    markup = [re.sub(r"<t[dh]\b[^>]*>", _lean_cell, part) for part in markup]
    return "".join(part for pair in itertools.zip_longest(markup, kept[1::3], fillvalue="") for part in pair)


def _lean_cell(found: re.Match[str]) -> str:
    tag = re.sub(r'(<td data-sort="[^"]*") class="number"', r"\1", found.group())
    tag = re.sub(r'( data-sort="-?\d+)\.0"', r'\1"', tag)
    return re.sub(r'="([\w.:+-]+)"', r"=\1", tag)


#: Digits of a style's digest in its class: 16 million names for the few hundred styles of a page.
STYLE_DIGITS = 6


def share_styles(page: str) -> str:
    """Say each style and clipping of the pictures once, as a class in the page's style sheet: else they are a quarter.

    A style's class is named by a digest of what it says, so that a change in one picture changes nothing elsewhere; a
    clipping's by the id of its path.
    """
    rules: dict[str, str] = {}

    def name(found: re.Match) -> str:
        clip, said = found.groups()
        short = "s" + hashlib.sha256(said.encode()).hexdigest()[:STYLE_DIGITS]
        if rules.setdefault(short, said) != said:
            raise PageError(f"two styles of the pictures share the class {short}: raise STYLE_DIGITS")
        if clip is None:
            return f' class="{short}"'
        rules[clip] = f"clip-path: url(#{clip})"
        return f' class="{short} {clip}"'

    def picture(found: re.Match) -> str:
        return re.sub(r'(?: clip-path="url\(#([\w-]+)\)")? style="([^"]*)"', name, found.group())

    page = re.sub(r"<svg\b.*?</svg>", picture, page, flags=re.S)
    page = re.sub(r"<svg\b.*?</svg>", lambda found: group_runs(found.group(), rules), page, flags=re.S)
    sheet = "".join(f".picture .{short} {{{said}}}\n" for short, said in sorted(rules.items()))
    return page.replace("</style>", f"{sheet}</style>", 1)


def group_runs(picture: str, rules: Mapping[str, str]) -> str:
    """Say the class of texts or paths of one look that follow each other once, on a group around them.

    What these classes say is inherited or holds for the whole group; opacity is neither where marks overlap, so marks
    with one stay alone, and so do those that are moved, since their clipping moves with them, or used elsewhere.
    """
    mark = re.compile(r'<(text|path)\b(?P<before>[^>]*?) class="(?P<look>[^"]*)"(?P<after>[^>]*?)(?:/>|>[^<]*</\1>)\n?')
    parts: list[str] = []
    run: list[re.Match[str]] = []
    end = 0

    def close() -> None:
        whole = "".join(found.group() for found in run)
        if len(run) > 1:
            look = f' class="{run[0]["look"]}"'
            whole = f"<g{look}>\n{whole.replace(look, '').rstrip()}\n</g>\n"
        parts.append(whole)
        run.clear()

    for found in mark.finditer(picture):
        alone = re.search(r" (?:transform|id)=", found["before"] + found["after"]) is not None
        alone |= any("opacity" in rules.get(name, "") for name in found["look"].split())
        if run and (alone or found.start() != end or (found[1], found["look"]) != (run[0][1], run[0]["look"])):
            close()
        parts.append(picture[end : found.start()])
        if alone:
            parts.append(found.group())
        else:
            run.append(found)
        end = found.end()
    close()
    return "".join([*parts, picture[end:]])


def _code_spans(text: str) -> Any:
    """Escape a text and set what stands between backticks as code."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704  escaped one call earlier
