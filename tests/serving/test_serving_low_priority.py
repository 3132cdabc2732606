"""A file in the background lets requests go first, gives the same answers, and is done all the same."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from serving_held import Held
from serving_running import running

from insula.inference.predictor import Predictor
from insula.inference.token_backend import TokenBackend
from insula.serving import jobs
from insula.serving.queueing.batcher import Batcher
from insula.serving.queueing.low_priority import lower_priority
from insula.serving.settings.sections import Queue
from insula.serving.telemetry import Telemetry
from waiting import DEADLINE, eventually, wait_until

FOREVER = DEADLINE  # seconds that a test takes only where it fails
TEXTS = [f"so {'very ' * (row % 9)}happy {row}" for row in range(300)]


def test_it_waits_before_batches_and_answers_alike(predictor: Predictor) -> None:
    assert isinstance(predictor.backend, TokenBackend)
    waits: list[int] = []
    polite = lower_priority(predictor, lambda: waits.append(len(runs)))
    runs: list[int] = []
    run = predictor.backend.run
    polite.backend._run = lambda ids, mask: (runs.append(len(ids)), run(ids, mask))[1]  # type: ignore[attr-defined]
    np.testing.assert_array_equal(polite.logits(TEXTS), predictor.logits(TEXTS))
    assert sum(runs) == len(TEXTS)
    assert waits == list(range(len(runs)))
    assert polite.fingerprint == predictor.fingerprint
    assert not hasattr(predictor.backend, "_wait")  # requests do not wait for themselves


def test_a_model_without_a_network_does_not_wait(linear_model: Path) -> None:
    linear = Predictor.load(linear_model)
    assert lower_priority(linear, lambda: pytest.fail("waited")) is linear


def test_requests_pass_and_a_file_waits_no_longer_than_told(linear_model: Path, held: Held) -> None:
    batcher = Batcher("model", Predictor.load(linear_model), Queue(), Telemetry())
    batcher.start()
    try:
        batcher.wait_until_idle(FOREVER)  # nobody waits
        held.hold()
        asking = threading.Thread(target=_ask, args=(batcher,))
        asking.start()
        wait_until(lambda: held.batches, "the request is not computed")
        began = time.monotonic()
        batcher.wait_until_idle(0.1)
        assert time.monotonic() - began >= 0.1
        assert asking.is_alive()
        threading.Timer(0.1, held.release).start()
        batcher.wait_until_idle(FOREVER)
        asking.join()
    finally:
        held.release()
        batcher.stop()


def _ask(batcher: Batcher) -> None:
    import asyncio

    asyncio.run(batcher.predict(["So happy!"], FOREVER))


def test_a_job_of_a_network_gives_way(encoder_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the model is busy with requests the job goes on by one batch at a time."""
    import httpx2

    monkeypatch.setattr(jobs, "MAX_YIELD", 0.01)
    asked: list[float] = []
    wait_until_idle = Batcher.wait_until_idle
    monkeypatch.setattr(
        Batcher, "wait_until_idle", lambda self, seconds: (asked.append(seconds), wait_until_idle(self, seconds))[1]
    )
    with running(encoder_model) as service:
        rows = "text\n" + "\n".join(TEXTS)
        made = httpx2.post(f"{service.address}/v1/batches", content=rows, headers={"content-type": "text/csv"}).json()
        eventually(lambda: service.get(f"/v1/batches/{made['id']}").json()["status"], "done")
    assert asked
    assert set(asked) == {0.01}
