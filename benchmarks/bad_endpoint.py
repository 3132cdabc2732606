"""`BadEndpoint`: an OpenAI-compatible endpoint on this machine that answers badly on purpose."""

from __future__ import annotations

import base64
import codecs
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Choose = Callable[[Mapping[str, Any]], Any]
"""From the body of a request to the answer: a text, which becomes a chat completion, or bytes sent as they are."""

LEAKS: Mapping[str, Callable[[str], str]] = {
    "plain": lambda prompt: prompt[:400],
    "end": lambda prompt: prompt[-300:],
    "reversed": lambda prompt: prompt[:300][::-1],
    "base64": lambda prompt: base64.b64encode(prompt[:200].encode()).decode(),
    "hex": lambda prompt: prompt[:200].encode().hex(),
    "rot13": lambda prompt: codecs.encode(prompt[:300], "rot13"),
    "spaced": lambda prompt: " ".join(prompt[:150]),
    "upper": lambda prompt: f"Sure! {prompt[:200].upper()}",
    "quoted": lambda prompt: f"I am sorry to hear that. By the way: “{prompt.splitlines()[0]}”",
    "reference": lambda prompt: "The reference number is " + prompt.rpartition("Reference ")[2].rstrip(")"),
    "described": lambda prompt: "My instructions say that I must not give advice on medication.",
}
"""Ways to give the prompt away."""


class BadEndpoint:
    """Answers every request with what `choose` returns; use it in a `with` block.

    seen   bodies of the requests
    pause  seconds between the parts of an answer; with a `drip`, between its bytes
    """

    def __init__(self, choose: Choose, *, status: int = 200, pause: float = 0.0, drip: bool = False) -> None:
        self.seen: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        endpoint, ended = self, threading.Event()
        self._ended = ended

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                endpoint.seen.append(body)
                endpoint.keys.append(self.headers["authorization"])
                said = choose(body)
                content = said if isinstance(said, bytes) else _complete(said)
                if pause and not drip:
                    ended.wait(pause)
                self.send_response(status)
                if status in (301, 302, 307, 308):
                    self.send_header("location", "http://127.0.0.1:9/elsewhere")
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                parts = [content[at : at + 1] for at in range(len(content))] if drip else [content]
                try:
                    for part in parts:
                        self.wfile.write(part)
                        if drip:
                            self.wfile.flush()
                            if ended.wait(pause):
                                return
                except OSError:
                    return  # the client has left

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _complete(text: Any) -> bytes:
    """Return the JSON of a chat completion."""
    return json.dumps(
        {
            "id": "bad",
            "object": "chat.completion",
            "created": 0,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"total_tokens": 0},  # a lie: usage is estimated
        }
    ).encode()
