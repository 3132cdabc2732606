"""Ctrl-C and worse: what is said, what is left behind, and how the work goes on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_messages import FAST, PROGRAM, messages, write_csv


def interrupted(here: Path, encoder: Path) -> tuple[int, str, str]:
    """Train an encoder in `runs/care`, press Ctrl-C after its first checkpoint; return status, output, errors."""
    write_csv(here / "messages.csv", messages(120))
    settings = {
        "model.base": encoder, "model.max_tokens": 16, "train.epochs": 15, "train.patience": 1000,
        "train.evaluations_per_epoch": 1, "train.learning_rate": 2e-3,
        "evaluation.resamples": 100, "evaluation.baselines": "[]",
    }  # fmt: skip
    options = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    training = subprocess.Popen(
        [*PROGRAM, "train", "messages.csv", "--output", "runs/care", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until = time.monotonic() + 90
    while not list(here.glob("runs/care/checkpoints/checkpoint-*")) and time.monotonic() < until:
        assert training.poll() is None, training.communicate()
        time.sleep(0.02)
    training.send_signal(signal.SIGINT)
    output, errors = training.communicate(timeout=60)
    return training.returncode, output, errors


def test_ctrl_c_says_how_to_go_on(here: Path, encoder_folder: Callable[..., Path]) -> None:
    status, output, errors = interrupted(here, encoder_folder())
    assert status == 130
    assert errors.splitlines()[-1] == "insula: stopped. Go on with: insula train --resume runs/care"
    assert "Traceback" not in errors
    assert output == ""
    assert not (here / "runs/care/model").exists()
    assert not list((here / "runs/care").glob(".*.part"))


@pytest.mark.slow
def test_an_interrupted_run_goes_on(here: Path, encoder_folder: Callable[..., Path]) -> None:
    interrupted(here, encoder_folder())
    done = subprocess.run(
        [*PROGRAM, "train", "--resume", "runs/care"], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Going on with runs/care" in done.stderr
    assert (here / "runs/care/model/model.safetensors").exists()
    assert not (here / "runs/care/checkpoints").exists()


def test_ctrl_c_before_a_run_began_leaves_nothing(here: Path) -> None:
    os.mkfifo(here / "slow.csv")
    training = subprocess.Popen(
        [*PROGRAM, "train", "slow.csv", "--output", "runs/slow", *FAST], stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 60
    while not (here / "runs/slow").exists() and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)
    training.send_signal(signal.SIGINT)
    _, errors = training.communicate(timeout=60)
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
        until = time.monotonic() + 60
        while not list(here.glob(".out.jsonl.*")) and time.monotonic() < until:
            time.sleep(0.02)
        assert not (here / "out.jsonl").exists()
        predicting.kill()
        predicting.communicate(timeout=60)
    assert not (here / "out.jsonl").exists()


def test_ctrl_c_while_predicting_keeps_what_is_finished(care: Path, here: Path) -> None:
    command = [*PROGRAM, "predict", "-i", "rows.txt", "-o", "out.jsonl", "-m", str(care / "runs/care")]
    (here / "rows.txt").write_text("so happy and wonderful\nso furious\n" * 25_000, encoding="utf-8")
    predicting = subprocess.Popen([*command, "--quiet"], stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not list(here.glob(".out.jsonl.parts/[0-9]*.part")) and time.monotonic() < until:
        time.sleep(0.02)
    predicting.send_signal(signal.SIGINT)
    _, errors = predicting.communicate(timeout=60)
    assert predicting.returncode == 130
    assert errors == "insula: stopped. What is finished is kept. Go on with: the same command and --resume\n"
    assert sorted(file.name for file in here.iterdir()) == [".out.jsonl.parts", "rows.txt"]
    done = subprocess.run([*command, "--resume"], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"50,000 rows predicted into out.jsonl, [\d,]+ of them before, in", done.stderr), done.stderr
    assert len((here / "out.jsonl").read_bytes().splitlines()) == 50_000


def test_resume_needs_files(care: Path, here: Path, insula: Callable[..., Any]) -> None:
    result = insula("predict", "--resume", "-i", "rows.txt", "-m", care / "runs/care")
    assert result.exit_code == 2
    assert "--resume goes with" in result.stderr
