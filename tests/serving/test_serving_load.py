"""Too many requests are refused, accepted ones are answered, those of clients who left are not computed."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from serving_held import Held
from serving_running import Running, problem, running

from insula.inference.predictor import EncodedInputs, Predictor
from insula.serving.queueing.admission import BatchTiming
from insula.serving.queueing.batch_queue import BatchQueue, PendingRequest, QueuedInput
from waiting import DEADLINE, eventually, wait_until

SECONDS_A_BATCH = 0.1


@pytest.fixture
def paced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Expect every batch to take a tenth of a second, however fast this machine is."""
    monkeypatch.setattr(BatchTiming, "estimate_seconds", lambda self, tokens, *, batches: batches * SECONDS_A_BATCH)


def _waiting(service: Running) -> int:
    return service.service.models.default.batcher.texts_waiting


@contextlib.contextmanager
def _asking(service: Running, *requests: int) -> Iterator[list[httpx2.Response]]:
    """Send requests of so many texts in threads of their own; at the end of the block their answers are there."""
    answers: list[httpx2.Response] = []

    def ask(texts: int) -> None:
        answers.append(service.post("/v1/predict", {"texts": ["happy"] * texts}))

    threads = [threading.Thread(target=ask, args=(texts,)) for texts in requests]
    for thread in threads:
        thread.start()
    yield answers
    for thread in threads:
        thread.join()


@pytest.mark.usefixtures("paced")
def test_overload_is_refused_and_the_accepted_are_answered(linear_model: Path, held: Held) -> None:
    async def storm(address: str) -> list[httpx2.Response]:
        limits = httpx2.Limits(max_connections=300)
        async with (
            asyncio.timeout(DEADLINE),
            httpx2.AsyncClient(base_url=address, limits=limits, timeout=None) as client,
        ):
            calls = [
                asyncio.create_task(client.post("/v1/predict", json={"texts": [f"happy {i}"]})) for i in range(100)
            ]
            # One text is computed and one prepared; the next two may wait, since that is at most 0.2 seconds.
            while sum(not call.done() for call in calls) > 4:
                await asyncio.sleep(0.01)
            held.release()
            return await asyncio.gather(*calls)

    with running(linear_model, queue={"batch_texts": 1, "wait_ms": 200}) as service:
        held.hold()
        answers = asyncio.run(storm(service.address))
        counts = Counter(answer.status_code for answer in answers)
        assert set(counts) == {200, 429}
        assert 3 <= counts[200] <= 4
        for answer in answers:
            if answer.status_code == 429:
                problem(answer, 429, "overloaded")
                assert int(answer.headers["retry-after"]) >= 1
            else:
                assert len(answer.json()["predictions"]) == 1
        assert f'insula_rejected_total{{code="overloaded"}} {counts[429]}.0' in service.get("/metrics").text
        # Afterwards there is room again.
        assert service.post("/v1/predict", {"texts": ["happy"]}).status_code == 200


@pytest.mark.usefixtures("paced")
def test_a_request_says_how_long_it_waits(linear_model: Path, held: Held) -> None:
    with running(linear_model, queue={"batch_texts": 1, "wait_ms": 60_000}) as service:
        held.hold()
        with _asking(service, 10, 10):
            wait_until(
                lambda: _waiting(service) == 18,
                "two requests do not wait, but for a text that is computed and one next",
            )
            impatient = service.post("/v1/predict", {"texts": ["happy"]}, headers={"Insula-Wait-Ms": "20"})
            problem(impatient, 429, "overloaded")
            with ThreadPoolExecutor() as other:
                patient = other.submit(
                    service.post, "/v1/predict", {"texts": ["happy"]}, headers={"Insula-Wait-Ms": "20000"}
                )
                wait_until(lambda: _waiting(service) == 19, "the patient request does not wait")
                held.release()
            assert patient.result().status_code == 200
        problem(service.post("/v1/predict", {"texts": ["a"]}, headers={"Insula-Wait-Ms": "-1"}), 422, "validation")


def test_the_queue_has_an_end(linear_model: Path) -> None:
    with running(linear_model, queue={"most_texts": 5}) as service:
        problem(service.post("/v1/predict", {"texts": ["happy"] * 6}), 429, "overloaded")
        assert service.post("/v1/predict", {"texts": ["happy"] * 5}).status_code == 200


def test_texts_of_a_client_that_left_are_not_computed(
    linear_model: Path, held: Held, caplog: pytest.LogCaptureFixture
) -> None:
    with running(linear_model, queue={"batch_texts": 1, "wait_ms": 60_000}) as service:
        held.hold()
        client = http.client.HTTPConnection(service.address.removeprefix("http://"))
        body = json.dumps({"texts": ["happy"] * 100})
        client.request("POST", "/v1/predict", body, {"content-type": "application/json"})
        wait_until(lambda: _waiting(service) >= 98, "the texts do not wait, but for two that are under way")
        client.close()
        wait_until(lambda: not _waiting(service), "the texts of a client that left still wait")
        held.release()
        assert service.post("/v1/predict", {"texts": ["happy"]}).status_code == 200
        assert sum(held.batches) <= 3
    assert not caplog.records


