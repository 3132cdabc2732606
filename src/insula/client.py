"""HTTP clients of an insula service: `Client` and `AsyncClient`, with timeouts, retries and batching.

from insula.client import Client

with Client("http://127.0.0.1:8000") as client:
    predictions = client.predict(["Two hours on hold and nobody called back."])
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self, TypedDict, Unpack

import httpx2

from insula.core.errors import DataError, ServiceError
from insula.core.model_input import ModelInput, TextOrInput, Turn, as_inputs
from insula.core.prediction import Prediction, PriorDecision
from insula.explanation.explanation import Explanation

GivenText = str | ModelInput | Mapping[str, Any]
GivenTurn = Turn | str | Mapping[str, Any]
Judge = Literal["last", "each"]
RETRIED = (429, 502, 503, 504)  # statuses after which the same request may succeed later
PREDICT, EXPLAIN, MODELS, READY = "/v1/predict", "/v1/explain", "/v1/models", "/readyz"
EXPLAIN_BATCH = 8  # texts of a request to explain; a service accepts fewer of them than texts to predict


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Timeouts, retries and batching of a client.

    timeout   seconds that an attempt may take
    attempts  largest number of attempts per request
    first     longest pause before the second attempt, in seconds; it doubles with each attempt, up to `most`
    batch     texts per request
    at_once   concurrent requests of an `AsyncClient`
    seed      seed of the random pauses; None for different ones each time

    A pause is random between zero and the longest ("full jitter", Brooker 2015), so that clients that were rejected
    together do not retry together. A `Retry-After` header of the service is added to it.
    """

    timeout: float = 30.0
    attempts: int = 5
    first: float = 0.2
    most: float = 10.0
    batch: int = 64
    at_once: int = 8
    seed: int | None = None

    def __post_init__(self) -> None:
        for name in ("attempts", "batch", "at_once"):
            if getattr(self, name) < 1:
                raise DataError(
                    f"The {name} of a client must be at least 1. Got {getattr(self, name)}. Choose a larger value."
                )


class ExplainOptions(TypedDict, total=False):
    """Options of `explain`, as in `insula.explain`; `target` and `model` as in `Client.predict`."""

    method: str
    labels: Sequence[str]
    budget: float | None
    trust: bool
    target: str | None
    model: str | None


class Predictions(list[Prediction]):
    """The predictions of a service in the order of the texts, and what the model reads besides the text.

    model, version  the model that answered; None if no text was sent
    context_turns   number of earlier turns that it reads; 0 for none
    reads_target    whether it reads a target
    unread          number of texts with earlier turns or a target that the model does not read
    truncated       number of texts that are longer than the model reads
    """

    def __init__(self) -> None:
        super().__init__()
        self.model: str | None = None
        self.version: str | None = None
        self.context_turns = 0
        self.reads_target = False
        self.unread = 0
        self.truncated = 0

    def add(self, answer: Mapping[str, Any], inputs: Sequence[TextOrInput | Turn]) -> None:
        """Append the predictions that one response has for these inputs."""
        self.model, self.version = answer.get("model"), answer.get("version")
        # A service of an older insula does not report what its models read.
        self.context_turns = answer.get("context_turns", 0)
        self.reads_target = answer.get("reads_target", False)
        self.unread += answer.get("unread", 0)
        self.truncated += answer.get("truncated", 0)
        for one, row in zip(inputs, answer["predictions"], strict=True):
            given = one if isinstance(one, ModelInput) else None
            self.append(
                Prediction(
                    text=one if isinstance(one, str) else one.text,
                    labels=tuple(row["labels"]),
                    **{name: row[name] for name in ("label", "scores", "confidence", "abstained")},
                    language=given.language if given else None,
                    id=given.id if given else None,
                    truncated=row.get("truncated") or False,
                    at_risk=row.get("at_risk") or False,
                    rules=tuple(row.get("rules") or ()),
                    before=PriorDecision.from_dict(row.get("before")),
                )
            )


@dataclass(frozen=True)
class _Request:
    """The body of one request, and the texts or turns that it asks about."""

    body: dict[str, Any]
    inputs: Sequence[TextOrInput | Turn]


