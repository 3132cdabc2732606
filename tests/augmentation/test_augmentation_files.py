"""A file of rows and its variants, from Python and from the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import insula
from insula.augmentation.augment_rows import AugmentedFile
from insula.cli.app import app
from insula.core.errors import DataError, OutputError, UnknownNameError
from insula.data.columns import AUGMENTED_BY, SOURCE_ROW

ROWS = [
    {"id": "1", "text": "He really liked the very friendly staff!", "label": "positive"},
    {"id": "2", "text": "房间很干净", "label": "positive"},
    {"id": "3", "text": "", "label": "negative"},
    {"id": "4", "text": "The food is not good", "label": "negative"},
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of labelled rows, one of them without a text."""
    file = tmp_path / "train.csv"
    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(ROWS[0]))
        writer.writeheader()
        writer.writerows(ROWS)
    return file


def _augment(source: Path, name: str, **options: object) -> tuple[AugmentedFile, list[dict[str, str]]]:
    done = insula.augment_file(source, source.with_name(name), **{"methods": ["swap", "punctuation"], **options})  # type: ignore[arg-type]
    with done.output.open(encoding="utf-8", newline="") as handle:
        return done, list(csv.DictReader(handle))


def test_variants_follow_their_row(source: Path) -> None:
    done, rows = _augment(source, "more.csv", times=2)
    originals = [{key: value for key, value in row.items() if key in ROWS[0]} for row in rows if not row[AUGMENTED_BY]]
    assert originals == ROWS
    assert (done.rows, done.added) == (4, len(rows) - 4)
    assert sum(done.counts.values()) == done.added > 0
    for row in rows:
        original = ROWS[int(row[SOURCE_ROW]) - 1]
        assert (row["id"], row["label"]) == (original["id"], original["label"])
        assert bool(row[AUGMENTED_BY]) == (row["text"] != original["text"])
    assert len({row["text"] for row in rows}) == len(rows)
    assert done.without >= 1


def test_the_seed_decides_the_bytes(source: Path) -> None:
    files = [
        _augment(source, f"{seed}-{number}.csv", seed=seed, times=3)[0].output for seed in (0, 1) for number in (0, 1)
    ]
    first, again, other, _ = (file.read_bytes() for file in files)
    assert first == again != other


def test_a_variant_does_not_depend_on_other_rows(source: Path, tmp_path: Path) -> None:
    _, rows = _augment(source, "more.csv", methods=["swap"])
    lines = source.read_text(encoding="utf-8").splitlines()
    changed = tmp_path / "changed.csv"
    changed.write_text("\n".join([lines[0], lines[1], "9,another text of five words,negative", *lines[3:]]), "utf-8")
    _, others = _augment(changed, "others.csv", methods=["swap"])
    assert [row for row in others if row["id"] in "14"] == [row for row in rows if row["id"] in "14"]


def test_a_new_label_is_written(source: Path) -> None:
    done, rows = _augment(source, "more.csv", methods=["negation"], label="label")
    added = [(row["text"], row["label"]) for row in rows if row[AUGMENTED_BY]]
    liked = ("He did not really like the very friendly staff!", "negative")
    assert added == [liked, ("房间一点也不干净", "negative"), ("The food is good", "positive")]
    assert done.counts == {"negation": 3}


