"""Too many requests are refused, accepted ones are answered, those of clients who left are not computed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import httpx2
import pytest
from serving_running import problem, running

from insula.inference.predictor import Predictor
from insula.serving.queueing.admission import Pace
from insula.serving.queueing.waiting import Piece, Request, Waiting

SLOW = 0.05  # seconds that a batch takes at least


@pytest.fixture
def slow_model(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make every batch slow; returns how many texts each had."""
    batches: list[int] = []
    begin = Predictor.begin

    def slowly(self: Predictor, texts: list[str]):  # type: ignore[no-untyped-def]
        compute = begin(self, texts)
        batches.append(len(texts))

        def wait():  # type: ignore[no-untyped-def]
            time.sleep(SLOW)
            return compute()

        return wait

    monkeypatch.setattr(Predictor, "begin", slowly)
    monkeypatch.setattr(Predictor, "predict", lambda self, texts: slowly(self, texts)())
    return batches


def test_overload_is_refused_and_the_accepted_are_answered(linear_model: Path, slow_model: list[int]) -> None:
    async def storm(address: str) -> list[httpx2.Response]:
        limits = httpx2.Limits(max_connections=300)
        async with httpx2.AsyncClient(base_url=address, timeout=30, limits=limits) as client:
            return await asyncio.gather(
                *(client.post("/v1/predict", json={"texts": [f"happy {i}"]}) for i in range(100))
            )

    with running(linear_model, queue={"batch_texts": 1, "wait_ms": 200}) as service:
        answers = asyncio.run(storm(service.address))
        counts = Counter(answer.status_code for answer in answers)
        assert set(counts) == {200, 429}
        assert counts[200] >= 3
        for answer in answers:
            if answer.status_code == 429:
                problem(answer, 429, "overloaded")
                assert int(answer.headers["retry-after"]) >= 1
            else:
                assert len(answer.json()["predictions"]) == 1
                assert answer.elapsed.total_seconds() < 5
        assert f'insula_rejected_total{{code="overloaded"}} {counts[429]}.0' in service.get("/metrics").text
        # Afterwards there is room again.
        assert service.post("/v1/predict", {"texts": ["happy"]}).status_code == 200


def test_a_request_says_how_long_it_waits(linear_model: Path, slow_model: list[int]) -> None:
    with running(linear_model, queue={"batch_texts": 1, "wait_ms": 60_000}) as service:
        waiting = [
            threading.Thread(target=service.post, args=("/v1/predict", {"texts": ["happy"] * 10})) for _ in range(2)
        ]
        for one in waiting:
            one.start()
        time.sleep(4 * SLOW)
        impatient = service.post("/v1/predict", {"texts": ["happy"]}, headers={"Insula-Wait-Ms": "20"})
        problem(impatient, 429, "overloaded")
        patient = service.post("/v1/predict", {"texts": ["happy"]}, headers={"Insula-Wait-Ms": "20000"})
        assert patient.status_code == 200
        problem(service.post("/v1/predict", {"texts": ["a"]}, headers={"Insula-Wait-Ms": "-1"}), 422, "validation")
        for one in waiting:
            one.join()


def test_the_queue_has_an_end(linear_model: Path, slow_model: list[int]) -> None:
    with running(linear_model, queue={"most_texts": 5}) as service:
        problem(service.post("/v1/predict", {"texts": ["happy"] * 6}), 429, "overloaded")
        assert service.post("/v1/predict", {"texts": ["happy"] * 5}).status_code == 200


