"""What is wrong with the input is one sentence that names the thing and what to do; never a traceback."""

from __future__ import annotations

import errno
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_messages import FAST, failed, messages, write_csv
from typer.testing import Result

Insula = Callable[..., Result]


def test_missing_file_names_the_nearest(insula: Insula, here: Path) -> None:
    write_csv(here / "messages.csv", messages(6))
    for verb in (("train",), ("data", "describe")):
        failed(insula(*verb, "mesages.csv"), "'mesages.csv'", "does not exist", "Did you mean 'messages.csv'?")


def test_missing_file_leaves_no_run_behind(insula: Insula, here: Path) -> None:
    failed(insula("train", "nothing.csv"))
    failed(insula("train", "nothing.csv", "--output", "runs/care"))
    assert not list((here / "runs").glob("*"))


def test_unknown_data_name_names_the_nearest(insula: Insula, here: Path) -> None:
    failed(insula("train", "tweet"), "'tweet'", "Did you mean 'tweets'?")


@pytest.mark.parametrize(
    ("option", "given", "right"), [("--text", "mesage", "message"), ("--label", "emotoin", "emotion")]
)
def test_missing_column_names_the_nearest(insula: Insula, here: Path, option: str, given: str, right: str) -> None:
    write_csv(here / "messages.csv", messages(6))
    said = failed(insula("train", "messages.csv", option, given), repr(given), f"Did you mean {right!r}?")
    assert "'id', 'message', 'emotion'" in said


@pytest.mark.parametrize("option", ["--text", "--label", "--label-names", "--weight"])
def test_an_empty_name_of_a_column_is_not_taken_for_none(insula: Insula, here: Path, option: str) -> None:
    write_csv(here / "messages.csv", messages(6))
    result = insula("data", "describe", "messages.csv", option, "")
    assert result.exit_code == 2
    assert f"{option} must be a name" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ("'rows.csv'", "is empty", "Check")),
        (b"text,label\n", ("'rows'", "no rows at all")),
        (b"text,label\na b c,joy\nd e f,joy\ng h i,joy\n", ("at least two classes", "'joy'", "Add rows")),
        (b"text,label\n,joy\n  ,anger\n,\n", ("'rows'", "no row with a text", "3 with empty text")),
        (bytes(range(256)) * 20, ("'rows.csv'", "binary data", "Export")),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 100, ("'rows.csv'", "PNG picture")),
        (b"number,name\n1,2\n", ("text", "'number', 'name'", "`text`")),
    ],
    ids=["empty", "header only", "one class", "empty rows", "noise", "picture", "no such columns"],
)
def test_unusable_files(insula: Insula, here: Path, content: bytes, words: tuple[str, ...]) -> None:
    (here / "rows.csv").write_bytes(content)
    failed(insula("train", "rows.csv", *FAST), *words)
    assert not list((here / "runs").glob("*"))


@pytest.mark.parametrize("name", ["rows.parquet", "rows.arrow", "rows.csv.gz", "rows.jsonl"])
def test_noise_under_every_name(insula: Insula, here: Path, care: Path, name: str) -> None:
    (here / name).write_bytes(bytes(range(256)) * 20)
    failed(insula("predict", "-i", name, "-o", "out.csv", "-m", care / "runs/care"), repr(name))
    assert not (here / "out.csv").exists()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("train.epoch=3", ("'train.epoch'", "Did you mean 'train.epochs'?")),
        ("trian.epochs=3", ("'trian'", "Did you mean 'train'?")),
        ("train.epochs=many", ("train.epochs", "number", "'many'")),
        ("train.epochs", ("such as train.epochs=3", "'train.epochs'")),
        ("train=3", ("train", "3")),
        ("seed=-1", ("seed", "-1")),
        ("model.name=liner", ("'liner'", "Did you mean 'linear'?")),
        ("data.kind=singel", ("data.kind", "'singel'")),
    ],
)
def test_wrong_settings(insula: Insula, here: Path, setting: str, words: tuple[str, ...]) -> None:
    write_csv(here / "messages.csv", messages(6))
    failed(insula("train", "messages.csv", "--set", setting), *words)


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[train]\nepochz = 1\n", ("'my.toml'", "'train.epochz'", "Did you mean 'train.epochs'?")),
        ("[train]\nepochs = 'many'\n", ("'my.toml'", "train.epochs")),
        ("x = = 1", ("'my.toml'", "not valid TOML", "line 1")),
    ],
)
def test_wrong_recipe_files(insula: Insula, here: Path, toml: str, words: tuple[str, ...]) -> None:
    (here / "my.toml").write_text(toml, encoding="utf-8")
    failed(insula("train", "messages.csv", "--recipe", "my.toml"), *words)


