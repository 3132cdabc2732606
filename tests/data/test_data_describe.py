from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from insula.core.example import Example, Media
from insula.core.scheme import LabelScheme
from insula.data.dataset import Dataset
from insula.data.describe import describe
from insula.data.description import Description

READY = Path(__file__).parents[3] / "shared" / "data" / "ready"
SINGLE = LabelScheme(name="s", kind="single", names=("anger", "joy", "悲伤"))
MULTI = LabelScheme(name="m", kind="multi", names=("anger", "joy"))
VA = LabelScheme(name="va", kind="dimensional", names=("v", "a"), ranges={"v": (0, 1), "a": (1, 5)})
LONG = "the train was late again and I stood an hour in the cold rain with nobody to talk to but a wet dog"


@pytest.fixture
def single() -> Description:
    train = [
        Example(text="what a lovely day", labels=("joy",)),
        Example(text="What a lovely day!", labels=("joy",)),
        Example(text="leave me alone", labels=("anger",)),
        Example(text="Leave me alone!!", labels=("悲伤",)),
        Example(text=LONG, labels=("悲伤",)),
        Example(text=LONG + "s", labels=("悲伤",)),
        Example(text="", labels=("joy",)),
        Example(text="", media=Media(uri="a.wav", kind="audio"), labels=("joy",)),
        Example(text="@someone http://t.co/1", labels=("joy",)),
        Example(text="no label here"),
    ]
    test = [
        Example(text="leave me ALONE", labels=("anger",)),
        Example(text="我今天真的很难过", labels=("悲伤",), language="zh"),
    ]
    splits = {"train": train, "test": test}
    overlaps = {"test": frozenset({1, 2, 3})}
    return describe(Dataset(name="small", scheme=SINGLE, splits=splits, notes=("2 rows dropped",), overlaps=overlaps))


def test_rows_lengths_and_notes(single: Description) -> None:
    assert single.rows == {"train": 10, "test": 2}
    assert single.lengths["min"] == 0
    assert single.lengths["max"] == len(LONG) + 1
    assert single.lengths["median"] == 15.0
    assert single.notes == ["2 rows dropped"]


def test_balance_counts_every_label_of_every_split(single: Description) -> None:
    assert single.balance["train"]["joy"] == {"count": 5, "share": 0.5}
    assert single.balance["train"]["悲伤"]["count"] == 3
    assert single.balance["test"]["joy"] == {"count": 0, "share": 0.0}
    assert single.labels_per_row == {}
    assert single.values == {}


def test_repeats_conflicts_and_gaps(single: Description) -> None:
    assert single.exact_duplicates == 3
    assert single.near_duplicates == 1
    assert single.compared_rows == 12
    assert single.conflicts == 1
    assert single.conflict_examples == [{"text": "leave me alone", "labels": [["anger"], ["悲伤"]]}]
    assert single.missing == {"empty_texts": 1, "incomparable_texts": 1, "unlabelled": 1}
    assert single.both_sides == {"train and test": 1}
    assert single.overlaps == {"test": 3}


def test_languages_are_told_or_taken(single: Description) -> None:
    assert single.language_rows == 12
    assert single.languages["zh"] == pytest.approx(1 / 12)
    assert sum(single.languages.values()) == pytest.approx(1)


def test_it_is_json(single: Description) -> None:
    plain = single.to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_the_words_name_what_was_found(single: Description) -> None:
    text = "\n".join(single.format_lines())
    assert single.format_lines()[0] == "small: 12 rows, single, 3 labels"
    assert "train 10, test 2" in text
    assert "3 exact duplicates, 1 near-duplicate" in text
    assert "1 text with different labels" in text
    assert "'leave me alone': anger / 悲伤" in text
    assert "1 row: empty texts" in text
    assert "2 rows dropped" in text
    assert "3 texts of test were also training texts" in text
    joy, sadness = (next(line for line in single.format_lines() if name in line) for name in ("  joy ", "  悲伤 "))
    assert joy.count("█") == 24
    assert 24 > sadness.count("█") > 0
    # Chinese characters are two cells wide, so that the figures are still aligned.
    assert joy.index("5  50.0 %") == sadness.index("3  30.0 %") + 2


