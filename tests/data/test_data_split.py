from __future__ import annotations

import gzip
import itertools
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insula.core.errors import DataError
from insula.core.example import Example
from insula.core.scheme import LabelScheme
from insula.data.splits.near_duplicates import cluster_near_duplicates
from insula.data.splits.split import split_examples
from insula.data.splits.stratify import stratify_iteratively

READY = Path(__file__).parents[3] / "shared" / "data" / "ready"
SINGLE = LabelScheme(name="three", kind="single", names=("anger", "joy", "sadness"))
MULTI = LabelScheme(name="many", kind="multi", names=tuple("abcdefgh"))
VAD = LabelScheme(name="va", kind="dimensional", names=("v", "a"), ranges={"v": (0, 1), "a": (0, 1)})


def unlike(number: int) -> str:
    """A text that is near no other."""
    rng = random.Random(number)
    return " ".join("".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(5))


def single(labels: Sequence[str]) -> list[Example]:
    return [Example(text=unlike(n), labels=(label,), id=str(n)) for n, label in enumerate(labels)]


def sizes(splits: dict[str, list[Example]]) -> dict[str, int]:
    return {name: len(rows) for name, rows in splits.items()}


def test_fractions_and_label_shares_are_met() -> None:
    examples = single((["anger"] * 5 + ["joy"] * 3 + ["sadness"] * 2) * 100)
    splits, notes = split_examples(examples, SINGLE, validation_fraction=0.1, test_fraction=0.2)
    assert sizes(splits) == {"train": 700, "validation": 100, "test": 200}
    for rows in splits.values():
        counts = Counter(row.labels for row in rows)
        assert counts[("anger",)] == pytest.approx(0.5 * len(rows), abs=1)
        assert counts[("sadness",)] == pytest.approx(0.2 * len(rows), abs=1)
    assert "train 700, validation 100, test 200" in notes[0]
    assert len(notes) == 1


def test_every_row_lands_once_and_order_is_kept() -> None:
    examples = single(["anger", "joy"] * 100)
    splits, _ = split_examples(examples, SINGLE)
    ids = [[int(row.id or 0) for row in rows] for rows in splits.values()]
    assert sorted(itertools.chain(*ids)) == list(range(200))
    assert all(rows == sorted(rows) for rows in ids)
    assert ids[1] != list(range(ids[1][0], ids[1][0] + 20)), "rows should be drawn, not cut off"


def test_a_fraction_of_nought_gives_no_such_split() -> None:
    examples = single(["anger", "joy"] * 50)
    assert sizes(split_examples(examples, SINGLE, test_fraction=0)[0]) == {"train": 90, "validation": 10}
    assert sizes(split_examples(examples, SINGLE, validation_fraction=0)[0]) == {"train": 90, "test": 10}
    assert sizes(split_examples(examples, SINGLE, validation_fraction=0, test_fraction=0)[0]) == {"train": 100}


def test_near_duplicates_stay_together() -> None:
    examples = []
    for number in range(300):
        text = " ".join(unlike(10 * number + part) for part in range(4))
        examples += [Example(text=text + end, labels=("joy",)) for end in ("", "!", " ok")]
    splits, notes = split_examples(examples, SINGLE, validation_fraction=0.2, test_fraction=0.2)
    side: dict[int, str] = {}
    clusters = dict(zip([e.text for e in examples], cluster_near_duplicates([e.text for e in examples]), strict=True))
    for name, rows in splits.items():
        for row in rows:
            assert side.setdefault(clusters[row.text], name) == name
    assert sizes(splits) == {"train": 540, "validation": 180, "test": 180}
    assert any("900 rows share a group or nearly the same text" in note for note in notes)


def test_groups_stay_together_and_empty_groups_are_none() -> None:
    rng = random.Random(0)
    examples = [
        Example(text=unlike(n), labels=(rng.choice(SINGLE.names),), group=f"author{n % 60}" if n % 2 else "")
        for n in range(1_200)
    ]
    splits, _ = split_examples(examples, SINGLE)
    groups = [{row.group for row in rows if row.group} for rows in splits.values()]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]
    assert sizes(splits)["test"] == pytest.approx(120, abs=20)
    assert all("" in {row.group for row in rows} for rows in splits.values())


