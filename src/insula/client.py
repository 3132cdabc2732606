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
from insula.explanation.explanation import Explanation
from insula.operations.remote.patience import Patience as Patience
from insula.operations.remote.predictions import Predictions as Predictions
from insula.operations.remote.remote_cases import AsyncCases, Cases, iterate_route_bodies

GivenText = str | ModelInput | Mapping[str, Any]
GivenTurn = Turn | str | Mapping[str, Any]
Judge = Literal["last", "each"]
RETRIED = (429, 502, 503, 504)  # statuses after which the same request may succeed later
PREDICT, EXPLAIN, ROUTE, MODELS, READY = "/v1/predict", "/v1/explain", "/v1/route", "/v1/models", "/readyz"
EXPLAIN_BATCH = 8  # texts of a request to explain; a service accepts fewer of them than texts to predict


class ExplainOptions(TypedDict, total=False):
    """Options of `explain`, as in `insula.explain`; `target` and `model` as in `Client.predict`."""

    method: str
    labels: Sequence[str]
    budget: float | None
    trust: bool
    target: str | None
    model: str | None


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

    def _compute_pause(
        self, attempt: int, answer: httpx2.Response | None, failure: Exception | None, repeatable: bool
    ) -> float | None:
        """Return the seconds to wait before the next attempt; None if there is none, or it cannot help.

        repeatable  False for a request that must not be done twice: it is sent again only if it was certainly not done
        """
        if attempt + 1 >= self.patience.attempts or (answer is not None and answer.status_code not in RETRIED):
            return None
        is_untouched = isinstance(failure, httpx2.ConnectError) if answer is None else answer.status_code == 429
        if not repeatable and not is_untouched:
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

    def route(
        self,
        messages: Sequence[ModelInput | Mapping[str, Any]],
        *,
        source: str = "",
        subject: str | None = None,
        wait_ms: int | None = None,
    ) -> list[dict[str, Any]]:
        """Return what the routing rules of the service decide about each message, in order.

        messages  `ModelInput`s, or dictionaries with their fields; each has an `id`
        source    where messages get their ids; a message with a case there gets no second one
        subject   the id of the person they are from, to erase that person's cases
        wait_ms   as in `predict`

        Each result has `action`, `rule`, `queue`, `reason`, `prediction`, and `case` if one was opened.
        """
        found: list[dict[str, Any]] = []
        for body in iterate_route_bodies(messages, source, subject, self.patience.batch):
            found += self._send("POST", ROUTE, _build_wait_header(wait_ms), body)["messages"]
        return found

    @property
    def cases(self) -> Cases:
        """The hand-off queue of the service."""
        return Cases(self._send)

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

    def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        repeatable: bool = True,
    ) -> Any:
        for attempt in range(self.patience.attempts):
            answer, failure = None, None
            try:
                answer = self._http.request(method, path, json=body, headers=headers, params=query)
                if answer.is_success:
                    return answer.json()
            except httpx2.TransportError as error:
                failure = error
            pause = self._compute_pause(attempt, answer, failure, repeatable)
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

    async def route(
        self,
        messages: Sequence[ModelInput | Mapping[str, Any]],
        *,
        source: str = "",
        subject: str | None = None,
        wait_ms: int | None = None,
    ) -> list[dict[str, Any]]:
        """Return what the routing rules decide about each message, as `Client.route` does."""
        found: list[dict[str, Any]] = []
        for body in iterate_route_bodies(messages, source, subject, self.patience.batch):
            found += (await self._send("POST", ROUTE, _build_wait_header(wait_ms), body))["messages"]
        return found

    @property
    def cases(self) -> AsyncCases:
        """The hand-off queue of the service."""
        return AsyncCases(self._send)

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

    async def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        repeatable: bool = True,
    ) -> Any:
        for attempt in range(self.patience.attempts):
            answer, failure = None, None
            try:
                answer = await self._http.request(method, path, json=body, headers=headers, params=query)
                if answer.is_success:
                    return answer.json()
            except httpx2.TransportError as error:
                failure = error
            pause = self._compute_pause(attempt, answer, failure, repeatable)
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
