"""`insula queue`: what agents and scripts see; the queue itself is tested with its room."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_messages import failed

from insula.operations.store.database import open_database

Insula = Callable[..., Any]


@pytest.fixture
def queue(insula: Insula, here: Path) -> Callable[..., Any]:
    """Call `insula queue` in an empty folder, with its result as JSON: `queue("claim", "--agent", "ann")`."""

    def call(*arguments: str) -> Any:
        done = insula("queue", *arguments, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return call


def test_the_life_of_a_case(insula: Insula, queue: Callable[..., Any]) -> None:
    opened = insula(
        "queue", "open", "Call me: anna@example.org", "--message", "m-1", "--risk", "high", "--deadline", "30m",
        "--reason", "Anger 0.93.", "--tag", "refund",
    )  # fmt: skip
    assert opened.stdout == "1\n"
    assert insula("queue", "open", "Call me", "--message", "m-1").stdout == "1\n"
    listed = insula("queue", "list").stdout
    assert [word in listed for word in ("high", "in 29m", "waiting", "Call me: [EMAIL]")] == [True] * 4

    claimed = insula("queue", "claim", "--agent", "ann", "--lease", "10m").stdout
    assert [word in claimed for word in ("1, claimed by ann", "[EMAIL]", "Anger 0.93.", "refund")] == [True] * 4
    assert insula("queue", "renew", "1", "-a", "ann").stdout.startswith("renewed  1  held by ann until ")
    assert insula("queue", "reassign", "1", "-a", "lead", "--to", "ben").stdout.startswith("reassigned  1  held by ben")
    assert insula("queue", "release", "1", "-a", "ben").stdout == "released  1  waits in default\n"
    assert queue("claim", "-a", "ann", "--case", "1")["agent"] == "ann"
    closed = queue("close", "1", "-a", "ann", "-o", "resolved", "--note", "wrote to anna@example.org", "--days", "2")
    assert (closed["state"], closed["note"]) == ("closed", "wrote to [EMAIL]")
    assert insula("queue", "reopen", "1", "-a", "lead").stdout == "reopened  1  waits in default\n"

    shown = insula("queue", "show", "1").stdout
    events = ["opened", "claimed", "renewed", "reassigned", "released", "claimed", "closed", "reopened"]
    assert [line.split()[2] for line in shown.splitlines()[-len(events) :]] == events
    assert [event["event"] for event in queue("show", "1")["events"]] == events
    stats = queue("stats")
    assert (stats["opened"], stats["waiting"], stats["closed"], stats["by_risk"]) == (1, 1, 0, {"high": 1})
    assert "waiting    1 (oldest " in insula("queue", "stats").stdout


def test_a_script_reads_the_exit_status(insula: Insula, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insula.operations.store.database.TIMEOUT", 0.2)
    assert failed(insula("queue", "claim", "-a", "ann"), status=3) == "insula: no case is waiting."
    insula("queue", "open", "hello", "--message", "m-1")
    assert "nobody holds it" in failed(insula("queue", "renew", "1", "-a", "ann"), status=4)
    insula("queue", "claim", "-a", "ann")
    for step in (("renew", "1"), ("release", "1"), ("close", "1", "-o", "resolved"), ("claim", "--case", "1")):
        assert "held by 'ann' until" in failed(insula("queue", *step, "-a", "ben"), status=4)
    assert "Reopen" not in failed(insula("queue", "reopen", "1", "-a", "ben"), status=4)
    assert "No case has the number 9" in failed(insula("queue", "show", "9"), status=1)
    most = str(10**20)  # more than a database can store
    for step in (("show", most), ("renew", most, "-a", "ann"), ("claim", "--case", most, "-a", "ann")):
        assert f"No case has the number {most}" in failed(insula("queue", *step), status=1)
    assert "hello" in insula("queue", "list", "--limit", most).stdout
    database = open_database("insula-data")
    with database.begin_write():
        assert "Try again later" in failed(insula("queue", "claim", "-a", "ann"), status=5)
    database.close()
    assert "does not answer" in failed(
        insula("queue", "list", "--store", "postgresql://u:hush@127.0.0.1:9/none"), status=5
    )


def test_wrong_usage_of_the_queue_is_told(insula: Insula, here: Path) -> None:
    for arguments, words in (
        (("open",), "Pass either"),
        (("open", "hello"), "--message is required"),
        (("open", "hello", "--message", "m", "--input", "f"), "Pass either"),
        (("open", "hello", "--message", "m", "--texts", "plain"), "masked or none"),
        (("claim",), "--agent"),
    ):
        assert words in failed(insula("queue", *arguments), status=2)
    for arguments, words in (
        (("open", "hello", "--message", "m", "--risk", "much"), "none, concern, high, immediate"),
        (("open", "hello", "--message", "m", "--deadline", "soon"), "deadline must be a whole number with a unit"),
        (("claim", "-a", "ann", "--lease", "0s"), "The lease must be"),
        (("list", "--state", "lost"), "waiting, claimed, closed"),
        (("reassign", "1", "-a", "ann"), "to an agent or to a queue"),
        (("open", "--input", "nowhere.jsonl"), "does not exist"),
    ):
        assert words in failed(insula("queue", *arguments), status=1)


def test_cases_come_from_a_file_all_or_none(insula: Insula, queue: Callable[..., Any], here: Path) -> None:
    lines = [
        {
            "message": "m-1",
            "text": "hello",
            "deadline": "5m",
            "turns": ["hi", {"text": "so", "speaker": "B"}],
            "tags": [],
        },
        {"message": "m-2", "deadline": 60, "risk": "high", "customer": {"tier": "gold", "vip": True}, "reason": None},
    ]
    (here / "good.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    assert [case["message"] for case in queue("open", "--input", "good.jsonl")] == ["m-1", "m-2"]
    listed = queue("list")
    assert [case["message"] for case in listed] == ["m-2", "m-1"]
    assert listed[1]["turns"] == [{"text": "hi"}, {"text": "so", "speaker": "B"}]
    for line, words in (
        ('{"message": "m-4", "text": 3}', "The text of a case must be a text. Got 3"),
        ('{"message": "m-4", "nope": 3}', "Got 'nope'"),
        ('{"message": "m-4", "tags": [3]}', "tags of a case must be texts"),
        ('{"message": "m-4", "turns": [{"speaker": "B"}]}', "A turn of a case"),
        ('{"text": "hello"}', "must have the key message"),
        ("[]", "must be a JSON object"),
        ("\xff\x00", "is not JSON"),
        ('{"message": "\xc4\xe3"}', "is not UTF-8"),
        ('{"message": "m-4", "deadline": true}', "The deadline of a case must be a duration such as 30m. Got True"),
    ):
        (here / "bad.jsonl").write_bytes(b'{"message": "m-3"}\n' + line.encode("latin-1"))
        sentence = failed(insula("queue", "open", "--input", "bad.jsonl"), status=1)
        assert words in sentence
        assert "Line 2 of 'bad.jsonl'" in sentence
    assert len(queue("list")) == 2


def test_cases_are_chosen_by_queue_agent_and_number(queue: Callable[..., Any]) -> None:
    for number, name in enumerate(("care", "care", "billing"), start=1):
        queue("open", "hello", "--message", f"m-{number}", "--queue", name)
    assert queue("claim", "-a", "ann", "--queue", "billing")["message"] == "m-3"
    assert [case["message"] for case in queue("list", "--queue", "care")] == ["m-1", "m-2"]
    assert [case["message"] for case in queue("list", "--agent", "ann")] == ["m-3"]
    assert [case["message"] for case in queue("list", "--limit", "1")] == ["m-1"]
    assert [case["message"] for case in queue("list", "--state", "claimed")] == ["m-3"]
    assert (queue("stats", "--queue", "care")["waiting"], queue("stats")["waiting"]) == (2, 2)
    moved = queue("reassign", "3", "-a", "lead", "--queue", "care")
    assert (moved["queue"], moved["state"], moved["agent"]) == ("care", "waiting", None)
    assert (queue("stats", "--queue", "care")["waiting"], queue("stats", "--queue", "billing")["waiting"]) == (3, 0)


def test_a_person_and_the_retention_delete_cases(insula: Insula, queue: Callable[..., Any]) -> None:
    for number in (1, 2, 3):
        queue("open", "hello", "--message", f"m-{number}", "--subject", "anna" if number == 1 else "ben")
    assert json.loads(insula("store", "erase", "--subject", "anna", "--json").stdout) == {"rows": 1}
    assert [case["text"] for case in queue("list")] == [None, "hello", "hello"]
    for case, days in (("2", "0.000001"), ("3", "2")):
        queue("claim", "-a", "ann", "--case", case)
        queue("close", case, "-a", "ann", "-o", "resolved", "--days", days)
    time.sleep(0.2)  # longer than a millionth of a day
    assert json.loads(insula("store", "purge", "--json").stdout) == {"rows": 1}
    assert [case["message"] for case in queue("list", "--state", "closed")] == ["m-3"]


def test_late_cases_are_reported_once(insula: Insula, queue: Callable[..., Any], here: Path) -> None:
    queue("open", "hello", "--message", "m-1")
    database = open_database("insula-data")
    from datetime import UTC, datetime, timedelta

    import sqlalchemy as sa

    from insula.operations.store.tables import CASES

    with database.begin_write() as connection:  # as if a day had passed
        past = datetime.now(UTC) - timedelta(days=1)
        connection.execute(sa.update(CASES).values(opened=past, due_from=past - timedelta(hours=1), due=past))
    database.close()
    found = queue("escalate")
    assert [case["message"] for case in found["late"]] == ["m-1"]
    again = insula("queue", "escalate")
    assert (again.stdout, again.stderr) == ("", "0 cases became late, 0 leases ended.\n")
    assert "1d late" in insula("queue", "list", "--late").stdout


def test_texts_may_stay_out_of_the_queue(queue: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSULA_SERVE_RETENTION_TEXTS", "none")
    monkeypatch.setenv("INSULA_AGENT", "ann")
    queue("open", "hello", "--message", "m-1")
    case = queue("claim")
    assert (case["text"], case["agent"]) == (None, "ann")


ROUTES = """
[[routes]]
name = "risk"
risk = "concern"
queue = "crisis"
deadline = "10m"

