"""The names in the folder of a run; asking for them loads no library of the training."""

from __future__ import annotations

from insula.evaluation.document import METRICS
from insula.training.tracking.tracking import IDENTITIES

CLEARED = ("checkpoints", "logs", "baselines", METRICS, "report.html", IDENTITIES)
"""What a run that begins clears away of the one before: without its metrics it counts as unfinished."""
OWN = (*CLEARED, "model", "run.json", "recipe.toml", "tokenizer", "cache")
"""What lies in the folder of a run and is its own."""