def test_multi_label_says_how_many_labels_a_row_has() -> None:
    rows = [Example(text=f"text {n}", labels=labels) for n, labels in enumerate([(), ("joy",), ("anger", "joy"), ()])]
    found = describe(Dataset(name="m", scheme=MULTI, splits={"train": rows}))
    assert found.labels_per_row == {"train": {"mean": 0.75, "max": 2, "none": 2}}
    assert "train: 0.75 labels a row, at most 2; 2 rows with none" in "\n".join(found.format_lines())


def test_the_order_of_labels_is_no_conflict() -> None:
    rows = [Example(text="same", labels=("joy", "anger")), Example(text="same", labels=("anger", "joy"))]
    assert describe(Dataset(name="m", scheme=MULTI, splits={"train": rows})).conflicts == 0


def test_dimensional_values() -> None:
    rows = [Example(text=f"number {n} of ten", values=(n / 10, 3.0)) for n in range(10)]
    rows += [Example(text="twice", values=(0.5, 1.0)), Example(text="twice", values=(0.5, 4.0))]
    rows += [Example(text="close", values=(0.5, 3.0)), Example(text="close", values=(0.6, 3.5))]
    found = describe(Dataset(name="va", scheme=VA, splits={"train": rows}))
    values = found.values["train"]
    assert values["a"]["min"] == 1.0
    assert values["a"]["max"] == 4.0
    assert sum(values["v"]["histogram"]) == 14
    assert len(values["v"]["histogram"]) == 10
    assert found.conflict_examples == [{"text": "twice", "labels": [[0.5, 1.0], [0.5, 4.0]]}]
    assert found.balance == {}
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()
    line = next(line for line in found.format_lines() if line.startswith("  train       a"))
    assert "min 1.00, mean 2.96, max 4.00" in line
    assert "█" in line


def test_at_most_five_conflicts_are_shown() -> None:
    rows = [Example(text=f"text {n // 2}", labels=(SINGLE.names[n % 2],)) for n in range(20)]
    found = describe(Dataset(name="s", scheme=SINGLE, splits={"train": rows}))
    assert found.conflicts == 10
    assert len(found.conflict_examples) == 5


def test_an_empty_data_set_can_be_described() -> None:
    found = describe(Dataset(name="nothing", scheme=SINGLE, splits={"train": []}))
    assert found.format_lines()[0] == "nothing: 0 rows, single, 3 labels"
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()


def test_large_sets_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insula.data.describe.LANGUAGE_SAMPLE", 20)
    monkeypatch.setattr("insula.data.describe.COMPARED_ROWS", 50)
    rows = [Example(text=f"this is sentence number {n}", labels=("joy",)) for n in range(200)]
    dataset = Dataset(name="large", scheme=SINGLE, splits={"train": rows})
    found = describe(dataset, seed=4)
    assert found.language_rows == 20
    assert found.compared_rows == 50
    assert found == describe(dataset, seed=4)


@pytest.mark.skipif(not READY.is_dir(), reason="the shared data sets are not at ../shared/data/ready")
def test_real_tweets() -> None:
    splits = {}
    for split in ("train", "test"):
        with gzip.open(READY / "tweeteval_emotion" / f"{split}.jsonl.gz", "rt", encoding="utf-8") as file:
            splits[split] = [Example(text=r["text"], labels=(r["label"],)) for r in map(json.loads, file)]
    scheme = LabelScheme(name="t", kind="single", names=("anger", "joy", "optimism", "sadness"))
    found = describe(Dataset(name="tweeteval_emotion", scheme=scheme, splits=splits))
    assert found.rows == {"train": 3257, "test": 1421}
    assert found.balance["train"]["anger"]["count"] == 1400
    assert found.languages["en"] > 0.85
    assert all(line == line.rstrip() for line in found.format_lines())


def test_long_texts_are_counted_in_words() -> None:
    texts = ["short", "word " * 129, "一" * 300, "word " * 600]
    examples = [Example(text=text, labels=("joy",)) for text in texts]
    found = describe(Dataset(name="long", scheme=SINGLE, splits={"all": examples}))
    assert found.long_texts == {"128": 3, "256": 2, "512": 1}
    line = next(line for line in found.format_lines() if "long texts" in line)
    assert "3 texts (75.0 %) over 128 words, 2 texts (50.0 %) over 256 words" in line
    assert not any(
        "long texts" in line for line in describe(Dataset("s", SINGLE, {"all": examples[:1]})).format_lines()
    )
