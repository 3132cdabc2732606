from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insula import train
from insula.core.errors import DataError, LeakError
from insula.core.example import Example
from insula.data.splits.compared import hash_text
from insula.data.splits.leak import Fingerprint, remove_leaks, require_no_leak

READY = Path(__file__).parents[3] / "shared" / "data" / "ready"
SAME = ("I LOVE this, really!", "@ann i love this really http://t.co/1")


def rows(*texts: str) -> list[Example]:
    return [Example(text=text, labels=("joy",)) for text in texts]


def texts(examples: list[Example]) -> list[str]:
    return [example.text for example in examples]


def test_the_hash_ignores_what_the_comparison_key_does() -> None:
    assert hash_text(SAME[0]) == hash_text(SAME[1])
    assert hash_text("i love this") != hash_text("i love that")
    assert 0 <= hash_text("今天很开心") < 2**64


def test_the_hash_never_changes() -> None:
    # Model folders carry these numbers: a change would make every older one blind.
    assert hash_text("Hello, World!") == hash_text("hello world") == 5_814_608_031_911_216_775


def test_a_fingerprint_knows_its_texts_and_no_others() -> None:
    fingerprint = Fingerprint.of(rows("I am happy", "today is grey", "TODAY is grey!"))
    assert len(fingerprint) == 2
    assert fingerprint.find_seen(["i am happy?", "I am not happy", "today is grey"]).tolist() == [True, False, True]


def test_texts_with_nothing_to_compare_are_never_seen() -> None:
    fingerprint = Fingerprint.of(rows("!!!", "", "@user", "joy"))
    assert len(fingerprint) == 1
    assert not fingerprint.find_seen(["", "???", "@other"]).any()


def test_the_digest_is_of_the_set() -> None:
    one = Fingerprint.of(rows("a b", "c d"))
    other = Fingerprint.of(rows("C D", "a b!", "a b"))
    assert one == other
    assert hash(one) == hash(other)
    assert one.digest == other.digest
    assert len(one.digest) == 64
    assert one.digest != Fingerprint.of(rows("a b")).digest


def test_an_empty_fingerprint() -> None:
    empty = Fingerprint.of([])
    assert len(empty) == 0
    assert empty.find_seen(["a", "b"]).tolist() == [False, False]
    assert empty.find_seen([]).tolist() == []
    assert Fingerprint(empty.to_array()) == empty == Fingerprint()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=20), max_size=20))
def test_a_fingerprint_survives_its_array(some: list[str]) -> None:
    fingerprint = Fingerprint.of(rows(*some))
    array = fingerprint.to_array()
    assert array.dtype == np.uint64
    assert (np.diff(array) > 0).all() if len(array) > 1 else True
    assert Fingerprint(array[::-1]) == fingerprint
    assert fingerprint.find_seen(some).tolist() == [hash_text(text) != hash_text("") for text in some]


@pytest.mark.parametrize("wrong", [np.array([1.5]), np.array([-1]), np.ones((2, 2), np.uint64)])
def test_an_array_that_holds_no_hashes_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(DataError, match="hashes"):
        Fingerprint(wrong)


def test_the_guard_never_takes_rows_from_test() -> None:
    splits = {
        "train": rows("one one", "two two", "three three", "four four", "Four four!"),
        "validation": rows("two two", "five five", "three three"),
        "test": rows("three three", "four four", "four four"),
    }
    cleaned, overlaps, notes = remove_leaks(splits)
    assert texts(cleaned["train"]) == ["one one"]
    assert texts(cleaned["validation"]) == ["two two", "five five"]
    assert texts(cleaned["test"]) == ["three three", "four four", "four four"]
    assert overlaps == {
        "validation": frozenset({hash_text("two two"), hash_text("three three")}),
        "test": frozenset({hash_text("three three"), hash_text("four four")}),
    }
    assert notes == (
        "3 training rows were removed: their text is also in test.",
        "1 training row was removed: its text is also in validation.",
        "1 validation row was removed: its text is also in test.",
    )
    assert len(splits["train"]) == 5, "the caller's rows must not change"


def test_the_guard_leaves_clean_splits_alone() -> None:
    splits = {"train": rows("a a", "!!!"), "test": rows("b b", "???")}
    assert remove_leaks(splits) == (splits, {"test": frozenset()}, ())


def test_the_guard_needs_no_train() -> None:
    assert remove_leaks({"test": rows("a", "b")}) == ({"test": rows("a", "b")}, {"test": frozenset()}, ())


def test_a_training_file_that_is_the_test_file_is_refused() -> None:
    with pytest.raises(LeakError, match="Every training text also occurs in test"):
        remove_leaks({"train": rows("a b", "c d"), "test": rows("c d", "A b.")})


