"""Rows become a data set: nothing unusable gets in, nothing is lost without a note, nothing leaks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from insula.core.builtin_schemes import get_builtin_scheme
from insula.core.errors import DataError, LeakError
from insula.data.formats.writers import open_writer
from insula.data.load import load_dataset, read_examples
from insula.data.options import DataOptions
from insula.data.splits.compared import hash_text

WORDS = ("river", "mountain", "table", "window", "garden", "bottle", "pencil", "engine", "castle", "forest", "island")


def sentences(count: int, start: int = 0) -> list[str]:
    """Different texts, no two of them near-duplicates."""
    numbers = range(start, start + count)
    return [" ".join(WORDS[(n // 11**k + 3 * k) % 11] + str(n * (k + 3) % 89) for k in range(6)) for n in numbers]


def rows(count: int, labels: Sequence[Any] = ("joy", "fear", "anger"), start: int = 0) -> list[dict[str, Any]]:
    return [{"text": t, "label": labels[n % len(labels)]} for n, t in enumerate(sentences(count, start))]


def write(path: Path, content: list[dict[str, Any]]) -> Path:
    with open_writer(path) as writer:
        writer.write(content)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.tsv.gz", "a.jsonl", "a.json", "a.parquet", "a.arrow"])
def test_one_file_is_split_in_three(tmp_path: Path, name: str) -> None:
    data = load_dataset(write(tmp_path / name, rows(60)), seed=3)
    assert {split: len(part) for split, part in data.splits.items()} == {"train": 48, "validation": 6, "test": 6}
    assert (data.name, data.scheme.kind, data.scheme.names) == ("a", "single", ("anger", "fear", "joy"))
    assert "Columns used: text column 'text', label column 'label'." in data.notes
    again = load_dataset(str(tmp_path / name), seed=3)
    assert again == data
    assert load_dataset(tmp_path / name, seed=4).splits != data.splits


def test_given_splits_are_used(tmp_path: Path) -> None:
    for number, split in enumerate(("train", "dev", "test")):
        write(tmp_path / f"{split}.csv", rows(30, start=30 * number))
    data = load_dataset(tmp_path)
    assert [example.text for example in data.split("validation")] == sentences(30, 30)
    assert {split: len(part) for split, part in data.splits.items()} == {"train": 30, "validation": 30, "test": 30}


def test_only_what_may_be_missing_is_split_off(tmp_path: Path) -> None:
    write(tmp_path / "a" / "train.csv", rows(60))
    assert {s: len(p) for s, p in load_dataset(tmp_path / "a").splits.items()} == {"train": 54, "validation": 6}
    write(tmp_path / "a" / "test.csv", rows(20, start=200))
    assert {s: len(p) for s, p in load_dataset(tmp_path / "a").splits.items()} == {
        "train": 54, "validation": 6, "test": 20,
    }  # fmt: skip
    write(tmp_path / "b" / "train.csv", rows(60))
    write(tmp_path / "b" / "val.csv", rows(20, start=200))
    assert {s: len(p) for s, p in load_dataset(tmp_path / "b").splits.items()} == {"train": 60, "validation": 20}
    write(tmp_path / "b" / "all.csv", rows(90))
    assert (
        "The file with all rows was not read, because other files hold the splits."
        in load_dataset(tmp_path / "b").notes
    )
    write(tmp_path / "c" / "test.csv", rows(20))
    with pytest.raises(DataError, match=r"'c' has no training rows, only test\."):
        load_dataset(tmp_path / "c")


def test_several_files_are_joined(tmp_path: Path) -> None:
    paths = [write(tmp_path / "a.csv", rows(30)), write(tmp_path / "b.jsonl", rows(30, start=30))]
    assert sum(map(len, load_dataset(paths).splits.values())) == 60


def test_leaks_are_taken_out_of_train(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", [*rows(30), {"text": "WOW, so good @you!", "label": "joy"}])
    write(tmp_path / "validation.csv", rows(10, start=100))
    write(tmp_path / "test.csv", [*rows(10, start=200), {"text": "wow so good @me", "label": "joy"}])
    data = load_dataset(tmp_path)
    assert len(data.split("train")) == 30
    assert data.overlaps["test"] == {hash_text("wow so good")}


def test_unusable_rows_are_dropped_and_counted(tmp_path: Path) -> None:
    lines = [json.dumps(row) for row in rows(40)]
    lines += ['{"text": " ", "label": "joy"}', '{"label": "joy"}', '{"text": "good day"}', "{broken", '["text"]']
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    data = load_dataset(tmp_path / "a.jsonl")
    notes = " ".join(data.notes)
    assert "3 rows of the source dropped: 2 with empty text, 1 without a label." in notes
    assert f"2 rows of '{tmp_path}/a.jsonl' could not be read, the first in line 44: broken JSON" in notes
    assert sum(map(len, data.splits.values())) == 40


def test_unknown_labels_in_test_are_dropped_and_counted(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", rows(30))
    write(tmp_path / "test.csv", [*rows(9, start=100), {"text": "what a mess", "label": "wrath"}])
    data = load_dataset(tmp_path)
    assert len(data.split("test")) == 9
    assert "1 row of test dropped: 1 with the unknown label 'wrath'." in data.notes


def test_a_test_split_without_labels_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", rows(30))
    write(tmp_path / "validation.csv", rows(9, start=100))
    write(tmp_path / "test.csv", rows(9, labels=("",), start=200))
    data = load_dataset(tmp_path)
    assert list(data.splits) == ["train", "validation"]
    assert "No row of test is usable, so that split is ignored." in data.notes


def test_attributes_come_along(tmp_path: Path) -> None:
    content = [
        {
            **row,
            "id": f"{n:03}",
            "lang": "en" if n else None,
            "author": f"author {n % 20}",
            "confidence": "" if n else 0.25,
        }
        for n, row in enumerate(rows(60))
    ]
    path = write(tmp_path / "a.csv", content)
    with path.open("a") as file:
        file.write("bad weight,joy,61,en,me,-1\n")
    data = load_dataset(path, DataOptions(group="author", weight="confidence"))
    by_id = {example.id: example for part in data.splits.values() for example in part}
    assert (by_id["000"].weight, by_id["000"].language, by_id["000"].group) == (0.25, None, "author 0")
    assert (by_id["001"].weight, by_id["001"].language) == (1.0, "en")
    assert "1 with a weight that is not a number from 0 to 1e9" in " ".join(data.notes)
    sides = {example.group: split for split, part in data.splits.items() for example in part}
    assert all(sides[e.group] == split for split, part in data.splits.items() for e in part)


def test_weights_that_are_all_zero_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [{**row, "weight": 0} for row in rows(40)])
    with pytest.raises(DataError, match="must not all be 0"):
        load_dataset(path)


def test_long_texts_are_cut(tmp_path: Path) -> None:
    content = [*rows(40), {"text": "very " * 100, "label": "joy"}]
    data = load_dataset(write(tmp_path / "a.jsonl", content), DataOptions(max_text_length=60))
    assert max(len(example.text) for part in data.splits.values() for example in part) == 60
    assert f"1 text of '{tmp_path}/a.jsonl' truncated to 60 characters." in data.notes


def test_multi_label_and_scores_from_csv(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", rows(60, labels=(["joy"], ["joy", "fear"], [], ["anger", "joy"], ["anger"])))
    data = load_dataset(path)
    assert (data.scheme.kind, data.scheme.names) == ("multi", ("anger", "fear", "joy"))
    assert {e.labels for e in data.split("train")} == {("joy",), ("fear", "joy"), (), ("anger", "joy"), ("anger",)}
    flags = [{"text": t, "joy": n % 2, "fear": n % 3 == 0} for n, t in enumerate(sentences(60))]
    path = write(tmp_path / "b.parquet", [{**row, "fear": int(row["fear"])} for row in flags])
    assert load_dataset(path, DataOptions(label=("joy", "fear"))).scheme.kind == "multi"
    scores = [{"text": t, "valence": n / 10, "arousal": (50 - n) / 10} for n, t in enumerate(sentences(60))]
    data = load_dataset(write(tmp_path / "c.tsv", scores))
    assert data.scheme.ranges == {"valence": (0.0, 5.9), "arousal": (-0.9, 5.0)}
    assert data.split("train")[0].labels is None


def test_label_names_file(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("joy\nfear\nanger\n")
    path = write(tmp_path / "a.csv", rows(60, labels=(0, 1, 2)))
    data = load_dataset(path, DataOptions(label_names=str(tmp_path / "names.txt")))
    assert (data.scheme.kind, data.scheme.names) == ("single", ("joy", "fear", "anger"))


def test_label_columns_must_agree(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", [{"text": t, "valence": n / 9, "arousal": n} for n, t in enumerate(sentences(30))])
    write(tmp_path / "test.csv", [{"text": t, "valence": n / 9} for n, t in enumerate(sentences(9, 50))])
    with pytest.raises(DataError, match=r"label columns of test must be those of the training rows: valence, arousal"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\n,joy\n  ,fear\n", r"has no row with a text\. 2 rows of .* dropped: 2 with empty text"),
        ("text,label\n", "It has no rows at all"),
        ("text,label\na,b,c\n", r"1 row of .* could not be read, the first in line 2: 3 cells"),
        ("text,label\na,\nb,\n", "must hold a label in at least one row"),
        ("text,label\na,joy\nb,joy\n", "at least two classes. Got only 'joy'"),
        ("words,label\na,joy\n", "has a common name for text"),
    ],
)
def test_what_cannot_be_loaded(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        load_dataset(tmp_path / "a.csv")


def test_every_training_text_leaks(tmp_path: Path) -> None:
    for split in ("train", "validation"):
        write(tmp_path / f"{split}.csv", rows(9))
    with pytest.raises(DataError, match="Every training text also occurs in validation"):
        load_dataset(tmp_path)


def test_a_label_lost_with_the_leaks_is_told_or_refused(tmp_path: Path) -> None:
    train = rows(60)
    write(tmp_path / "train.csv", train)
    write(tmp_path / "test.csv", [row for row in train if row["label"] == "joy"])
    note = "No training row is left with the label joy: the texts are also in validation or test."
    assert load_dataset(tmp_path).notes[-1] == note
    write(tmp_path / "test.csv", [row for row in train if row["label"] != "joy"])
    with pytest.raises(LeakError, match=r"two classes\. Got only 'joy': every text of anger, fear is also in"):
        load_dataset(tmp_path)


def test_votes_of_which_none_can_be_read_are_named(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", [{**row, "votes": "joy, joy"} for row in rows(60)])
    reason = "60 rows of the source dropped: 60 with votes that are neither an object nor a list"
    with pytest.raises(DataError, match=f"No training row of 'a' is usable. {reason}"):
        load_dataset(file, DataOptions(votes="votes"))


def test_evaluation_file_under_a_known_scheme(tmp_path: Path) -> None:
    scheme = get_builtin_scheme("carer")
    path = write(tmp_path / "a.csv", [*rows(9), {"text": "a mess", "label": "wrath"}])
    examples, notes = read_examples(path, DataOptions(), scheme)
    assert [example.labels for example in examples[:3]] == [("joy",), ("fear",), ("anger",)]
    assert (len(examples), "1 row of a dropped: 1 with the unknown label 'wrath'." in notes) == (9, True)
    write(tmp_path / "set" / "train.csv", rows(9))
    with pytest.raises(DataError, match=r"'set' has no test rows, only train\."):
        read_examples(tmp_path / "set", DataOptions(), scheme)
    write(tmp_path / "set" / "test.csv", rows(6, labels=("joy",)))
    assert len(read_examples(tmp_path / "set", DataOptions(), scheme)[0]) == 6
    with pytest.raises(DataError, match="No label in the label column"):
        read_examples(path, DataOptions(), get_builtin_scheme("polarity"))
    (tmp_path / "b.csv").write_text("text,label\na,\n")
    with pytest.raises(DataError, match=r"'b' can be evaluated\. Columns used: .* 1 row of b dropped: 1 without a"):
        read_examples(tmp_path / "b.csv", DataOptions(), scheme)
    header = ",".join(("text", "label", *scheme.names))
    (tmp_path / "c.csv").write_text(f"{header}\na,joy{',0.3' * len(scheme.names)}\n")
    with pytest.raises(DataError, match=r"label column 'joy', .* 1 with a number that is neither 0 nor 1"):
        read_examples(tmp_path / "c.csv", DataOptions(), scheme)
    assert read_examples(tmp_path / "c.csv", DataOptions(label="label"), scheme)[0][0].labels == ("joy",)