def test_texts_of_a_client_that_left_are_not_computed(
    linear_model: Path, slow_model: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    with running(linear_model, queue={"batch_texts": 1, "wait_ms": 60_000}) as service:
        del slow_model[:]
        with pytest.raises(httpx2.TimeoutException):
            httpx2.post(f"{service.address}/v1/predict", json={"texts": ["happy"] * 100}, timeout=5 * SLOW)
        until = time.monotonic() + 10
        while service.service.models.default.batcher.texts_waiting and time.monotonic() < until:
            time.sleep(0.02)
        assert service.service.models.default.batcher.texts_waiting == 0
        assert service.post("/v1/predict", {"texts": ["happy"]}).status_code == 200
        assert len(slow_model) < 60
    assert not caplog.records


def test_one_text_that_fails_does_not_take_others_with_it(
    linear_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begin = Predictor.begin

    def breaks(self: Predictor, texts: list[str]):  # type: ignore[no-untyped-def]
        if any("poison" in text for text in texts):
            raise RuntimeError(f"cannot read {texts}")
        return begin(self, texts)

    def predict(self: Predictor, texts: list[str]):  # type: ignore[no-untyped-def]
        return breaks(self, texts)()

    monkeypatch.setattr(Predictor, "begin", breaks)
    monkeypatch.setattr(Predictor, "predict", predict)
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


def test_an_error_that_nobody_foresaw_is_a_problem_without_its_words(
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
    # The program itself, with a model that takes its time.
    program = (
        "import sys, time; from insula.inference.predictor import Predictor; begin = Predictor.begin\n"
        "def slowly(self, texts):\n"
        "    compute = begin(self, texts)\n"
        "    return lambda: (time.sleep(0.05), compute())[1]\n"
        "Predictor.begin = slowly\n"
        "from insula.cli.app import main; main()"
    )
    arguments = ["insula", "serve", "-m", str(linear_model), "--port", "0"]
    started = subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.argv = {arguments!r}\n{program}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "INSULA_SERVE_QUEUE_BATCH_TEXTS": "1", "INSULA_SERVE_QUEUE_WAIT_MS": "60000"},
    )
    try:
        assert started.stdout is not None
        address = started.stdout.readline().split()[2]
        answers: list[httpx2.Response] = []

        def ask(texts: int) -> None:
            answers.append(httpx2.post(f"{address}/v1/predict", json={"texts": ["happy"] * texts}, timeout=60))

        threads = [threading.Thread(target=ask, args=(10,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        with httpx2.Client() as client:
            assert client.get(f"{address}/readyz").status_code == 200
            started.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            problem(client.get(f"{address}/readyz"), 503, "unavailable")
        for thread in threads:
            thread.join(60)
        assert [answer.status_code for answer in answers] == [200] * 4
        assert all(len(answer.json()["predictions"]) == 10 for answer in answers)
        assert started.wait(30) == 0
        assert started.stderr is not None
        assert started.stderr.read() == ""
    finally:
        started.kill()
        started.communicate()


def test_the_pace_is_learnt() -> None:
    pace = Pace()
    assert pace.seconds(100, batches=2) == 0
    for tokens in (10, 50, 100, 30) * 10:
        pace.learn(tokens, 0.01 + tokens * 0.001)
    assert pace.seconds(100, batches=2) == pytest.approx(0.02 + 0.1)
    assert pace.another_batch() == pytest.approx(10)
    alike = Pace()
    for _ in range(5):
        alike.learn(40, 0.2)
    assert alike.seconds(80, batches=2) == pytest.approx(0.4)


def test_the_oldest_leaves_first_with_those_of_its_length() -> None:
    request = Request(None, [], 0)
    waiting = Waiting(tokens=60, texts=4)
    lengths = [10, 50, 12, 11, 50, 9, 10]
    waiting.add([Piece(request, row, "", tokens) for row, tokens in enumerate(lengths)])
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
    in_order = Waiting(tokens=60, texts=4, padded=False)
    in_order.add([Piece(request, row, "", tokens) for row, tokens in enumerate(lengths)])
    assert [[piece.row for piece in in_order.take(24)] for _ in range(4)] == [[0, 1], [2, 3], [4, 5], [6]]
    assert set(taken[:4]) == {0, 3, 5, 6} or set(taken[:4]) == {0, 2, 3, 6}
    waiting.add([Piece(request, 0, "", 5)])
    waiting.drop(request)
    assert len(waiting) == waiting.tokens == 0