def test_types_and_other_formats_are_kept(source: Path, tmp_path: Path) -> None:
    parquet = tmp_path / "train.parquet"

    pq.write_table(
        pa.Table.from_pylist([{"text": "He likes it here!", "n": 3}, {"text": "房间很干净", "n": 4}]), parquet
    )
    insula.augment_file(parquet, tmp_path / "more.parquet", methods=["identity", "punctuation"])
    table = pq.read_table(tmp_path / "more.parquet")
    assert table.schema.field("n").type == pa.int64()
    assert table.schema.field(SOURCE_ROW).type == pa.int64()
    assert table.num_rows == 4
    jsonl = tmp_path / "rows.jsonl"
    jsonl.write_text('{"text": "a nice day."}\n{"text": "so so", "more": [1]}\n', encoding="utf-8")
    insula.augment_file(jsonl, tmp_path / "more.jsonl", methods=["punctuation"])
    lines = [json.loads(line) for line in (tmp_path / "more.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line[SOURCE_ROW] for line in lines] == [1, 1, 2, 2]
    assert lines[3]["more"] == [1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": ["emoji", "swap", "negation"]}, "methods emoji, negation need the label of each row.*`label`"),
        ({"label": "labell"}, r"label column must be one of id, text, label.*Got 'labell'.*Did you mean 'label'"),
        ({"text": "body"}, "text column must be one of .*Got 'body'"),
        ({"times": 0}, "must be at least 1. Got 0"),
        ({"language": "fr"}, "language must be one of en, zh. Got 'fr'"),
        (
            {"methods": ["keyboard"], "language": "zh"},
            "method keyboard does not support the language 'zh'",
        ),
    ],
)
def test_bad_input_is_one_sentence(source: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        _augment(source, "more.csv", **options)
    assert [file.name for file in source.parent.iterdir()] == [source.name]


def test_an_augmented_file_is_not_augmented_again(source: Path) -> None:
    done, _ = _augment(source, "more.csv")
    with pytest.raises(DataError, match=r"is augmented already\. Augment the original file"):
        _augment(done.output, "again.csv")


@pytest.mark.parametrize(
    ("rows", "method", "sentence"),
    [
        (
            "今天很好,joy",
            "keyboard",
            "keyboard made no variant: no text is in English, which it supports.",
        ),
        (
            "a day,purple",
            "emoji",
            "emoji made no variant: it knows none of the labels in the column 'label'.",
        ),
        (
            "it is good,joy",
            "negation",
            "negation made no variant: it changes texts with the labels positive",
        ),
    ],
)
def test_a_method_without_variants_says_why(tmp_path: Path, rows: str, method: str, sentence: str) -> None:
    file = tmp_path / "train.csv"
    file.write_text(f"text,label\n{rows}\n", encoding="utf-8")
    done, written = _augment(file, "more.csv", label="label", methods=[method])
    assert (done.rows, done.added, len(written)) == (1, 0, 1)
    assert sentence in " ".join(done.warnings)


def test_an_output_that_exists_stays(source: Path) -> None:
    output = source.with_name("more.csv")
    output.write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match=r"more\.csv' already holds a file.*--overwrite"):
        _augment(source, "more.csv")
    assert output.read_text(encoding="utf-8") == "mine"
    done, _ = _augment(source, "more.csv", overwrite=True)
    assert done.rows == 4


def test_an_unknown_method_names_the_nearest(source: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'elongation'"):
        _augment(source, "more.csv", methods=["elongate"])


def test_the_command_reports_what_it_wrote(source: Path) -> None:
    output = source.with_name("more.csv")
    asked = ["data", "augment", str(source), "--methods", "negation,intensity", "--label", "label", "-o", str(output)]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert "4 rows and 3 variants written." in done.output
    assert "negation" in done.output
    assert "never takes copies as validation or test rows" in done.stderr
    assert "The method intensity changes the strength of an emotion" in done.stderr
    shown = CliRunner().invoke(app, [*asked, "--json", "--overwrite"])
    assert json.loads(shown.stdout)["added"] == 3
    assert CliRunner().invoke(app, [*asked[:-1], "-", "--json"]).exit_code == 2


def test_an_augmented_training_file_trains(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    text = "text,label\n" + "".join(
        f"what a {word} day number {n},{label}\n"
        for n in range(30)
        for word, label in (("fine", "good"), ("dull", "bad"))
    )
    (tmp_path / "train.csv").write_text(text, encoding="utf-8")
    for part in ("validation", "test"):
        (folder / f"{part}.csv").write_text(text.replace("number", part), encoding="utf-8")
    insula.augment_file(tmp_path / "train.csv", folder / "train.csv", methods=["swap", "casing"], times=2)
    dataset = insula.load_dataset(folder)
    assert len(dataset.split("train")) > 100
    assert not any(example.text != example.text.lower() for example in dataset.split("test"))