def test_unknown_recipes(insula: Insula, here: Path) -> None:
    failed(insula("train", "tweets", "--recipe", "linera"), "'linera'", "Did you mean 'linear'?")
    failed(insula("train", "tweets", "--recipe", "mine.toml"), "'mine.toml'", "does not exist")
    failed(insula("recipes", "quik"), "'quik'", "Did you mean 'quick'?")


def test_unknown_scheme_and_kind(insula: Insula, here: Path) -> None:
    write_csv(here / "messages.csv", messages(6))
    failed(insula("data", "describe", "messages.csv", "--scheme", "goemotion"), "Did you mean 'goemotions'?")
    result = insula("data", "describe", "messages.csv", "--kind", "singel")
    assert result.exit_code == 2
    assert "dimensional" in result.stderr


@pytest.mark.parametrize("output", ["messages.csv", "messages.csv/run", "/proc/insula-run"])
def test_train_where_nothing_can_be_written(insula: Insula, here: Path, output: str) -> None:
    write_csv(here / "messages.csv", messages(6))
    failed(insula("train", "messages.csv", "--output", output), repr(output), "hoose another")


@pytest.mark.parametrize("output", ["messages.csv/out.csv", "/proc/out.csv", "taken.csv", f"{'x' * 300}.csv"])
def test_predict_where_nothing_can_be_written(insula: Insula, here: Path, care: Path, output: str) -> None:
    write_csv(here / "messages.csv", messages(6))
    (here / "taken.csv").mkdir()
    result = insula("predict", "-i", "messages.csv", "-o", output, "-m", care / "runs/care")
    failed(result, f"The output {output!r} cannot be written", "choose")
    assert sorted(path.name for path in here.iterdir()) == ["messages.csv", "taken.csv"]


@pytest.mark.parametrize("output", ["out", "out.xlsx", "out.ods", "out.csv.zip", "out.csvv"])
def test_predict_into_an_unknown_format(insula: Insula, here: Path, care: Path, output: str) -> None:
    failed(insula("predict", "-i", care / "test.csv", "-o", output, "-m", care / "runs/care"), repr(output), ".parquet")


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
def test_evaluate_and_predict_name_missing_columns(insula: Insula, care: Path, verb: str) -> None:
    source = ("-i", care / "test.csv") if verb == "predict" else (care / "test.csv",)
    failed(insula(verb, *source, "--text", "mesage", "-m", care / "runs/care"), "Did you mean 'message'?")


def test_outputs_must_not_be_the_input(insula: Insula, here: Path, care: Path) -> None:
    rows = write_csv(here / "messages.csv", messages(6)).read_bytes()
    for arguments in (("-o", "messages.csv"), ("-o", "a.jsonl", "--rejects", "a.jsonl"), ("--rejects", "messages.csv")):
        failed(insula("predict", "-i", "messages.csv", "-m", care / "runs/care", *arguments), "must differ from the")
    failed(
        insula("predict", "-i", "messages.csv", "-o", "-", "--rejects", "-", "-m", care / "runs/care"),
        "The rejects must differ from the output",
    )
    arguments = ("-o", "a.csv", "--rejects", "s3://bucket/aside.jsonl", "-m", care / "runs/care")
    failed(insula("predict", "-i", "messages.csv", *arguments), "must be on this machine", "'s3://bucket/aside.jsonl'")
    assert (here / "messages.csv").read_bytes() == rows