def test_a_validation_file_equal_to_test_is_dropped() -> None:
    cleaned, overlaps, notes = remove_leaks({"train": rows("x y"), "validation": rows("a b"), "test": rows("a b")})
    assert set(cleaned) == {"train", "test"}
    assert set(overlaps) == {"test"}
    assert "No row of validation was left" in notes[-1]


@settings(max_examples=50, deadline=None)
@given(*[st.lists(st.sampled_from("abcdefgh"), max_size=8)] * 3)
def test_after_the_guard_no_text_stands_on_both_sides(train: list[str], validation: list[str], test: list[str]) -> None:
    splits = {"train": rows("only here", *train), "validation": rows(*validation), "test": rows(*test)}
    cleaned, _, _ = remove_leaks(splits)
    sets = [set(texts(split)) for split in cleaned.values()]
    assert sum(map(len, sets)) == len(set().union(*sets))
    assert cleaned["test"] == splits["test"]


def test_refuse_leak_names_the_count_and_the_first_texts() -> None:
    train = rows("a b c", "d e f", "g h i")
    with pytest.raises(LeakError, match=r"rows of reviews\.csv .* Got 2 of 3 .*'A b c!'; 'D e f'"):
        require_no_leak(train, rows("A b c!", "new one", "D e f"), name="reviews.csv")
    with pytest.raises(LeakError):
        require_no_leak(Fingerprint.of(train), rows("a b c"), name="reviews.csv")
    require_no_leak(train, rows("new one", "", "!!"), name="reviews.csv")


def test_refuse_leak_shortens_long_texts() -> None:
    long = rows("word " * 500)
    with pytest.raises(LeakError) as caught:
        require_no_leak(long, long, name="it")
    assert len(str(caught.value)) < 400


@pytest.mark.skipif(not READY.is_dir(), reason="the shared data sets are not at ../shared/data/ready")
@pytest.mark.parametrize(("name", "expected"), [("goemotions", 109), ("carer", 11), ("emobank", 25), ("semeval_ec", 4)])
def test_real_sets_repeat_their_training_texts_in_test(name: str, expected: int) -> None:
    splits = {}
    for split in ("train", "test"):
        with gzip.open(READY / name / f"{split}.jsonl.gz", "rt", encoding="utf-8") as file:
            splits[split] = rows(*(json.loads(line)["text"] for line in file))
    cleaned, overlaps, _ = remove_leaks(splits)
    repeated = sum(hash_text(row.text) in overlaps["test"] for row in splits["test"])
    assert repeated == pytest.approx(expected, abs=max(2, 0.1 * expected))
    assert len(cleaned["train"]) < len(splits["train"])
    require_no_leak(cleaned["train"], splits["test"], name="test")


CHAT = [f"{reply} {mark}" for reply in ("Yes", "Ok") for mark in "!?."]


def test_many_removed_rows_are_explained() -> None:
    splits = {"train": rows(*CHAT, *(f"a longer message {n}" for n in range(30))), "test": rows("yes", "ok", "no")}
    cleaned, _, notes = remove_leaks(splits)
    assert len(cleaned["train"]) == 30
    assert notes[0] == "6 training rows were removed: their text is also in test."
    assert "That is 16.7 % of the training rows, most often 'yes' (3), 'ok' (3)." in notes[1]
    assert "--keep-leaks" in notes[1]
    few = {"train": rows("yes", *(f"a longer message {n}" for n in range(30))), "test": rows("yes")}
    assert len(remove_leaks(few)[2]) == 1


def test_rows_that_leak_are_kept_on_request() -> None:
    splits = {"train": rows(*CHAT, "a"), "validation": rows("b"), "test": rows("yes", "ok", "no")}
    cleaned, overlaps, notes = remove_leaks(splits, keep=True)
    assert {name: len(found) for name, found in cleaned.items()} == {"train": 7, "validation": 1, "test": 3}
    assert len(overlaps["test"]) == 2
    assert len(notes) == 1
    assert notes[0].startswith("2 of 3 test rows (66.7 %) have the text of a training row, which was kept on request")


def test_a_run_with_kept_leaks_reports_both_scores(tmp_path: Path) -> None:
    labels = ("joy", "fear")
    for name, start in (("train", 0), ("validation", 60), ("test", 30)):
        lines = [{"text": f"{labels[n % 2]} message {n}", "label": labels[n % 2]} for n in range(start, start + 60)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    overrides = {"data.keep_leaks": True, "evaluation.resamples": 100}
    run = train(tmp_path, recipe="linear", overrides=overrides, output=tmp_path / "run")
    assert run.metrics["test"]["seen"]["rows"] == 30
    assert run.metrics["test"]["seen"]["metrics_without"]["accuracy"] is not None
    run = train(tmp_path, recipe="linear", overrides={"evaluation.resamples": 100}, output=tmp_path / "run2")
    assert run.metrics["test"]["seen"]["rows"] == 0
    assert run.metrics["test"]["overlap"]["rows"] == 30
