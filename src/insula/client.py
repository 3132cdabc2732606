"""Asking a service over HTTP: `Client` and `AsyncClient`, with time-outs, retries and many texts at once.

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
from typing import Any, Literal, Self

import httpx2

from insula.core.errors import DataError, ServiceError
from insula.core.model_input import ModelInput, TextOrInput, Turn, as_inputs
from insula.core.prediction import Prediction

GivenText = str | ModelInput | Mapping[str, Any]
GivenTurn = Turn | str | Mapping[str, Any]
Judge = Literal["last", "each"]
AGAIN = (429, 502, 503, 504)  # statuses after which the same request may be answered later
PREDICT, MODELS, READY = "/v1/predict", "/v1/models", "/readyz"


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How a client deals with a service that cannot answer now.

    timeout   seconds that an attempt may take
    attempts  how often a request is sent at most
    first     longest pause before the second attempt, in seconds; it doubles with each further one, to at most `most`
    batch     texts of one request
    at_once   requests at a time of an `AsyncClient`
    seed      of the pauses' lengths; None draws others each time

    Pauses are drawn between nothing and the longest ("full jitter", Brooker 2015), so that clients that were refused
    together do not return together; a `Retry-After` of the service is waited for before that.
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
                raise DataError(f"The {name} of a client must be at least 1. Got {getattr(self, name)}.")


class Predictions(list[Prediction]):
    """The predictions of a service, in the order of the texts, and what the model reads besides a text.

    model, version  the model that answered; None where nothing was asked
    context_turns   how many earlier turns of a dialogue it reads; 0 reads none
    reads_target    whether it reads a target
    unread          how many texts have earlier turns or a target although the model reads none
    """

    def __init__(self) -> None:
        super().__init__()
        self.model: str | None = None
        self.version: str | None = None
        self.context_turns = 0
        self.reads_target = False
        self.unread = 0

    def add(self, answer: Mapping[str, Any], asked: Sequence[TextOrInput | Turn]) -> None:
        """Append the predictions of one answer to what was asked."""
        self.model, self.version = answer.get("model"), answer.get("version")
        # A service of an older insula does not say what its models read.
        self.context_turns = answer.get("context_turns", 0)
        self.reads_target = answer.get("reads_target", False)
        self.unread += answer.get("unread", 0)
        for one, row in zip(asked, answer["predictions"], strict=True):
            given = one if isinstance(one, ModelInput) else None
            self.append(
                Prediction(
                    text=one if isinstance(one, str) else one.text,
                    labels=tuple(row["labels"]),
                    label=row["label"],
                    scores=row["scores"],
                    confidence=row["confidence"],
                    abstained=row["abstained"],
                    language=given.language if given else None,
                    id=given.id if given else None,
                )
            )


@dataclass(frozen=True)
class _Request:
    """The body of one request, and the texts or turns that its answer is about."""

    body: dict[str, Any]
    inputs: Sequence[TextOrInput | Turn]


class _Calls:
    """What both clients share: requests as they are sent, answers as they are read, pauses."""

    def __init__(self, address: str, key: str | None, patience: Patience) -> None:
        self.patience = patience
        self._random = random.Random(patience.seed)
        self._settings: dict[str, Any] = {
            "base_url": address.rstrip("/"),
            "timeout": patience.timeout,
            "headers": {"authorization": f"Bearer {key}"} if key else {},
        }

    def _requests(
        self,
        texts: Sequence[GivenText] | None,
        dialogue: Sequence[GivenTurn] | None,
        judge: str,
        target: str | None,
        model: str | None,
    ) -> Iterator[_Request]:
        """Yield requests with at most `patience.batch` texts each; a dialogue goes as a whole, for its context."""
        if (texts is None) == (dialogue is None):
            raise DataError("Give either texts or a dialogue to predict.")
        more = {name: value for name, value in (("target", target), ("model", model)) if value is not None}
        if dialogue is not None:
            whole = ModelInput.from_dict({"text": "", "turns": dialogue})
            asked = whole.turns if judge == "each" else whole.turns[-1:]
            if asked:
                yield _Request({"dialogue": whole.to_dict()["turns"], "judge": judge, **more}, asked)
            return
        inputs = as_inputs(() if texts is None else texts)
        for position, one in enumerate(inputs):
            if isinstance(one, ModelInput) and one.media is not None:
                raise DataError(f"The inputs of a service must have no media. Got some at position {position}.")
        for first in range(0, len(inputs), self.patience.batch):
            some = inputs[first : first + self.patience.batch]
            plain = all(isinstance(one, str) for one in some)
            rows = [one if plain else ({"text": one} if isinstance(one, str) else one.to_dict()) for one in some]
            yield _Request({"texts" if plain else "inputs": rows, **more}, some)

    def _pause(self, attempt: int, answer: httpx2.Response | None) -> float | None:
        """Return how long to wait before the next attempt; None where there is none, or it would bring nothing."""
        if attempt + 1 >= self.patience.attempts or (answer is not None and answer.status_code not in AGAIN):
            return None
        stated = "" if answer is None else answer.headers.get("retry-after", "")
        asked = float(stated) if stated.isdecimal() else 0.0
        longest = min(self.patience.most, self.patience.first * 2**attempt)
        return min(asked, self.patience.most) + self._random.uniform(0, longest)


class Client(_Calls):
    """A service, asked by a program that waits for its answers.

    address   such as `http://127.0.0.1:8000`
    key       sent as a bearer token, where the service asks for one
    patience  time-outs, attempts, texts of a request

    Use it in a `with` block, or `close` it. Raises `ServiceError` where the service refuses or cannot be reached.
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
        """Return one prediction a text, in order.

        texts     strings; or `ModelInput`s, or dictionaries with their fields, for texts with earlier turns and targets
        dialogue  turns, oldest first, in place of texts: `Turn`s, strings, or dictionaries with text and speaker
        judge     which turns of the dialogue to predict: the `last`, or `each`
        target    what the emotion is towards, for every text that has no target of its own
        model     the name of a served model; the first one by default
        wait_ms   how long each request may wait in the queue of the service
        """
        found = Predictions()
        for request in self._requests(texts, dialogue, judge, target, model):
            found.add(self._ask("POST", PREDICT, _waiting(wait_ms), request.body), request.inputs)
        return found

    def models(self) -> list[dict[str, Any]]:
        """Return the served models: name, version, family, kind, labels, what was measured."""
        listed: list[dict[str, Any]] = self._ask("GET", MODELS)["models"]
        return listed

    def ready(self) -> bool:
        """Return whether the service takes requests."""
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

    def _ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: Any = None) -> Any:
        for attempt in range(self.patience.attempts):
            answer, failure = None, None
            try:
                answer = self._http.request(method, path, json=body, headers=headers)
                if answer.is_success:
                    return answer.json()
            except httpx2.TransportError as error:
                failure = error
            pause = self._pause(attempt, answer)
            if pause is None:
                raise _refusal(self._http.base_url, answer, failure)
            time.sleep(pause)
        return None


