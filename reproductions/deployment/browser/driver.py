"""Opening a page in headless Chromium, and the small server it comes from.

The page is isolated from other origins (COOP and COEP), as a site must be whose WebAssembly uses threads; nothing
leaves loopback.
"""

from __future__ import annotations

import contextlib
import http.server
import logging
import shutil
import threading
import urllib.parse
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from reproductions.deployment import web
from reproductions.deployment.remote import Remote

log = logging.getLogger(__name__)
HERE = Path(__file__).resolve().parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: No sandbox, since root (a container) cannot have one; nothing that talks to the browser's maker.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: What a page takes from the npm registry: packages that begin with this.
PACKAGE = {"onnxruntime_web.html": "onnxruntime-web", "litert.html": "@litertjs/", "tfjs.html": "@tensorflow/"}
TYPES = {".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm", ".json": "application/json"}


def find_browser() -> str | None:
    """Return the program of an installed Chromium, or None."""
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


def open_page(
    page: str,
    folder: Path,
    files: Sequence[Mapping],
    *,
    threads: int,
    limit_s: float = 120,
    pages: Path = HERE,
    packages: Path | None = None,
    **options: object,
) -> Remote:
    """Load a model in a page and return it as a :class:`Remote`.

    page      name of a file of ``pages``
    folder    what was exported; served as ``/model/``
    files     ``[{name, rows}]`` in that folder (see :func:`reproductions.deployment.remote.files`)
    threads   of the runtime, if it has any
    packages  folder that holds node_modules; None fetches those of this folder if they are not there
    options   passed on to the page's ``start``

    Raises SurveyError if npm packages are missing, and RuntimeError with the page's own message if it fails.
    """
    from playwright.sync_api import Error, sync_playwright

    program = find_browser()
    if program is None:
        raise FileNotFoundError(f"no browser is installed; looked for {', '.join(BROWSERS)}")
    packages = packages or web.packages("browser")
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(serve({"": pages, "node_modules": packages / "node_modules", "model": folder}))
        driver = stack.enter_context(sync_playwright())
        browser = driver.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        stack.callback(browser.close)
        tab = browser.new_page()
        tab.set_default_timeout(limit_s * 1000)
        tab.on("console", lambda message: log.info("%s says: %s", page, message.text))
        tab.on("pageerror", lambda error: log.warning("%s: %s", page, error))
        tab.goto(f"{address}/{page}")
        tab.wait_for_function("window.classifier !== undefined")

        def ask(operation: str, **arguments: object) -> dict:
            try:
                return tab.evaluate("([operation, request]) => classifier[operation](request)", [operation, arguments])
            except Error as error:
                raise RuntimeError(error.message.removeprefix("Page.evaluate: ").splitlines()[0]) from error

        remote = Remote(
            ask,
            {"threads": threads, "files": list(files), **options},
            close=lambda: None,
            memory=_peak_of_renderer,
            versions={"chromium": browser.version, **web.versions("browser", PACKAGE.get(page, "-"))},
        )
        if not remote.facts["isolated"]:
            raise RuntimeError(f"{page} is not isolated from other origins, so its threads would be taken away")
        remote.close = stack.pop_all().close
        return remote


@contextlib.contextmanager
def serve(roots: Mapping[str, Path]):
    """Serve folders on loopback, isolated from other origins; yield the address without a slash at its end.

    roots  ``{first part of the path: folder}``; the part ``""`` takes what no other does
    """

    class Handler(http.server.SimpleHTTPRequestHandler):
        extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | TYPES

        def translate_path(self, path: str) -> str:
            whole = urllib.parse.unquote(urllib.parse.urlsplit(path).path).lstrip("/")
            first, _, rest = whole.partition("/")
            root, name = (roots[first], rest) if rest and first in roots else (roots[""], whole)
            wanted = (root / name).resolve()
            return str(wanted if wanted.is_relative_to(root.resolve()) else root / "outside")

        def end_headers(self) -> None:
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
            self.send_header("Cache-Control", "no-store")
            super().end_headers()

        def log_message(self, text: str, *values: object) -> None:
            log.debug(text, *values)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True, name="page-server")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _peak_of_renderer() -> float | None:
    """Return the peak resident set, in MiB, of the largest process in which a page of this process runs."""
    peaks = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error, OSError):
            if "--type=renderer" in process.cmdline():
                status = Path(f"/proc/{process.pid}/status").read_text("utf-8")
                peaks += [int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:")]
    return max(peaks, default=None)
