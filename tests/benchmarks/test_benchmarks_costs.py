"""The clock of training steps, what is made of its figures, and the comparison of killed runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import Trainer, TrainerCallback, TrainingArguments

import kills
import tables
import training_cost
from result_files import Results
from step_clock import StepClock

ROWS, BATCH, LENGTH, REAL = 24, 4, 5, 3


class _Toy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, attention_mask: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": (self.weight - labels.mean()).square(), "logits": labels}


class _Slow(TrainerCallback):
    """Takes its time in evaluation and in each step."""

    def on_evaluate(self, *_: Any, **__: Any) -> None:
        time.sleep(0.25)  # more than the 0.2 asked for below: the clock's figures are rounded

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        time.sleep(0.02)


def test_the_clock_stands_still_in_evaluation(tmp_path: Path) -> None:
    mask = [1] * REAL + [0] * (LENGTH - REAL)
    rows = [{"attention_mask": mask, "labels": float(row)} for row in range(ROWS)]
    before = (Trainer.training_step, Trainer._maybe_log_save_evaluate)
    with StepClock().watching() as clock:
        began = time.perf_counter()
        Trainer(
            model=_Toy(),
            args=TrainingArguments(
                output_dir=str(tmp_path), per_device_train_batch_size=BATCH, num_train_epochs=1, eval_strategy="steps",
                eval_steps=2, save_strategy="no", report_to=[], disable_tqdm=True, use_cpu=True,
                dataloader_pin_memory=False, remove_unused_columns=False,
            ),
            train_dataset=rows,
            eval_dataset=rows[:4],
            compute_metrics=lambda outputs: {"macro_f1": 0.5},
            callbacks=[_Slow()],
        ).train()  # fmt: skip
        wall = time.perf_counter() - began
    assert (Trainer.training_step, Trainer._maybe_log_save_evaluate) == before
    assert (clock.steps, clock.tokens, clock.padded) == (ROWS // BATCH, ROWS * REAL, ROWS * LENGTH)
    assert [entry["step"] for entry in clock.curve] == [2, 4, 6]
    # The first step's own pause comes before the clock starts.
    assert 0.02 * 5 <= clock.seconds <= wall - 0.2 * 3
    assert clock.curve[0]["wall_seconds"] >= clock.curve[0]["seconds"] + 0.2
    assert clock.figures()["padding"] == pytest.approx(1 - REAL / LENGTH)


def _run(tokens: float, **more: Any) -> dict[str, Any]:
    return {"tokens_per_second": tokens, "padded_tokens_per_second": tokens * 1.1, "padding": 0.09, **more}


def test_ratios_are_taken_within_a_round() -> None:
    rounds = [
        {"stock": _run(100.0, matrix_parameters=1_000_000), "insula": _run(200.0)},
        {"stock": _run(50.0, matrix_parameters=1_000_000), "insula": _run(150.0)},
        {"stock": _run(100.0, matrix_parameters=1_000_000), "insula": _run(210.0)},
    ]
    found = training_cost._speed(["stock", "insula"], rounds, {"float32": 10.0})
    assert found["insula"]["times_stock"] == {"median": pytest.approx(2.1), "lowest": 2.0, "highest": 3.0}
    # Six operations a parameter and token, of ten thousand million a second.
    assert found["insula"]["share_of_limit"] == pytest.approx(6 * 1e6 * 200 / 10e9)
    assert found["insula"]["share_of_limit_with_padding"] == pytest.approx(6 * 1e6 * 220 / 10e9)


def test_the_time_to_the_stock_run_s_best() -> None:
    def run(*scores: float) -> dict[str, Any]:
        curve = [
            {"step": i, "seconds": 10.0 * i, "wall_seconds": 12.0 * i, "macro_f1": score}
            for i, score in enumerate(scores, start=1)
        ]
        return {"curve": curve, "best": max(curve, key=lambda entry: entry["macro_f1"])}

    full = {"stock": run(0.2, 0.5, 0.4), "insula": run(0.51, 0.6), "slower": run(0.1, 0.2)}
    found = training_cost._time_to_best(full)
    assert found["insula"] == {"seconds": 10.0, "wall_seconds": 12.0, "share_of_stock": 0.5, "share_of_stock_wall": 0.5}
    assert found["stock"]["share_of_stock"] == 1.0
    assert found["slower"] is None


def test_other_weights_are_noticed() -> None:
    weights = {"a": np.ones((2, 2), np.float32), "b": np.zeros(3, np.float32)}
    assert kills.largest_difference(weights, {**weights}) == 0
    other = {**weights, "b": np.array([0, 0, 1e-3], np.float32)}
    assert kills.largest_difference(weights, other) == pytest.approx(1e-3)
    assert kills.largest_difference(weights, {"a": weights["a"]}) == float("inf")


def test_what_a_kill_left_is_seen(tmp_path: Path) -> None:
    assert kills._seen(tmp_path) == {"last_checkpoint": None, "left": [], "left_unfinished": False}
    (tmp_path / "checkpoints" / "checkpoint-7").mkdir(parents=True)
    assert kills._seen(tmp_path) == {"last_checkpoint": None, "left": ["checkpoint-7"], "left_unfinished": True}


def test_tables_of_cost() -> None:
    times = {"median": 1.7, "lowest": 1.5, "highest": 1.9}
    where = {"command": "c", "commit": "0" * 40, "date": "d", "threads": 2, "processor": "p", "flags": ["f"]}
    curve = {"macro_f1": 0.5, "seconds": 9.0}
    cost = {
        "speed": {"insula": {**_run(0), "tokens_per_second": {"median": 1234.0}, "share_of_limit": 0.61,
                             "times_stock": times}},
        "full": {"stock": {"best": curve, "seconds": 20.0}, "insula": {"best": curve, "seconds": 10.0}},
        "time_to_stock_best": {"stock": {"seconds": 20.0, "share_of_stock": 1.0}, "insula": None},
        "difference_of_macro_f1": {"insula": 0.0012},
        "gemm_gflops": {"threads": 2, "float32": 115.0, "bfloat16": 900.0}, **where,
    }  # fmt: skip
    lstm = {
        "set": "tweets", "epochs": 3, "times_faster_than": {"packed": times},
        "rounds": [{"packed": {"seconds": 30.0}, "insula": {"seconds": 18.0}}],
        "insula_minus": {"packed": {"accuracy": {"value": 0.01, "low": -0.01, "high": 0.03}}}, **where,
    }  # fmt: skip
    killed = {
        "kills": 20, "equal": 19, "largest_difference": 2e-3, "while_a_checkpoint_was_written": 8,
        "before_the_first_checkpoint": 1, **where,
    }  # fmt: skip
    results = Results(training_cost=cost, lstm_cost=lstm, kills=killed)
    speed = tables.TABLES["training-speed"](results)
    assert "| `insula` | float32 | 1,234 | 9.0% | 61% | 61% | 1.70 (1.50 to 1.90) | – |" in speed
    fast = Results(training_cost={**cost, "flags": ["amx_bf16"]})
    assert "| `insula` | bfloat16 | 1,234 | 9.0% | 61% | 8% |" in tables.TABLES["training-speed"](fast)
    assert "| `insula` | 0.5000 | +0.0012 | 10 s | never | – |" in tables.TABLES["training-quality"](results)
    assert "+0.010 (-0.010 to +0.030)" in tables.TABLES["lstm-speed"](results)
    assert "| 20 | 8 | 1 | 19 | 0.002 |" in tables.TABLES["kills"](results)
    assert "float32 115, bfloat16 900" in tables.TABLES["costs-provenance"](results)
