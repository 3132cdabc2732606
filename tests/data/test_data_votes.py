"""Annotators' votes: read from a column, kept with the example."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from insula.core.errors import DataError
from insula.core.example import from_arrow, to_arrow
from insula.core.scheme import Kind, LabelScheme
from insula.core.targets import build_soft_gold_matrix
from insula.data.labels.plan import LabelPlan
from insula.data.labels.votes import VoteReading, read_votes
from insula.data.load import load_dataset
from insula.data.options import DataOptions


def _plan(kind: Kind) -> LabelPlan:
    return LabelPlan(LabelScheme("s", kind, ("joy", "fear", "anger")), "name", renames={"0": "joy"})


@pytest.mark.parametrize(
    ("kind", "cell", "expected"),
    [
        ("single", {"joy": 3, "fear": 1}, {"joy": 3.0, "fear": 1.0}),
        ("single", '{"joy": 3, "fear": 1}', {"joy": 3.0, "fear": 1.0}),
        ("single", "{'joy': 2.5}", {"joy": 2.5}),
        ("single", [("joy", 3.0), ("fear", 1.0)], {"joy": 3.0, "fear": 1.0}),
        ("ordinal", ["joy", "joy", "fear"], {"joy": 2.0, "fear": 1.0}),
        ("single", '["joy", "joy", "fear"]', {"joy": 2.0, "fear": 1.0}),
        ("single", [["joy"], ["fear"]], {"joy": 1.0, "fear": 1.0}),
        ("single", ["0", 0, "fear"], {"joy": 2.0, "fear": 1.0}),
        ("multi", {"joy": 0.6, "fear": 1.0}, {"joy": 0.6, "fear": 1.0}),
        ("multi", [["joy", "fear"], ["joy"], [], ["joy", "joy"]], {"joy": 0.75, "fear": 0.25}),
        ("multi", ["joy", "fear"], {"joy": 0.5, "fear": 0.5}),
        ("single", None, None),
        ("single", " ", None),
        ("single", "NaN", None),
    ],
)
def test_votes_are_read(kind: Kind, cell: Any, expected: dict[str, float] | None) -> None:
    assert read_votes(cell, _plan(kind)) == VoteReading(expected)


@pytest.mark.parametrize(
    ("kind", "cell", "problem"),
    [
        ("single", {"joy": "many"}, "not counts"),
        ("single", {"joy": -1}, "not counts"),
        ("multi", {"joy": 3}, "not shares"),
        ("single", [["joy", "fear"]], "several labels or none"),
        ("single", {"boredom": 1}, "unknown label 'boredom'"),
        ("single", "joy", "neither an object nor a list"),
        ("single", "{broken", "neither an object nor a list"),
    ],
)
def test_votes_that_cannot_be_used_say_why(kind: Kind, cell: Any, problem: str) -> None:
    reading = read_votes(cell, _plan(kind))
    assert reading.votes is None
    assert reading.problem is not None
    assert problem in reading.problem


def test_a_data_set_keeps_the_votes(tmp_path: Path) -> None:
    labels = ("joy", "fear", "anger")
    rows = [
        {"text": f"number {n} of the rows {n * 7919}", "label": labels[n % 3],
         "judged": json.dumps({labels[n % 3]: 2, labels[(n + 1) % 3]: 1})}
        for n in range(60)
    ]  # fmt: skip
    rows[5]["judged"] = ""
    rows[7]["judged"] = "unreadable"
    file = tmp_path / "a.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    data = load_dataset(file, DataOptions(votes="judged"))
    assert any("votes column 'judged'" in note for note in data.notes)
    assert any("1 with votes that are neither" in note for note in data.notes)
    examples = [example for part in data.splits.values() for example in part]
    assert sum(example.votes is None for example in examples) == 1
    gold = build_soft_gold_matrix(data.scheme, examples)
    for row, example in zip(gold, examples, strict=True):
        label = data.scheme.names.index((example.labels or ())[0])
        assert row[label] == pytest.approx(2 / 3 if example.votes else 1)
        assert row.sum() == pytest.approx(1)
    assert list(from_arrow(to_arrow(examples))) == examples
    assert all(example.votes is None for example in load_dataset(file).split("train"))
    with pytest.raises(DataError, match="votes column 'judge' is not in the training rows"):
        load_dataset(file, DataOptions(votes="judge"))
