"""Differences of cells: paired by row, averaged over seeds, refused for other rows."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from sklearn.metrics import f1_score

import against_linear
import architectures
import decisions
import levers
from cells import CELLS, LEVERS
from decisions import Answers
from differences import mean_difference
from insula.core.decision import DecisionRule
from insula.core.errors import DataError
from insula.core.scheme import LabelScheme
from insula.core.targets import build_gold_matrix
from insula.data.dataset import Dataset
from insula.evaluation.compare import compare


def _answers(right: float, seed: int, rows: int = 400) -> Answers:
    """Answers of which about the share `right` is right; the rows are always the same."""
    gold = np.eye(3)[np.random.default_rng(0).integers(0, 3, rows)]
    generator = np.random.default_rng(seed + 1)
    guessed = np.eye(3)[generator.integers(0, 3, rows)]
    chosen = np.where(generator.random((rows, 1)) < right, gold, guessed)
    return Answers(np.arange(rows), gold, chosen.astype(float), chosen > 0)


def test_the_mean_over_seeds_agrees_with_scikit_learn() -> None:
    off, on = [_answers(0.5, seed) for seed in (1, 2)], [_answers(0.7, seed) for seed in (3, 4)]
    found = mean_difference("single", off, on, "macro_f1")
    scores = [f1_score(cell.gold, cell.chosen, average="macro") for cell in (*off, *on)]
    assert found.value == pytest.approx(np.mean(scores[2:]) - np.mean(scores[:2]))
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < found.value < found.high


def test_one_seed_is_what_insula_compares() -> None:
    off, on = _answers(0.5, 1), _answers(0.6, 2)
    scheme = LabelScheme("three", "single", ("a", "b", "c"))
    known = compare(scheme, off.gold, [off.chosen], [on.chosen]).metrics["macro_f1"]
    assert mean_difference("single", [off], [on], "macro_f1") == known.difference


def test_an_always_empty_multi_label_answer_counts_as_decisions() -> None:
    empty = dataclasses.replace(_answers(0.5, 1), chosen=np.zeros((400, 3), dtype=bool))
    found = mean_difference("multi", [empty], [_answers(1.0, 1)], "macro_f1")
    assert found.value == pytest.approx(1.0)


def test_dimensional_cells_are_compared_by_scores() -> None:
    gold = np.random.default_rng(0).normal(size=(200, 1))
    nothing = np.zeros((200, 1), dtype=bool)
    exact = Answers(np.arange(200), gold, gold, nothing)
    noisy = Answers(np.arange(200), gold, gold + np.random.default_rng(1).normal(size=(200, 1)), nothing)
    found = mean_difference("dimensional", [noisy], [exact], "pearson")
    assert found.value == pytest.approx(1 - np.corrcoef(gold[:, 0], noisy.scores[:, 0])[0, 1])


def test_other_rows_are_refused() -> None:
    off, on = _answers(0.5, 1), dataclasses.replace(_answers(0.5, 2), rows=np.arange(1, 401))
    with pytest.raises(DataError, match="same rows"):
        mean_difference("single", [off], [on], "macro_f1")
    with pytest.raises(DataError, match="same rows"):
        mean_difference("single", [off], [], "macro_f1")


def test_decisions_come_back_as_they_were_kept(tmp_path: Path, toy_dataset: Callable[..., Dataset]) -> None:
    data = toy_dataset("multi")
    gold = build_gold_matrix(data.scheme, data.split("test"))
    decided = DecisionRule().decide(data.scheme, gold * 4 - 2)
    kept = decisions.save("cell", data, decided, tmp_path)
    found = decisions.load("cell", tmp_path)
    assert found is not None
    assert decisions.same_rows(kept, found)
    np.testing.assert_array_equal(found.chosen, gold > 0)
    np.testing.assert_array_equal(found.scores, decided.scores)
    assert decisions.load("other", tmp_path) is None


def test_a_lever_waits_for_all_its_cells(tmp_path: Path, toy_dataset: Callable[..., Dataset]) -> None:
    lever = next(lever for lever in LEVERS if lever.metric is None)
    results, kept = tmp_path / "results", tmp_path / "kept"
    (results / "quality").mkdir(parents=True)
    data = toy_dataset("single")
    gold = build_gold_matrix(data.scheme, data.split("test"))
    pairs = list(lever.pairs(CELLS))
    for off, on in pairs:
        assert levers.measure(lever, results, kept) is None
        for cell, logits in ((off, np.roll(gold, 1, axis=0)), (on, gold)):
            decided = DecisionRule().decide(data.scheme, logits)
            decisions.save(cell.name, data, decided, kept)
            value = f1_score(gold, decided.chosen, average="macro", zero_division=0)
            content = {"kind": "single", "metrics": {"macro_f1": {"value": value}}, "train_seconds": 2.0, "commit": "c"}
            (results / "quality" / f"{cell.name}.json").write_text(json.dumps(content), encoding="utf-8")
    found = levers.measure(lever, results, kept)
    assert found is not None
    assert found["on"] == pytest.approx(1.0)
    assert found["difference"]["value"] == pytest.approx(found["on"] - found["off"])
    assert len(found["by_seed"]) == len(lever.seeds)


def test_architectures_are_held_against_the_masked_reference(tmp_path: Path) -> None:
    results, kept = tmp_path / "results", tmp_path / "kept"
    (results / "quality").mkdir(parents=True)
    kept.mkdir()

    def measured(cell: str, model: str, answers: Answers) -> None:
        value = f1_score(answers.gold, answers.chosen, average="macro")
        content = {
            "kind": "single", "model": model, "seed": int(cell[-1]), "metrics": {"macro_f1": {"value": value}},
            "train_seconds": 2.0, "parameters": 7, "rows_per_second": 9.0, "commit": "c",
        }  # fmt: skip
        (results / "quality" / f"{cell}.json").write_text(json.dumps(content), encoding="utf-8")
        save_file(vars(answers) | {"chosen": answers.chosen.astype(np.uint8)}, kept / f"{cell}.safetensors")

    measured("sst2-lstm-0", "lstm", _answers(0.7, 1))
    assert list(architectures.compared("sst2", results, kept)) == []
    measured("sst2-lstm-1", "lstm", _answers(0.8, 2))
    measured("sst2-reference-masked-0", "reference-masked", _answers(0.5, 3))
    found = {row["model"]: row for row in architectures.compared("sst2", results, kept)}
    assert found["reference-masked"]["difference_to_reference"] is None
    assert found["lstm"]["seeds"] == [0, 1]
    difference = found["lstm"]["difference_to_reference"]
    assert difference["value"] == pytest.approx(found["lstm"]["mean"] - found["reference-masked"]["mean"])
    assert 0 < difference["low"] < difference["value"]
    assert list(architectures.compared("carer", results, kept)) == []


def test_the_difference_to_linear_is_renewed_in_the_result_file(tmp_path: Path) -> None:
    cell, file = CELLS["sst2-lstm-0"], tmp_path / "sst2-lstm-0.json"
    file.write_text(json.dumps({"kind": "single", "difference_to_linear": None, "seed": 0}), encoding="utf-8")

    def keep(name: str, answers: Answers) -> None:
        save_file(vars(answers) | {"chosen": answers.chosen.astype(np.uint8)}, tmp_path / f"{name}.safetensors")

    off, on = _answers(0.5, 1), _answers(0.7, 2)
    keep(cell.name, on)
    against_linear.renew(cell, tmp_path, tmp_path)
    assert json.loads(file.read_text(encoding="utf-8"))["difference_to_linear"] is None
    keep("sst2-linear-0", off)
    against_linear.renew(cell, tmp_path, tmp_path)
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["difference_to_linear"]["value"] == mean_difference("single", [off], [on], "macro_f1").value
    assert found["seed"] == 0
    keep("sst2-linear-0", dataclasses.replace(off, rows=np.arange(1, 401)))
    against_linear.renew(cell, tmp_path, tmp_path)
    assert json.loads(file.read_text(encoding="utf-8"))["difference_to_linear"] is None


def test_older_architectures_stay_until_enough_seeds_are_new() -> None:
    known = [
        {"set": "sst2", "model": "lstm", "seeds": [0, 1], "mean": 0.7},
        {"set": "sst2", "model": "textcnn", "seeds": [0], "mean": 0.8},
    ]
    new = [
        {"set": "sst2", "model": "textcnn", "seeds": [0], "mean": 0.9},
        {"set": "sst2", "model": "lstm", "seeds": [0], "mean": 0.1},
        {"set": "tweets", "model": "lstm", "seeds": [0], "mean": 0.5},
    ]
    found = [(row["set"], row["model"], row["mean"]) for row in architectures.merged(known, new)]
    assert found == [("tweets", "lstm", 0.5), ("sst2", "textcnn", 0.9), ("sst2", "lstm", 0.7)]
    assert architectures.merged(known, []) == [known[1], known[0]]
