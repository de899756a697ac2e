"""Run the registry of figures and write each one as SVG, PNG and CSV.

Every figure is drawn once. The page inlines ``<id>.page.svg``, the bare picture. ``<id>.svg`` and ``<id>.png`` stand
alone: the same picture in a frame with its title, its subtitle, its limits and its source, because a picture cut out
of a page loses them. ``<id>.csv`` holds exactly the rows that are drawn. ``figures.json`` describes them all.

The same tables give the same bytes: ids come from a fixed salt, and no file carries a date.
"""

from __future__ import annotations

import difflib
import gc
import hashlib
import html
import io
import json
import logging
import math
import multiprocessing
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis import style
from analysis.figures import Drawing, discover
from reproductions.files import write_bytes

if TYPE_CHECKING:
    from types import ModuleType

    from matplotlib.figure import Figure

log = logging.getLogger(__name__)

MARGIN = 0.12  # inches between the picture and the edge of the frame
LINE_SPACING = 1.3
THIS_MACHINE = "this machine"
_PROCESSOR_ITEMS = ("processor", "cpu", "cpu model", "cpu_model")


class DrawingError(Exception):
    """A figure could not be drawn; the text names the figure, the table and the remedy."""


def draw_all(
    tables_dir: Path | str, out_dir: Path | str, only: Iterable[str] | None = None, processes: int = 1
) -> list[dict[str, Any]]:
    """Draw every figure of the registry, or the ones whose ids ``only`` names, and return their descriptions.

    ``tables_dir`` holds ``<name>.csv`` for the tables that the figures require; ``out_dir`` receives ``<id>.page.svg``,
    ``<id>.svg``, ``<id>.png`` (160 dpi), ``<id>.csv`` and ``figures.json`` (with ``only``, the entries of the other
    figures stay as they are). Each file is replaced whole, so an interrupted run leaves no half-written one. With
    ``processes`` above 1 they are drawn side by side (on Linux); the files are the same.

    Raises :class:`DrawingError`, after the other figures are drawn, with one line for each figure that failed.
    """
    tables_dir, out_dir = Path(tables_dir), Path(out_dir)
    style.use()
    out_dir.mkdir(parents=True, exist_ok=True)
    registry = discover()
    chosen = _chosen(registry, only)
    draw = partial(_draw_one, tables_dir=tables_dir, out_dir=out_dir)
    _table.cache_clear()
    if processes > 1 and len(chosen) > 1 and sys.platform == "linux":
        with multiprocessing.get_context("fork").Pool(min(processes, len(chosen)), _collect_seldom) as pool:
            # One at a time: figures take from a tenth of a second to several.
            drawn_or_not = pool.map(draw, chosen, chunksize=1)
    else:
        drawn_or_not = [draw(name) for name in chosen]
    records = [each for each in drawn_or_not if not isinstance(each, str)]
    failures = [each for each in drawn_or_not if isinstance(each, str)]
    index = out_dir / "figures.json"
    if only is not None and index.exists():
        drawn = {record["id"] for record in records}
        records += [entry for entry in json.loads(index.read_text("utf-8")) if entry["id"] in set(registry) - drawn]
        records.sort(key=lambda entry: list(registry).index(entry["id"]))
    if failures:
        raise DrawingError("\n".join(failures))
    replace_file(index, (json.dumps(records, indent=1, ensure_ascii=False) + "\n").encode())
    return records


def _collect_seldom() -> None:
    """Look for garbage once in many figures: a figure has tens of thousands of objects, and lives for a second."""
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)


def _draw_one(name: str, tables_dir: Path, out_dir: Path) -> dict[str, Any] | str:
    """Draw one figure; return its description, or why it could not be drawn."""
    module = discover()[name]
    try:
        drawing = _make(name, module, tables_dir)
        return _write(name, module, drawing, out_dir, _source_line(drawing.sources, tables_dir))
    except DrawingError as error:
        return str(error)


def replace_file(path: Path, content: bytes) -> dict[str, Any]:
    """Write ``content`` atomically; return name, bytes and sha256."""
    write_bytes(path, content)
    return {"name": path.name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def inert_csv(frame: pd.DataFrame) -> str:
    """Return the frame as CSV in which no text cell is run as a formula by a spreadsheet.

    A text that starts with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return, and is not a number, gets a leading
    apostrophe (OWASP, "CSV Injection"). Floats keep ten significant digits.
    """
    safe = frame.copy()
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column]):
            safe[column] = safe[column].map(_inert, na_action="ignore")
    return safe.to_csv(index=False, lineterminator="\n", float_format="%.10g")


def _inert(value: object) -> object:
    if not isinstance(value, str) or not value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return value
    try:
        float(value)
    except ValueError:
        return "'" + value
    return value


def prefix_ids(svg: str, prefix: str) -> str:
    """Put ``prefix`` before every id of an SVG and before every reference to one.

    Pictures drawn with one hash salt repeat most of their ids, and a page may hold each id once.
    """
    svg = re.sub(r'(\sid=")', rf"\g<1>{prefix}", svg)
    svg = re.sub(r"(url\(#)", rf"\g<1>{prefix}", svg)
    return re.sub(r'((?:xlink:)?href="#)', rf"\g<1>{prefix}", svg)


