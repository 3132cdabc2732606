"""A file of explanations that was stopped or killed, and resumed: the same bytes as if it had been left alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import insula
import insula.explanation.files as files
from insula.core.errors import DataError
from insula.explanation.explain import explain_input
from insula.inference.parts import can_resume, get_parts_folder
from waiting import wait_until

GROUP, ROWS = 4, 30


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of 30 rows, read in groups of 4; some rows have no text, a late one has a column of its own."""
    monkeypatch.setattr(files, "GROUP", GROUP)
    with (tmp_path / "in.jsonl").open("w", encoding="utf-8") as file:
        for number in range(ROWS):
            row = {"nr": number, "text": "" if number % 7 == 0 else f"I am so happy {number}", "label": "mine"}
            file.write(json.dumps(row | ({"late": "kept"} if number == 21 else {})) + "\n")
    return tmp_path / "in.jsonl"


@pytest.fixture(scope="module")
def model(trained_run: Callable[..., Any]) -> Path:
    """A model that is explained quickly."""
    return trained_run("linear", "single").path


def stop_after(monkeypatch: pytest.MonkeyPatch, texts: int) -> list[str]:
    """Interrupt the run after so many texts; return the texts that are explained."""
    asked: list[str] = []

    def stopping(predictor: Any, given: Any, **options: Any) -> Any:
        if len(asked) >= texts:
            raise KeyboardInterrupt
        asked.append(given)
        return explain_input(predictor, given, **options)

    monkeypatch.setattr(files, "explain_input", stopping)
    return asked


@pytest.mark.parametrize("ending", ["csv", "tsv.gz", "jsonl", "json", "parquet", "arrow"])
def test_a_resumed_file_is_the_same_bytes(
    tmp_path: Path, source: Path, model: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, output = tmp_path / f"alone.{ending}", tmp_path / f"out.{ending}"
    whole = insula.explain_file(source, alone, model)
    with monkeypatch.context() as patch:
        stop_after(patch, 13)
        with pytest.raises(KeyboardInterrupt):
            insula.explain_file(source, output, model)
    assert not output.exists()
    assert can_resume(output)
    asked = stop_after(monkeypatch, ROWS)
    resumed = insula.explain_file(source, output, model, resume=True)
    assert output.read_bytes() == alone.read_bytes()
    assert (resumed.rows, resumed.rejected) == (whole.rows, whole.rejected) == (25, 5)
    assert resumed.kept == 25 - len(asked) > 0
    assert not get_parts_folder(output).exists()


def test_parts_of_another_job_are_not_mixed_in(
    tmp_path: Path, source: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.jsonl"
    with monkeypatch.context() as patch:
        stop_after(patch, 13)
        with pytest.raises(KeyboardInterrupt):
            insula.explain_file(source, output, model)
    with pytest.raises(DataError, match="belong to another job with different options"):
        insula.explain_file(source, output, model, method="partition", resume=True)
    with pytest.raises(DataError, match="belong to another job with different options"):
        insula.explain_file(source, output, model, counterfactual=True, resume=True)
    assert can_resume(output)
    with pytest.raises(DataError, match="Only an explanation from a file into a file can be resumed"):
        insula.explain_file("-", output, model, resume=True)


# The program in groups of 4 rows; after the first it waits, where it is not resumed, to be killed.
IN_GROUPS = """
import sys, time
from insula.cli.app import main
from insula.explanation import files

files.GROUP = 4
explain_input, explained = files.explain_input, []

def held(*given, **options):
    while len(explained) >= 4 and "--resume" not in sys.argv:
        time.sleep(0.1)
    explained.append(given)
    return explain_input(*given, **options)

files.explain_input = held
main()
"""


def test_a_killed_command_is_resumed(tmp_path: Path, model: Path) -> None:
    source, output = tmp_path / "in.csv", tmp_path / "out.jsonl"
    rows = [f"I am so happy and not sad about number {number}, but tired" for number in range(ROWS)]
    source.write_text("text\n" + "".join(f'"{row}"\n' for row in rows), encoding="utf-8")
    command = [
        sys.executable,
        "-c",
        IN_GROUPS,
        "explain",
        "-i",
        str(source),
        "-o",
        str(output),
        "--quiet",
        "-m",
        str(model),
    ]
    with subprocess.Popen(command) as killed:
        wait_until(lambda: list(get_parts_folder(output).glob("[0-9]*.part")), "no part is written")
        killed.kill()
        assert killed.wait() == -signal.SIGKILL
    assert not output.exists()
    done = subprocess.run([*command, "--resume", "--json"], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert (result["rows"], result["kept"]) == (ROWS, GROUP)
    found = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in found] == rows
