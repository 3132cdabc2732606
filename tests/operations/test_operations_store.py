"""The store: created by the first server, the same in SQLite and PostgreSQL, and without expired rows."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from insula.core.errors import DataError, StoreError, StoreUnreachableError
from insula.core.model_input import Turn
from insula.operations.store.database import Database, open_database
from insula.operations.store.migrate import find_differences
from insula.operations.store.retention import Retention
from insula.operations.store.rows import RetentionStore, StoredFeedback, StoredPrediction, delete_expired, erase
from insula.operations.store.subjects import Subjects
from insula.operations.store.tables import FEEDBACK, METADATA, PREDICTIONS
from waiting import DEADLINE

CANARY = "kanarienvogel-9731"

FIRST_TABLES = {"access_keys", "texts_used", "predictions", "feedback", "store_secrets"}


def _count(database: Database, table: sa.Table) -> int:
    with database.begin_read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def _open_and_close(address: str, failed: Any) -> None:
    try:
        open_database(address).close()
    except Exception as error:
        failed.put(repr(error))
        raise


def _masked(text: str) -> str:
    return text.replace(CANARY, "[ID]")


def test_the_steps_make_the_tables_that_the_code_knows(database: Database) -> None:
    assert find_differences(database._engine) == []
    database.migrate()  # nothing to do


def test_servers_that_start_together_make_one_store(address: str) -> None:
    context = multiprocessing.get_context("spawn")
    failed = context.Queue()
    servers = [context.Process(target=_open_and_close, args=(address, failed)) for _ in range(2)]
    for server in servers:
        server.start()
    for server in servers:
        server.join(DEADLINE)
    assert [server.exitcode for server in servers] == [0, 0], failed.get()
    database = open_database(address)
    assert find_differences(database._engine) == []
    database.close()


def test_rows_of_a_store_without_conversations_stay(database: Database, address: str) -> None:
    RetentionStore(database, Retention(1, mask=_masked)).keep(
        [StoredPrediction("a", "m", {}, text="hello")], [StoredFeedback("a", ["joy"])]
    )
    with database.begin_write() as connection:
        for table in ("predictions", "feedback"):
            for column in ("turns", "speaker", "target"):
                connection.execute(sa.text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        connection.execute(sa.text("DROP INDEX feedback_prediction"))
        connection.execute(sa.text("ALTER TABLE access_keys DROP COLUMN last_used"))
        for table in reversed([table for table in METADATA.sorted_tables if table.name not in FIRST_TABLES]):
            table.drop(connection)
        if database.kind == "postgresql":
            connection.execute(sa.text("DROP FUNCTION insula_reject"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    again = open_database(address)
    assert find_differences(again._engine) == []
    turns = [Turn(f"I am {CANARY}", CANARY), Turn("so")]
    RetentionStore(again, Retention(1, mask=_masked)).keep(
        [StoredPrediction("a", "m", {}, text="yes", turns=turns, target="x")]
    )
    with again.begin_read() as connection:
        query = sa.select(PREDICTIONS.c.text, PREDICTIONS.c.turns, PREDICTIONS.c.target).order_by(PREDICTIONS.c.created)
        assert connection.execute(query).all() == [
            ("hello", None, None),
            ("yes", [{"text": "I am [ID]", "speaker": "[ID]"}, {"text": "so"}], "x"),
        ]
    again.close()
    assert _count(database, FEEDBACK) == 1


def test_a_newer_store_is_refused(database: Database, address: str) -> None:
    with database.begin_write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer insula"):
        open_database(address)


def test_what_fails_leaves_no_trace(database: Database) -> None:
    rows = RetentionStore(database, Retention(1))
    rows.keep([StoredPrediction("a", "m", {}, id="same")])

    def fail() -> None:
        with database.begin_write() as connection:
            connection.execute(sa.delete(PREDICTIONS))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert _count(database, PREDICTIONS) == 1
    repeated = StoredPrediction("a", "m", {}, id="same")
    rows.keep([repeated, StoredPrediction("a", "m", {})])
    assert _count(database, PREDICTIONS) == 2


def test_rows_go_when_their_time_is_over(database: Database, clock: Any) -> None:
    rows = RetentionStore(database, Retention(30), clock=clock)
    rows.keep([StoredPrediction("a", "m", {"labels": ["joy"]})], [StoredFeedback("a", ["joy"])])
    clock.forward(days=10)
    rows.keep([StoredPrediction("a", "m", {})])
    clock.forward(days=19, hours=23)
    assert rows.delete_old() == 0
    clock.forward(hours=1)
    assert rows.delete_old() == 2
    assert (_count(database, PREDICTIONS), _count(database, FEEDBACK)) == (1, 0)
    # A retention made shorter holds for what is there; one made longer, or taken away, keeps what was promised.
    assert RetentionStore(database, Retention(10), clock=clock).delete_old() == 1
    rows.keep([StoredPrediction("a", "m", {})])
    clock.forward(days=31)
    assert RetentionStore(database, Retention(300), clock=clock).delete_old() == 1
    rows.keep([StoredPrediction("a", "m", {})])
    clock.forward(days=31)
    assert delete_expired(database, now=clock()) == 1


def test_erasure_takes_all_of_one_and_nothing_of_others(open_store: Callable[[], Database]) -> None:
    database = open_store()
    rows = RetentionStore(database, Retention(30, mask=_masked))
    for subject in ("anna@example.org", "bert", None):
        rows.keep(
            [StoredPrediction("a", "m", {}, text="hello", subject=subject)],
            [StoredFeedback("a", ["joy"], subject=subject)],
        )
    told: list[tuple[str, int]] = []
    other = open_store()  # another server hashes alike
    assert erase(other, "anna@example.org", before_commit=lambda hashed, count: told.append((hashed, count))) == 2
    assert told == [(Subjects(database).hash_subject("anna@example.org"), 2)]
    assert erase(other, "anna@example.org") == 0
    assert (_count(database, PREDICTIONS), _count(database, FEEDBACK)) == (2, 2)
    with pytest.raises(ZeroDivisionError):
        erase(other, "bert", before_commit=lambda *_: 1 // 0)
    assert _count(database, PREDICTIONS) == 2


def test_no_byte_of_a_subject_or_an_unmasked_text_is_stored(tmp_path: Path) -> None:
    database = open_database(tmp_path / "data")
    rows = RetentionStore(database, Retention(30, mask=_masked))
    rows.keep([StoredPrediction("a", "m", {}, text=f"I am {CANARY} and sad\x00\ud800", subject=CANARY)])
    rows.keep(feedback=[StoredFeedback("a", ["joy"], text=f"I am {CANARY}", subject=CANARY)])
    with database.begin_read() as connection:
        assert connection.execute(sa.select(PREDICTIONS.c.text)).scalar_one() == "I am [ID] and sad?"
    RetentionStore(database, Retention(30)).keep([StoredPrediction("a", "m", {}, text="only with a mask")])
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert b"and sad" in stored
    assert CANARY.encode() not in stored
    assert b"only with a mask" not in stored
    erase(database, CANARY)
    left = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())  # overwritten, not only unlinked
    assert b"and sad" not in left
    database.close()


def test_a_retention_is_a_time(clock: Any) -> None:
    for days in (0, -1, float("nan"), 1e9):
        with pytest.raises(DataError, match="retention"):
            Retention(days)


@pytest.mark.parametrize("address", ["mysql://root:hush@h/d", "http://x", "postgresql://", "://"])
def test_an_address_of_another_kind_is_refused(address: str) -> None:
    with pytest.raises(StoreError) as refused:
        open_database(address)
    assert "hush" not in str(refused.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite3").write_text("no database, by far" * 100)
    with pytest.raises(StoreError, match="not a database"):
        open_database(tmp_path)


def test_nobody_there_is_said_without_the_password() -> None:
    with pytest.raises(StoreUnreachableError, match="does not answer") as refused:
        open_database("postgresql://insula:hush@127.0.0.1:9/none")
    assert "hush" not in str(refused.value)


def test_a_busy_file_is_said_to_be_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insula.operations.store.database.TIMEOUT", 0.2)
    one, two = open_database(tmp_path), open_database(tmp_path)
    with one.begin_write(), pytest.raises(StoreUnreachableError, match="locked"):
        RetentionStore(two, Retention(1)).keep([StoredPrediction("a", "m", {})])
    RetentionStore(two, Retention(1)).keep([StoredPrediction("a", "m", {})])
    assert _count(one, PREDICTIONS) == 1
    one.close()
    two.close()


def test_the_file_is_its_owner_s_alone(tmp_path: Path) -> None:
    open_database(tmp_path / "data").close()
    assert (tmp_path / "data" / "store.sqlite3").stat().st_mode & 0o077 == 0