def _chosen(registry: Mapping[str, ModuleType], only: Iterable[str] | None) -> dict[str, ModuleType]:
    if only is None:
        return dict(registry)
    chosen = {}
    for name in only:
        if name not in registry:
            close = difflib.get_close_matches(name, registry, n=1)
            meant = f"; did you mean {close[0]}?" if close else f"; known: {', '.join(registry)}"
            raise DrawingError(f"figure {name}: there is no module analysis/figures/{name}.py{meant}")
        chosen[name] = registry[name]
    return chosen


@cache
def _table(path: Path) -> pd.DataFrame:
    """Return a table, read once in a process."""
    return pd.read_csv(path, low_memory=False)


def _make(name: str, module: ModuleType, tables_dir: Path) -> Drawing:
    paths = {table: tables_dir / f"{table}.csv" for table in module.REQUIRES}
    for path in paths.values():
        if not path.exists():
            raise DrawingError(f"figure {name}: its table {path} is absent; make it with `snakemake --cores 2 {path}`")
    tables = {table: _table(path).copy() for table, path in paths.items()}
    try:
        return module.make(tables)
    except Exception as error:
        raise _failed(name, module, "make()", error) from error


def _failed(name: str, module: ModuleType, where: str, error: Exception) -> DrawingError:
    needs = ", ".join(f"{table}.csv" for table in module.REQUIRES)
    return DrawingError(
        f"figure {name}: {where} of analysis/figures/{name}.py failed on {needs} with {type(error).__name__}: {error}; "
        "mend the module or the rows of the table"
    )


def _write(name: str, module: ModuleType, drawing: Drawing, out_dir: Path, source: str) -> dict[str, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=drawing.size)
    try:
        if drawing.data.empty:
            style.state_in_words(figure, drawing.limits)
        else:
            drawing.draw(figure)
        picture = _svg(figure)
        pixels = _pixels(figure)
    except Exception as error:
        raise _failed(name, module, "draw()", error) from error
    frame, header = _frame(drawing, source)
    files = {
        "page": replace_file(out_dir / f"{name}.page.svg", picture.encode()),
        "svg": replace_file(out_dir / f"{name}.svg", _framed_svg(_svg(frame), picture, drawing, header).encode()),
        "png": replace_file(out_dir / f"{name}.png", _framed_png(frame, pixels, header)),
        "csv": replace_file(out_dir / f"{name}.csv", inert_csv(drawing.data).encode()),
    }
    log.info("drew %s", name)
    return {
        "id": name,
        "section": module.SECTION,
        "order": module.ORDER,
        "title": drawing.title,
        "subtitle": drawing.subtitle,
        "limits": drawing.limits,
        "description": drawing.description,
        "sources": list(drawing.sources),
        "source_line": source,
        "finding": asdict(drawing.finding) if drawing.finding else None,
        "module": f"analysis/figures/{name}.py",
        "requires": list(module.REQUIRES),
        "rows": len(drawing.data),
        "files": files,
    }


def _source_line(ids: Sequence[str], tables_dir: Path) -> str:
    """Name the sources of a figure with version and date, as far as the table ``sources`` knows them."""
    path = tables_dir / "sources.csv"
    known = pd.read_csv(path, dtype=str).fillna("").set_index("source") if path.exists() else pd.DataFrame()
    rows = {name: known.loc[name] for name in ids if name in known.index}
    many = len(rows) > 2
    parts = []
    for source in ids:
        row = rows.get(source)
        if source == THIS_MACHINE:
            parts.append(f"measured on this machine{_processor(tables_dir)}")
        elif row is None:
            parts.append(source)
        elif many:
            parts.append(f"{row['title']} ({row['publisher']})")
        else:
            parts.append(
                f"{row['title']} ({row['publisher']}, {row['version']}; {row['licence']}), read {row['retrieved']}"
            )
    if many:
        read = sorted({row["retrieved"] for row in rows.values()})
        parts.append(f"read {' and '.join(read)}, versions and licences in the table of sources")
    return "; ".join(parts)


def _processor(tables_dir: Path) -> str:
    path = tables_dir / "machine.csv"
    if not path.exists():
        return ""
    card = pd.read_csv(path, dtype=str).fillna("")
    found = card.loc[card["item"].str.lower().isin(_PROCESSOR_ITEMS), "value"]
    return f" ({found.iloc[0]})" if len(found) and found.iloc[0] else ""