def test_a_chain_over_group_and_text_is_one_atom() -> None:
    examples = single(["joy"] * 20)
    examples += [
        Example(text=unlike(1000), labels=("joy",), group="a"),
        Example(text=unlike(1000), labels=("joy",), group="b"),
        Example(text=unlike(1001), labels=("joy",), group="b"),
    ]
    for seed in range(5):
        splits, _ = split_examples(examples, SINGLE, validation_fraction=0.3, test_fraction=0.3, seed=seed)
        holders = [name for name, rows in splits.items() if any(row.group for row in rows)]
        assert len(holders) == 1


def test_equal_groups_fill_the_splits() -> None:
    examples = [Example(text=unlike(n), labels=(SINGLE.names[n % 3],), group=str(n % 20)) for n in range(1_000)]
    assert sizes(split_examples(examples, SINGLE)[0]) == {"train": 800, "validation": 100, "test": 100}


def test_a_group_too_large_for_its_split_is_noted() -> None:
    examples = [Example(text=unlike(n), labels=("joy",), group=str(n // 50)) for n in range(150)]
    splits, notes = split_examples(examples, SINGLE)
    assert sizes(splits) == {"train": 50, "validation": 50, "test": 50}
    assert any("could not be met" in note and "has 50" in note for note in notes)


def multi_label(count: int, seed: int = 0) -> list[Example]:
    rng = random.Random(seed)
    odds = {name: 0.4 / (place + 1) ** 1.5 for place, name in enumerate(MULTI.names)}
    return [
        Example(text=unlike(n), labels=tuple(name for name in MULTI.names if rng.random() < odds[name]))
        for n in range(count)
    ]


def test_multi_label_shares_hold_for_rare_and_empty_sets() -> None:
    examples = multi_label(2_000)
    splits, _ = split_examples(examples, MULTI)
    assert sizes(splits) == {"train": 1600, "validation": 200, "test": 200}
    total = Counter(label for row in examples for label in row.labels or ("none",))
    for name, share in (("validation", 0.1), ("test", 0.1)):
        counts = Counter(label for row in splits[name] for label in row.labels or ("none",))
        for label, count in total.items():
            assert counts[label] == pytest.approx(share * count, abs=max(2.0, 0.04 * share * count))


def test_multi_label_splits_beat_random_ones_on_shares() -> None:
    examples = multi_label(1_000, seed=3)
    total = Counter(label for row in examples for label in row.labels or ())

    def distance(rows: Sequence[Example]) -> float:
        counts = Counter(label for row in rows for label in row.labels or ())
        return sum(abs(counts[label] / len(rows) - count / 1_000) for label, count in total.items())

    ours = distance(split_examples(examples, MULTI)[0]["test"])
    at_random = [distance(random.Random(seed).sample(examples, 100)) for seed in range(20)]
    assert ours < min(at_random)


def test_every_label_is_in_train() -> None:
    labels = ["anger"] * 50 + ["joy"] + ["sadness"] * 2
    for seed in range(10):
        splits, notes = split_examples(single(labels), SINGLE, validation_fraction=0.4, test_fraction=0.4, seed=seed)
        assert {row.labels for row in splits["train"]} == {("anger",), ("joy",), ("sadness",)}
    assert any("No row of test has the label" in note and "joy" in note for note in notes)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.frozensets(st.sampled_from("abcde"), max_size=3), min_size=12, max_size=60),
    st.sampled_from([0.1, 0.3]),
    st.integers(0, 5),
)
def test_every_label_is_in_train_whatever_the_rows(label_sets: list[frozenset[str]], share: float, seed: int) -> None:
    scheme = LabelScheme(name="m", kind="multi", names=tuple("abcde"))
    examples = [Example(text=unlike(n), labels=tuple(sorted(labels))) for n, labels in enumerate(label_sets)]
    splits, _ = split_examples(examples, scheme, validation_fraction=share, test_fraction=share, seed=seed)
    assert {x for row in splits["train"] for x in row.labels or ()} == {x for labels in label_sets for x in labels}
    assert sum(map(len, splits.values())) == len(examples)
    assert splits["validation"]
    assert splits["test"]


def test_dimensional_values_keep_their_distribution() -> None:
    rng = random.Random(0)
    examples = [Example(text=unlike(n), values=(rng.random() ** 3, rng.betavariate(2, 5))) for n in range(1_000)]
    splits, _ = split_examples(examples, VAD)
    assert sizes(splits) == {"train": 800, "validation": 100, "test": 100}
    for dimension in (0, 1):
        mean = sum((row.values or ())[dimension] for row in examples) / 1_000
        for name in ("validation", "test"):
            found = sum((row.values or ())[dimension] for row in splits[name]) / 100
            assert found == pytest.approx(mean, abs=0.015)


def test_constant_values_do_not_break_it() -> None:
    examples = [Example(text=unlike(n), values=(0.5, 0.5)) for n in range(50)]
    assert sizes(split_examples(examples, VAD)[0]) == {"train": 40, "validation": 5, "test": 5}


def test_the_seed_decides() -> None:
    examples = single(["anger", "joy"] * 100)
    once, again, other = (split_examples(examples, SINGLE, seed=seed)[0] for seed in (1, 1, 2))
    assert once == again
    assert once != other


def test_hash_randomisation_does_not_matter() -> None:
    program = (
        "from insula.core.example import Example; from insula.core.scheme import LabelScheme;"
        "from insula.data.splits.split import split_examples; import random; rng = random.Random(0);"
        "rows = [Example(text=f'{rng.random()} {rng.random()}', labels=tuple(x for x in 'abc' if rng.random() < .4),"
        " group=rng.choice(['g', 'h', None]), id=str(n)) for n in range(200)];"
        "scheme = LabelScheme(name='m', kind='multi', names=tuple('abc'));"
        "print([r.id for r in split_examples(rows, scheme)[0]['test']])"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(printed) == 1


def test_the_smallest_set_that_fills_the_splits() -> None:
    splits, _ = split_examples(single(["anger", "anger", "joy", "joy"]), SINGLE)
    assert sizes(splits) == {"train": 2, "validation": 1, "test": 1}


@pytest.mark.parametrize(
    ("labels", "needed"), [([], 2), (["anger"], 3), (["anger"] * 2, 3), (["anger", "joy", "sadness"], 5)]
)
def test_too_few_rows_are_refused_with_the_number_needed(labels: list[str], needed: int) -> None:
    with pytest.raises(DataError, match=f"at least {needed} rows"):
        split_examples(single(labels), SINGLE)


def test_rows_that_are_all_one_text_cannot_be_split() -> None:
    with pytest.raises(DataError, match="Got 1"):
        split_examples([Example(text="the same", labels=("joy",))] * 10, SINGLE)


@pytest.mark.parametrize(("validation", "test"), [(0.5, 0.5), (-0.1, 0.1), (0.0, 1.0)])
def test_impossible_fractions_are_refused(validation: float, test: float) -> None:
    with pytest.raises(DataError, match="validation_fraction and test_fraction"):
        split_examples(single(["joy"] * 10), SINGLE, validation_fraction=validation, test_fraction=test)


def test_sechidis_example_order_rarest_label_first() -> None:
    # Two rows carry the rare label and two splits are equal: each gets one.
    strata = [{"rare": 1, "often": 1}, {"rare": 1, "often": 1}] + [{"often": 1}] * 8
    for seed in range(10):
        chosen = stratify_iteratively([1] * 10, strata, [5, 5], seed=seed)
        assert chosen[0] != chosen[1]
        assert Counter(chosen) == {0: 5, 1: 5}


def test_few_large_groups_of_values_fill_every_split() -> None:
    rng = random.Random(0)
    examples = [Example(text=unlike(n), values=(rng.random(), rng.random()), group=str(n // 30)) for n in range(90)]
    splits, _ = split_examples(examples, VAD, validation_fraction=0.3, test_fraction=0.4)
    assert sizes(splits) == {"train": 30, "validation": 30, "test": 30}


@pytest.mark.skipif(not READY.is_dir(), reason="the shared data sets are not at ../shared/data/ready")
def test_real_multi_label_tweets() -> None:
    with gzip.open(READY / "semeval_ec" / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    examples = [Example(text=row["text"], labels=tuple(row["labels"])) for row in rows]
    names = tuple(sorted({label for row in rows for label in row["labels"]}))
    splits, _ = split_examples(examples, LabelScheme(name="ec", kind="multi", names=names))
    total = Counter(label for row in examples for label in row.labels or ())
    for name in ("validation", "test"):
        assert len(splits[name]) == pytest.approx(0.1 * len(examples), abs=1)
        counts = Counter(label for row in splits[name] for label in row.labels or ())
        for label, count in total.items():
            assert counts[label] == pytest.approx(0.1 * count, abs=max(2.0, 0.005 * count))
