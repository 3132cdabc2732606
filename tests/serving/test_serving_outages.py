"""PostgreSQL and Redis are killed under load and come back: every call is answered or refused, what is kept stays."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from serving_running import Running, problem, running

from debian_services import PostgreSQL, Redis
from insula.api.access import create_key
from insula.api.stored import erase_subject
from insula.operations.credentials.quota import Quota
from insula.operations.store.database import open_database
from insula.operations.store.tables import FEEDBACK, PREDICTIONS
from waiting import DEADLINE, eventually, wait_until

WORKERS = 6
ANSWERED, REFUSED = {200, 201}, {429, 503}


class Load:
    """Calls that go on until they are told to stop, and what became of each."""

    def __init__(self, service: Running, key: str) -> None:
        self._service = service
        self._headers = {"Authorization": f"Bearer {key}"}
        self.sent = 0
        self.statuses: Counter[int] = Counter()
        self.kept: list[str] = []
        self.told = 0
        self.stopping = False

    async def worker(self, number: int) -> None:
        async with httpx2.AsyncClient(
            base_url=self._service.address, headers=self._headers, timeout=DEADLINE
        ) as client:
            while not self.stopping:
                self.sent += 1
                if self.sent % 5 == 0:
                    body: dict[str, Any] = {"text": "So happy!", "labels": [], "subject": f"worker {number}"}
                    answer = await client.post("/v1/feedback", json=body)
                    self.told += answer.status_code == 201
                else:
                    body = {"texts": [f"message {self.sent}", "Oh no."], "subject": f"worker {number}"}
                    answer = await client.post("/v1/predict", json=body)
                    if answer.status_code == 200:
                        self.kept += [row["id"] for row in answer.json()["predictions"]]
                self.statuses[answer.status_code] += 1
                if answer.status_code == 503:
                    problem(answer, 503, "unavailable")
                    assert int(answer.headers["retry-after"]) >= 1
                await asyncio.sleep(0.01)

    async def until(self, status: int) -> None:
        """Wait until a call ends with a status from now on."""
        wanted = self.statuses[status] + 3
        await asyncio.to_thread(
            wait_until, lambda: self.statuses[status] >= wanted, f"no call ends with {status}: {self.statuses}"
        )


@pytest.mark.parametrize("which", ["postgresql", "redis", pytest.param("both", marks=pytest.mark.slow)])
def test_outages_lose_no_call_and_nothing_that_was_kept(
    linear_model: Path, tmp_path: Path, postgresql: PostgreSQL, redis_server: Redis, which: str
) -> None:
    address = postgresql.new_database(f"outage_{which}")
    made = create_key("care", texts_per_day=1_000_000, calls_per_second=10_000, store=address, audit=tmp_path / "audit")
    options: dict[str, Any] = {
        "store": {"address": address},
        "audit": {"folder": str(tmp_path / "audit")},
        "retention": {"days": 30},
        "access": {"remembered_seconds": 0.2, "redis": redis_server.address},
    }
    killed = [
        server for name, server in (("postgresql", postgresql), ("redis", redis_server)) if which in (name, "both")
    ]

    async def run(load: Load) -> None:
        workers = [asyncio.ensure_future(load.worker(number)) for number in range(WORKERS)]
        await load.until(200)
        for server in killed:
            await asyncio.to_thread(server.kill)
        await load.until(503)
        for server in killed:
            await asyncio.to_thread(server.start)
        await load.until(200)
        load.stopping = True
        await asyncio.gather(*workers)

    with running(linear_model, **options) as service:
        load = Load(service, made.secret)
        asyncio.run(run(load))
    assert load.sent == sum(load.statuses.values())
    assert set(load.statuses) <= ANSWERED | REFUSED, load.statuses
    database = open_database(address)
    with database.begin_read() as connection:
        stored = set(connection.execute(sa.select(PREDICTIONS.c.id)).scalars())
        told = connection.execute(sa.select(sa.func.count()).select_from(FEEDBACK)).scalar_one()
    assert set(load.kept) <= stored
    assert len(load.kept) == len(set(load.kept)) > 0
    assert told >= load.told
    assert Quota(database).count_used(f"key:{made.record.id}") >= len(load.kept)
    database.close()


def test_what_is_kept_is_masked_and_can_be_erased(linear_model: Path, tmp_path: Path) -> None:
    secret = "anna.kanarienvogel@example.org"
    body = {"texts": [f"Write to {secret}, I am so sad"], "subject": secret}
    with running(linear_model, store={"address": str(tmp_path)}, retention={"days": 7}) as service:
        (row,) = service.post("/v1/predict", body).json()["predictions"]
        assert service.post("/predict", {"inputs": f"{secret} again"}).status_code == 200
        said = {"text": f"It was {secret}", "labels": [], "subject": secret, "prediction": row["id"]}
        assert service.post("/v1/feedback", said).status_code == 201
        problem(service.post("/v1/predict", {"texts": ["a"], "subject": ""}), 422, "validation")
        database = open_database(tmp_path)
        with database.begin_read() as connection:
            kept = connection.execute(sa.select(PREDICTIONS).where(PREDICTIONS.c.id == row["id"])).mappings().one()
            told = connection.execute(sa.select(FEEDBACK)).mappings().one()
        assert kept["text"] == "Write to [EMAIL], I am so sad"
        assert kept["answer"]["labels"] == row["labels"]
        assert (kept["caller"], kept["model"]) == ("local", service.service.models.default.name)
        assert (told["text"], told["prediction"]) == ("It was [EMAIL]", row["id"])
        assert erase_subject(secret, store=tmp_path) == 2
        database.close()
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"kanarienvogel" not in everything
    assert b"so sad" not in everything


def test_nothing_of_a_text_is_kept_without_a_retention(linear_model: Path, tmp_path: Path) -> None:
    body = {"texts": ["a sentence like no other"], "subject": "somebody special"}
    for retention in ({}, {"days": 7, "texts": "none"}):
        with running(linear_model, store={"address": str(tmp_path)}, retention=retention) as service:
            (row,) = service.post("/v1/predict", body).json()["predictions"]
            assert ("id" in row) == bool(retention)
        everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert b"like no other" not in everything
        assert b"somebody special" not in everything


def test_rows_past_their_time_are_gone_when_a_server_starts(linear_model: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"store": {"address": str(tmp_path)}}
    with running(linear_model, **options, retention={"days": 1e-9}) as service:
        assert service.post("/v1/predict", {"texts": ["a"]}).status_code == 200
    database = open_database(tmp_path)

    def kept() -> int:
        with database.begin_read() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(PREDICTIONS)).scalar_one())

    assert kept() == 1
    with running(linear_model, **options):
        eventually(kept, 0)
    database.close()
    assert '"event":"store.expired"' in "".join(file.read_text() for file in (tmp_path / "audit").glob("*.jsonl"))