def test_one_text_that_fails_does_not_take_others_with_it(
    linear_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    encode = Predictor.encode

    def breaks(self: Predictor, texts: list[str]) -> EncodedInputs:
        if any("poison" in text for text in texts):
            raise RuntimeError(f"cannot read {texts}")
        return encode(self, texts)

    monkeypatch.setattr(Predictor, "encode", breaks)
    with running(linear_model) as service:
        answers = {}

        def ask(text: str) -> None:
            answers[text] = service.post("/v1/predict", {"texts": [text]})

        threads = [threading.Thread(target=ask, args=(text,)) for text in ("happy 1", "poison-4711", "happy 2")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        problem(answers["poison-4711"], 500, "internal")
        assert "4711" not in answers["poison-4711"].text
        assert answers["happy 1"].status_code == answers["happy 2"].status_code == 200
    assert "RuntimeError" in caplog.text
    assert "4711" not in caplog.text


def test_an_unforeseen_error_is_a_problem_without_its_words(
    linear_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    text = "a text: 4711"

    def breaks(*_: object) -> None:
        raise RuntimeError(text)

    with running(linear_model) as service:
        monkeypatch.setattr(service.service.models, "find", breaks)
        answer = service.post("/v1/predict", {"texts": ["happy"]})
        problem(answer, 500, "internal")
        assert "4711" not in answer.text
        assert 'code="internal"} 1.0' in service.get("/metrics").text
    assert "RuntimeError" in caplog.text
    assert "4711" not in caplog.text


def test_sigterm_drains(linear_model: Path, tmp_path: Path) -> None:
    # The program itself, with a model that does not compute while there is a file.
    program = (
        "import pathlib, sys, time; from insula.inference.predictor import Predictor; finish = Predictor.finish\n"
        "held = pathlib.Path(sys.argv.pop())\n"
        "def wait(self, encoded):\n"
        "    while held.exists():\n"
        "        time.sleep(0.01)\n"
        "    return finish(self, encoded)\n"
        "Predictor.finish = wait\n"
        "from insula.cli.app import main; main()"
    )
    held = tmp_path / "held"
    started = subprocess.Popen(
        [sys.executable, "-c", program, "serve", "-m", str(linear_model), "--port", "0", str(held)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "INSULA_SERVE_QUEUE_BATCH_TEXTS": "1",
            "INSULA_SERVE_QUEUE_WAIT_MS": "60000",
            "INSULA_SERVE_NOTICE_SECONDS": "600",
            "INSULA_SERVE_DRAIN_SECONDS": str(DEADLINE),
        },
    )
    try:
        assert started.stdout is not None
        address = started.stdout.readline().split()[2]
        held.touch()
        answers: list[httpx2.Response] = []

        def ask() -> None:
            answers.append(httpx2.post(f"{address}/v1/predict", json={"texts": ["happy"] * 10}, timeout=DEADLINE))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        with httpx2.Client(base_url=address, timeout=DEADLINE) as client:
            waiting = re.compile(r"^insula_queue_texts{.*} 38\.0$", re.MULTILINE)
            wait_until(lambda: waiting.search(client.get("/metrics").text), "38 of 40 texts do not wait")
            assert client.get("/readyz").status_code == 200
            started.send_signal(signal.SIGTERM)
            eventually(lambda: client.get("/readyz").status_code, 503)
            problem(client.get("/readyz"), 503, "unavailable")
            started.send_signal(signal.SIGTERM)  # the notice is over
        held.unlink()
        for thread in threads:
            thread.join()
        assert [answer.status_code for answer in answers] == [200] * 4
        assert all(len(answer.json()["predictions"]) == 10 for answer in answers)
        assert started.wait(DEADLINE) == 0
        assert started.stderr is not None
        assert started.stderr.read() == ""
    finally:
        started.kill()
        started.communicate()


def test_the_pace_is_learnt() -> None:
    pace = BatchTiming()
    assert pace.estimate_seconds(100, batches=2) == 0
    for tokens in (10, 50, 100, 30) * 10:
        pace.add(tokens, 0.01 + tokens * 0.001)
    assert pace.estimate_seconds(100, batches=2) == pytest.approx(0.02 + 0.1)
    assert pace.estimate_batch_overhead() == pytest.approx(10)
    alike = BatchTiming()
    for _ in range(5):
        alike.add(40, 0.2)
    assert alike.estimate_seconds(80, batches=2) == pytest.approx(0.4)


def test_the_oldest_leaves_first_with_those_of_its_length() -> None:
    request = PendingRequest(None, [], 0)
    waiting = BatchQueue(tokens=60, texts=4)
    lengths = [10, 50, 12, 11, 50, 9, 10]
    waiting.add([QueuedInput(request, row, "", tokens) for row, tokens in enumerate(lengths)])
    assert waiting.is_full
    taken = []
    while batch := waiting.take(24):
        rows = [piece.row for piece in batch]
        assert len(batch) <= 4
        assert len(batch) == 1 or max(lengths[row] for row in rows) * len(rows) <= 60
        assert min(set(range(7)) - set(taken)) in rows
        taken += rows
    assert sorted(taken) == list(range(7))
    assert waiting.tokens == 0
    # Nobody waited for ever, and the two long ones did not pad the short ones.
    assert waiting.batches == 0
    in_order = BatchQueue(tokens=60, texts=4, padded=False)
    in_order.add([QueuedInput(request, row, "", tokens) for row, tokens in enumerate(lengths)])
    assert [[piece.row for piece in in_order.take(24)] for _ in range(4)] == [[0, 1], [2, 3], [4, 5], [6]]
    assert set(taken[:4]) == {0, 3, 5, 6} or set(taken[:4]) == {0, 2, 3, 6}
    waiting.add([QueuedInput(request, 0, "", 5)])
    waiting.drop(request)
    assert len(waiting) == waiting.tokens == 0