def _svg(figure: Figure) -> str:
    """Return a figure as bare SVG: no prolog, no metadata, no comments, coordinates to a thousandth of a point."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = re.sub(r"<!--.*?-->\s*|<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.S)
    text = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\.\d{3})\d+", r"\1", tag.group()), text)
    return re.sub(r">\s*\n\s*<", ">\n<", text)


def _pixels(figure: Figure) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from numpy import asarray

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return asarray(canvas.buffer_rgba()).copy()


def _frame(drawing: Drawing, source: str) -> tuple[Figure, float]:
    """Return the frame of a standalone figure (title and subtitle above, limits and source below, a gap between).

    The second value is the height in inches above the picture.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = drawing.size
    ruler = _ruler(FigureCanvasAgg(Figure(figsize=drawing.size)).get_renderer(), width - 2 * MARGIN)
    above = [
        (ruler(drawing.title, style.TITLE_SIZE, "bold"), style.TITLE_SIZE, style.INK, "bold"),
        (ruler(drawing.subtitle, style.SUBTITLE_SIZE, "normal"), style.SUBTITLE_SIZE, style.MUTED, "normal"),
    ]
    below = [
        (ruler(drawing.limits, style.NOTE_SIZE, "normal"), style.NOTE_SIZE, style.MUTED, "normal"),
        (ruler(f"Source: {source}.", style.NOTE_SIZE, "normal"), style.NOTE_SIZE, style.MUTED, "normal"),
    ]
    header, footer = _height(above) + 2 * MARGIN, _height(below) + 2 * MARGIN
    # Whole pixels, so that the picture is placed without resampling.
    dpi = 160
    header, footer = (math.ceil(part * dpi) / dpi for part in (header, footer))
    frame = Figure(figsize=(width, header + height + footer))
    total = frame.get_figheight()
    _set_lines(frame, above, total - MARGIN, total)
    _set_lines(frame, below, footer - MARGIN, total)
    return frame, header


def _ruler(renderer: Any, inches: float) -> Callable[[str, float, str], list[str]]:
    """Return a function that breaks a text of a size and weight into lines no wider than ``inches``.

    Words are measured one by one, each once: measuring every growing line took longer than drawing the figure.
    """
    from matplotlib.font_manager import FontProperties

    @cache
    def width(word: str, size: float, weight: str) -> float:
        font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
        return renderer.get_text_width_height_descent(word, font, ismath=False)[0]

    def wrap(text: str, size: float, weight: str) -> list[str]:
        space = width("n n", size, weight) - 2 * width("n", size, weight)
        lines: list[list[str]] = []
        room = 0.0
        for word in text.replace("`", "").split():
            room -= width(word, size, weight) + space
            if room < 0:
                lines.append([])
                room = inches * renderer.dpi - width(word, size, weight)
            lines[-1].append(word)
        return [" ".join(words) for words in lines]

    return wrap


def _height(blocks: Sequence[tuple[list[str], float, str, str]]) -> float:
    return sum(len(lines) * size * LINE_SPACING / 72 + 0.03 for lines, size, _, _ in blocks)


def _set_lines(frame: Figure, blocks: Sequence[tuple[list[str], float, str, str]], top: float, total: float) -> None:
    x = MARGIN / frame.get_figwidth()
    for lines, size, color, weight in blocks:
        for text in lines:
            frame.text(x, top / total, text, fontsize=size, color=color, fontweight=weight, va="top", parse_math=False)
            top -= size * LINE_SPACING / 72
        top -= 0.03


def _framed_svg(frame: str, picture: str, drawing: Drawing, header: float) -> str:
    """Nest the picture into its frame and give the whole an accessible name and description."""
    width, height = (72 * inches for inches in drawing.size)
    nested = re.sub(
        r"<svg [^>]*>",
        f'<svg x="0" y="{72 * header:.3f}" width="{width:.3f}" height="{height:.3f}" '
        f'viewBox="0 0 {width:.3f} {height:.3f}">',
        prefix_ids(picture, "p-"),
        count=1,
    )
    name, text = html.escape(drawing.title, quote=False), html.escape(drawing.description, quote=False)
    frame = frame.replace("<svg ", '<svg role="img" aria-labelledby="title description" ', 1)
    frame = re.sub(
        r"(<svg [^>]*>)",
        lambda tag: f'{tag.group()}\n<title id="title">{name}</title>\n<desc id="description">{text}</desc>',
        frame,
        count=1,
    )
    closing = frame.rindex("</svg>")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{frame[:closing]}{nested.strip()}\n</svg>\n'


def _framed_png(frame: Figure, pixels: Any, header: float) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from numpy import asarray
    from PIL import Image

    canvas = FigureCanvasAgg(frame)
    canvas.draw()
    sheet = asarray(canvas.buffer_rgba()).copy()
    top = round(header * frame.dpi)
    rows, columns = min(pixels.shape[0], sheet.shape[0] - top), min(pixels.shape[1], sheet.shape[1])
    sheet[top : top + rows, :columns] = pixels[:rows, :columns]
    buffer = io.BytesIO()
    # The paper is opaque, so three channels do. Pillow's own strategy for PNG takes more room on drawings.
    picture = Image.fromarray(sheet[..., :3])
    strategy = zlib.Z_DEFAULT_STRATEGY
    picture.save(buffer, format="png", dpi=(frame.dpi, frame.dpi), compress_level=4, compress_type=strategy)
    return buffer.getvalue()
