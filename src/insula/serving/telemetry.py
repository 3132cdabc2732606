"""Metrics for Prometheus: counts and times, never any part of a text."""

from __future__ import annotations

import time
from collections import Counter as Counted
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from insula.core.prediction import Prediction
from insula.operations.handoff.statistics import QueueDepth
from insula.safety.signals.result import RiskCheck

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
CLIENT_CLOSED = 499  # the client disconnected before its answer


class Telemetry:
    """The metrics of one application; their labels are only routes, models, emotions, methods, statuses and codes."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "insula_requests", "Requests by route and status.", ("method", "route", "status"), registry=self._registry
        )
        self._latency = Histogram(
            "insula_request_seconds", "How long answers took.", ("route",), buckets=SECONDS, registry=self._registry
        )
        self._rejected = Counter("insula_rejected", "Requests rejected, by code.", ("code",), registry=self._registry)
        self._waiting = Gauge("insula_queue_texts", "Texts in the queue.", ("model",), registry=self._registry)
        self._batches = Histogram(
            "insula_batch_texts", "Texts of a batch.", ("model",), buckets=TEXTS, registry=self._registry
        )
        self._computing = Histogram(
            "insula_batch_seconds", "How long a batch took.", ("model",), buckets=SECONDS, registry=self._registry
        )
        self._predicted = Counter("insula_predictions", "Texts predicted.", ("model",), registry=self._registry)
        self._became_late = Counter(
            "insula_handoff_became_late", "Cases that this server found to be late.", registry=self._registry
        )
        self._handoff: HandoffGauges | None = None
        self._notifications: Gauge | None = None
        self._abstained = Counter(
            "insula_abstained", "Texts for which the model abstained.", ("model",), registry=self._registry
        )
        self._handed_off = Counter(
            "insula_needs_person", "Messages that need a person, by level.", ("level",), registry=self._registry
        )
        self._acknowledged = Counter(
            "insula_acknowledgements",
            "Messages whose rule asks for an acknowledgement, by outcome: drafted, or why it was withheld.",
            ("outcome",),
            registry=self._registry,
        )
        self._draft_failures = Counter(
            "insula_draft_failures",
            "Messages for which a generator of drafts failed, was too slow or overloaded.",
            ("generator",),
            registry=self._registry,
        )
        self._labels = Counter(
            "insula_labels", "Texts by predicted label.", ("model", "label"), registry=self._registry
        )
        self._confidence = Histogram(
            "insula_confidence", "Confidence of predictions.", ("model",), buckets=SHARES, registry=self._registry
        )

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self._requests.labels(method, route, str(status)).inc()
        self._latency.labels(route).observe(seconds)

    def count_rejection(self, code: str) -> None:
        """Count a rejected request."""
        self._rejected.labels(code).inc()

    def set_queue_length(self, model: str, texts: int) -> None:
        """Set the number of texts in the queue of a model."""
        self._waiting.labels(model).set(texts)

    def record_batch(self, model: str, texts: int, seconds: float) -> None:
        """Count a computed batch."""
        self._batches.labels(model).observe(texts)
        self._computing.labels(model).observe(seconds)

    def count_predictions(self, model: str, predictions: Iterable[Prediction]) -> None:
        """Count predictions, with their labels and confidence."""
        made = list(predictions)
        self._predicted.labels(model).inc(len(made))
        self._abstained.labels(model).inc(sum(prediction.abstained for prediction in made))
        for label, texts in Counted(label for prediction in made for label in prediction.labels).items():
            self._labels.labels(model, label).inc(texts)
        confidence = self._confidence.labels(model)
        for prediction in made:
            if prediction.confidence is not None:
                confidence.observe(prediction.confidence)

    def set_handoff_depth(self, depth: QueueDepth) -> None:
        """Set how many cases of the hand-off queue are open; a service without a queue has no such metrics."""
        if self._handoff is None:
            self._handoff = HandoffGauges(self._registry)
        self._handoff.set(depth)

    def set_notifications(self, states: Mapping[str, int]) -> None:
        """Set the numbers of waiting and failed notifications; a service without a queue has no such metric."""
        if self._notifications is None:
            self._notifications = Gauge(
                "insula_notifications",
                "Notifications that have not arrived, by state: waiting, or failed after too many attempts.",
                ("state",),
                registry=self._registry,
            )
        for state, count in states.items():
            self._notifications.labels(state).set(count)

    def count_late_cases(self, cases: int) -> None:
        """Count cases that became late."""
        self._became_late.inc(cases)

    def count_hand_off(self, check: RiskCheck) -> None:
        """Count a message that needs a person; one that could not be checked has the level `unchecked`."""
        if check.needs_person:
            self._handed_off.labels(check.level if check.signal else "unchecked").inc()

    def count_acknowledgement(self, outcome: str) -> None:
        """Count a message whose rule asks for an acknowledgement: `drafted`, or why it is withheld."""
        self._acknowledged.labels(outcome).inc()

    def count_draft_failure(self, generator: str) -> None:
        """Count a message for which a generator of drafts failed."""
        self._draft_failures.labels(generator).inc()

    def export(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)


class HandoffGauges:
    """The state of the hand-off queue when it was checked last."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._cases = Gauge("insula_handoff_cases", "Open cases by state.", ("state",), registry=registry)
        self._late = Gauge("insula_handoff_late_cases", "Open cases past their deadline.", registry=registry)
        self._oldest = Gauge("insula_handoff_oldest_seconds", "Age of the oldest waiting case.", registry=registry)
        self._checked = Gauge(
            "insula_handoff_checked_timestamp_seconds", "When the queue was last read.", registry=registry
        )

    def set(self, depth: QueueDepth) -> None:
        """Set all gauges."""
        self._cases.labels("waiting").set(depth.waiting)
        self._cases.labels("claimed").set(depth.claimed)
        self._late.set(depth.late)
        self._oldest.set(depth.oldest or 0.0)
        self._checked.set_to_current_time()


class RequestMetrics:
    """ASGI middleware: counts and times every request by the route that answered it."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self.app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application with a `send` that records the status."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = CLIENT_CLOSED

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            # A path without a route may be anything, so it gets no label: labels must stay few.
            route = getattr(scope.get("route"), "path_format", "(none)")
            method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "DELETE") else "(other)"
            self._telemetry.count_request(method, route, status, time.perf_counter() - started)
