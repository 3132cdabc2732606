"""Time and tokens of training steps alone, whichever subclass of the `Trainer` makes them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from transformers import Trainer

SCORE = "eval_macro_f1"


class StepClock:
    """Runs from the first step on and stands still while the trainer logs, saves and evaluates.

    seconds   of fetching batches, forward, backward and update
    tokens    of the texts; `padded` counts the padding as well
    curve     of each evaluation: step, seconds (of steps alone), wall_seconds, macro_f1
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.tokens = self.padded = self.steps = 0
        self.curve: list[dict[str, float]] = []
        self._since: float | None = None
        self._began = 0.0

    @contextlib.contextmanager
    def watching(self) -> Iterator[StepClock]:
        """Watch every trainer inside the block."""
        step, rest = Trainer.training_step, Trainer._maybe_log_save_evaluate

        def training_step(trainer: Trainer, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
            if self._since is None:
                self._since = self._began = time.perf_counter()
            mask = inputs["attention_mask"]
            self.tokens += int(mask.sum())
            self.padded += mask.numel()
            return step(trainer, model, inputs, *args, **kwargs)

        def log_save_evaluate(trainer: Trainer, *args: Any, **kwargs: Any) -> Any:
            self._stop(trainer.state.global_step)
            known = len(trainer.state.log_history)
            try:
                return rest(trainer, *args, **kwargs)
            finally:
                self._note(trainer.state.log_history[known:])
                self._since = time.perf_counter()

        Trainer.training_step, Trainer._maybe_log_save_evaluate = training_step, log_save_evaluate
        try:
            yield self
        finally:
            Trainer.training_step, Trainer._maybe_log_save_evaluate = step, rest

    def figures(self) -> dict[str, Any]:
        """Return what was counted."""
        return {
            "steps": self.steps,
            "seconds": round(self.seconds, 2),
            "tokens": self.tokens,
            "padded_tokens": self.padded,
            "padding": round(1 - self.tokens / max(self.padded, 1), 4),
            "tokens_per_second": round(self.tokens / max(self.seconds, 1e-9), 1),
            "padded_tokens_per_second": round(self.padded / max(self.seconds, 1e-9), 1),
            "curve": self.curve,
        }

    def _stop(self, step: int) -> None:
        if self._since is not None:
            self.seconds += time.perf_counter() - self._since
        self.steps = step

    def _note(self, logged: list[dict[str, Any]]) -> None:
        for entry in logged:
            if SCORE in entry:
                self.curve.append(
                    {
                        "step": entry["step"],
                        "seconds": round(self.seconds, 2),
                        "wall_seconds": round(time.perf_counter() - self._began, 2),
                        "macro_f1": entry[SCORE],
                    }
                )
