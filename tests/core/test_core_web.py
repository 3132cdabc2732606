"""One HTTP exchange: bounded in time and size, and no redirect."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from insula.core.web.fetch import TooLongError, fetch


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer as the path says."""
        if self.path == "/slow-headers":
            self.send_response(200)
            self.flush_headers()
            for number in range(40):
                self.wfile.write(f"x-{number}: a\r\n".encode())
                time.sleep(0.05)
            return
        self.send_response(302 if self.path == "/moved" else 200)
        if self.path == "/moved":
            self.send_header("location", "/short")
        self.end_headers()
        if self.path == "/slow":
            for _ in range(40):
                self.wfile.write(b".")
                time.sleep(0.05)
        else:
            self.wfile.write(b"x" * (10 if self.path == "/short" else 1000))

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server with short, long, slow and moved answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _fetch(address: str, seconds: float = 60.0) -> bytes:
    return fetch(urllib.request.Request(address), seconds=seconds, most_bytes=100)


def test_an_answer_is_returned(address: str) -> None:
    assert _fetch(f"{address}/short") == b"x" * 10


def test_a_redirect_is_an_error(address: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        _fetch(f"{address}/moved")
    assert caught.value.code == 302
    caught.value.close()


def test_a_long_answer_is_not_read_to_its_end(address: str) -> None:
    with pytest.raises(TooLongError, match="more than 100 bytes") as caught:
        _fetch(f"{address}/long")
    assert caught.value.start.startswith(b"xx")


@pytest.mark.parametrize("path", ["slow", "slow-headers"])
def test_an_answer_that_drips_ends_in_time(address: str, path: str) -> None:
    with pytest.raises(TimeoutError):
        _fetch(f"{address}/{path}", 0.3)
