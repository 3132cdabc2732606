"""MLflow: `insula train --track mlflow`; `MLFLOW_TRACKING_URI` is the store (`sqlite:///mlflow.db`, a server)."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
from mlflow.utils.validation import MAX_PARAM_VAL_LENGTH, MAX_PARAMS_TAGS_PER_BATCH
from transformers.integrations import MLflowCallback


class MlflowTracker:
    """Logs a run to MLflow, in the experiment `MLFLOW_EXPERIMENT_NAME` (default: `insula`)."""

    def start(self, name: str, recipe: Mapping[str, Any], logs: Path, known: str | None) -> str:
        """Start or continue the run; options that are too long for MLflow are truncated."""
        mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", "insula"))
        run = mlflow.start_run(run_id=known, run_name=name)
        if known is None:
            options = iter({key: str(value)[:MAX_PARAM_VAL_LENGTH] for key, value in recipe.items()}.items())
            while batch := dict(itertools.islice(options, MAX_PARAMS_TAGS_PER_BATCH)):
                mlflow.log_params(batch)
        return str(run.info.run_id)

    def callback(self) -> Any:
        """Return the callback of transformers, which logs to the open run."""
        return MLflowCallback()

    def finish(self, figures: Mapping[str, float], report: Path) -> None:
        """Log the final figures, and the path of the report as a tag."""
        mlflow.log_metrics(dict(figures))
        mlflow.set_tag("report", str(report))
        mlflow.end_run()

    def fail(self) -> None:
        """End the run as failed."""
        mlflow.end_run(status="FAILED")
