"""A webhook that tests and benchmarks start: it keeps what it accepts, and may be closed, slow or out of order."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from debian_services import free_port


class Hook:
    """A webhook.

    status    what it answers, after `pause` seconds
    received  headers and body of each request that it accepted, `requests` its method and path
    arrived   key of a notification to the time when it first came, in seconds since 1970
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.received: list[tuple[Mapping[str, str], bytes]] = []
        self.requests: list[str] = []
        self.arrived: dict[str, float] = {}
        self.status, self.pause = 200, 0.0
        self.is_open = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def open(self) -> None:
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                time.sleep(hook.pause)
                if hook.status < 300:
                    hook.requests.append(f"{self.command} {self.path}")
                    hook.arrived.setdefault(unquote(self.headers.get("insula-delivery", "")), time.time())
                    hook.received.append((dict(self.headers.items()), body))
                self.send_response(hook.status)
                self.end_headers()

            do_PUT = do_POST  # noqa: N815 - the name is that of the library

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.is_open = True

    def close(self) -> None:
        if self.is_open:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self.is_open = False
