"""Ctrl-C and worse: the message, what is left behind, and how to resume."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_messages import FAST, PROGRAM, messages, write_csv

from interrupt import press_ctrl_c, start_interruptible
from waiting import DEADLINE, wait_until


def interrupted(here: Path, encoder: Path) -> tuple[int, str, str]:
    """Train an encoder in `runs/care`, press Ctrl-C after its first checkpoint; return status, output, errors."""
    write_csv(here / "messages.csv", messages(120))
    settings = {
        "model.base": encoder, "model.max_tokens": 16, "train.epochs": 15, "train.patience": 1000,
        "train.evaluations_per_epoch": 1, "train.learning_rate": 2e-3,
        "evaluation.resamples": 100, "evaluation.baselines": "[]",
    }  # fmt: skip
    options = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    training = start_interruptible(
        [*PROGRAM, "train", "messages.csv", "--output", "runs/care", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )

    def has_checkpoint() -> bool:
        assert training.poll() is None, training.communicate()
        return any(here.glob("runs/care/checkpoints/checkpoint-*"))

    wait_until(has_checkpoint, "training wrote no checkpoint")
    output, errors = press_ctrl_c(training, deadline=DEADLINE)
    return training.returncode, output, errors


def test_ctrl_c_says_how_to_go_on(here: Path, encoder_folder: Callable[..., Path]) -> None:
    status, output, errors = interrupted(here, encoder_folder())
    assert status == 130
    assert errors.splitlines()[-1] == "insula: stopped. Resume with: insula train --resume runs/care"
    assert "Traceback" not in errors
    assert output == ""
    assert not (here / "runs/care/model").exists()
    assert not list((here / "runs/care").glob(".*.part"))


@pytest.mark.slow
def test_an_interrupted_run_goes_on(here: Path, encoder_folder: Callable[..., Path]) -> None:
    interrupted(here, encoder_folder())
    done = subprocess.run(
        [*PROGRAM, "train", "--resume", "runs/care"], capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Resuming runs/care" in done.stderr
    assert (here / "runs/care/model/model.safetensors").exists()
    assert not (here / "runs/care/checkpoints").exists()


def test_ctrl_c_before_a_run_began_leaves_nothing(here: Path) -> None:
    os.mkfifo(here / "slow.csv")
    training = start_interruptible(
        [*PROGRAM, "train", "slow.csv", "--output", "runs/slow", *FAST], stderr=subprocess.PIPE
    )
    writers: list[int] = []

    def is_reading() -> bool:
        with contextlib.suppress(OSError):  # nobody has opened the pipe for reading yet
            writers.append(os.open(here / "slow.csv", os.O_WRONLY | os.O_NONBLOCK))
        return bool(writers)

    wait_until(is_reading, "training did not open its input")
    assert (here / "runs/slow").exists()
    _, errors = press_ctrl_c(
        training, deadline=DEADLINE, again=5
    )  # often right before it reads; nothing is to be saved
    os.close(writers[0])
    assert training.returncode == 130
    assert errors.splitlines()[-1] == "insula: stopped."
    assert not (here / "runs/slow").exists()


def test_a_killed_prediction_leaves_nothing_under_the_name(care: Path, here: Path) -> None:
    read, write = os.pipe()
    predicting = subprocess.Popen(
        [*PROGRAM, "predict", "--output", "out.jsonl", "-m", str(care / "runs/care")],
        stdin=read,
        stderr=subprocess.PIPE,
    )
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        pipe.write("so happy and wonderful\n" * 5000)
        pipe.flush()
        wait_until(lambda: any(here.glob(".out.jsonl.*")), "nothing was written")
        assert not (here / "out.jsonl").exists()
        predicting.kill()
        predicting.communicate(timeout=DEADLINE)
    assert not (here / "out.jsonl").exists()


# The program in groups of 100 rows; after the first it waits, where asked, to be stopped.
IN_GROUPS = """
import sys, time
from insula.cli.app import main
from insula.inference import files
from insula.inference.predictor import Predictor

files.CHUNK = 100
finish, answered = Predictor.finish, []

def held(self, encoded):
    while answered and sys.argv[-1] != "--resume":
        time.sleep(0.1)
    answered.append(len(encoded.inputs))
    return finish(self, encoded)

Predictor.finish = held
main()
"""


def test_ctrl_c_while_predicting_keeps_what_is_finished(care: Path, here: Path) -> None:
    command = [sys.executable, "-c", IN_GROUPS, "predict", "-i", "rows.txt", "-o", "out.jsonl"]
    command += ["-m", str(care / "runs/care")]
    (here / "rows.txt").write_text("so happy and wonderful\nso furious\n" * 150, encoding="utf-8")
    predicting = start_interruptible([*command, "--quiet"], stderr=subprocess.PIPE)
    wait_until(lambda: any(here.glob(".out.jsonl.parts/[0-9]*.part")), "the first group was not written")
    _, errors = press_ctrl_c(predicting, deadline=DEADLINE)
    assert predicting.returncode == 130
    assert errors == "insula: stopped. Finished parts are kept. Resume with the same command and --resume.\n"
    assert sorted(file.name for file in here.iterdir()) == [".out.jsonl.parts", "rows.txt"]
    done = subprocess.run([*command, "--resume"], capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, done.stderr
    assert "300 rows predicted into out.jsonl, 100 of them before, in" in done.stderr
    assert len((here / "out.jsonl").read_bytes().splitlines()) == 300


def test_resume_needs_files(care: Path, here: Path, insula: Callable[..., Any]) -> None:
    result = insula("predict", "--resume", "-i", "rows.txt", "-m", care / "runs/care")
    assert result.exit_code == 2
    assert "--resume needs" in result.stderr
