"""A real HTTP server on the loopback interface, with services below it and faults laid over their answers."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Request:
    """A request as a service sees it: ``path`` below its prefix, decoded; ``query`` in order; ``raw`` as it came."""

    service: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    raw: str
    base: str
    at: float

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first query parameter of that name."""
        return dict(reversed(self.query)).get(name, default)


@dataclass(frozen=True)
class Response:
    """What is sent: status, body, headers, and how the wire misbehaves.

    cut_at    close the connection after this many bytes of the body, although Content-Length promises all
    chunked   send without Content-Length
    stall_s   silence before the last half of the body
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_at: int | None = None
    chunked: bool = False
    stall_s: float = 0.0


Service = Callable[[Request], Response]
Fault = Callable[[Request, Response], Response]


class Loopback:
    """``with Loopback({"arxiv_query": service}) as server``: the service answers below ``server.url/arxiv_query``.

    services  ``{prefix: service}``
    fault     changes answers; called with every request and the answer of the good day
    log       every request in order of arrival
    """

    def __init__(self, services: Mapping[str, Service], fault: Fault | None = None):
        self.services, self.fault = dict(services), fault
        self.log: list[Request] = []
        self._guard = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer._answer(self)

            do_POST = do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def base(self, service: str) -> str:
        """Return the base url of a service."""
        return f"{self.url}/{service}"

    def __enter__(self) -> Loopback:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        name, _, rest = parts.path.lstrip("/").partition("/")
        length = int(handler.headers.get("content-length") or 0)
        request = Request(
            service=name,
            method=handler.command,
            path="/" + unquote(rest),
            query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
            headers={key.lower(): value for key, value in handler.headers.items()},
            body=handler.rfile.read(length),
            raw=handler.path,
            base=self.base(name),
            at=time.monotonic(),
        )
        with self._guard:
            self.log.append(request)
        response = self.services[name](request) if name in self.services else Response(b"no such service", 404)
        if self.fault is not None:
            response = self.fault(request, response)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the client may give up
            self._send(handler, response)

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, response: Response) -> None:
        handler.send_response(response.status)
        for key, value in response.headers.items():
            handler.send_header(key, value)
        if response.chunked:
            handler.send_header("Transfer-Encoding", "chunked")
        else:
            handler.send_header("Content-Length", str(len(response.body)))
        handler.end_headers()
        if handler.command == "HEAD":
            return
        body = response.body if response.cut_at is None else response.body[: response.cut_at]
        middle = len(body) // 2 if response.stall_s else len(body)
        for number, piece in enumerate((body[:middle], body[middle:])):
            if number and response.stall_s:
                handler.wfile.flush()
                time.sleep(response.stall_s)
            if response.chunked and piece:
                handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            else:
                handler.wfile.write(piece)
        if response.chunked and response.cut_at is None:
            handler.wfile.write(b"0\r\n\r\n")
        if response.cut_at is not None:
            handler.wfile.flush()
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
