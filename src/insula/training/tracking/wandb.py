"""Weights & Biases: `insula train --track wandb`; `WANDB_MODE=offline` writes everything to the run's `logs/`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import wandb
from transformers.integrations import WandbCallback


class WandbTracker:
    """Logs a run to Weights & Biases, in the project `WANDB_PROJECT` (default: `insula`)."""

    def start(self, name: str, recipe: Mapping[str, Any], logs: Path, known: str | None) -> str:
        """Start or continue the run; offline, a continued run is a new one with the same name."""
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "insula"),
            name=name,
            config=dict(recipe),
            dir=str(logs),
            id=known,
            resume=None if known is None else "allow",
        )
        return str(self._run.id)

    def callback(self) -> Any:
        """Return the callback of transformers, which logs to the open run."""
        return WandbCallback()

    def finish(self, figures: Mapping[str, float], report: Path) -> None:
        """Write the final figures to the summary of the run."""
        self._run.summary.update({**figures, "report": str(report)})
        self._run.finish()

    def fail(self) -> None:
        """End the run as failed."""
        self._run.finish(exit_code=1)
