"""Traces: a span for each request with its stages, received for real, and no word of a text in them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from serving_running import problem, running

from insula.core.errors import SettingsError
from insula.serving import tracing
from insula.serving.tracing import open_tracing
from waiting import DEADLINE, wait_until

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs the extra otel")
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
TEXT = "my kanarienvogel is happy"


class Collector:
    """A receiver of OTLP over HTTP."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def read_spans(self) -> list[Any]:
        """Return the spans that have arrived."""
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        sent = [ExportTraceServiceRequest.FromString(body) for body in list(self.bodies)]
        return [
            span
            for one in sent
            for resource in one.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A receiver that the standard variables name."""
    made = Collector()
    made.thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.address)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    yield made
    made.server.shutdown()
    made.thread.join()
    made.server.server_close()


def _facts(span: Any) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def test_a_request_is_a_span_with_its_stages(linear_model: Path, tmp_path: Path, collector: Collector) -> None:
    options = {"store": {"address": str(tmp_path / "data")}, "retention": {"days": 1}}
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    with running(linear_model, **options) as service:
        assert service.post("/v1/predict", {"texts": [TEXT, TEXT]}, headers=headers).status_code == 200
        problem(service.get(f"/v1/predictions/{TEXT}"), 404, "not_found")
    spans = {span.name: span for span in collector.read_spans()}  # all have arrived once the service has ended
    root = spans["POST /v1/predict"]
    assert (root.trace_id.hex(), root.parent_span_id.hex()) == (TRACE, PARENT)
    assert _facts(root) == {
        "http.request.method": "POST", "http.route": "/v1/predict", "http.response.status_code": 200
    }  # fmt: skip
    stages = ("queue", "model", "masking", "store")
    for name in stages:
        assert (spans[name].trace_id, spans[name].parent_span_id) == (root.trace_id, root.span_id), name
        assert root.start_time_unix_nano <= spans[name].start_time_unix_nano, name
        assert spans[name].start_time_unix_nano <= spans[name].end_time_unix_nano <= root.end_time_unix_nano, name
    ends = [spans[name].end_time_unix_nano for name in stages]
    assert ends == sorted(ends)
    assert _facts(spans["model"]) == {"insula.model": "linear-single", "insula.texts": 2}
    assert _facts(spans["GET /v1/predictions/{id}"])["http.response.status_code"] == 404
    assert b"kanarienvogel" not in b"".join(collector.bodies)


def test_a_receiver_that_is_away_delays_no_answer(
    linear_model: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with running(linear_model) as service:
        for _ in range(3):
            assert service.post("/v1/predict", {"texts": [TEXT]}).status_code == 200
    assert collector.bodies == []


class Slow:
    """A provider that waits for its receiver."""

    def __init__(self) -> None:
        self.go, self.ended = threading.Event(), threading.Event()

    def shutdown(self) -> None:
        self.go.wait(DEADLINE)
        self.ended.set()


def test_the_end_waits_for_no_receiver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "CLOSE_SECONDS", 0.1)
    slow: Any = Slow()
    tracing.close_tracing(slow)
    assert not slow.ended.is_set()
    slow.go.set()
    wait_until(slow.ended.is_set, "the provider ends")


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nothing_is_traced_unless_it_is_asked_for(variables: dict[str, str]) -> None:
    assert open_tracing(variables) is None


def test_another_protocol_is_an_error() -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    with pytest.raises(SettingsError, match=r"http/protobuf.*'grpc'"):
        open_tracing(variables)
