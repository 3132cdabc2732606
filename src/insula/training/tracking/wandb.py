"""Weights & Biases: `insula train --track wandb`; `WANDB_MODE=offline` keeps everything in the run's `logs/`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import wandb
from transformers.integrations import WandbCallback


class WandbTracker:
    """A run there, in the project of `WANDB_PROJECT` or `insula`."""

    def start(self, name: str, recipe: Mapping[str, Any], logs: Path, known: str | None) -> str:
        """Begin or go on; offline, a run that goes on is a new one under the same name."""
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
        """Return transformers' callback, which logs into the run that is open."""
        return WandbCallback()

    def finish(self, figures: Mapping[str, float], report: Path) -> None:
        """Write the final figures into the run's summary."""
        self._run.summary.update({**figures, "report": str(report)})
        self._run.finish()

    def fail(self) -> None:
        """End it as failed."""
        self._run.finish(exit_code=1)