[[routes]]
name = "gold"
where = {tier = "gold"}
queue = "gold"

[[routes]]
name = "rest"
ignore = true
"""


def test_routes_are_checked(insula: Insula, here: Path) -> None:
    (here / "routes.toml").write_text(ROUTES)
    assert insula("route", "check", "routes.toml").stdout == "3 rules, 0 problems\n"
    (here / "routes.toml").write_text(ROUTES + '[[routes]]\nname = "late"\nlanguage = "zh"\nqueue = "zh"\n')
    checked = insula("route", "check", "routes.toml")
    assert checked.exit_code == 1
    assert checked.stdout.splitlines()[0].startswith("unreachable    'late' never applies: 'rest' decides about every")
    as_json = json.loads(insula("route", "check", "routes.toml", "--json").stdout)
    assert (as_json["rules"], as_json["problems"][0]["rules"]) == (4, ["late", "rest"])
    (here / "routes.toml").write_text('[[routes]]\nname = "a"\npredicted = ["angr"]\nqueue = "q"\n')
    assert "Did you mean 'anger'" in failed(insula("route", "check", "routes.toml", "--model", "starter"), status=1)
    assert "does not exist" in failed(insula("route", "check", "none.toml"), status=1)


def test_an_acknowledgement_is_shown(insula: Insula, here: Path) -> None:
    (here / "routes.toml").write_text('[[routes]]\nname = "all"\nqueue = "q"\nacknowledge = true\n')
    arguments = ("--config", "routes.toml")
    shown = insula("route", "try", "Where is my invoice?", *arguments).stdout
    assert "confirm   Thank you for your message." in shown
    assert (
        "confirm   nothing: the message may show a danger" in insula("route", "try", "I want to die", *arguments).stdout
    )
    found = json.loads(insula("route", "try", "我的发票在哪里？", *arguments, "--json").stdout)
    assert found["withheld"] is None
    assert (found["acknowledgement"]["language"], found["acknowledgement"]["generator"]) == ("zh", "templates")
    assert "已收到" in found["acknowledgement"]["text"]


def test_a_route_is_tried_on_a_text(insula: Insula, here: Path) -> None:
    (here / "routes.toml").write_text(ROUTES)
    arguments = ("route", "try", "Where is my invoice?", "--config", "routes.toml")
    tried = insula(*arguments, "--attribute", "tier=gold").stdout
    lines = tried.splitlines()[1:]
    assert lines[0] == "risk      none"
    assert [line.split(":")[0] for line in lines[1:3]] == ["-         risk", "applies   gold"]
    assert lines[3:] == [
        "decision  queue gold, due in 1d, risk none", "because   Rule 'gold': attribute tier gold (got gold).",
    ]  # fmt: skip
    assert json.loads(insula(*arguments, "--json").stdout)["decision"]["action"] == "ignore"
    danger = json.loads(insula("route", "try", "I want to kill myself", *arguments[3:], "--json").stdout)
    assert (danger["decision"]["queue"], danger["risk"]["kinds"]) == ("crisis", ["suicide"])
    assert danger["prediction"]["language"] == "en"
    named = json.loads(insula(*arguments, "--language", "zh", "--json").stdout)
    assert named["prediction"]["language"] == "zh"
    assert "NAME=VALUE" in failed(insula(*arguments, "--attribute", "gold"), status=2)
    (here / "routes.toml").write_text('[[routes]]\nname = "a"\npredicted = ["angr"]\nqueue = "q"\n')
    assert "Did you mean 'anger'" in failed(insula(*arguments), status=1)
