"""The package index as pip reaches it: pip's index, certificates, proxies and credentials, and pip's own session.

Only the index's answers in JSON are asked for (PEP 691 with the sizes and upload dates of PEP 700), the metadata files
beside wheels (PEP 658), or the part of a wheel that holds them: nothing is downloaded whole, installed or run.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from reproductions.errors import SurveyError

TIMEOUT_S = 60
PIECE = 1 << 20  # bytes asked for at a time


class PipSession:
    """pip's session, opened when it is first used; it fails like a session of ``requests``.

    base_url  address of an index that is asked instead of pip's own, and then without pip's configuration
    """

    def __init__(self, base_url: str = ""):
        self.base_url = base_url

    @property
    def index(self) -> str:
        """The index's address, without a slash at its end; it stands in no message, record or table."""
        return self._opened[1]

    def request(self, method: str, url: str, **options: Any):
        """Send a request as ``requests.Session.request`` does.

        raises  requests.RequestException as that does, SurveyError where this Python's pip cannot be used
        """
        import requests

        session, _, fault = self._opened
        try:
            return session.request(method, url, **options)
        except fault as error:
            # pip carries a copy of requests, whose errors are other classes of the same name.
            raise requests.RequestException(f"{type(error).__name__}: {error}") from error

    def requirements(self, name: str, url: str) -> tuple[str, list[str]]:
        """Return version and requirements of a wheel, of which pip fetches only the end and the file that says them.

        raises  requests.RequestException where the index is not reached or gives no parts of files
        """
        import zipfile

        import requests
        from pip._internal.exceptions import PipError
        from pip._internal.network.lazy_wheel import HTTPRangeRequestUnsupported, dist_from_wheel_url

        session, _, fault = self._opened
        try:
            metadata = dist_from_wheel_url(name, url, session).metadata
        except (fault, PipError, HTTPRangeRequestUnsupported, zipfile.BadZipFile) as error:
            raise requests.RequestException(f"{type(error).__name__}: {error}") from error
        return str(metadata["Version"]), [str(text) for text in metadata.get_all("Requires-Dist") or []]

    def member(self, url: str, path: str) -> str | None:
        """Return the text of one file of a wheel, of which pip fetches only the end and that file; None if it has none.

        raises  requests.RequestException where the index is not reached or gives no parts of files
        """
        import zipfile

        import requests
        from pip._internal.exceptions import PipError
        from pip._internal.network.lazy_wheel import HTTPRangeRequestUnsupported, LazyZipOverHTTP

        session, _, fault = self._opened
        try:
            # The list of a large wheel's files has megabytes; pip's own pieces of 10 kB would be hundreds of requests.
            with LazyZipOverHTTP(url, session, PIECE) as file, zipfile.ZipFile(file) as wheel:
                return wheel.read(path).decode("utf-8", "replace") if path in wheel.namelist() else None
        except (fault, PipError, HTTPRangeRequestUnsupported, zipfile.BadZipFile) as error:
            raise requests.RequestException(f"{type(error).__name__}: {error}") from error

    @cached_property
    def _opened(self) -> tuple[Any, str, type[Exception]]:
        arguments = ["versions", "pip", "--no-input", "--no-cache-dir", "--retries=0", f"--timeout={TIMEOUT_S}"]
        if self.base_url:
            arguments.append(f"--index-url={self.base_url}")
        try:
            from pip._internal.commands import create_command
            from pip._vendor.requests import RequestException

            command = create_command("index", isolated=bool(self.base_url))
            options, _ = command.parse_args(arguments)
            session = command._build_session(options)
            url = str(options.index_url).rstrip("/")
        except (ImportError, AttributeError, TypeError) as error:
            what = "has no pip" if error.args and "'pip'" in str(error) else "has a pip with other parts"
            raise SurveyError(f"package_index: this Python {what}; install pip 23 or newer") from error
        if urlsplit(url).scheme not in ("http", "https"):
            raise SurveyError("package_index: pip is set up with no index on the web; set base_url of the source")
        return session, url, RequestException
