"""A peer gets no gold of the test rows; its answer is judged as insula's own would be."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import outside
from cells import Cell
from insula.core.targets import build_gold_matrix
from insula.data.dataset import Dataset
from insula.evaluation.decisions.thresholds import choose_thresholds

PEER = """
from exchange import read_task, write_answer
task = read_task()
score = lambda text: [0.9 if name in text else 0.2 for name in task.names]
write_answer(
    task, test=[score(text) for text in task.texts["test"]], packages=("pip",), parameters=1,
    validation=[score(text) for text in task.texts["validation"]], rows_per_second=1.0, train_seconds=0.0,
    said=[task.kind, task.language, task.seed, task.options, sorted(task.gold)],
)
"""


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A peer that runs in this very environment."""
    folder = tmp_path / "peers"
    (folder / "echo").mkdir(parents=True)
    (folder / "echo" / "run.py").write_text(PEER, encoding="utf-8")
    (folder / "exchange.py").write_text((outside.PEERS / "exchange.py").read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(outside, "PEERS", folder)
    monkeypatch.setattr(outside, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(outside, "interpreter", lambda place: sys.executable)
    return tmp_path / "runs"


@pytest.mark.parametrize("kind", ["single", "multi", "binary"])
def test_a_peer_answers_without_seeing_gold(peer: Path, toy_dataset: Callable[..., Dataset], kind: str) -> None:
    data = toy_dataset(kind)
    cell = Cell("tweets", "echo", peer="echo", seed=3, options={"engine": "x"})
    decided, facts = outside.answer(cell, data)
    rows = (peer / cell.name / "test.jsonl").read_text(encoding="utf-8").strip().split("\n")
    assert len(rows) == len(data.split("test"))
    assert all(set(json.loads(row)) == {"text"} for row in rows)
    assert decided.scores.shape == decided.chosen.shape == (len(rows), len(data.scheme.names))
    assert facts["said"] == [kind, "en", 3, {"engine": "x"}, ["train", "validation"]]
    if kind == "multi":
        texts = [example.text for example in data.split("validation")]
        scores = [[0.9 if name in text else 0.2 for name in data.scheme.names] for text in texts]
        thresholds = choose_thresholds(build_gold_matrix(data.scheme, data.split("validation")), scores)
        np.testing.assert_array_equal(decided.chosen, decided.scores >= thresholds)
    else:
        assert (decided.chosen.sum(axis=1) == 1).all()


def test_majority_needs_no_environment(toy_dataset: Callable[..., Dataset]) -> None:
    data = toy_dataset("single")
    decided, _ = outside.answer(Cell("tweets", "majority", peer="majority"), data)
    rates = build_gold_matrix(data.scheme, data.split("train")).mean(axis=0)
    assert (decided.chosen.argmax(axis=1) == rates.argmax()).all()
