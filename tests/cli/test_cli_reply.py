"""`insula reply`: a text with a conversation from a file, and files of messages that can be resumed."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_messages import failed

import insula.empathy.files as files_module
from insula import load_model, reply_file
from insula.core.errors import DataError
from insula.inference.predictor import Predictor

Insula = Callable[..., Any]
DANGER = "I am going to kill myself tonight."
ROWS = [
    {"id": "1", "message": "I failed the exam again. I can't tell my parents.", "draft": "an old draft"},
    {"id": "2", "message": "等了两个小时，还是没人回电话。"},
    {"id": "3", "message": DANGER},
    {"id": "4", "message": "Fine.", "turns": [DANGER, "Please stay with me."]},
    {"id": "5", "message": " "},
    {"id": "6", "message": "My sister got the job!", "turns": ["I am so worried for my sister.", "Why is that?"]},
]
CHAT = [
    {"role": "customer", "content": "Where is my parcel?"},
    {"role": "customer", "content": "It was promised for Monday."},
]


@pytest.fixture(scope="module")
def starter() -> Predictor:
    return load_model("starter")


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    file = tmp_path / "tickets.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS), encoding="utf-8")
    return file


def read_lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_file_keeps_its_rows_and_gets_drafts(insula: Insula, tickets: Path, tmp_path: Path) -> None:
    output = tmp_path / "drafts.jsonl"
    result = insula("reply", "--input", tickets, "--output", output)
    assert result.exit_code == 0
    assert "5 messages read" in result.stderr
    assert "2  a person is needed; no draft" in result.stderr
    assert "1 row could not be read and left out; line 5" in result.stderr
    assert "Nobody was notified." in result.stderr
    rows = read_lines(output)
    assert [row["id"] for row in rows] == ["1", "2", "3", "4", "6"]
    assert [row["outcome"] for row in rows] == ["drafted", "drafted", "handed_off", "handed_off", "drafted"]
    assert (rows[0]["input_draft"], rows[0]["draft"]) == ("an old draft", rows[0]["reply"]["drafts"][0]["text"])
    assert (rows[2]["draft"], rows[2]["generator"]) == (None, None)
    assert rows[2]["reply"]["hand_off"]["notified"] is False
    assert {row["reply"]["machine_made"] for row in rows} == {True}
    assert rows[4]["reply"]["state"]["moved"] == "better"


def test_a_table_holds_the_answer_as_json(insula: Insula, tickets: Path, tmp_path: Path) -> None:
    output = tmp_path / "drafts.csv"
    done = insula("reply", "-i", tickets, "-o", output, "--n", "1", "--json")
    assert json.loads(done.stdout)["outcomes"] == {"drafted": 3, "checked_in": 0, "handed_off": 2, "refused": 0}
    with output.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [len(json.loads(row["reply"])["drafts"]) for row in rows] == [1, 1, 0, 0, 1]


def test_a_killed_run_resumes_to_the_same_bytes(
    insula: Insula, starter: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "many.jsonl"
    rows = [ROWS[number % 4] | {"id": str(number)} for number in range(files_module._ROWS_PER_BATCH * 2 + 3)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    whole = reply_file(source, tmp_path / "whole.jsonl", starter, n=1)
    write, output = files_module.write_replies, tmp_path / "parts.jsonl"

    def stop(given: Any, *rest: Any) -> Any:
        if any(one.id == str(len(rows) - 1) for one in given):
            raise KeyboardInterrupt
        return write(given, *rest)

    monkeypatch.setattr(files_module, "write_replies", stop)
    with pytest.raises(KeyboardInterrupt):
        reply_file(source, output, starter, n=1)
    assert not output.exists()
    monkeypatch.setattr(files_module, "write_replies", write)
    with pytest.raises(DataError, match="belong to another job with different options"):
        reply_file(source, output, starter, n=2, resume=True)
    resumed = reply_file(source, output, starter, n=1, resume=True)
    assert resumed.kept == files_module._ROWS_PER_BATCH * 2
    assert output.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert resumed.outcomes == whole.outcomes


def test_a_conversation_comes_from_a_file(insula: Insula, tmp_path: Path) -> None:
    chat = tmp_path / "chat.json"
    chat.write_text(json.dumps({"messages": CHAT}), encoding="utf-8")
    said = insula("reply", "Hello? Anybody there?", "--context", chat, "--speaker", "customer", "--json")
    state = json.loads(said.stdout)["state"]
    assert (state["asked"], state["need"], state["answers"]) == ("information", "information", False)
    chat.write_text("A: I lost my job.\nB: Oh no. How are you?\n", encoding="utf-8")
    said = insula("reply", "Worse every day.", "--context", chat, "--speaker", "A", "--json")
    state = json.loads(said.stdout)["state"]
    assert (state["answers"], state["asked"], state["topic"]) == (True, None, "work")
    printed = insula("reply", "Worse every day.", "--context", chat, "--speaker", "A")
    assert "since their first message: feels the same" in printed.stderr


def test_what_others_have_said_is_not_said_again(insula: Insula, tmp_path: Path) -> None:
    chat, text = tmp_path / "chat.jsonl", "I cried in the meeting."
    first = json.loads(insula("reply", text, "--json", "--n", "1").stdout)["drafts"][0]["text"]
    chat.write_text(json.dumps({"speaker": "B", "text": first}) + "\n", encoding="utf-8")
    again = json.loads(insula("reply", text, "--json", "--context", chat, "--speaker", "A").stdout)["drafts"]
    assert again
    assert not any(sentence in draft["text"] for draft in again for sentence in first.split(". "))


@pytest.mark.parametrize(("content", "sentence"), [
    (None, "does not exist"),
    ("[{", "is broken"),
    ('[{"speaker": "A"}]', "an earlier turn that has no text"),
    ("\n", "There is no turn in"),
])  # fmt: skip
def test_a_wrong_conversation_is_told(insula: Insula, tmp_path: Path, content: str | None, sentence: str) -> None:
    chat = tmp_path / "chat.json"
    if content is not None:
        chat.write_text(content, encoding="utf-8")
    assert sentence in failed(insula("reply", "Fine.", "--context", chat))


@pytest.mark.parametrize(("arguments", "sentence"), [
    ((), "There is nothing to reply to"),
    (("Hello there.", "--input", "a.jsonl"), "TEXT and --input cannot be combined"),
    (("Hello there.", "--dialogue", "chat"), "need --input FILE"),
    (("Hello there.", "--context", "chat.json", "--context", "B: Hi"), "takes one file, or turns"),
    (("--input", "a.jsonl", "--output", "-", "--resume"), "Pass both, or leave out resume"),
    (("--input", "a.jsonl", "--output", "b.jsonl"), "does not exist"),
    (("Hello there.", "--prompt", "p.md"), "need --endpoint"),
    (("Hello there.", "--endpoint-tokens", "9", "--local-model", "m.gguf"), "need --endpoint"),
    (("Hello there.", "--local-model", "none.gguf"), "none.gguf"),
    (("Hello there.", "--endpoint", "http://127.0.0.1:9/v1"), "--endpoint-model"),
    (("Hello there.", "--endpoint", "127.0.0.1", "--endpoint-model", "m"), "must begin with http"),
])  # fmt: skip
def test_wrong_options_are_told(insula: Insula, arguments: tuple[str, ...], sentence: str) -> None:
    result = insula("reply", *arguments)
    assert result.exit_code != 0
    assert sentence in " ".join(result.stderr.replace("│", " ").split())
