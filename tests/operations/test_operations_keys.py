"""Keys: shown once, kept as a digest, refused when revoked, expired, or not quite right; and texts a day."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insula.core.errors import DataError, UnknownNameError
from insula.operations.credentials import secret as secret_file
from insula.operations.credentials.keys import KeyStore
from insula.operations.credentials.quota import Quota
from insula.operations.credentials.secret import LENGTH, are_equal, make_secret, parse_key
from insula.operations.store.database import Database, open_database


@pytest.fixture
def keys(database: Database, clock: Any) -> KeyStore:
    return KeyStore(database, clock=clock)


def test_a_key_opens_what_it_was_made_for(keys: KeyStore, clock: Any) -> None:
    made = keys.create("care", scopes=["admin", "predict"], seconds=3600, texts_per_day=10, calls_per_second=2.5)
    found = keys.find_by_secret(made.secret)
    assert found == made.record
    assert found is not None
    assert (found.scopes, found.burst, found.get_state(clock())) == (("predict", "admin"), 2, "active")
    clock.forward(hours=1)
    assert found.get_state(clock()) == "expired"
    assert not keys.has_active()
    assert keys.create("other").record.scopes == ("predict",)
    assert keys.has_active()


def test_the_secret_is_not_in_the_store(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    made = KeyStore(database).create("care")
    database.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert made.record.id.encode() in stored
    assert made.secret.split("_")[2][:20].encode() not in stored
    assert made.secret not in repr(made.record)


def test_rotation_leaves_a_time_to_change(keys: KeyStore, clock: Any) -> None:
    old = keys.create("care", seconds=86400, texts_per_day=100)
    with pytest.warns(DeprecationWarning, match=r"KeyRecord\.texts_a_day is now texts_per_day"):
        assert old.record.texts_a_day == old.record.to_dict()["texts_a_day"] == 100
    clock.forward(hours=10)
    new = keys.rotate(old.record.id, grace=3600)
    assert (new.record.name, new.record.texts_per_day, new.record.lineage) == ("care", 100, old.record.id)
    assert new.record.expires == clock() + timedelta(days=1)
    recognised = keys.find_by_secret(old.secret)
    assert recognised is not None
    assert recognised.successor == new.record.id
    assert recognised.get_state(clock()) == "active"
    with pytest.raises(DataError, match="already rotated"):
        keys.rotate(old.record.id, grace=3600)
    clock.forward(hours=1)
    assert [record.get_state(clock()) for record in keys.list_all()] == ["expired", "active"]
    # A grace never makes a life longer.
    clock.forward(hours=22, minutes=30)
    keys.rotate(new.record.id, grace=7200)
    assert keys.list_all()[1].expires == new.record.expires


def test_a_revoked_key_is_revoked_at_once_and_for_good(keys: KeyStore, clock: Any) -> None:
    made = keys.create("care")
    told: list[str] = []
    first = keys.revoke(made.record.id, before_commit=lambda record: told.append(record.id))
    clock.forward(days=1)
    assert keys.revoke(made.record.id, before_commit=lambda record: told.append(record.id)) == first
    assert told == [made.record.id]
    found = keys.find_by_secret(made.secret)
    assert found is not None
    assert found.get_state(clock()) == "revoked"
    with pytest.raises(DataError, match="is revoked"):
        keys.rotate(made.record.id, grace=1)
    for unknown in ("none", made.secret):
        with pytest.raises(UnknownNameError) as refused:
            keys.revoke(unknown)
        assert unknown not in str(refused.value)


def test_what_the_audit_log_refuses_does_not_happen(keys: KeyStore) -> None:
    def refuse(*_: object) -> None:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        keys.create("care", before_commit=refuse)
    made = keys.create("care")
    with pytest.raises(OSError, match="full"):
        keys.revoke(made.record.id, before_commit=refuse)
    with pytest.raises(OSError, match="full"):
        keys.rotate(made.record.id, grace=1, before_commit=refuse)
    assert keys.list_all() == [made.record]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scopes": ["write"]}, "Got 'write'"),
        ({"scopes": []}, "Got none"),
        ({"texts_per_day": 0}, "quota"),
        ({"calls_per_second": -1.0}, "rate"),
        ({"calls_per_second": float("nan")}, "rate"),
        ({"burst": 4}, "needs a rate"),
    ],
)
def test_impossible_keys_are_refused(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    database = open_database(tmp_path)
    with pytest.raises(DataError, match=words):
        KeyStore(database).create("care", **options)
    for name in ("", "  ", "two\nlines", "x" * 201):
        with pytest.raises(DataError, match="name of a key"):
            KeyStore(database).create(name)
    database.close()


def test_only_the_whole_key_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = open_database(tmp_path)
    keys = KeyStore(database)
    made, other = keys.create("care"), keys.create("other")
    word, identity, rest = made.secret.split("_")
    compared: list[tuple[str, str]] = []
    real = secret_file.are_equal
    monkeypatch.setattr("insula.operations.credentials.keys.are_equal", lambda *two: compared.append(two) or real(*two))
    # Right in form, with a right check, of an id that exists: only the digest tells.
    secret = other.secret.split("_")[2][:52]
    forged = f"{word}_{identity}_{secret}{secret_file._check(identity, secret)}"
    assert parse_key(forged) is not None
    assert keys.find_by_secret(forged) is None
    assert keys.find_by_secret(make_secret()) is None
    assert len(compared) == 2  # an unknown id is compared, too
    for wrong in (
        "",
        word,
        identity,
        rest,
        made.secret[:-1],
        made.secret + "a",
        made.secret.upper(),
        f" {made.secret}",
    ):
        assert keys.find_by_secret(wrong) is None
    assert len(compared) == 2  # what has not the form of a key asks no database
    assert keys.find_by_secret(made.secret) == made.record
    database.close()


@given(st.text(max_size=100), st.integers(0, LENGTH - 1), st.characters())
def test_what_is_no_key_is_none(text: str, place: int, other: str) -> None:
    assert parse_key(text) is None
    key = make_secret()
    assert len(key) == LENGTH
    assert parse_key(key) is not None
    if key[place] != other:
        assert parse_key(key[:place] + other + key[place + 1 :]) is None


def test_digests_are_compared_whole() -> None:
    assert are_equal("ab" * 32, "ab" * 32)
    assert not are_equal("ab" * 32, "ab" * 31 + "aa")


def test_a_quota_holds_for_all_servers_and_through_restarts(open_store: Callable[[], Database], clock: Any) -> None:
    one, two = Quota(open_store(), clock=clock), Quota(open_store(), clock=clock)
    assert one.charge("care", 60, 100)
    assert not two.charge("care", 41, 100)
    assert two.charge("care", 39, 100)
    assert one.charge("other", 100, 100)
    assert one.count_used("care") == 99
    assert Quota(open_store(), clock=clock).charge("care", 1, 100)
    assert not Quota(open_store(), clock=clock).charge("care", 1, 100)
    clock.forward(days=1)
    assert one.charge("care", 100, 100)
    clock.forward(days=40)
    one.delete_old()
    assert one.count_used("care") == 0


def test_what_was_not_spent_is_given_back(open_store: Callable[[], Database], clock: Any) -> None:
    one, two = Quota(open_store(), clock=clock), Quota(open_store(), clock=clock)
    assert one.charge("care", 1, 1000)
    assert one.count_used("care") == 10  # a hundredth at a time
    one.refund("care", 1)
    one.release()
    assert two.count_used("care") == 0
    assert two.charge("care", 1000, 1000)
    assert not one.charge("care", 1, 1000)


def test_many_threads_never_exceed_a_quota(open_store: Callable[[], Database], clock: Any) -> None:
    servers = [Quota(open_store(), clock=clock) for _ in range(2)]
    given: list[int] = []

    def ask(quota: Quota, texts: int) -> None:
        given.extend(texts for _ in range(12) if quota.charge("care", texts, 150))

    threads = [threading.Thread(target=ask, args=(server, texts)) for server in servers for texts in (1, 3, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(given) <= 150
    assert sum(given) > 150 - 7 - 2  # nothing is refused while there is room, but what the other server holds