def test_results_of_a_run_are_not_overwritten(insula: Insula, care: Path) -> None:
    run = care / "runs/care"
    before = (run / "metrics.json").read_bytes()
    failed(insula("evaluate", care / "test.csv", "-m", run, "-o", run), "would be replaced", "care-results")
    failed(insula("evaluate", care / "test.csv", "-m", run, "-o", run / "model"), "would be replaced")
    failed(insula("train", care / "messages.csv", "-o", run, *FAST), "finished run", "--overwrite")
    assert (run / "metrics.json").read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("train",),
        ("train", "messages.csv", "--resume", "runs/x"),
        ("train", "--resume", "runs/x", "--set", "seed=1"),
        ("predict", "hello", "--input", "rows.csv", "-m", "care"),
        ("predict", "hello", "--output", "rows.csv", "-m", "care"),
        ("predict", "  ", "-m", "care"),
        ("predict", "hello", "--text", "message"),
        ("predict", "hello", "--rejects", "aside.jsonl"),
        ("predict", "--input", "", "--output", "rows.csv"),
        ("predict", "--input", "rows.csv", "--output", ""),
        ("predict", "hello", "--engine", "ray"),
        ("predict", "hello", "--workers", "3"),
        ("predict", "hello", "--address", "10.0.0.1:6379"),
        ("predict", "--input", "rows.csv", "--engine", "ray"),
        ("predict", "--json", "--engine", "ray"),
        ("nonsense",),
    ],
)
def test_wrong_usage_has_its_own_status(insula: Insula, here: Path, arguments: tuple[str, ...]) -> None:
    result = insula(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_resume_of_what_cannot_be_resumed(insula: Insula, here: Path, care: Path) -> None:
    failed(insula("train", "--resume", "nothing"), "no run to resume", "'nothing'")
    failed(insula("train", "--resume", care / "runs/care"), "is finished", "--model")
    (here / "broken").mkdir()
    (here / "broken/run.json").write_text("{", encoding="utf-8")
    failed(insula("train", "--resume", "broken"), "run.json", "damaged")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ENOSPC])
def test_anything_the_system_refuses_is_a_sentence(
    insula: Insula, here: Path, care: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "some/file")

    monkeypatch.setattr("insula.api.prediction.load_model", refuse)
    failed(insula("predict", "hello", "-m", care / "runs/care"), "'some/file'")


def test_a_file_given_as_a_text_is_asked_about(insula: Insula, care: Path, here: Path) -> None:
    rows = write_csv(here / "my rows.csv", messages(2))
    said = failed(insula("predict", "so happy", "my rows.csv", "-m", care / "runs/care"), status=2)
    assert "'my rows.csv' is a file. To predict its rows, use --input 'my rows.csv'" in said
    rows.unlink()
    assert insula("predict", "my rows.csv", "x" * 5000, "-m", care / "runs/care").exit_code == 0


def test_output_that_is_the_input_through_a_link_is_named(insula: Insula, care: Path, here: Path) -> None:
    write_csv(here / "messages.csv", messages(2))
    (here / "link.csv").symlink_to("messages.csv")
    words = "The output must differ from the input. Got 'link.csv', which is the same place as 'messages.csv'."
    failed(insula("predict", "-i", "messages.csv", "-o", "link.csv", "-m", care / "runs/care"), words)
    failed(insula("data", "mask", "messages.csv", "-o", "link.csv"), words)


@pytest.mark.parametrize("command", ["train", "search"])
def test_without_torch_the_file_is_spoken_of_first(
    insula: Insula, here: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None if name == "torch" else find(name, *rest))
    failed(insula(command, "missing.csv"), "'missing.csv'", "does not exist")
    failed(insula(command, "twets"), "'twets'", "Did you mean 'tweets'")
    write_csv(here / "messages.csv", messages(30))
    failed(insula(command, "messages.csv"), "'torch'", "pip install 'insula[train]'", "--recipe linear")
