"""Files of conversations: each row is predicted with the turns before it, however the file is cut into groups."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import insula.data.conversations.recent as recent
import insula.inference.files as files
from insula.core.decision import DecisionRule
from insula.core.errors import DataError
from insula.core.model_input import ModelInput, Turn
from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme
from insula.data.conversations.recent import RecentDialogues
from insula.data.formats.formats import open_rows
from insula.data.formats.writers import open_writer
from insula.inference.files import predict_file
from insula.inference.predictor import Predictor
from insula.text.context import Context
from insula.text.preparation import Preparation

READS = Context(turns=2, target=True, pairs=False)


class Asked:
    """A backend that remembers what it reads, and stops after some texts."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.texts: list[str] = []
        self._stop_after = stop_after

    def logits(self, texts: Sequence[str]) -> np.ndarray:
        if self._stop_after is not None and len(self.texts) >= self._stop_after:
            raise KeyboardInterrupt
        self.texts += texts
        return np.array([[len(text) / 20, 1.0] for text in texts], dtype=np.float32)


def model(context: Context = READS, stop_after: int | None = None) -> Predictor:
    return Predictor(
        scheme=LabelScheme("length", "single", ("long", "short")),
        preparation=Preparation((), context=context),
        decision=DecisionRule(),
        backend=Asked(stop_after),
        fingerprint="a model",
    )


def read_by(predictor: Predictor) -> list[str]:
    return predictor.backend.texts  # type: ignore[attr-defined,no-any-return]


def write(path: Path, content: Sequence[dict[str, Any]]) -> Path:
    with open_writer(path) as writer:
        writer.write(list(content))
    return path


def dialogues(count: int = 3, length: int = 7) -> list[dict[str, Any]]:
    """Dialogues that alternate row by row."""
    return [
        {"talk": f"d{d}", "nr": n, "who": "AB"[n % 2], "text": f"d{d} says {n}" + "!" * n, "id": f"{d}-{n}"}
        for n in range(length)
        for d in range(count)
    ]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_rows_of_a_dialogue_are_read_across_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(files, "CHUNK", 4)
    given = dialogues()
    source = write(tmp_path / f"in.{ending}", given)
    predictor = model()
    taken: list[Prediction] = []
    result = predict_file(predictor, source, taken.extend, dialogue="talk", turn="nr", speaker="who")
    assert (result.rows, result.rejected) == (21, 0)
    texts = {(row["talk"], row["nr"]): row["text"] for row in given}
    for row, read in zip(given, read_by(predictor), strict=True):
        talk, number = row["talk"], row["nr"]
        before = [texts[talk, n] for n in range(max(0, number - 2), number)]
        marks = ["A: ", "B: "][2 - len(before) :]  # two turns before A it is A's own
        turns = [f"{mark}{text}" for mark, text in zip(marks, before, strict=True)]
        assert read == row["text"] + ("\n" + " / ".join(turns[::-1]) if turns else "")
    assert taken == model().predict([_input(row, given) for row in given])
    assert result.warnings == ("The model reads a target, but none of 21 rows has any: predicted from the text only. "
                               "Choose the columns with `target`.",)  # fmt: skip


def _input(row: dict[str, Any], rows: list[dict[str, Any]]) -> ModelInput:
    before = [Turn(one["text"], one["who"]) for one in rows if one["talk"] == row["talk"] and one["nr"] < row["nr"]]
    return ModelInput(row["text"], turns=tuple(before), speaker=row["who"], id=row["id"])


def test_a_resumed_job_has_the_same_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK", 4)
    source = write(tmp_path / "in.jsonl", dialogues())
    columns = {"dialogue": "talk", "speaker": "who"}
    predict_file(model(), source, tmp_path / "alone.jsonl", **columns)
    with pytest.raises(KeyboardInterrupt):
        predict_file(model(stop_after=8), source, tmp_path / "out.jsonl", **columns)
    with pytest.raises(DataError, match="another job with different context columns"):
        predict_file(model(), source, tmp_path / "out.jsonl", resume=True, dialogue="talk")
    result = predict_file(model(), source, tmp_path / "out.jsonl", resume=True, **columns)
    assert result.kept >= 8
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "alone.jsonl").read_bytes()
    assert "none of 21 rows has any" in result.warnings[0]  # all rows count, those of the first run included


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_columns_with_usual_names_are_taken_and_said(tmp_path: Path, ending: str) -> None:
    turns = [{"text": "How was it?", "speaker": "B"}]
    rows = [{"text": "Fine.", "turns": turns, "speaker": "A", "aspect": "food", "lang": "en", "id": 7}]
    if ending == "csv":
        rows = [{**row, "turns": json.dumps(row["turns"])} for row in rows]
    predictor = model()
    taken: list[Prediction] = []
    result = predict_file(predictor, write(tmp_path / f"in.{ending}", rows), taken.extend)
    assert read_by(predictor) == ["Fine.\nfood / B: How was it?"]
    assert (taken[0].id, taken[0].language) == ("7", "en")
    assert result.warnings == (
        "The model reads context: columns detected from common column names: 'turns', 'speaker', 'aspect'.",
    )


