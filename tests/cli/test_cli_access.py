"""`insula keys`, `insula store` and `insula audit`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from insula.api.stored import verify_audit
from insula.operations.credentials.keys import KeyStore
from insula.operations.store.database import open_database
from insula.operations.store.retention import Retention
from insula.operations.store.rows import RetentionStore, StoredPrediction


def _audited(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()]


def test_the_life_of_a_key(insula: Callable[..., Any], here: Path) -> None:
    made = insula("keys", "create", "care desk", "--expires", "90d", "--quota", "1000", "--rate", "5")
    assert made.exit_code == 0, made.output
    secret = made.stdout.strip()
    identity = secret.split("_")[1]
    assert identity in made.stderr
    listed = insula("keys", "list")
    assert secret not in listed.output
    assert [word in listed.stdout for word in (identity, "active", "predict", "1,000", "care desk")] == [True] * 5

    rotated = insula("keys", "rotate", identity, "--grace", "2h", "--json")
    new = json.loads(rotated.stdout)
    assert (new["name"], new["lineage"], new["texts_per_day"]) == ("care desk", identity, 1000)
    assert json.loads(insula("keys", "revoke", new["id"], "--json").stdout)["state"] == "revoked"
    states = [key["state"] for key in json.loads(insula("keys", "list", "--json").stdout)]
    assert states == ["active", "revoked"]

    database = open_database(here / "insula-data")
    assert KeyStore(database).find_by_secret(secret) is not None
    database.close()
    entries = _audited(here / "insula-data" / "audit")
    assert [entry["event"] for entry in entries] == ["key.created", "key.rotated", "key.revoked"]
    assert not any(value.split("_")[2] in json.dumps(entries) for value in (secret, new["key"]))
    assert insula("audit", "verify").exit_code == 0


def test_what_is_wrong_is_said_in_one_sentence(insula: Callable[..., Any], here: Path) -> None:
    for arguments, words in (
        (("keys", "create", "care", "--scope", "root"), "predict, review, agent, admin"),
        (("keys", "create", "care", "--expires", "soon"), "Write for example 90d"),
        (("keys", "create", "care", "--expires", "999999w"), "at most a century"),
        (("keys", "revoke", "nobody"), "insula keys list"),
        (("keys", "list", "--store", "mysql://u:hush@h/d"), "postgresql://"),
        (("store", "erase", "--subject", ""), "Pass the person's id"),
        (("audit", "verify", "nowhere"), "no audit log"),
    ):
        refused = insula(*arguments)
        assert refused.exit_code == 1
        assert words in refused.stderr
        assert "hush" not in refused.output


def test_no_key_is_made_that_the_audit_log_does_not_know(insula: Callable[..., Any], here: Path) -> None:
    (here / "blocked").write_text("a file")
    assert insula("keys", "create", "care", "--audit", "blocked").exit_code == 1
    assert json.loads(insula("keys", "list", "--json").stdout) == []


def test_a_subject_is_erased_and_the_log_says_so(insula: Callable[..., Any], here: Path) -> None:
    database = open_database("insula-data")
    RetentionStore(database, Retention(1)).keep(
        [StoredPrediction("c", "m", {}, subject="anna@example.org"), StoredPrediction("c", "m", {})]
    )
    database.close()
    said = insula("store", "erase", "--subject", "anna@example.org", "--anchor", "anchors")
    assert said.stdout == "deleted  1 row\n"
    assert json.loads(insula("store", "purge", "--json").stdout) == {"rows": 0}
    (entry,) = _audited(here / "insula-data" / "audit")
    assert (entry["event"], entry["facts"]["rows"]) == ("store.erased", 1)
    assert "anna" not in json.dumps(entry)
    assert verify_audit("insula-data/audit", anchors="anchors").anchors == 1


def test_a_changed_log_ends_with_status_1(insula: Callable[..., Any], here: Path) -> None:
    for name in ("one", "two"):
        insula("keys", "create", name, "--anchor", "anchors")
    (file,) = (here / "insula-data" / "audit").glob("*.jsonl")
    lines = file.read_text().splitlines(keepends=True)
    file.write_text(lines[0])
    assert insula("audit", "verify").exit_code == 0
    cut = insula("audit", "verify", "--anchors", "anchors", "--json")
    assert cut.exit_code == 1
    assert "end of the log is missing" in json.loads(cut.stdout)["findings"][0]
    assert "NOT intact" in insula("audit", "verify", "--anchors", "anchors").stdout


def test_the_server_s_variables_say_where_the_store_is(
    insula: Callable[..., Any], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSULA_SERVE_STORE_ADDRESS", str(here / "elsewhere" / "keys.sqlite3"))
    monkeypatch.setenv("INSULA_SERVE_AUDIT_FOLDER", str(here / "log"))
    assert insula("keys", "create", "care").exit_code == 0
    assert (here / "elsewhere" / "keys.sqlite3").exists()
    assert len(_audited(here / "log")) == 1
