"""Rows for a trained scorer of empathy: their splits, and the weights of rare levels."""

from __future__ import annotations

import json

import pytest

from insula.core.errors import DataError
from insula.empathy.scoring.training import load_level_rows


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file of pairs: one in ten asks strongly, half are warm, half interpret."""
    file = tmp_path_factory.mktemp("pairs") / "pairs.jsonl"
    rows = [
        {
            "message": f"message {number}",
            "reply": f"reply {number}",
            "emotional_reaction": number % 2,
            "interpretation": number // 2 % 2,
            "exploration": 2 * (number % 10 == 0),
        }
        for number in range(200)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(file)


def test_rare_levels_weigh_more(pairs: str) -> None:
    plain, balanced = (load_level_rows(pairs, balance=balance) for balance in (0.0, 0.5))
    assert {one.weight for rows in plain.splits.values() for one in rows} == {1.0}
    assert {one.weight for name in ("validation", "test") for one in balanced.split(name)} == {1.0}
    train = balanced.split("train")
    assert sum(one.weight for one in train) == pytest.approx(len(train))
    asking = [one for one in train if "exploration_2" in (one.labels or ())]
    others = [one for one in train if one.labels is not None and set(one.labels) == {"interpretation_1"}]
    (asked,) = {round(one.weight, 6) for one in asking if "interpretation_1" in (one.labels or ())}
    (other,) = {round(one.weight, 6) for one in others}
    assert asked / other == pytest.approx(((len(train) - len(asking)) / len(asking)) ** 0.5, rel=1e-4)


def test_fractions_are_those_of_the_recipe(pairs: str) -> None:
    found = load_level_rows(pairs, validation_fraction=0.3, test_fraction=0.2)
    shares = [len(found.split(name)) / 200 for name in ("train", "validation", "test")]
    assert shares == pytest.approx([0.5, 0.3, 0.2], abs=0.05)


@pytest.mark.parametrize("balance", [-1.0, float("nan"), float("inf")])
def test_an_impossible_balance_is_refused(pairs: str, balance: float) -> None:
    with pytest.raises(DataError, match="balance must be a number of at least 0"):
        load_level_rows(pairs, balance=balance)