class _BaseClient:
    """Base of both clients: builds requests and computes pauses."""

    def __init__(self, address: str, key: str | None, patience: Patience) -> None:
        self.patience = patience
        self._random = random.Random(patience.seed)
        self._settings: dict[str, Any] = {
            "base_url": address.rstrip("/"),
            "timeout": patience.timeout,
            "headers": {"authorization": f"Bearer {key}"} if key else {},
        }

    def _build_requests(
        self,
        texts: Sequence[GivenText] | None,
        dialogue: Sequence[GivenTurn] | None,
        judge: str,
        target: str | None,
        model: str | None,
    ) -> Iterator[_Request]:
        """Yield requests of at most `patience.batch` texts each; a dialogue is one request."""
        if (texts is None) == (dialogue is None):
            raise DataError("A prediction takes texts or a dialogue. Give exactly one of the two.")
        options = {name: value for name, value in (("target", target), ("model", model)) if value is not None}
        if dialogue is not None:
            whole = ModelInput.from_dict({"text": "", "turns": dialogue})
            predicted = whole.turns if judge == "each" else whole.turns[-1:]
            if predicted:
                yield _Request({"dialogue": whole.to_dict()["turns"], "judge": judge, **options}, predicted)
            return
        yield from _iterate_requests(() if texts is None else texts, self.patience.batch, options)

    def _explain_requests(self, texts: Sequence[GivenText], options: ExplainOptions) -> Iterator[_Request]:
        """Yield requests of a few texts each."""
        fields: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
        if "budget" in fields:
            fields["budget_ms"] = fields.pop("budget")
        yield from _iterate_requests(texts, min(self.patience.batch, EXPLAIN_BATCH), fields)

    def _compute_pause(self, attempt: int, answer: httpx2.Response | None) -> float | None:
        """Return the seconds to wait before the next attempt; None if there is none, or it cannot help."""
        if attempt + 1 >= self.patience.attempts or (answer is not None and answer.status_code not in RETRIED):
            return None
        retry_after = "" if answer is None else answer.headers.get("retry-after", "")
        required = float(retry_after) if retry_after.isdecimal() else 0.0
        longest = min(self.patience.most, self.patience.first * 2**attempt)
        return min(required, self.patience.most) + self._random.uniform(0, longest)


class Client(_BaseClient):
    """A synchronous client.

    address   address of the service, such as `http://127.0.0.1:8000`
    key       access key, sent as a bearer token
    patience  timeouts, retries and batching

    Use it in a `with` block, or `close` it. Raises `ServiceError` if the service rejects a request or cannot be
    reached.
    """

    def __init__(self, address: str, *, key: str | None = None, patience: Patience | None = None) -> None:
        super().__init__(address, key, patience or Patience())
        self._http = httpx2.Client(**self._settings)

    def predict(
        self,
        texts: Sequence[GivenText] | None = None,
        *,
        dialogue: Sequence[GivenTurn] | None = None,
        judge: Judge = "last",
        target: str | None = None,
        model: str | None = None,
        wait_ms: int | None = None,
    ) -> Predictions:
        """Return one prediction per text, in order.

        texts     strings; or, for texts with earlier turns or targets, `ModelInput`s or dictionaries with their fields
        dialogue  instead of texts: turns, oldest first, as `Turn`s, strings, or dictionaries with text and speaker
        judge     turns of the dialogue to predict: `last`, or `each`
        target    target of the emotion, for texts that have none of their own
        model     name of a served model; default the first one
        wait_ms   milliseconds that a request may wait in the queue of the service
        """
        found = Predictions()
        for request in self._build_requests(texts, dialogue, judge, target, model):
            found.add(self._send("POST", PREDICT, _build_wait_header(wait_ms), request.body), request.inputs)
        return found

    def explain(
        self, texts: Sequence[GivenText], *, wait_ms: int | None = None, **options: Unpack[ExplainOptions]
    ) -> list[Explanation]:
        """Return one explanation per text, in order: which words raised and lowered the score of each label.

        texts, wait_ms  as in `predict`
        options         fields of `ExplainOptions`
        """
        found = []
        for request in self._explain_requests(texts, options):
            answer = self._send("POST", EXPLAIN, _build_wait_header(wait_ms), request.body)
            found += _parse_explanations(answer, request)
        return found

    def models(self) -> list[dict[str, Any]]:
        """Return the served models: name, version, family, kind, labels, scores."""
        listed: list[dict[str, Any]] = self._send("GET", MODELS)["models"]
        return listed

    def ready(self) -> bool:
        """Return whether the service accepts requests."""
        try:
            return self._http.get(READY).status_code == httpx2.codes.OK
        except httpx2.TransportError:
            return False

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: Any = None) -> Any:
        for attempt in range(self.patience.attempts):
            answer, failure = None, None
            try:
                answer = self._http.request(method, path, json=body, headers=headers)
                if answer.is_success:
                    return answer.json()
            except httpx2.TransportError as error:
                failure = error
            pause = self._compute_pause(attempt, answer)
            if pause is None:
                raise _build_error(self._http.base_url, answer, failure)
            time.sleep(pause)
        return None


