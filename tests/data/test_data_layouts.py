"""Files as tools lay them out: annotation exports, saved data sets, class folders, archives, workbooks."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insula.core.errors import DataError
from insula.data.formats.formats import open_rows
from insula.data.formats.row_reader import ReadLimits, RowReader
from insula.data.load import load_dataset, read_examples
from insula.data.options import DataOptions

ROWS = [{"text": f"message {n}", "label": ("joy", "fear", "calm")[n % 3]} for n in range(60)]


def read(path: Path, **options: Any) -> tuple[list[dict[str, Any]], RowReader]:
    with open_rows(path, **options) as reader:
        return [row for batch in reader for row in batch.rows], reader


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "value",
    [
        {"data": ROWS},
        {"version": 1, "info": {"by": "us"}, "examples": ROWS},
        {"rows": [{"row_idx": n, "row": row} for n, row in enumerate(ROWS)]},
        {"text": [row["text"] for row in ROWS], "label": [row["label"] for row in ROWS]},
        {name: {str(n): row[name] for n, row in enumerate(ROWS)} for name in ("text", "label")},
        {"columns": ["text", "label"], "index": [0], "data": [list(row.values()) for row in ROWS]},
    ],
)
def test_a_json_object_with_a_table(tmp_path: Path, value: Any) -> None:
    assert read(write(tmp_path / "a.json", value))[0] == ROWS
    (tmp_path / "a.txt").write_text(json.dumps(value, indent=1), encoding="utf-8")
    assert read(tmp_path / "a.txt")[0] == ROWS


@pytest.mark.parametrize("value", [{"text": "a"}, {"a": [1], "b": [1, 2]}, {"a": [{"x": 1}], "b": [{"x": 1}]}, {}])
def test_a_json_object_without_a_table_is_rejected(tmp_path: Path, value: Any) -> None:
    with pytest.raises(DataError, match=r"must hold a list of objects.*--format jsonl"):
        read(write(tmp_path / "a.json", value))


def label_studio(*choices: list[str], cancelled: bool = False, **value: Any) -> dict[str, Any]:
    annotations = [
        {
            "was_cancelled": cancelled,
            "result": [{"from_name": "mood", "type": "choices", "value": value or {"choices": chosen}}],
        }
        for chosen in choices
    ]
    return {"id": 7, "data": {"text": "so glad", "source": "mail"}, "annotations": annotations, "predictions": []}


def test_label_studio(tmp_path: Path) -> None:
    tasks = [
        label_studio(["joy"]),
        label_studio(["joy", "love"]),
        label_studio(["joy"], ["joy"]),
        label_studio(["joy"], ["fear"]),
        label_studio(["joy"], cancelled=True),
        label_studio([], start=0, end=2, labels=["joy"]),
    ]
    rows, reader = read(write(tmp_path / "a.json", tasks))
    assert reader.notes == ["Read as an export of Label Studio."]
    assert [row["label"] for row in rows] == ["joy", ["joy", "love"], "joy", None]
    assert rows[0] == {"text": "so glad", "source": "mail", "id": 7, "label": "joy"}
    assert [reject.reason for reject in reader.rejects] == [
        "annotators who disagree on the label",
        "an annotation that is neither a choice nor a rating",
    ]


def test_argilla(tmp_path: Path) -> None:
    records = [
        {"id": "a", "fields": {"text": "so glad"}, "metadata": {}, "responses": {"mood": given}, "suggestions": {}}
        for given in (
            [{"value": "joy", "user_id": 1, "status": "submitted"}],
            [{"value": "joy", "status": "submitted"}, {"value": "fear", "status": "discarded"}],
            [{"value": ["joy", "love"]}],
            [],
        )
    ]
    rows, reader = read(write(tmp_path / "a.json", records))
    assert reader.notes == ["Read as an export of Argilla."]
    assert [row["label"] for row in rows] == ["joy", "joy", ["joy", "love"], None]
    old = [{"text": "so glad", "inputs": {"text": "so glad"}, "annotation": "joy", "prediction": None, "id": 1}]
    assert read(write(tmp_path / "b.json", old))[0] == [{"text": "so glad", "id": 1, "label": "joy"}]


def test_several_questions_are_columns(tmp_path: Path) -> None:
    record = {"fields": {"text": "a"}, "responses": {"mood": [{"value": "joy"}], "topic": [{"value": "rain"}]}}
    assert read(write(tmp_path / "a.json", [record]))[0][0] | {"id": None} == {
        "text": "a", "id": None, "mood": "joy", "topic": "rain",
    }  # fmt: skip


def test_prodigy(tmp_path: Path) -> None:
    options = [{"id": "joy", "text": "Joy"}, {"id": "fear", "text": "Fear"}]
    lines = [
        {"text": "so glad", "options": options, "accept": accept, "answer": answer}
        for accept, answer in ((["joy"], "accept"), (["joy", "fear"], "accept"), ([], "ignore"), (["joy"], "reject"))
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    rows, reader = read(tmp_path / "a.jsonl")
    assert [row["label"] for row in rows] == ["joy", ["joy", "fear"]]
    assert [reject.line for reject in reader.rejects] == [3, 4]
    binary = [{"text": "a", "label": "RUDE", "answer": answer} for answer in ("accept", "reject")]
    (tmp_path / "b.jsonl").write_text("\n".join(map(json.dumps, binary)), encoding="utf-8")
    assert [row["label"] for row in read(tmp_path / "b.jsonl")[0]] == ["RUDE", "not RUDE"]


def test_doccano(tmp_path: Path) -> None:
    lines = [{"id": n, "text": row["text"], "label": [row["label"]]} for n, row in enumerate(ROWS)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert load_dataset(tmp_path / "a.jsonl").scheme.names == ("calm", "fear", "joy")
    spans = [line | {"label": [[0, 3, "joy"]]} for line in lines]
    (tmp_path / "b.jsonl").write_text("\n".join(map(json.dumps, spans)), encoding="utf-8")
    with pytest.raises(DataError, match="must hold names, numbers or lists of them"):
        load_dataset(tmp_path / "b.jsonl")


NAMES = {"info": {"features": {"label": {"names": ["sad", "glad"], "_type": "ClassLabel"}, "text": {"_type": "Value"}}}}


def numbered(rows: int, start: int = 0) -> pa.Table:
    numbers = range(start, start + rows)
    table = pa.table({"text": [f"message {n}" for n in numbers], "label": [n % 2 for n in numbers]})
    return table.replace_schema_metadata({"huggingface": json.dumps(NAMES)})


def test_names_of_classes_come_from_the_schema(tmp_path: Path) -> None:
    pq.write_table(numbered(40), tmp_path / "a.parquet")
    assert set(load_dataset(tmp_path / "a.parquet").scheme.names) == {"sad", "glad"}
    test = numbered(4).set_column(1, "label", pa.array([0, 1, -1, 1]))
    pq.write_table(test, tmp_path / "test.parquet")
    scheme = load_dataset(tmp_path / "a.parquet").scheme
    examples, notes = read_examples(tmp_path / "test.parquet", DataOptions(), scheme)
    assert [example.labels for example in examples] == [("sad",), ("glad",), ("glad",)]
    assert any("1 without a label" in note for note in notes)
    pq.write_table(numbered(4).replace_schema_metadata({"huggingface": "{"}), tmp_path / "b.parquet")
    assert read(tmp_path / "b.parquet")[1].value_names == {}


def save(folder: Path, table: pa.Table, **state: Any) -> None:
    folder.mkdir(parents=True)
    for number in range(2):
        name = f"data-{number:05}-of-00002.arrow"
        part = table.slice(number * len(table) // 2, len(table) // 2)
        with pa.OSFile(str(folder / name), "wb") as file, pa.ipc.new_stream(file, part.schema) as writer:
            writer.write_table(part)
    files = [{"filename": f"data-{number:05}-of-00002.arrow"} for number in range(2)]
    write(folder / "state.json", {"_data_files": files, "_split": None, **state})
    write(folder / "dataset_info.json", NAMES)


def test_save_to_disk(tmp_path: Path) -> None:
    save(tmp_path / "one", numbered(40))
    assert set(load_dataset(tmp_path / "one").scheme.names) == {"sad", "glad"}
    for split, start in (("train", 0), ("test", 40)):
        save(tmp_path / "both" / split, numbered(40, start))
    write(tmp_path / "both" / "dataset_dict.json", {"splits": ["train", "test"]})
    dataset = load_dataset(tmp_path / "both")
    assert len(dataset.split("test")) == 40
    assert set(dataset.scheme.names) == {"sad", "glad"}
    save(tmp_path / "chosen", numbered(4), _indices_data_files=[{"filename": "indices.arrow"}])
    with pytest.raises(DataError, match=r"saved with indices.*flatten_indices"):
        load_dataset(tmp_path / "chosen")


def texts(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True)
    for name in names:
        said = " ".join(str(hash(str(folder / name) * n) % 1000) for n in range(1, 12))
        (folder / name).write_text(f"{folder.name}\nsaid {said}", encoding="utf-8")


def test_class_folders(tmp_path: Path) -> None:
    for label in ("pos", "neg"):
        texts(tmp_path / "flat" / label, *(f"{n}.txt" for n in range(20)))
    dataset = load_dataset(tmp_path / "flat")
    assert dataset.scheme.names == ("neg", "pos")
    assert sum(map(len, dataset.splits.values())) == 40
    assert "\nsaid " in dataset.split("train")[0].text
    assert any("labelled with the name of its folder" in note for note in dataset.notes)
    for split in ("train", "test"):
        for label in ("pos", "neg", "unsup"):
            texts(tmp_path / "imdb" / split / label, *(f"{n}.txt" for n in range(10)))
    dataset = load_dataset(tmp_path / "imdb")
    assert (dataset.scheme.names, len(dataset.split("test"))) == (("neg", "pos"), 20)
    assert any("without labels were not read: test/unsup, train/unsup" in note for note in dataset.notes)


def test_a_class_folder_with_a_broken_file(tmp_path: Path) -> None:
    for label in ("pos", "neg"):
        texts(tmp_path / label, *(f"{n}.txt" for n in range(20)))
    (tmp_path / "pos" / "7.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    (tmp_path / "pos" / "8.txt").write_bytes(b"")
    notes = " ".join(load_dataset(tmp_path).notes)
    assert "2 rows of" in notes
    assert "could not be read" in notes


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "txt"])
def test_a_zip_with_one_file(tmp_path: Path, ending: str) -> None:
    name = f"rows.{ending}"
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / name)
    elif ending == "jsonl":
        (tmp_path / name).write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    else:
        lines = ["text,label", *(f"{row['text']},{row['label']}" for row in ROWS)]
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / name, f"folder/{name}")
        archive.writestr(f"__MACOSX/folder/._{name}", "x")
    assert read(tmp_path / "a.zip")[0] == ROWS
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive:
        archive.writestr("more.csv", "text\n")
    with pytest.raises(DataError, match=r"must hold one file of rows\. Got folder/rows.*, more\.csv"):
        read(tmp_path / "a.zip")
    (tmp_path / "b.zip").write_bytes((tmp_path / "a.zip").read_bytes()[:200])
    with pytest.raises(DataError, match="cannot be unpacked"):
        read(tmp_path / "b.zip")


def workbook(path: Path, **sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    book.close()
    return path


def test_excel(tmp_path: Path) -> None:
    sheet = [[], ["text", "label", None], *([row["text"], n % 2, 0.5] for n, row in enumerate(ROWS)), []]
    path = workbook(tmp_path / "a.xlsx", empty=[], mails=sheet, notes=[["x"]])
    with open_rows(path) as reader:
        batch = next(iter(reader))
    assert reader.columns == ("text", "label", "column_3")
    assert (batch.lines[0], batch.rows[0]) == (3, {"text": "message 0", "label": 0, "column_3": 0.5})
    assert len(batch.rows) == 60
    assert reader.warnings == ["Only the sheet 'mails' is read, not 'notes'. Save another one as CSV to read it."]
    assert load_dataset(path).scheme.names == ("0", "1")
    rows, reader = read(workbook(tmp_path / "b.xlsx", one=[["a", "joy"], ["b", "fear"]]), header=False)
    assert rows[0] == {"column_1": "a", "column_2": "joy"}
    with pytest.raises(DataError, match="has no cells"):
        read(workbook(tmp_path / "c.xlsx", one=[]))
    with pytest.raises(DataError, match="does not read Excel files"):
        open_rows(path, limits=ReadLimits(1000, 1000, 10, 10, 1000))
    (tmp_path / "d.xlsx").write_bytes(b"PK\x03\x04 not a workbook")
    with pytest.raises(DataError, match="is not a readable Excel file"):
        read(tmp_path / "d.xlsx")


def test_nested_paths_and_several_texts(tmp_path: Path) -> None:
    rows = [
        {"data": {"title": f"title {n}", "text": f"text {n}"}, "meta": {"mood": ("joy", "fear")[n % 2], "w": [n]}}
        for n in range(40)
    ]
    path = write(tmp_path / "a.json", rows)
    dataset = load_dataset(path, DataOptions(text="data.text", label="meta.mood", weight="meta.w.0"))
    example = min((one for split in dataset.splits.values() for one in split), key=lambda one: one.weight)
    assert (example.text, example.labels, example.weight) == ("text 0", ("joy",), 0.0)
    dataset = load_dataset(path, DataOptions(text=("data.title", "data.text"), label="meta.mood"))
    assert dataset.split("train")[0].text == "title 0\ntext 0"
    assert "text column 'data.title + data.text'" in " ".join(dataset.notes)
    with pytest.raises(DataError, match=r"The text column must be one of .*Got 'dat\.text'"):
        load_dataset(path, DataOptions(text="dat.text"))
