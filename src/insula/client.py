"""HTTP clients of an insula service: `Client` and `AsyncClient`, with timeouts, retries and batching.

from insula.client import Client

with Client("http://127.0.0.1:8000") as client:
    predictions = client.predict(["Two hours on hold and nobody called back."])
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, Unpack

import httpx2

from insula.core.model_input import ModelInput
from insula.core.moved import renamed_arguments
from insula.explanation.explanation import Explanation
from insula.operations.remote.base_client import BaseClient
from insula.operations.remote.client_options import ClientOptions as ClientOptions
from insula.operations.remote.client_options import Patience as Patience
from insula.operations.remote.predictions import Predictions as Predictions
from insula.operations.remote.remote_cases import AsyncCases, Cases, iterate_route_bodies
from insula.operations.remote.requests import (
    ExplainOptions,
    PredictTurns,
    ReplyOptions,
    Request,
    TextLike,
    TurnLike,
    build_feedback_body,
    build_reply_body,
    build_service_error,
    build_wait_header,
    iterate_explain_requests,
    iterate_pair_bodies,
    iterate_predict_requests,
    iterate_safety_bodies,
    parse_explanations,
)
from insula.safety.replies.check import ReplyCheck
from insula.safety.signals.result import RiskCheck

if TYPE_CHECKING:
    from insula.empathy.policy.choice import Choice
    from insula.empathy.policy.outcomes import Action
    from insula.empathy.reply import Reply
    from insula.empathy.scoring.result import EmpathyScore

PREDICT, EXPLAIN, ROUTE, MODELS, READY = "/v1/predict", "/v1/explain", "/v1/route", "/v1/models", "/readyz"
SAFETY, REPLY, FEEDBACK, EMPATHY = "/v1/safety", "/v1/reply", "/v1/reply/feedback", "/v1/empathy"


class Client(BaseClient):
    """A synchronous client.

    address  address of the service, such as `http://127.0.0.1:8000`
    key      access key, sent as a bearer token
    options  timeouts, retries and batching

    Use it in a `with` block, or `close` it. Raises `ServiceError` if a request is rejected or cannot be sent.
    """

    @renamed_arguments(patience="options")
    def __init__(self, address: str, *, key: str | None = None, options: ClientOptions | None = None) -> None:
        super().__init__(address, key, options or ClientOptions())
        self._http = httpx2.Client(**self._settings)

    @renamed_arguments(judge="predict_turns")
    def predict(
        self,
        texts: Sequence[TextLike] | None = None,
        *,
        dialogue: Sequence[TurnLike] | None = None,
        predict_turns: PredictTurns = "last",
        target: str | None = None,
        model: str | None = None,
        wait_ms: int | None = None,
    ) -> Predictions:
        """Return one prediction per text, in order.

        texts          strings; or, with earlier turns or targets, `ModelInput`s or dictionaries with their fields
        dialogue       instead of texts: turns, oldest first, as `Turn`s, strings, or dictionaries with text and speaker
        predict_turns  turns of the dialogue to predict: `last`, or `each`
        target         default target of the emotion, for texts without a target of their own
        model          name of a served model; default the first one
        wait_ms        milliseconds that a request may wait in the queue of the service
        """
        found = Predictions()
        for request in iterate_predict_requests(texts, dialogue, predict_turns, target, model, self._size):
            found.add(self._send("POST", PREDICT, build_wait_header(wait_ms), request.body), request.inputs)
        return found

    @renamed_arguments(trust="faithfulness")
    def explain(
        self, texts: Sequence[TextLike], *, wait_ms: int | None = None, **options: Unpack[ExplainOptions]
    ) -> list[Explanation]:
        """Return one explanation per text, in order: which words raised and lowered the score of each label.

        texts, wait_ms  as in `predict`
        options         fields of `ExplainOptions`
        """
        found = []
        for request in iterate_explain_requests(texts, self._size, options):
            answer = self._send("POST", EXPLAIN, build_wait_header(wait_ms), request.body)
            found += parse_explanations(answer, request)
        return found

    def check_messages(self, texts: Sequence[str]) -> list[RiskCheck]:
        """Return one check per message, in order; after a `ServiceError` a person must read all of them."""
        return [RiskCheck.from_dict(row) for row in self._check("messages", texts)]

    def check_replies(self, texts: Sequence[str]) -> list[ReplyCheck]:
        """Return one check per reply, in order, as `insula.check_reply` does; after a `ServiceError` send none."""
        return [ReplyCheck.from_dict(row) for row in self._check("replies", texts)]

    def _check(self, field: str, texts: Sequence[str]) -> list[dict[str, Any]]:
        bodies = iterate_safety_bodies(field, texts, self._size)
        return [row for body in bodies for row in self._send("POST", SAFETY, body=body)[field]]

    def reply(self, message: TextLike, *, wait_ms: int | None = None, **options: Unpack[ReplyOptions]) -> Reply:
        """Return drafts of a reply to a message, or a hand-off, as `insula.reply` does.

        message  a string; or, for a message with earlier turns, a `ModelInput` or a dictionary with its fields
        wait_ms  as in `predict`
        options  fields of `ReplyOptions`

        Treat a `ServiceError` like a hand-off: a person must read the message.
        """
        text, body = build_reply_body(message, options)
        return _parse_reply(text, self._send("POST", REPLY, build_wait_header(wait_ms), body))

    def send_reply_feedback(
        self, choice: Choice | Mapping[str, Any], action: Action, *, used: str | None = None
    ) -> None:
        """Send what a person did with the drafts of a reply, from which `insula policy learn` learns; no text is sent.

        choice  `choice` of the reply
        action  `sent`: a draft was sent as it was; `edited`: with changes; `rejected`: none was used
        used    strategy of the draft that was sent (default: the one that came first)

        Raises `ServiceError`, also for a service that records no outcomes.
        """
        self._send("POST", FEEDBACK, body=build_feedback_body(choice, action, used))

    def score_empathy(
        self, pairs: Sequence[tuple[str, str]], *, model: str | None = None, wait_ms: int | None = None
    ) -> list[EmpathyScore]:
        """Return the empathy that each reply shows, in order, as `insula.score_empathy` does.

        pairs           (message, reply)
        model, wait_ms  as in `predict`
        """
        bodies, wait = iterate_pair_bodies(pairs, model, self._size), build_wait_header(wait_ms)
        answers = [(batch, self._send("POST", EMPATHY, wait, body)) for batch, body in bodies]
        return [score for batch, answer in answers for score in _parse_scores(batch, answer)]

    def route(
        self,
        messages: Sequence[ModelInput | Mapping[str, Any]],
        *,
        source: str = "",
        subject: str | None = None,
        wait_ms: int | None = None,
    ) -> list[dict[str, Any]]:
        """Return the decision of the service's routing rules about each message, in order.

        messages  `ModelInput`s, or dictionaries with their fields; each has an `id`
        source    where messages get their ids; a message with a case there gets no second one
        subject   the id of the person they are from, to erase that person's cases and to find open ones
        wait_ms   as in `predict`

        Each result has `action`, `rule`, `queue`, `reason`, `prediction`, `case` if one was opened, `acknowledgement`
        if the rule asks for one, and `handed_off`: whether people deal with the message, so that no other automatic
        answer may be sent.
        """
        bodies, wait = iterate_route_bodies(messages, source, subject, self._size), build_wait_header(wait_ms)
        return [row for body in bodies for row in self._send("POST", ROUTE, wait, body)["messages"]]

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

    def __exit__(self, *_: object) -> None:
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
        for attempt in range(self.options.attempts):
            answer, failure = None, None
            try:
                answer = self._http.request(method, path, json=body, headers=headers, params=query)
                if answer.is_success:
                    return answer.json()
            except httpx2.TransportError as error:
                failure = error
            was_sent = not isinstance(failure, httpx2.ConnectError)
            pause = self._compute_pause(attempt, answer, was_sent, repeatable)
            if pause is None:
                raise build_service_error(self._http.base_url, answer, failure)
            time.sleep(pause)
        return None


class AsyncClient(BaseClient):
    """An asynchronous client, with the methods of `Client`."""

    @renamed_arguments(patience="options")
    def __init__(self, address: str, *, key: str | None = None, options: ClientOptions | None = None) -> None:
        super().__init__(address, key, options or ClientOptions())
        self._http = httpx2.AsyncClient(**self._settings)

    @renamed_arguments(judge="predict_turns")
    async def predict(
        self,
        texts: Sequence[TextLike] | None = None,
        *,
        dialogue: Sequence[TurnLike] | None = None,
        predict_turns: PredictTurns = "last",
        target: str | None = None,
        model: str | None = None,
        wait_ms: int | None = None,
    ) -> Predictions:
        """Return one prediction per text, in order, as `Client.predict` does; requests run concurrently."""
        requests = list(iterate_predict_requests(texts, dialogue, predict_turns, target, model, self._size))
        found = Predictions()
        for request, answer in zip(requests, await self._send_all(PREDICT, wait_ms, requests), strict=True):
            found.add(answer, request.inputs)
        return found

    @renamed_arguments(trust="faithfulness")
    async def explain(
        self, texts: Sequence[TextLike], *, wait_ms: int | None = None, **options: Unpack[ExplainOptions]
    ) -> list[Explanation]:
        """Return one explanation per text, in order, as `Client.explain` does; requests run concurrently."""
        requests = list(iterate_explain_requests(texts, self._size, options))
        answers = await self._send_all(EXPLAIN, wait_ms, requests)
        return [
            explanation
            for request, answer in zip(requests, answers, strict=True)
            for explanation in parse_explanations(answer, request)
        ]

    async def _send_all(self, path: str, wait_ms: int | None, requests: Sequence[Request]) -> list[Any]:
        """Return the answers to several requests, some of them at a time."""
        slots = asyncio.Semaphore(self.options.concurrency)

        async def ask(request: Request) -> Any:
            async with slots:
                return await self._send("POST", path, build_wait_header(wait_ms), request.body)

        tasks = [asyncio.ensure_future(ask(request)) for request in requests]
        try:
            return await asyncio.gather(*tasks)
        finally:  # one failure, or a cancelled caller, ends all requests
            for task in tasks:
                task.cancel()

    async def check_messages(self, texts: Sequence[str]) -> list[RiskCheck]:
        """Return one check per message, in order, as `Client.check_messages` does."""
        return [RiskCheck.from_dict(row) for row in await self._check("messages", texts)]

    async def check_replies(self, texts: Sequence[str]) -> list[ReplyCheck]:
        """Return one check per reply, in order, as `Client.check_replies` does."""
        return [ReplyCheck.from_dict(row) for row in await self._check("replies", texts)]

    async def _check(self, field: str, texts: Sequence[str]) -> list[dict[str, Any]]:
        bodies = iterate_safety_bodies(field, texts, self._size)
        return [row for body in bodies for row in (await self._send("POST", SAFETY, body=body))[field]]

    async def reply(self, message: TextLike, *, wait_ms: int | None = None, **options: Unpack[ReplyOptions]) -> Reply:
        """Return drafts of a reply to a message, or a hand-off, as `Client.reply` does."""
        text, body = build_reply_body(message, options)
        return _parse_reply(text, await self._send("POST", REPLY, build_wait_header(wait_ms), body))

    async def send_reply_feedback(
        self, choice: Choice | Mapping[str, Any], action: Action, *, used: str | None = None
    ) -> None:
        """Send what a person did with the drafts of a reply, as `Client.send_reply_feedback` does."""
        await self._send("POST", FEEDBACK, body=build_feedback_body(choice, action, used))

    async def score_empathy(
        self, pairs: Sequence[tuple[str, str]], *, model: str | None = None, wait_ms: int | None = None
    ) -> list[EmpathyScore]:
        """Return the empathy that each reply shows, in order, as `Client.score_empathy` does."""
        bodies, wait = iterate_pair_bodies(pairs, model, self._size), build_wait_header(wait_ms)
        answers = [(batch, await self._send("POST", EMPATHY, wait, body)) for batch, body in bodies]
        return [score for batch, answer in answers for score in _parse_scores(batch, answer)]

    async def route(
        self,
        messages: Sequence[ModelInput | Mapping[str, Any]],
        *,
        source: str = "",
        subject: str | None = None,
        wait_ms: int | None = None,
    ) -> list[dict[str, Any]]:
        """Return the decision of the routing rules about each message, as `Client.route` does."""
        bodies, wait = iterate_route_bodies(messages, source, subject, self._size), build_wait_header(wait_ms)
        return [row for body in bodies for row in (await self._send("POST", ROUTE, wait, body))["messages"]]

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

    async def __aexit__(self, *_: object) -> None:
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
        for attempt in range(self.options.attempts):
            answer, failure = None, None
            try:
                answer = await self._http.request(method, path, json=body, headers=headers, params=query)
                if answer.is_success:
                    return answer.json()
            except httpx2.TransportError as error:
                failure = error
            was_sent = not isinstance(failure, httpx2.ConnectError)
            pause = self._compute_pause(attempt, answer, was_sent, repeatable)
            if pause is None:
                raise build_service_error(self._http.base_url, answer, failure)
            await asyncio.sleep(pause)
        return None


def _parse_reply(text: str, answer: Mapping[str, Any]) -> Reply:
    from insula.empathy.reply import Reply  # it needs numpy, which predictions of a service do not

    return Reply.from_dict({"text": text, **answer})


def _parse_scores(pairs: Sequence[tuple[str, str]], answer: Mapping[str, Any]) -> list[EmpathyScore]:
    from insula.empathy.scoring.result import EmpathyScore

    rows = zip(pairs, answer["scores"], strict=True)
    return [EmpathyScore.from_dict({"message": message, "reply": reply, **row}) for (message, reply), row in rows]
