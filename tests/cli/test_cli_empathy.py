"""`insula empathy score`: a pair, a file of pairs, a file of dialogues."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_messages import failed

import insula.empathy.scoring.files as files_module
from insula import load_model, score_empathy_file
from insula.inference.predictor import Predictor

Insula = Callable[..., Any]
PAIRS = [
    {"question": "I failed the exam again.", "answer": "I'm so sorry. What happened?", "empathy": "old"},
    {"question": "我又没考上。", "answer": "表格在二楼领取。"},
    {"question": "", "answer": "What happened?"},
    {"question": "My cat died.", "answer": " "},
]
CHAT = """\
chat,who,said
1,Ann,I lost my job today.
1,Help,I'm sorry to hear that.
1,Help,How do you feel about it now?
2,Help,Welcome!
2,Bo,My cat died.
2,Help,That must hurt.
"""


@pytest.fixture(scope="module")
def starter() -> Predictor:
    return load_model("starter")


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in PAIRS), encoding="utf-8")
    return file


def test_a_pair_is_scored_with_its_words(insula: Insula) -> None:
    printed = insula("empathy", "score", "I failed the exam again.", "I'm so sorry. What happened?")
    assert printed.exit_code == 0
    lines = printed.stdout.splitlines()
    assert lines[0] == "emotional reaction  2 of 2   “I'm so sorry”"
    assert lines[1] == "interpretation      0 of 2   no words show it"
    assert "Say in your own words" in lines[2]
    assert lines[3] == "exploration         1 of 2   “What happened?”"
    found = json.loads(insula("empathy", "score", "我又没考上。", "好心疼你。", "--json").stdout)
    assert found["emotional_reaction"]["words"] == [{"start": 0, "end": 4, "text": "好心疼你"}]


def test_a_file_keeps_its_rows_and_gets_scores(insula: Insula, pairs: Path, tmp_path: Path) -> None:
    output = tmp_path / "scores.jsonl"
    done = insula("empathy", "score", "--input", pairs, "--output", output)
    assert done.exit_code == 0
    assert "3 rows read, 2 scored." in done.stderr
    assert "1 row could not be read and left out; line 4" in done.stderr
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [row["emotional_reaction"] for row in rows] == [2, 0, None]
    assert rows[0]["empathy"]["exploration"]["words"][0]["text"] == "What happened?"
    assert rows[0]["input_empathy"] == "old"
    table = tmp_path / "scores.csv"
    done = insula("empathy", "score", "-i", pairs, "-o", table, "--json")
    assert json.loads(done.stdout)["levels"]["exploration"] == {"0": 1, "1": 1, "2": 0}
    with table.open(encoding="utf-8", newline="") as file:
        assert [row["exploration"] for row in csv.DictReader(file)] == ["1", "0", ""]


def test_a_dialogue_is_scored_by_supporter_turn(insula: Insula, tmp_path: Path) -> None:
    chat, output = tmp_path / "chat.csv", tmp_path / "scores.jsonl"
    chat.write_text(CHAT, encoding="utf-8")
    options = ("-i", chat, "-o", output, "--reply", "said", "--dialogue", "chat", "--speaker", "who")
    for more, expected in (
        ((), [None, 2, 0, None, 0, None]),  # whoever speaks first is taken for the one who seeks support
        (("--supporter", "Help"), [None, 2, 0, None, None, 0]),
    ):
        assert insula("empathy", "score", *options, *more).exit_code == 0
        rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
        assert [row["emotional_reaction"] for row in rows] == expected
    assert rows[2]["exploration"] == 2
    assert rows[5]["interpretation"] == 2


def test_an_interrupted_run_resumes_to_the_same_bytes(
    starter: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, size = tmp_path / "many.csv", files_module._ROWS_PER_BATCH
    lines = [f"{number},My cat died.,I am sorry {number}.\n" for number in range(size + 3)]
    source.write_text("id,message,reply\n" + "".join(lines), encoding="utf-8")
    score_empathy_file(source, tmp_path / "whole.parquet", starter)
    score, output = files_module.score_replies, tmp_path / "parts.parquet"

    def stop(given: Any, predictor: Predictor) -> Any:
        if len(given) < size:
            raise KeyboardInterrupt
        return score(given, predictor)

    monkeypatch.setattr(files_module, "score_replies", stop)
    with pytest.raises(KeyboardInterrupt):
        score_empathy_file(source, output, starter)
    assert not output.exists()
    monkeypatch.setattr(files_module, "score_replies", score)
    assert score_empathy_file(source, output, starter, resume=True).kept == size
    assert output.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message", "status"),
    [
        ((), "There is nothing to score.", 2),
        (("a message",), "There is no reply to score.", 2),
        (("a message", "a reply", "--supporter", "B"), "need --input FILE", 2),
        (("a message", "a reply", "--input", "x.csv"), "cannot be combined.", 2),
        (("-i", "{pairs}", "-o", "{out}", "--reply", "said"), "said", 1),
        (("-i", "{pairs}", "-o", "{out}", "--supporter", "B"), "need `dialogue`", 1),
        (
            ("-i", "{pairs}", "-o", "{out}", "--reply", "answer", "--dialogue", "question"),
            "need a column with the speaker",
            1,
        ),
    ],
)
def test_a_wrong_command_says_what_to_do(
    insula: Insula, pairs: Path, tmp_path: Path, arguments: tuple[str, ...], message: str, status: int
) -> None:
    filled = [one.format(pairs=pairs, out=tmp_path / "out.jsonl") for one in arguments]
    failed(insula("empathy", "score", *filled), message, status=status)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of pairs whose levels follow from their words."""
    words = {0: "the form is upstairs", 1: "take care friend", 2: "i am worried about you"}
    asks = {0: "read the rules", 1: "what happened", 2: "what are you afraid of"}
    rows = []
    for number in range(180):
        first, last = number % 3, number // 3 % 3
        rows.append(
            {
                "post": f"message {number // 2} about things",
                "said": f"{words[first]}, number {number}. {asks[last]}?",
                "emotional_reaction": first,
                "interpretation": 2 * (number // 9 % 2),
                "exploration": last,
            }
        )
        if rows[-1]["interpretation"]:
            rows[-1]["said"] += " That must be hard."
    file = tmp_path_factory.mktemp("labelled") / "labelled.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def test_a_trained_scorer_scores(insula: Insula, labelled: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = ("empathy", "train", labelled, "--reply", "said", "--output", run, "--recipe", "linear")
    trained = insula(*arguments, "--json")
    assert trained.exit_code == 0, trained.output
    figures = json.loads(trained.stdout)
    assert min(figures["macro_f1"].values()) > 0.9
    assert figures["rows"] >= 10
    reply = "i am worried about you, number 7. read the rules?"
    found = json.loads(insula("empathy", "score", "a message", reply, "-m", run, "--json").stdout)
    assert found["scorer"] == "trained"
    assert [found[name]["level"] for name in ("emotional_reaction", "exploration")] == [2, 0]
    assert found["emotional_reaction"]["words"][0]["text"] == "i am worried about you, number 7."
    assert found["exploration"]["words"] == []
    failed(insula(*arguments), "already holds a finished run")


def test_levels_must_be_0_to_2(insula: Insula, labelled: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in labelled.read_text(encoding="utf-8").splitlines()]
    wrong, run = tmp_path / "wrong.jsonl", tmp_path / "run"
    without = [{name: value for name, value in row.items() if name != "exploration"} for row in rows]
    halves = [row | {"exploration": row["exploration"] + 0.5} for row in rows]
    for given, message in ((halves, "must be 0, 1 or 2. Got"), (without, "Got no exploration")):
        wrong.write_text("".join(json.dumps(row) + "\n" for row in given), encoding="utf-8")
        failed(insula("empathy", "train", wrong, "--reply", "said", "--output", run, "--recipe", "linear"), message)


def test_a_file_says_which_columns_were_detected(insula: Insula, tmp_path: Path) -> None:
    pairs, output = tmp_path / "pairs.csv", tmp_path / "scores.csv"
    pairs.write_text("question,answer\nI failed again.,I am so sorry. What happened?\n", encoding="utf-8")
    call = ("empathy", "score", "--input", pairs, "--output", output)
    assert "common column names: 'answer' (reply), 'question' (message)." in insula(*call).stderr
    assert "common column names: 'answer' (reply)." in insula(*call, "--message", "question").stderr
    assert "detected" not in insula(*call, "--message", "question", "--reply", "answer").stderr
