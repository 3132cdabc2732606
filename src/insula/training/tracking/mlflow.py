"""MLflow: `insula train --track mlflow`; `MLFLOW_TRACKING_URI` says where (`sqlite:///mlflow.db`, a server)."""

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
    """A run there, in the experiment of `MLFLOW_EXPERIMENT_NAME` or `insula`."""

    def start(self, name: str, recipe: Mapping[str, Any], logs: Path, known: str | None) -> str:
        """Begin or go on; options longer than MLflow takes are cut."""
        mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", "insula"))
        run = mlflow.start_run(run_id=known, run_name=name)
        if known is None:
            options = iter({key: str(value)[:MAX_PARAM_VAL_LENGTH] for key, value in recipe.items()}.items())
            while some := dict(itertools.islice(options, MAX_PARAMS_TAGS_PER_BATCH)):
                mlflow.log_params(some)
        return str(run.info.run_id)

    def callback(self) -> Any:
        """Return transformers' callback, which logs into the run that is open."""
        return MLflowCallback()

    def finish(self, figures: Mapping[str, float], report: Path) -> None:
        """Log the final figures; the report's place is a tag."""
        mlflow.log_metrics(dict(figures))
        mlflow.set_tag("report", str(report))
        mlflow.end_run()

    def fail(self) -> None:
        """End it as failed."""
        mlflow.end_run(status="FAILED")