class AsyncClient(_Calls):
    """A service, asked by a program that does other things meanwhile; the same as `Client`, awaited."""

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
        """Return one prediction a text, in order, as `Client.predict` does; several requests run at a time."""
        gate = asyncio.Semaphore(self.patience.at_once)

        async def ask(request: _Request) -> Any:
            async with gate:
                return await self._ask("POST", PREDICT, _waiting(wait_ms), request.body)

        requests = list(self._requests(texts, dialogue, judge, target, model))
        tasks = [asyncio.ensure_future(ask(request)) for request in requests]
        found = Predictions()
        try:
            for request, answer in zip(requests, await asyncio.gather(*tasks), strict=True):
                found.add(answer, request.inputs)
        finally:  # one refusal, or a caller who left, ends them all
            for task in tasks:
                task.cancel()
        return found

    async def models(self) -> list[dict[str, Any]]:
        """Return the served models: name, version, family, kind, labels, what was measured."""
        listed: list[dict[str, Any]] = (await self._ask("GET", MODELS))["models"]
        return listed

    async def ready(self) -> bool:
        """Return whether the service takes requests."""
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

    async def _ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: Any = None) -> Any:
        for attempt in range(self.patience.attempts):
            answer, failure = None, None
            try:
                answer = await self._http.request(method, path, json=body, headers=headers)
                if answer.is_success:
                    return answer.json()
            except httpx2.TransportError as error:
                failure = error
            pause = self._pause(attempt, answer)
            if pause is None:
                raise _refusal(self._http.base_url, answer, failure)
            await asyncio.sleep(pause)
        return None


def _waiting(wait_ms: int | None) -> dict[str, str]:
    return {} if wait_ms is None else {"insula-wait-ms": str(wait_ms)}


def _refusal(address: Any, answer: httpx2.Response | None, failure: Exception | None) -> ServiceError:
    if answer is None:
        return ServiceError(
            f"The service at {address} cannot be reached: {failure or type(failure).__name__}. "
            "Start one with: insula serve"
        )
    try:
        said = answer.json()
        code, detail = str(said["code"]), str(said["detail"])
    except (ValueError, KeyError, TypeError):
        code, detail = "", answer.reason_phrase
    return ServiceError(
        f"The service at {address} answered {answer.status_code}: {detail}", status=answer.status_code, code=code
    )
