"""A stream is answered in order, message by message, and holds a hasty client back instead of refusing it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from serving_held import Held
from serving_running import Running, running
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

import toy_data
from insula.inference.predictor import Predictor
from waiting import DEADLINE, wait_until

TEXTS = [example.text for example in toy_data.toy_dataset("multi").split("test")]


def _address(service: Running) -> str:
    return service.address.replace("http", "ws") + "/v1/stream"


def test_answers_come_in_order_under_the_client_s_ids(served: Running, predictor: Predictor) -> None:
    texts = TEXTS * 4  # more than may be under way
    with connect(_address(served)) as stream:
        for number, text in enumerate(texts):
            stream.send(json.dumps({"id": number, "text": text}))
        answers = [json.loads(stream.recv(timeout=DEADLINE)) for _ in texts]
    assert [answer["id"] for answer in answers] == list(range(len(texts)))
    for answer, wanted in zip(answers, predictor.predict(texts), strict=True):
        assert answer["labels"] == list(wanted.labels)
        assert answer["scores"] == pytest.approx(dict(wanted.scores), abs=1e-5)


def test_a_wrong_message_is_answered_and_the_stream_goes_on(served: Running) -> None:
    wrong = ["{", '{"text": 1}', '{"id": 7, "text": "a", "model": "none"}', b"\xff", '{"text": "a\\u0000"}', "[" * 5000]
    with connect(_address(served)) as stream:
        for message in wrong:
            stream.send(message)
        stream.send('{"id": "last", "text": "happy", "outputs": ["labels"]}')
        answers = [json.loads(stream.recv(timeout=DEADLINE)) for _ in range(len(wrong) + 1)]
    codes = [answer["error"]["code"] for answer in answers[:-1]]
    assert codes == ["malformed", "validation", "not_found", "malformed", "validation", "malformed"]
    assert answers[2]["id"] == 7
    assert set(answers[-1]) == {"id", "abstained", "labels", "label"}


def test_pages_of_other_origins_are_not_let_in(served: Running) -> None:
    for origin, allowed in (("https://evil.example", False), (served.address, True)):
        if allowed:
            with connect(_address(served), origin=origin) as stream:  # type: ignore[arg-type]
                stream.send('{"text": "happy"}')
                assert "labels" in json.loads(stream.recv(timeout=DEADLINE))
        else:
            with pytest.raises(InvalidStatus) as refused:
                connect(_address(served), origin=origin)  # type: ignore[arg-type]
            assert refused.value.response.status_code == 403


def test_a_message_that_is_too_large_ends_the_stream(linear_model: Path) -> None:
    with running(linear_model, limits={"body_bytes": 1000}) as service, connect(_address(service)) as stream:
        stream.send(json.dumps({"text": "a" * 2000}))
        with pytest.raises(ConnectionClosed):
            stream.recv(timeout=DEADLINE)


def _texts_taken(service: Running, held: Held) -> int:
    """Return how many texts wait or were taken up by the model."""
    return service.service.models.default.batcher.texts_waiting + sum(held.batches)


def test_texts_of_a_client_that_left_leave_the_queue(linear_model: Path, held: Held) -> None:
    with running(linear_model, queue={"batch_texts": 1}) as service:
        held.hold()
        with connect(_address(service)) as stream:
            for _ in range(40):
                stream.send('{"text": "happy"}')
            wait_until(lambda: _texts_taken(service, held) == 40, "not all messages were read")
        wait_until(lambda: not service.service.streams, "the stream of a client that left is still open")
        wait_until(lambda: _texts_taken(service, held) <= 2, "texts of a client that left still wait")
        held.release()


def test_a_stop_answers_what_was_accepted_and_says_goodbye(linear_model: Path, held: Held) -> None:
    with running(linear_model) as service, connect(_address(service)) as stream:
        held.hold()
        for number in range(30):
            stream.send(json.dumps({"id": number, "text": "happy"}))
        wait_until(lambda: _texts_taken(service, held) == 30, "not all messages were read")
        service.server.handle_exit(15, None)
        held.release()
        # Iteration ends with a close that says why: going away.
        assert [json.loads(message)["id"] for message in stream] == list(range(30))
        assert stream.close_code == 1001
