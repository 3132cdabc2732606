"""OpenTelemetry traces: a span for each request, with its stages; never any part of a text or an address."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from insula import __version__
from insula.core.environment import require
from insula.core.errors import SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ADDRESSES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
HTTP = "http/protobuf"
METHODS = ("GET", "HEAD", "POST", "DELETE")
CLOSE_SECONDS = 3.0
Fact = str | int | float | bool
_tracer: ContextVar[Any] = ContextVar("insula_tracer", default=None)


def open_tracing(environment: Mapping[str, str] = os.environ) -> TracerProvider | None:
    """Return a provider that exports spans by OTLP over HTTP; None if no variable of OpenTelemetry asks for it.

    The exporter and its batches read the standard variables, such as `OTEL_EXPORTER_OTLP_ENDPOINT` and
    `OTEL_TRACES_SAMPLER`. Raises `MissingExtraError` without the extra `otel`, `SettingsError` for another protocol.
    """
    is_off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    exporter = environment.get("OTEL_TRACES_EXPORTER", "otlp")
    if is_off or exporter == "none" or not any(environment.get(name) for name in ADDRESSES):
        return None
    protocol = next((value for name in PROTOCOLS if (value := environment.get(name))), HTTP)
    if exporter != "otlp" or protocol != HTTP:
        raise SettingsError(
            f"Traces are exported by OTLP over {HTTP} only. Got the exporter {exporter!r} with the protocol "
            f"{protocol!r}. Set OTEL_TRACES_EXPORTER=otlp and OTEL_EXPORTER_OTLP_PROTOCOL={HTTP}."
        )
    for library in ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"):
        require(library, extra="otel", purpose="export traces")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    facts = {"service.version": __version__}
    if "OTEL_SERVICE_NAME" not in environment:
        facts["service.name"] = "insula"
    provider = TracerProvider(resource=Resource.create(facts), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def close_tracing(provider: TracerProvider) -> None:
    """Export what is left, for at most `CLOSE_SECONDS`: a receiver that is away must not delay the end."""
    closing = threading.Thread(target=provider.shutdown, name="insula-traces", daemon=True)
    closing.start()
    closing.join(CLOSE_SECONDS)


@contextlib.contextmanager
def trace_stage(name: str, **facts: Fact) -> Iterator[None]:
    """Make the block a stage of the request that is traced in this task, if one is."""
    tracer = _tracer.get()
    if tracer is None:
        yield
        return
    # The message of an exception may contain a text.
    quiet = {"record_exception": False, "set_status_on_exception": False}
    with tracer.start_as_current_span(name, attributes=_name_facts(facts), **quiet):
        yield


def add_stage(name: str, start: int, end: int, **facts: Fact) -> None:
    """Add a stage that took place elsewhere, such as in another thread; times are nanoseconds since 1970."""
    tracer = _tracer.get()
    if tracer is not None:
        tracer.start_span(name, start_time=start, attributes=_name_facts(facts)).end(end_time=max(start, end))


def _name_facts(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {f"insula.{name}": value for name, value in facts.items()}


class RequestTraces:
    """ASGI middleware: a span for each request, in the trace of the caller if the header `traceparent` names one."""

    def __init__(self, app: ASGIApp, provider: TracerProvider) -> None:
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self.app = app
        self._tracer = provider.get_tracer("insula.serving", __version__)
        self._kind = SpanKind.SERVER
        self._propagator = TraceContextTextMapPropagator()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application inside a span."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        parent = self._propagator.extract(headers)
        # The path is not a fact: it may contain a name or an id. The route is known at the end.
        with self._tracer.start_as_current_span(
            method,
            context=parent,
            kind=self._kind,
            attributes={"http.request.method": method},
            record_exception=False,
        ) as span:

            async def watch(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                await send(message)

            token = _tracer.set(self._tracer)
            try:
                await self.app(scope, receive, watch)
            finally:
                _tracer.reset(token)
                route = getattr(scope.get("route"), "path_format", None)
                if route is not None:
                    span.update_name(f"{method} {route}")
                    span.set_attribute("http.route", route)
