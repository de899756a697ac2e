"""Gzipped pages to parquet, and what is then done with millions of records."""

from __future__ import annotations

import gzip
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import synthetic
from benchmarks.worker import peak_mib

Work = Callable[[], dict[str, object]]


def ours(folder: Path) -> Work:
    """The gzipped pages of ``folder``, three times over so that several parts are written."""
    from analysis.harvesting import records
    from analysis.harvesting.parsing import oai

    paths = sorted(folder.glob("oai-*.xml.gz")) * 3

    def work() -> dict[str, object]:
        with tempfile.TemporaryDirectory(dir=folder) as target:
            pages = (lambda path=path: gzip.decompress(path.read_bytes()) for path in paths)
            return {"items": records.ingest(pages, oai.parse, Path(target))}

    return work


def whole(folder: Path) -> Work:
    """As many records as ``pages.txt`` asks for, made while they are read: the making is not counted."""
    from analysis.harvesting import records
    from analysis.harvesting.parsing import oai

    pages = int((folder / "pages.txt").read_text())

    def work() -> dict[str, object]:
        clock = _Clock(pages)
        begin = time.process_time()
        count = records.ingest(clock.pages(begin), oai.parse, folder / "whole")
        clock.mark(count, begin)
        return {"items": count, "seconds": time.process_time() - begin - clock.making, "marks": clock.marks}

    return work


class _Clock:
    """Hands out pages and keeps apart the time that their making takes."""

    def __init__(self, pages: int):
        self.count, self.making, self.marks = pages, 0.0, []

    def pages(self, begin: float) -> Iterator[bytes]:
        made = synthetic.gzip_pages(self.count, seed=31)
        steps = {round(self.count * share) for share in (1 / 6, 1 / 3, 2 / 3)}
        for number in range(self.count):
            if number in steps:
                self.mark(number * synthetic.OAI_PAGE, begin)
            start = time.process_time()
            page = next(made)
            self.making += time.process_time() - start
            yield gzip.decompress(page)

    def mark(self, records: int, begin: float) -> None:
        self.marks.append((records, time.process_time() - begin - self.making, peak_mib()))


def newest(folder: Path) -> Work:
    """Choose the newest state of every paper and count by month."""
    import polars

    from analysis.harvesting import records

    def work() -> dict[str, object]:
        frames = records.latest_parts(folder / "whole")
        table = polars.concat(records.months(frame, ["cs.LG", "cs.CV"]) for frame in frames)
        papers = table.filter(category=records.ANY_CHOSEN)["papers_any"].sum()
        return {"items": int(papers)}

    return work


def mentions(folder: Path) -> Work:
    """Find the names in the newest state of every paper."""
    from analysis import mentions as rule
    from analysis.harvesting import records

    def work() -> dict[str, object]:
        found = rule.scan(records.latest_parts(folder / "whole")).height
        return {"items": int((folder / "pages.txt").read_text()) * synthetic.OAI_PAGE, "found": found}

    return work


CONTENDERS = {"ours": ours, "whole": whole, "newest": newest, "mentions": mentions}
