"""The Python client: the library's predictions from afar, patient with a service that is busy."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from serving_running import Running

import insula.client
import toy_data
from insula.client import AsyncClient, Client, ClientOptions
from insula.core.errors import DataError, ServiceError
from insula.core.prediction import Prediction
from insula.inference.predictor import Predictor

TEXTS = [example.text for example in toy_data.toy_dataset("multi").split("test")]
QUICK = ClientOptions(first_pause=0.01, max_pause=0.05, attempts=3, seed=0)


def _same(found: list[Prediction], wanted: list[Prediction]) -> None:
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert (one.text, one.labels, one.label, one.abstained) == (
            other.text, other.labels, other.label, other.abstained,
        )  # fmt: skip
        assert one.scores == pytest.approx(dict(other.scores), abs=1e-5)
        assert one.confidence == pytest.approx(other.confidence, abs=1e-5)


def test_predictions_are_the_library_s(served: Running, predictor: Predictor) -> None:
    with Client(served.address, options=ClientOptions(batch_size=7)) as client:
        assert client.ready()
        _same(client.predict(TEXTS), predictor.predict(TEXTS))
        assert client.predict([]) == []
        assert [model["name"] for model in client.models()] == [model.name for model in served.service.models]


def test_the_same_awaited(served: Running, predictor: Predictor) -> None:
    async def ask() -> tuple[list[Prediction], bool, int]:
        async with AsyncClient(served.address, options=ClientOptions(batch_size=7, concurrency=3)) as client:
            return await client.predict(TEXTS), await client.ready(), len(await client.models())

    found, ready, models = asyncio.run(ask())
    _same(found, predictor.predict(TEXTS))
    assert ready
    assert models == 2


def test_refusals_say_what_the_service_said(served: Running) -> None:
    with Client(served.address) as client:
        with pytest.raises(ServiceError, match="The service has no model with this name") as error:
            client.predict(["a"], model="none")
        assert (error.value.status, error.value.code) == (404, "not_found")
        with pytest.raises(DataError, match="Put it in a list"):
            client.predict("a")


def test_a_service_that_is_not_there() -> None:
    with Client("http://127.0.0.1:9", options=QUICK) as client:
        assert not client.ready()
        with pytest.raises(ServiceError, match="insula serve"):
            client.predict(["a"])


class Busy(BaseHTTPRequestHandler):
    """Refuses as often as its server says, then answers; notes what was asked."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((body, dict(self.headers)))  # type: ignore[attr-defined]
        busy = len(self.server.asked) <= self.server.refusals  # type: ignore[attr-defined]
        row = {"labels": ["a"], "label": "a", "scores": {"a": 1.0}, "confidence": 1.0, "abstained": False}
        said = {"code": "overloaded", "detail": "busy"} if busy else {"predictions": [row] * len(body["texts"])}
        content = json.dumps(said).encode()
        self.send_response(429 if busy else 200)
        self.send_header("retry-after", "0")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def busy() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    server.asked, server.refusals = [], 2  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_busy_service_is_asked_again(busy: ThreadingHTTPServer) -> None:
    address = f"http://127.0.0.1:{busy.server_port}"
    with Client(address, key="k1", options=QUICK) as client:
        assert client.predict(["x"], model="m", wait_ms=50)[0].labels == ("a",)
    asked = busy.asked  # type: ignore[attr-defined]
    assert [body for body, _ in asked] == [{"texts": ["x"], "model": "m"}] * 3
    heads = [{name.lower(): value for name, value in headers.items()} for _, headers in asked]
    assert {head["authorization"] for head in heads} == {"Bearer k1"}
    assert {head["insula-wait-ms"] for head in heads} == {"50"}


def test_patience_has_an_end(busy: ThreadingHTTPServer) -> None:
    busy.refusals = 100  # type: ignore[attr-defined]

    async def ask() -> None:
        async with AsyncClient(f"http://127.0.0.1:{busy.server_port}", options=QUICK) as client:
            await client.predict(["x"])

    with pytest.raises(ServiceError) as error:
        asyncio.run(ask())
    assert (error.value.status, error.value.code) == (429, "overloaded")
    assert len(busy.asked) == QUICK.attempts  # type: ignore[attr-defined]


def test_pauses_grow_and_respect_retry_after() -> None:
    client = Client("http://127.0.0.1:9", options=ClientOptions(first_pause=1, max_pause=4, attempts=9, seed=3))
    with client:
        pauses = [client._compute_pause(attempt, None, None, True) or 0.0 for attempt in range(8)]
        assert all(0 <= pause <= min(4, 2**attempt) for attempt, pause in enumerate(pauses))
        assert len(set(pauses)) == 8
        assert client._compute_pause(8, None, None, True) is None


def test_old_names_of_options_work_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match="Patience is now ClientOptions"):
        options = insula.client.Patience(first=1, most=4, batch=2, at_once=3)
    assert options == ClientOptions(first_pause=1, max_pause=4, batch_size=2, concurrency=3)
    with pytest.warns(DeprecationWarning, match="argument patience is now options"):
        client = Client("http://127.0.0.1:9", patience=options)  # type: ignore[call-arg]
    client.close()
    assert client.options == options


def test_options_must_make_sense() -> None:
    with pytest.raises(DataError, match="attempts"):
        ClientOptions(attempts=0)
