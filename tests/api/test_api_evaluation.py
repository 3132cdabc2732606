"""`evaluate`: scores with and without rows the model was trained on, and simple answers beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import insula
from insula.core.errors import DataError, OutputError
from insula.core.example import Example
from insula.data.formats.writers import open_writer


def write(path: Path, examples: list[Example]) -> Path:
    with open_writer(path) as writer:
        writer.write([{"text": one.text, "label": "|".join(one.labels or ())} for one in examples])
    return path


def wrong(example: Example) -> Example:
    return Example(text=example.text, labels=("neutral",) if example.labels != ("neutral",) else ("positive",))


def test_a_planted_leak_is_found_and_scored_apart(tmp_path: Path, run: Path, toy_dataset: Callable[..., Any]) -> None:
    dataset = toy_dataset("single")
    honest = [wrong(one) for one in dataset.split("test")[:30]]  # all answered wrong
    leaked = [
        # The same texts with other case, punctuation and a link: a leak none the less.
        Example(text=f"{one.text.upper()}!!! https://example.org", labels=one.labels)
        for one in (*dataset.split("train")[:25], *dataset.split("validation")[:5])
    ]
    test = insula.evaluate(write(tmp_path / "test.csv", [*honest, *leaked]), run, resamples=100).metrics["test"]
    assert test["rows"] == 60
    assert test["seen"]["rows"] == 30
    with_them = test["metrics"]["accuracy"]["value"]
    without = test["seen"]["metrics_without"]["accuracy"]["value"]
    assert with_them > 0.4
    assert without < 0.1


def test_without_a_leak_nothing_is_seen(tmp_path: Path, run: Path, toy_dataset: Callable[..., Any]) -> None:
    source = write(tmp_path / "test.csv", list(toy_dataset("single").split("test")))
    test = insula.evaluate(source, run, resamples=100).metrics["test"]
    assert test["seen"]["rows"] == 0
    assert test["metrics"]["accuracy"]["value"] > 0.9


def test_all_rows_leaked_leaves_nothing_to_score(tmp_path: Path, run: Path, toy_dataset: Callable[..., Any]) -> None:
    source = write(tmp_path / "test.csv", list(toy_dataset("single").split("train")[:20]))
    test = insula.evaluate(source, run, resamples=100).metrics["test"]
    assert test["seen"]["rows"] == 20
    assert not test["seen"]["metrics_without"]


def test_simple_answers_stand_beside(
    tmp_path: Path, trained_run: Callable[..., Any], toy_dataset: Callable[..., Any]
) -> None:
    source = write(tmp_path / "test.csv", list(toy_dataset("single").split("test")))
    linear = insula.evaluate(source, trained_run("linear", "single").path, resamples=100).metrics["baselines"]
    assert set(linear) == {"majority"}
    assert linear["majority"]["metrics"]["macro_f1"]["value"] == pytest.approx(1 / 6, abs=0.05)
    assert linear["majority"]["difference"]["low"] > 0
    source = write(tmp_path / "multi.csv", list(toy_dataset("multi").split("test")))
    encoder = insula.evaluate(source, trained_run("encoder", "multi").path, resamples=100).metrics["baselines"]
    assert set(encoder) == {"majority", "linear"}


def test_results_are_written_only_where_asked(tmp_path: Path, run: Path, toy_dataset: Callable[..., Any]) -> None:
    source = write(tmp_path / "test.csv", list(toy_dataset("single").split("test")))
    assert insula.evaluate(source, run, resamples=100).path is None
    assert [path.name for path in tmp_path.iterdir()] == ["test.csv"]
    result = insula.evaluate(source, run, output=tmp_path / "out", resamples=100, command="insula evaluate test.csv")
    assert result.path == tmp_path / "out"
    written = json.loads((tmp_path / "out/metrics.json").read_text(encoding="utf-8"))
    assert written == result.metrics
    assert written["command"] == "insula evaluate test.csv"
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert len(page) < 1_000_000
    assert "<script src" not in page


def test_a_run_is_no_place_for_an_evaluation(tmp_path: Path, run: Path, toy_dataset: Callable[..., Any]) -> None:
    source = write(tmp_path / "test.csv", list(toy_dataset("single").split("test")))
    with pytest.raises(OutputError, match="own results would be replaced"):
        insula.evaluate(source, run, output=run / "model")


def test_columns_are_those_of_training_unless_said(tmp_path: Path, run: Path, toy_dataset: Callable[..., Any]) -> None:
    examples = toy_dataset("single").split("test")
    with open_writer(tmp_path / "test.csv") as writer:
        writer.write([{"words": one.text, "feeling": one.labels[0]} for one in examples])
    with pytest.raises(DataError, match="words"):
        insula.evaluate(tmp_path / "test.csv", run)
    result = insula.evaluate(tmp_path / "test.csv", run, text="words", label=["feeling"], resamples=100)
    assert result.metrics["test"]["rows"] == len(examples)


def test_rows_with_other_labels_are_counted(tmp_path: Path, run: Path, toy_dataset: Callable[..., Any]) -> None:
    examples = [*toy_dataset("single").split("test"), Example(text="something else", labels=("envy",))]
    result = insula.evaluate(write(tmp_path / "test.csv", examples), run, resamples=100)
    assert result.metrics["test"]["rows"] == len(examples) - 1
    assert any("envy" in note for note in result.notes)
    with pytest.raises(DataError, match="Got envy"):
        insula.evaluate(write(tmp_path / "test.csv", examples[-1:]), run)


def test_several_files_are_named_in_the_results(tmp_path: Path, run: Path, toy_dataset: Callable[..., Any]) -> None:
    examples = list(toy_dataset("single").split("test"))
    files = [write(tmp_path / f"{n}.csv", examples[n::2]) for n in range(2)]
    result = insula.evaluate(files, run, resamples=100)
    assert result.metrics["data"]["name"] == f"{files[0]}, {files[1]}"
    assert result.metrics["test"]["rows"] == len(examples)


def test_the_mean_answers_beside_a_dimensional_model(
    tmp_path: Path, trained_run: Callable[..., Any], toy_dataset: Callable[..., Any]
) -> None:
    trained, dataset = trained_run("linear", "dimensional"), toy_dataset("dimensional")
    names = dataset.scheme.names
    means = [sum(one.values[i] for one in dataset.split("train")) / len(dataset.split("train")) for i in range(2)]
    assert [trained.metrics["data"]["value_means"][name] for name in names] == pytest.approx(means)
    with open_writer(tmp_path / "test.csv") as writer:
        writer.write([{"text": one.text, **dict(zip(names, one.values, strict=True))} for one in dataset.split("test")])
    found = insula.evaluate(tmp_path / "test.csv", trained.path, label=list(names), resamples=100).metrics
    mean = found["baselines"]["majority"]
    gold = np.array([one.values for one in dataset.split("test")])
    assert mean["metrics"]["mae"]["value"] == pytest.approx(np.abs(gold - means).mean())
    assert mean["metrics"]["pearson"]["value"] == 0
    assert mean["difference"]["low"] > 0.5


def test_rows_need_no_groups_where_the_training_rows_had_some(tmp_path: Path, toy_dataset: Callable[..., Any]) -> None:
    rows = toy_dataset("single")
    with open_writer(tmp_path / "train.csv") as writer:
        for number, one in enumerate(rows.split("train")):
            writer.write([{"text": one.text, "label": "|".join(one.labels), "author": f"a{number % 40}"}])
    overrides = {"data.group": "author", "evaluation.baselines": []}
    made = insula.train(tmp_path / "train.csv", recipe="linear", overrides=overrides, output=tmp_path / "run")
    source = write(tmp_path / "test.csv", list(rows.split("test")))
    assert insula.evaluate(source, made.path, resamples=100).metrics["test"]["rows"] == len(rows.split("test"))


@pytest.mark.parametrize("column", ["weight", "language", "id"])
def test_rows_need_no_column_that_only_training_used(
    tmp_path: Path, toy_dataset: Callable[..., Any], column: str
) -> None:
    rows = toy_dataset("single")
    cells = {"weight": 0.5, "language": "en", "id": "row"}
    with open_writer(tmp_path / "train.csv") as writer:
        for one in rows.split("train"):
            writer.write([{"text": one.text, "label": "|".join(one.labels), "mine": cells[column]}])
    overrides = {f"data.{column}": "mine", "evaluation.baselines": []}
    made = insula.train(tmp_path / "train.csv", recipe="linear", overrides=overrides, output=tmp_path / "run")
    source = write(tmp_path / "test.csv", list(rows.split("test")))
    assert insula.evaluate(source, made.path, resamples=100).metrics["test"]["rows"] == len(rows.split("test"))
    found = insula.compare(made.path, made.path, data=source, resamples=100).result
    assert found["data"]["rows"] == len(rows.split("test"))


def test_files_that_are_not_judged_are_told(tmp_path: Path, run: Path, toy_dataset: Callable[..., Any]) -> None:
    rows = list(toy_dataset("single").split("test"))
    files = [write(tmp_path / "other.csv", rows[:20]), write(tmp_path / "my_test.csv", rows[20:30])]
    found = insula.evaluate(files, run, resamples=100)
    assert found.metrics["test"]["rows"] == 10
    assert "Evaluated on the test rows only." in found.notes
    assert "Evaluated on the test rows only." not in insula.evaluate(files[0], run, resamples=100).notes
