"""`insula safety check`: messages, replies and files, exit statuses, and a check that fails."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_messages import failed

from insula import check_message, check_messages, check_reply
from insula.cli.safety import NEEDS_PERSON
from insula.core.errors import DataError
from insula.inference.risk import scorer as risk_scorer

Insula = Callable[..., Any]
RISK, CALM = "I am going to kill myself tonight.", "The bus was late again."


def test_a_message_at_risk_has_its_own_exit_status(insula: Insula) -> None:
    result = insula("safety", "check", RISK)
    assert result.exit_code == NEEDS_PERSON
    assert "immediate: suicide" in result.stdout
    assert "needs person  yes" in result.stdout
    assert "contact the local emergency service" in result.stdout


@pytest.mark.parametrize("arguments", [
    ("I can't do this any more",), ("--outgoing", "You should just stop the pills."),
    ("我撑不下去了",), ("--outgoing", "把药停了吧。"),
], ids=" ".join)  # fmt: skip
def test_the_examples_of_help_and_docs_need_a_person(insula: Insula, arguments: tuple[str, ...]) -> None:
    assert insula("safety", "check", *arguments).exit_code == NEEDS_PERSON


def test_an_ordinary_message_needs_nobody(insula: Insula) -> None:
    result = insula("safety", "check", CALM, "明天几点开会？")
    assert result.exit_code == 0
    assert "emergency" not in result.stdout


def test_the_help_of_a_country_is_named(insula: Insula) -> None:
    assert "the police of mainland China" in insula("safety", "check", RISK, "--country", "cn").stdout
    assert "The country must be one of" in failed(insula("safety", "check", RISK, "--country", "XX"))


def test_json_has_the_result_of_python(insula: Insula) -> None:
    lines = insula("safety", "check", RISK, CALM, "--json").stdout.splitlines()
    for line, text in zip(lines, (RISK, CALM), strict=True):
        found = json.loads(line)
        assert (found.pop("text"), found["signal"]) == (text, text == RISK)
        assert found.keys() == check_message(text).to_dict().keys()


def test_a_reply_is_stopped_or_may_be_sent(insula: Insula) -> None:
    stopped = insula("safety", "check", "--outgoing", "You should just stop the pills.")
    assert (stopped.exit_code, "may be sent  no" in stopped.stdout) == (NEEDS_PERSON, True)
    assert insula("safety", "check", "--outgoing", "That sounds exhausting.").exit_code == 0
    assert not check_reply("You should just stop the pills.").allowed


def test_a_file_gets_the_columns_of_the_check(insula: Insula, here: Path) -> None:
    (here / "messages.csv").write_text(f"id,text,risk_level\n1,{RISK},x\n2,{CALM},y\n3,,z\n", encoding="utf-8")
    result = insula("safety", "check", "--input", "messages.csv", "--output", "checked.csv")
    assert result.exit_code == 0
    with (here / "checked.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["input_risk_level"] for row in rows] == ["x", "y", "z"]
    assert [row["risk_level"] for row in rows] == ["immediate", "none", "none"]
    assert [row["needs_person"].lower() for row in rows] == ["true", "false", "false"]
    assert "3 rows checked" in result.stderr
    summary = json.loads(insula("safety", "check", "-i", "messages.csv", "-o", "again.csv", "--json").stdout)
    assert summary["counts"] == {"immediate": 1, "none": 2}


def test_a_file_that_is_checked_again_loses_no_column(insula: Insula, here: Path) -> None:
    (here / "a.csv").write_text(f"text,risk_level,input_risk_level\n{CALM},mine,other\n", encoding="utf-8")
    (here / "a.jsonl").write_text(json.dumps({"text": CALM, "risk_level": 1, "input_risk_level": 2}) + "\n", "utf-8")
    for name in ("a.csv", "a.jsonl"):
        assert insula("safety", "check", "-i", name, "-o", f"checked-{name}").exit_code == 0
    with (here / "checked-a.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    again = json.loads((here / "checked-a.jsonl").read_text("utf-8"))
    assert {"mine", "other", "none"} <= set(row.values())
    assert [value for name, value in again.items() if name.startswith("input_")] == [1, 2]


def test_replies_in_a_file_are_checked(insula: Insula, here: Path) -> None:
    (here / "replies.jsonl").write_text(
        '{"text": "I promise you will be safe."}\n{"text": "I am listening."}\n', "utf-8"
    )
    insula("safety", "check", "--outgoing", "-i", "replies.jsonl", "-o", "checked.jsonl")
    rows = [json.loads(line) for line in (here / "checked.jsonl").read_text("utf-8").splitlines()]
    assert [(row["reply_allowed"], row["reply_faults"]) for row in rows] == [(False, ["promise"]), (True, [])]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "There is nothing to check."),
        (("-i", "a.csv"), "There is nothing to check."),
        (("hello", "-i", "a.csv"), "cannot be combined."),
        ((" ",), "Leave it out, or write something."),
        (("-i", "", "-o", "b.csv"), "Got an empty name."),
        (("hello", "--text", "message"), "need --input FILE."),
        (("hello", "--no-header"), "need --input FILE."),
        (("-i", "a.csv", "-o", "b.csv", "--country", "CN"), "--country works only with"),
        (("hello", "--outgoing", "--country", "CN"), "--country works only with"),
    ],
)
def test_wrong_usage_says_what_to_give(insula: Insula, here: Path, arguments: tuple[str, ...], sentence: str) -> None:
    assert sentence in failed(insula("safety", "check", *arguments), status=2)


def test_a_score_that_fails_calls_a_person(insula: Insula, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError(CALM)

    monkeypatch.setattr(risk_scorer, "load_risk_scorer", broken)
    result = insula("safety", "check", CALM, "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == NEEDS_PERSON
    assert (found["signal"], found["needs_person"], found["priority"]) == (False, True, 2)
    assert found["failure"] == "The learned score failed (RuntimeError)."
    assert check_messages([RISK])[0].signal  # the rules still count


def test_the_score_finds_what_the_rules_do_not() -> None:
    text = "I wrote to each of them what I never said, and the cat has a new home. After Friday nobody has to worry."
    found = check_message(text)
    assert found.score is not None
    assert found.score >= 0.5
    assert found.kinds
    assert any("A learned model" in reason for reason in found.reasons)


def test_a_single_text_is_no_list_of_messages() -> None:
    with pytest.raises(DataError, match="Got one text"):
        check_messages(RISK)
    assert [found.signal for found in check_messages(iter([RISK]))] == [True]  # type: ignore[arg-type]
