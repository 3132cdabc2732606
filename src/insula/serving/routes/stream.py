"""`WS /v1/stream`: one JSON message a text, answered in order under the client's own id."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from fastapi import APIRouter, WebSocket
from pydantic import ValidationError
from pydantic_core import to_json
from starlette.websockets import WebSocketDisconnect, WebSocketState

from insula.serving.answers import rows
from insula.serving.http.problems import ProblemError, invalid
from insula.serving.schemas import StreamMessage
from insula.serving.service import Service, service_of

router = APIRouter(tags=["predict"])
GOING_AWAY = 1001
LOOKS = 0.2  # seconds between looks whether the service is about to stop

Answer = dict[str, Any]


@router.websocket("/v1/stream")
async def stream(socket: WebSocket) -> None:
    """Messages are worked on together and answered in the order in which they came.

    At most `limits.stream_messages` are under way; until one is answered no further one is read, so that a client
    that sends faster than the model answers is slowed down and nothing is refused for its haste.
    """
    service = service_of(socket)
    if _foreign(socket, service) or service.draining:
        await socket.close()  # before it is accepted: the client sees 403
        return
    await socket.accept()
    service.streams += 1
    under_way: asyncio.Queue[asyncio.Task[Answer] | None] = asyncio.Queue(service.settings.limits.stream_messages)
    answering = asyncio.ensure_future(_answer(socket, under_way))
    try:
        with contextlib.suppress(WebSocketDisconnect):
            while (message := await _next(socket, service, answering)) is not None:
                await under_way.put(asyncio.ensure_future(_judge(service, socket, message)))
            await under_way.put(None)
            await answering
            if socket.client_state is WebSocketState.CONNECTED:
                await socket.close(GOING_AWAY)
    finally:
        service.streams -= 1
        answering.cancel()
        while not under_way.empty():
            left = under_way.get_nowait()
            if left is not None:
                left.cancel()  # takes its text out of the queue


def _foreign(socket: WebSocket, service: Service) -> bool:
    """Return whether a web page of another origin asks: browsers ask nobody whether a page may open a socket."""
    origin = socket.headers.get("origin")
    if origin is None or origin in service.settings.cors.origins:
        return False
    return origin.partition("://")[2] != socket.headers.get("host")


async def _next(socket: WebSocket, service: Service, answering: asyncio.Future[None]) -> str | bytes | None:
    """Return the next message; None where the service is about to stop."""
    reading = asyncio.ensure_future(socket.receive())
    waited: set[asyncio.Future[Any]] = {reading, answering}
    try:
        while not reading.done():
            if service.draining:
                return None
            await asyncio.wait(waited, timeout=LOOKS, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                raise WebSocketDisconnect
        message = reading.result()
    finally:
        reading.cancel()
    if message["type"] != "websocket.receive":
        raise WebSocketDisconnect
    content: str | bytes = message["text"] if message.get("text") is not None else message["bytes"]
    return content


async def _answer(socket: WebSocket, under_way: asyncio.Queue[asyncio.Task[Answer] | None]) -> None:
    """Send answers in order, until None or until the client is gone."""
    while (task := await under_way.get()) is not None:
        answer = await task
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await socket.send_text(to_json(answer, inf_nan_mode="null").decode())
            continue
        return


async def _judge(service: Service, socket: WebSocket, content: str | bytes) -> Answer:
    """Return the answer to one message, or its problem under `error`; both under the message's id.

    Each message is a call of its own: it is denied if its key was revoked meanwhile, or exceeds its rate limit.
    """
    named: Answer = {}
    try:
        try:
            message = StreamMessage.model_validate_json(content)
        except ValidationError as error:
            raise invalid(error) from None
        named = {"id": message.id}
        await service.access.authorise(socket, "predict")
        model = service.models.find(message.model)
        inputs, unread = service.drop_unread(model, [message.model_input])
        # Its turn always comes: the stream itself is what holds a hasty client back.
        patience = service.settings.queue.most_wait_ms / 1000
        predictions = await service.predict(model, inputs, patience)
        await service.keeper.keep_predictions(model.name, inputs, predictions, language=message.language)
        (row,) = rows(model.predictor.scheme, predictions, message.outputs, message.language)
        return named | row | ({"unread": True} if unread else {})
    except ProblemError as problem:
        service.telemetry.rejected(problem.code)
        return named | {"error": problem.details()}
