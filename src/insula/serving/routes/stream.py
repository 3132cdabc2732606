"""`WS /v1/stream`: one JSON message for each text, answered in order with the client's own id."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from fastapi import APIRouter, WebSocket
from pydantic import ValidationError
from pydantic_core import to_json
from starlette.websockets import WebSocketDisconnect, WebSocketState

from insula.serving.answers import build_answers
from insula.serving.http.problems import ProblemError, build_validation_problem
from insula.serving.schemas import StreamMessage
from insula.serving.service import Service, get_service

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
    service = get_service(socket)
    if _is_cross_origin(socket, service):
        await _reject_connection(
            socket,
            service,
            ProblemError(
                "forbidden", "A page of another origin may not open a stream. Add its origin to cors.origins."
            ),
        )
        return
    if service.draining:
        await _reject_connection(
            socket, service, ProblemError("unavailable", "The service is stopping. Connect to another instance.")
        )
        return
    await socket.accept()
    service.streams += 1
    in_progress: asyncio.Queue[asyncio.Task[Answer] | None] = asyncio.Queue(service.settings.limits.stream_messages)
    answering = asyncio.ensure_future(_answer(socket, in_progress))
    reading = asyncio.ensure_future(_read(socket, service, in_progress))
    try:
        # Whichever ends first: the client may leave while the queue is full, or stop reading its answers.
        await asyncio.wait({reading, answering}, return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            answering.result()  # raises what a message raised unexpectedly
        if reading.done() and reading.result():
            await answering
            if socket.client_state is WebSocketState.CONNECTED:
                with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):  # the client may have left
                    await socket.close(GOING_AWAY)
    finally:
        service.streams -= 1
        reading.cancel()
        answering.cancel()
        while not in_progress.empty():
            left = in_progress.get_nowait()
            if left is not None:
                left.cancel()  # takes its text out of the queue


async def _reject_connection(socket: WebSocket, service: Service, problem: ProblemError) -> None:
    service.telemetry.count_rejection(problem.code)
    await socket.send_denial_response(problem.to_response())


def _is_cross_origin(socket: WebSocket, service: Service) -> bool:
    """Whether a web page of another origin connects: browsers let pages open a WebSocket to any origin."""
    origin = socket.headers.get("origin")
    if origin is None or origin in service.settings.cors.origins:
        return False
    return origin.partition("://")[2] != socket.headers.get("host")


async def _read(socket: WebSocket, service: Service, in_progress: asyncio.Queue[asyncio.Task[Answer] | None]) -> bool:
    """Start to answer messages as they come; return True once the service is stopping, False if the client is gone."""
    receiving = asyncio.ensure_future(socket.receive())
    try:
        while not service.draining:
            await asyncio.wait({receiving}, timeout=POLL_SECONDS)
            if not receiving.done():
                continue
            message = receiving.result()
            if message["type"] != "websocket.receive":
                return False
            content: str | bytes = message["text"] if message.get("text") is not None else message["bytes"]
            await in_progress.put(asyncio.ensure_future(_predict_message(service, socket, content)))
            receiving = asyncio.ensure_future(socket.receive())
        await in_progress.put(None)
        return True
    finally:
        receiving.cancel()


async def _answer(socket: WebSocket, in_progress: asyncio.Queue[asyncio.Task[Answer] | None]) -> None:
    """Send answers in order, until None or until the client is gone."""
    while (task := await in_progress.get()) is not None:
        answer = await task
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
            await socket.send_text(to_json(answer, inf_nan_mode="null").decode())
            continue
        return


async def _predict_message(service: Service, socket: WebSocket, content: str | bytes) -> Answer:
    """Return the answer to one message, or its problem as `error`, with the id of the message.

    Each message is a call of its own: it is denied if its key was revoked meanwhile or exceeds its rate limit.
    """
    envelope: Answer = {}
    held = len(content)
    try:
        service.body_memory.reserve(held)
    except ProblemError as problem:
        service.telemetry.count_rejection(problem.code)
        return {"error": problem.to_dict()}
    try:
        message = _parse(content)
        envelope = {"id": message.id} if isinstance(message, StreamMessage) else {}
        await service.access.authorise(socket, "predict")
        if isinstance(message, ProblemError):
            raise message
        model = service.models.find(message.model)
        inputs, unread = service.drop_unread_context(model, [message.model_input])
        # The longest wait, since the stream itself slows down a client that sends too fast.
        max_wait = service.settings.queue.most_wait_ms / 1000
        predicted = await service.predict(model, inputs, max_wait, language=message.language)
        (row,) = build_answers(model.predictor.scheme, predicted.predictions, message.outputs, message.language)
        return envelope | row | ({"unread": True} if unread else {})
    except ProblemError as problem:
        service.telemetry.count_rejection(problem.code)
        return envelope | {"error": problem.to_dict()}
    finally:
        service.body_memory.release(held)


def _parse(content: str | bytes) -> StreamMessage | ProblemError:
    """Return a message, or its problem, which is raised later: malformed messages count against the rate limit, too."""
    try:
        return StreamMessage.model_validate_json(content)
    except ValidationError as error:
        return build_validation_problem(error)
