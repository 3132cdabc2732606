"""Rows are stored for requests that were answered, once, and hostile texts delay nobody else."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from serving_running import Running, problem, running

from insula.core.errors import StoreUnreachableError
from insula.operations.store.database import open_database
from insula.operations.store.rows import RetentionStore
from insula.operations.store.tables import FEEDBACK, PREDICTIONS
from insula.serving import retention_writer
from waiting import DEADLINE, wait_until

BODY = {"texts": ["so happy"]}


@pytest.fixture
def storing(linear_model: Path, tmp_path: Path) -> Iterator[Running]:
    """A service that stores predictions and feedback, also in a file."""
    options = {"store": {"address": str(tmp_path / "data")}, "retention": {"days": 1}}
    with running(linear_model, **options, feedback={"file": str(tmp_path / "feedback.jsonl")}) as service:
        yield service


def _stored(tmp_path: Path, table: sa.Table = PREDICTIONS) -> int:
    database = open_database(tmp_path / "data")
    try:
        with database.begin_read() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
    finally:
        database.close()


def test_a_slow_write_that_was_given_up_leaves_no_row(
    storing: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, go = RetentionStore.keep, threading.Event()

    def slow(self: RetentionStore, *args: Any, **kwargs: Any) -> None:
        if args:
            assert go.wait(DEADLINE)
        keep(self, *args, **kwargs)

    monkeypatch.setattr(RetentionStore, "keep", slow)
    monkeypatch.setattr(storing.service.pool, "_timeout", 0.2)
    problem(storing.post("/v1/predict", BODY), 503, "unavailable")
    go.set()
    monkeypatch.setattr(storing.service.pool, "_timeout", 6.0)
    assert storing.post("/v1/predict", BODY).status_code == 200
    wait_until(lambda: _stored(tmp_path) == 1, "the row of the failed request is stored")


def test_a_write_with_a_lost_confirmation_is_undone(
    storing: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = RetentionStore.keep

    def lost(self: RetentionStore, *args: Any, **kwargs: Any) -> None:
        keep(self, *args, **kwargs)
        raise StoreUnreachableError("The connection was lost.")

    with monkeypatch.context() as patch:
        patch.setattr(RetentionStore, "keep", lost)
        problem(storing.post("/v1/predict", BODY), 503, "unavailable")
        assert _stored(tmp_path) == 1
    assert storing.post("/v1/predict", BODY).status_code == 200
    assert _stored(tmp_path) == 1


def test_rows_of_a_client_that_left_are_deleted(
    storing: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, at_work, go = RetentionStore.keep, threading.Event(), threading.Event()

    def slow(self: RetentionStore, *args: Any, **kwargs: Any) -> None:
        at_work.set()
        assert go.wait(DEADLINE)
        keep(self, *args, **kwargs)

    monkeypatch.setattr(RetentionStore, "keep", slow)
    monkeypatch.setattr(storing.service.pool, "_timeout", DEADLINE)
    with contextlib.closing(http.client.HTTPConnection(storing.address.removeprefix("http://"))) as client:
        client.request("POST", "/v1/predict", json.dumps(BODY), {"content-type": "application/json"})
        assert at_work.wait(DEADLINE)
    retention, requests = storing.service.retention, storing.server.server_state.tasks
    wait_until(lambda: not requests, "the server does not give the request up")
    go.set()
    wait_until(
        lambda: not retention._pending and (retention._writing is None or retention._writing.done()), "it writes"
    )
    wait_until(lambda: _stored(tmp_path) == 0, "the row of a client that left is stored")


def test_texts_that_take_long_to_mask_delay_nobody(
    storing: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    masked, at_work, go = retention_writer.mask, threading.Event(), threading.Event()

    def slow(text: str, **kwargs: Any) -> Any:
        if "hostile" in text:
            at_work.set()
            assert go.wait(DEADLINE)
        return masked(text, **kwargs)

    monkeypatch.setattr(retention_writer, "mask", slow)
    monkeypatch.setattr(retention_writer, "MASK_SECONDS", 0.5)
    answers: list[httpx2.Response] = []
    hostile = threading.Thread(target=lambda: answers.append(storing.post("/v1/predict", {"texts": ["hostile"]})))
    hostile.start()
    assert at_work.wait(DEADLINE)
    monkeypatch.setattr(retention_writer, "MASK_SECONDS", DEADLINE)  # of the requests from now on
    assert storing.post("/v1/predict", BODY).status_code == 200  # while the hostile text is being masked
    hostile.join()
    go.set()
    assert "shorter texts" in problem(answers[0], 503, "unavailable")["detail"]
    assert _stored(tmp_path) == 1


def test_a_text_that_is_not_stored_is_not_charged(
    linear_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"store": {"address": str(tmp_path / "data")}, "retention": {"days": 1}, "access": {"texts_per_day": 2}}
    with running(linear_model, **options) as service:

        def away(*_: Any, **__: Any) -> None:
            raise StoreUnreachableError("Nobody is there.")

        with monkeypatch.context() as patch:
            patch.setattr(RetentionStore, "keep", away)
            for _ in range(3):
                problem(service.post("/v1/predict", BODY), 503, "unavailable")
        assert service.post("/v1/predict", BODY).status_code == 200


def test_feedback_names_a_stored_prediction(storing: Running, tmp_path: Path) -> None:
    (row,) = storing.post("/v1/predict", BODY).json()["predictions"]
    said = {"text": "so happy", "labels": []}
    assert storing.post("/v1/feedback", said | {"prediction": row["stored_id"]}).status_code == 201
    unknown = "00000000-0000-0000-0000-000000000000"
    problem(storing.post("/v1/feedback", said | {"prediction": unknown}), 404, "not_found")
    assert _stored(tmp_path, FEEDBACK) == 1
    assert len((tmp_path / "feedback.jsonl").read_text(encoding="utf-8").splitlines()) == 1


def test_feedback_is_in_both_places_or_in_none(storing: Running, tmp_path: Path) -> None:
    (tmp_path / "feedback.jsonl").mkdir()
    problem(storing.post("/v1/feedback", {"text": "so happy", "labels": []}), 503, "unavailable")
    wait_until(lambda: _stored(tmp_path, FEEDBACK) == 0, "the row of failed feedback is stored")
