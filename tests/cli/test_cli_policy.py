"""`insula policy`: from a reply to an outcome, from outcomes to a proven policy, and from there to the next reply."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_messages import failed

from insula.empathy.policy.choice import LeadChooser
from insula.empathy.policy.fixed import ExplorePolicy
from insula.empathy.policy.outcomes import append_outcomes, read_outcomes
from insula.empathy.policy.simulator import Simulator, World

Insula = Callable[..., Any]
SAD = "I failed the exam again. I can't tell my parents."


def write_log(file: Path, count: int, world: World = "differing") -> Path:
    people, chooser = Simulator(random.Random(0), world), LeadChooser(ExplorePolicy(), random.Random(1))
    messages = [people.draw_message() for _ in range(count)]
    append_outcomes(file, [people.react(one, people.choose(chooser, one)) for one in messages])
    return file


def test_a_reply_is_recorded_and_corrected(insula: Insula, tmp_path: Path) -> None:
    answer, log = tmp_path / "reply.json", tmp_path / "outcomes.jsonl"
    answer.write_text(insula("reply", SAD, "--policy", "explore", "--json").stdout, encoding="utf-8")
    assert json.loads(answer.read_text(encoding="utf-8"))["choice"]["policy"] == "explore"
    done = insula("policy", "record", answer, "--action", "edited", "--log", log)
    assert "1  sent with changes" in done.stderr
    done = insula("policy", "record", answer, "--action", "sent", "--used", "2", "--log", log, "--json")
    assert json.loads(done.stdout)["actions"] == {"sent": 1, "edited": 0, "rejected": 0}
    found = read_outcomes(log)
    assert [one.action for one in found.outcomes] == ["sent"]
    assert found.outcomes[0].used == json.loads(answer.read_text(encoding="utf-8"))["drafts"][1]["strategy"]
    assert "exam" not in log.read_text(encoding="utf-8")
    plain = insula("reply", SAD, "--json").stdout
    assert json.loads(plain)["choice"] is None
    done = insula("policy", "record", "-", "--action", "sent", "--log", log, "--format", "jsonl", stdin=plain)
    assert "1 row left out: a reply without a choice" in done.stderr


def test_a_policy_is_learned_evaluated_and_used(insula: Insula, tmp_path: Path) -> None:
    log, policy = write_log(tmp_path / "log.jsonl", 4000), tmp_path / "policy.json"
    done = insula("policy", "learn", log, "--output", policy)
    assert done.exit_code == 0
    assert "It is proven on this log" in done.stdout
    told = json.loads(insula("policy", "evaluate", policy, log, "--json").stdout)
    assert told["gain"]["low"] >= 0
    assert "not shown to be as good" in insula("policy", "evaluate", "rules", log).stdout
    reply = json.loads(insula("reply", SAD, "--policy", policy, "--json").stdout)
    version = json.loads(policy.read_text(encoding="utf-8"))["version"]
    assert (reply["choice"]["policy"], reply["choice"]["version"]) == ("thompson", version)
    assert reply["drafts"][0]["strategy"] == reply["choice"]["strategy"]


def test_an_unproven_policy_says_so_and_is_rejected(insula: Insula, tmp_path: Path) -> None:
    log, policy = write_log(tmp_path / "log.jsonl", 1500, "agreeing"), tmp_path / "policy.json"
    done = insula("policy", "learn", log, "--output", policy)
    assert done.exit_code == 0
    assert "It is not proven" in done.stderr
    assert json.loads(insula("policy", "learn", log, "--output", policy, "--json").stdout)["proven"] is False
    assert "is not proven" in failed(insula("reply", SAD, "--policy", policy))
    accepted = insula("reply", SAD, "--policy", policy, "--accept-unproven", "--json")
    assert json.loads(accepted.stdout)["choice"]["policy"] == "thompson"


@pytest.mark.parametrize(
    ("arguments", "words", "status"),
    [
        (("reply", SAD, "--accept-unproven"), "--accept-unproven needs --policy FILE", 2),
        (("reply", SAD, "--policy", "thompsn"), "neither a file nor one of explore, rules", 1),
        (("policy", "learn", "none.jsonl", "-o", "p.json"), "insula policy record", 1),
        (("policy", "learn", "log.jsonl", "-o", "log.jsonl"), "must differ from the input", 1),
        (("policy", "learn", "log.jsonl", "-o", "p.json", "--explore", "0.9"), "must be from 0 to 0.5", 1),
        (("policy", "learn", "log.jsonl", "-o", "p.json", "--held-out", "1"), "must be from 0.1 to 0.9", 1),
        (("policy", "evaluate", "rules", "log.jsonl"), "needs 200 choices", 1),
        (("policy", "record", "log.jsonl", "--log", "o.jsonl", "--action-column", "done"), "'done'", 1),
        (("policy", "record", "log.jsonl", "--log", "other.jsonl", "--action", "liked"), "must be one of sent", 1),
    ],
)
def test_a_wrong_call_is_one_sentence(
    insula: Insula, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str, status: int
) -> None:
    monkeypatch.chdir(tmp_path)
    write_log(tmp_path / "log.jsonl", 20)
    assert words in failed(insula(*arguments), status=status)
    assert not (tmp_path / "p.json").exists()