class AsyncClient(_BaseClient):
    """An asynchronous client, with the methods of `Client`."""

    def __init__(self, address: str, *, key: str | None = None, patience: Patience | None = None) -> None:
        super().__init__(address, key, patience or Patience())
        self._http = httpx2.AsyncClient(**self._settings)

    async def predict(
        self,
        texts: Sequence[GivenText] | None = None,
        *,
        dialogue: Sequence[GivenTurn] | None = None,
        judge: Judge = "last",
        target: str | None = None,
        model: str | None = None,
        wait_ms: int | None = None,
    ) -> Predictions:
        """Return one prediction per text, in order, as `Client.predict` does; requests run concurrently."""
        requests = list(self._build_requests(texts, dialogue, judge, target, model))
        found = Predictions()
        for request, answer in zip(requests, await self._send_all(PREDICT, wait_ms, requests), strict=True):
            found.add(answer, request.inputs)
        return found

    async def explain(
        self, texts: Sequence[GivenText], *, wait_ms: int | None = None, **options: Unpack[ExplainOptions]
    ) -> list[Explanation]:
        """Return one explanation per text, in order, as `Client.explain` does; requests run concurrently."""
        requests = list(self._explain_requests(texts, options))
        answers = await self._send_all(EXPLAIN, wait_ms, requests)
        return [
            explanation
            for request, answer in zip(requests, answers, strict=True)
            for explanation in _parse_explanations(answer, request)
        ]

    async def _send_all(self, path: str, wait_ms: int | None, requests: Sequence[_Request]) -> list[Any]:
        """Return the answers to several requests, some of them at a time."""
        slots = asyncio.Semaphore(self.patience.at_once)

        async def ask(request: _Request) -> Any:
            async with slots:
                return await self._send("POST", path, _build_wait_header(wait_ms), request.body)

        tasks = [asyncio.ensure_future(ask(request)) for request in requests]
        try:
            return await asyncio.gather(*tasks)
        finally:  # one failure, or a cancelled caller, ends all requests
            for task in tasks:
                task.cancel()

    async def models(self) -> list[dict[str, Any]]:
        """Return the served models: name, version, family, kind, labels, scores."""
        listed: list[dict[str, Any]] = (await self._send("GET", MODELS))["models"]
        return listed

    async def ready(self) -> bool:
        """Return whether the service accepts requests."""
        try:
            return (await self._http.get(READY)).status_code == httpx2.codes.OK
        except httpx2.TransportError:
            return False

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _send(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: Any = None) -> Any:
        for attempt in range(self.patience.attempts):
            answer, failure = None, None
            try:
                answer = await self._http.request(method, path, json=body, headers=headers)
                if answer.is_success:
                    return answer.json()
            except httpx2.TransportError as error:
                failure = error
            pause = self._compute_pause(attempt, answer)
            if pause is None:
                raise _build_error(self._http.base_url, answer, failure)
            await asyncio.sleep(pause)
        return None


def _iterate_requests(texts: Sequence[GivenText], size: int, options: Mapping[str, Any]) -> Iterator[_Request]:
    """Yield requests of at most `size` texts each; raise `DataError` for inputs with media."""
    inputs = as_inputs(texts)
    for position, one in enumerate(inputs):
        if isinstance(one, ModelInput) and one.media is not None:
            raise DataError(f"The inputs must not have media. Got some at position {position}. Send only the text.")
    for first in range(0, len(inputs), size):
        batch = inputs[first : first + size]
        plain = all(isinstance(one, str) for one in batch)
        rows = [one if plain else ({"text": one} if isinstance(one, str) else one.to_dict()) for one in batch]
        yield _Request({"texts" if plain else "inputs": rows, **options}, batch)


def _parse_explanations(answer: Mapping[str, Any], request: _Request) -> list[Explanation]:
    """Return the explanations that one response has for the texts of its request."""
    predictions, rows = Predictions(), answer["explanations"]
    predictions.add({**answer, "predictions": rows}, request.inputs)
    return [Explanation.from_facts(one, row["explanation"]) for one, row in zip(predictions, rows, strict=True)]


def _build_wait_header(wait_ms: int | None) -> dict[str, str]:
    return {} if wait_ms is None else {"insula-wait-ms": str(wait_ms)}


def _build_error(address: Any, answer: httpx2.Response | None, failure: Exception | None) -> ServiceError:
    if answer is None:
        return ServiceError(
            f"Cannot reach the service at {address}: {failure or type(failure).__name__}. "
            "Check the address, or start a service with: insula serve"
        )
    try:
        body = answer.json()
        code, detail = str(body["code"]), str(body["detail"])
    except (ValueError, KeyError, TypeError):
        code, detail = "", answer.reason_phrase
    return ServiceError(
        f"The service at {address} answered {answer.status_code}: {detail}", status=answer.status_code, code=code
    )
