"""The program, called in this process (fast) or as a process of its own (real), and messages to give it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_messages import FAST, PROGRAM, messages, write_csv
from typer.testing import CliRunner, Result

import toy_data
from insula.cli.app import app
from insula.data.formats.writers import open_writer
from waiting import DEADLINE


@pytest.fixture
def insula(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Call the program in this process: `insula("predict", "hello", "-m", model)`."""
    runner = CliRunner()

    def call(*arguments: str | Path, stdin: str | bytes | None = None) -> Result:
        monkeypatch.setattr("sys.argv", ["insula", *(str(one) for one in arguments)])  # results record it
        result = runner.invoke(app, [str(one) for one in arguments], input=stdin, catch_exceptions=True)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


@pytest.fixture
def process() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the program as a process of its own."""

    def run(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [*PROGRAM, *(str(one) for one in arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False, **options)

    return run


@pytest.fixture(scope="session")
def care(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where `messages.csv` (train on it), `test.csv` and the finished run `runs/care` stand: only to read."""
    folder = tmp_path_factory.mktemp("care")
    rows = messages(240)
    write_csv(folder / "messages.csv", rows[:180])
    write_csv(folder / "test.csv", rows[180:])
    arguments = ["train", folder / "messages.csv", "--text", "message", "--label", "emotion"]
    arguments += ["--output", folder / "runs" / "care", *FAST]
    result = CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def mood(tmp_path: Path) -> Path:
    """The rows of the toy set as files."""
    for split, examples in toy_data.toy_dataset("single").splits.items():
        with open_writer(tmp_path / "mood" / f"{split}.csv") as writer:
            writer.write([{"text": one.text, "label": one.labels[0]} for one in examples])
    return tmp_path / "mood"