def test_usual_names_mean_nothing_to_a_model_of_single_texts(tmp_path: Path) -> None:
    rows = [{"text": "Fine.", "turns": "How was it?", "context": "x", "dialogue": 1, "target": "y"}]
    predictor = model(Context())
    assert predict_file(predictor, write(tmp_path / "in.csv", rows), print).warnings == ()
    assert read_by(predictor) == ["Fine."]


def test_context_that_is_named_and_not_read_is_counted(tmp_path: Path) -> None:
    rows = [{"text": "Fine.", "h": "How was it?", "t": "food"}, {"text": "So.", "h": "", "t": "room"}]
    source = write(tmp_path / "in.csv", rows)
    result = predict_file(model(Context()), source, print, context="h", target="t")
    assert result.warnings == (
        "1 row has earlier turns, which this model does not read.",
        "2 rows have a target, which this model does not read.",
    )


def test_rows_without_the_context_of_a_model_are_counted(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("Fine.\nSo.\n")
    turns, target = predict_file(model(), tmp_path / "in.txt", print).warnings
    assert turns.startswith("The model reads earlier turns, but none of 2 rows has any")
    assert target.startswith("The model reads a target, but none of 2 rows has any")
    one = write(tmp_path / "in.csv", [{"text": "Fine.", "turns": "So?", "target": "a"}, {"text": "Oh."}])
    assert len(predict_file(model(), one, print).warnings) == 1  # that they have common names


def test_rows_whose_context_cannot_be_read_are_set_aside(tmp_path: Path) -> None:
    rows = [{"text": "Fine.", "h": '[{"speaker": "B"}]'}, {"text": "So.", "h": '["How was it?"]'}]
    result = predict_file(model(), write(tmp_path / "in.csv", rows), tmp_path / "out.jsonl", context="h")
    assert (result.rows, result.rejected) == (1, 1)
    with open_rows(tmp_path / "out.jsonl.rejects.jsonl") as reader:
        (reject,) = (row for batch in reader for row in batch.rows)
    assert (reject["line"], reject["reason"]) == (2, "an earlier turn that has no text")


def test_rows_out_of_order_are_counted(tmp_path: Path) -> None:
    given = dialogues(1)
    rows = [given[2], given[0], given[1], given[3], {**given[4], "nr": None}, given[5]]
    result = predict_file(model(), write(tmp_path / "in.jsonl", rows), print, dialogue="talk", turn="nr")
    assert any(
        said.startswith("1 row comes after a later turn of its dialogue (column 'nr')") for said in result.warnings
    )


def test_two_ways_to_give_the_turns_exclude_each_other(tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", dialogues())
    with pytest.raises(DataError, match="cannot be combined: earlier turns"):
        predict_file(model(), source, print, context="who", dialogue="talk")
    with pytest.raises(DataError, match=r"speaker column must be one of .*Got 'whom'.*mean 'who'"):
        predict_file(model(), source, print, dialogue="talk", speaker="whom")


def test_the_longest_silent_dialogues_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MAX_CHARACTERS", 10_000)
    dialogues = RecentDialogues(2)
    dialogues.add("quiet", Turn("hello"))
    for number in range(100):
        assert len(dialogues.add("busy", Turn("x" * 100))) == min(number, 2)
    assert dialogues.add("quiet", Turn("still there")) == (Turn("hello"),)
    for number in range(100):
        dialogues.add(f"other {number}", Turn("x" * 100))
    assert dialogues.add("quiet", Turn("gone")) == ()
    assert len(dialogues._dialogues) < 25
    kept = sum(one.characters for one in dialogues._dialogues.values())
    assert dialogues._characters == kept <= 10_000


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_ray_reads_the_same_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained_run: Any) -> None:
    import shutil

    from insula.models.folder import open_folder, seal

    monkeypatch.setattr(files, "CHUNK", 4)
    folder = shutil.copytree(trained_run("linear", "multi").model, tmp_path / "model")
    known = open_folder(folder)
    said = json.loads((folder / "preparation.json").read_text(encoding="utf-8"))
    said["context"] = READS.to_dict()
    (folder / "preparation.json").write_text(json.dumps(said), encoding="utf-8")
    seal(folder, family=known.family, backend=known.backend)
    predictor = Predictor.load(folder)
    assert predictor.context == READS
    source = write(
        tmp_path / "in.csv", [{**row, "text": ["lovely", "awful", "plain"][row["nr"] % 3]} for row in dialogues()]
    )
    columns = {"dialogue": "talk", "speaker": "who"}
    predict_file(predictor, source, tmp_path / "alone.jsonl", **columns)
    predict_file(predictor, source, tmp_path / "out.jsonl", engine="ray", workers=1, **columns)
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "alone.jsonl").read_bytes()
    predict_file(predictor, source, tmp_path / "other.jsonl", dialogue="nr")
    assert (tmp_path / "out.jsonl").read_bytes() != (tmp_path / "other.jsonl").read_bytes()
