"""`WS /v1/stream`: one JSON message for each text, answered in order with the client's own id."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from fastapi import APIRouter, WebSocket
from pydantic import ValidationError
from pydantic_core import to_json
from starlette.websockets import WebSocketDisconnect, WebSocketState

from insula.serving.answers import answer_rows
from insula.serving.http.problems import ProblemError, invalid
from insula.serving.schemas import StreamMessage
from insula.serving.service import Service, service_of

router = APIRouter(tags=["predict"])
GOING_AWAY = 1001
POLL_SECONDS = 0.2  # between two checks whether the service is stopping

Answer = dict[str, Any]


@router.websocket("/v1/stream")
async def stream(socket: WebSocket) -> None:
    """Answer messages in the order in which they came, several at a time.

    While `limits.stream_messages` are in progress no further message is read, so a client that sends faster than the
    model answers is slowed down, not rejected.
    """
    service = service_of(socket)
    if _is_cross_origin(socket, service) or service.draining:
        await socket.close()  # before it is accepted: the client sees 403
        return
    await socket.accept()
    service.streams += 1
    in_progress: asyncio.Queue[asyncio.Task[Answer] | None] = asyncio.Queue(service.settings.limits.stream_messages)
    answering = asyncio.ensure_future(_answer(socket, in_progress))
    try:
        with contextlib.suppress(WebSocketDisconnect):
            while (message := await _next(socket, service, answering)) is not None:
                await in_progress.put(asyncio.ensure_future(_predict_message(service, socket, message)))
            await in_progress.put(None)
            await answering
            if socket.client_state is WebSocketState.CONNECTED:
                await socket.close(GOING_AWAY)
    finally:
        service.streams -= 1
        answering.cancel()
        while not in_progress.empty():
            left = in_progress.get_nowait()
            if left is not None:
                left.cancel()  # takes its text out of the queue


def _is_cross_origin(socket: WebSocket, service: Service) -> bool:
    """Whether a web page of another origin connects: browsers let pages open a WebSocket to any origin."""
    origin = socket.headers.get("origin")
    if origin is None or origin in service.settings.cors.origins:
        return False
    return origin.partition("://")[2] != socket.headers.get("host")


async def _next(socket: WebSocket, service: Service, answering: asyncio.Future[None]) -> str | bytes | None:
    """Return the next message, None once the service is stopping; raise `WebSocketDisconnect` if the client is gone."""
    reading = asyncio.ensure_future(socket.receive())
    waited: set[asyncio.Future[Any]] = {reading, answering}
    try:
        while not reading.done():
            if service.draining:
                return None
            await asyncio.wait(waited, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                raise WebSocketDisconnect
        message = reading.result()
    finally:
        reading.cancel()
    if message["type"] != "websocket.receive":
        raise WebSocketDisconnect
    content: str | bytes = message["text"] if message.get("text") is not None else message["bytes"]
    return content


async def _answer(socket: WebSocket, in_progress: asyncio.Queue[asyncio.Task[Answer] | None]) -> None:
    """Send answers in order, until None or until the client is gone."""
    while (task := await in_progress.get()) is not None:
        answer = await task
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await socket.send_text(to_json(answer, inf_nan_mode="null").decode())
            continue
        return


async def _predict_message(service: Service, socket: WebSocket, content: str | bytes) -> Answer:
    """Return the answer to one message, or its problem as `error`, with the id of the message.

    Each message is a call of its own: it is denied if its key was revoked meanwhile or exceeds its rate limit.
    """
    envelope: Answer = {}
    try:
        try:
            message = StreamMessage.model_validate_json(content)
        except ValidationError as error:
            raise invalid(error) from None
        envelope = {"id": message.id}
        await service.access.authorise(socket, "predict")
        model = service.models.find(message.model)
        inputs, unread = service.drop_unread_context(model, [message.model_input])
        # The longest wait, since the stream itself slows down a client that sends too fast.
        max_wait = service.settings.queue.most_wait_ms / 1000
        predictions = await service.predict(model, inputs, max_wait)
        await service.retention.store_predictions(model.name, inputs, predictions, language=message.language)
        (row,) = answer_rows(model.predictor.scheme, predictions, message.outputs, message.language)
        return envelope | row | ({"unread": True} if unread else {})
    except ProblemError as problem:
        service.telemetry.rejected(problem.code)
        return envelope | {"error": problem.details()}
