"""Writes the folder of a compressed model: files copied from its source, and new metrics, card and manifest."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula import __version__
from insula.core.decision import DecisionRule, Decisions
from insula.core.example import Example
from insula.core.files import write_json, write_text
from insula.evaluation.document import METRICS, DecisionRecord, MetricsDocument
from insula.evaluation.drift.reference import replace_reference
from insula.evaluation.evaluate_examples import evaluate_examples
from insula.evaluation.reports.cards import build_model_card
from insula.inference.backends import get_backend_entry, open_backend
from insula.inference.features.embedding import embed_sample
from insula.inference.parity import PARITY
from insula.inference.predictor import Predictor
from insula.models.folder import MANIFEST, ModelFolder, seal, write_common_files
from insula.models.tokens.tokenization import TOKENIZER

COMPRESSION = "compression.json"
COMPRESSION_VERSION = 1
RESAMPLES = 1000
# Files of the torch model, which a compressed folder does not have, and files that are written again.
REPLACED_FILES = frozenset(
    {
        MANIFEST, PARITY, COMPRESSION, "model.onnx", "model.safetensors", "config.json", "tokenizer_config.json",
        METRICS, "model_card.md", "decision.json",
    }
)  # fmt: skip


def copy_common_files(source: ModelFolder, stage: Path) -> None:
    """Copy the files that a prediction needs, except weights and decision rule."""
    for file in sorted(source.path.iterdir()):
        if file.is_file() and file.name not in REPLACED_FILES:
            shutil.copy2(file, stage / file.name)
    tokenizer = stage / TOKENIZER
    content = json.loads(tokenizer.read_text(encoding="utf-8"))
    # Without indentation, which is a third of the file.
    write_text(tokenizer, json.dumps(content, ensure_ascii=False, separators=(",", ":")))


def write_compressed_folder(
    source: ModelFolder,
    stage: Path,
    *,
    examples: Sequence[Example],
    gold: NDArray[np.float64],
    decision: DecisionRule,
    decided: Decisions,
    coverage: float,
    parity: dict[str, Any],
    steps: dict[str, Any],
    command: str,
    seed: int,
    backend: str = "onnx",
) -> int:
    """Write decision rule, metrics, card and manifest; return the size of the folder in bytes.

    source     the source model, from which the folder takes family, scheme and preparation
    examples, gold, decided   validation rows, their gold and the decisions of `decision`. They are evaluated again,
               because the metrics of the source model do not apply
    coverage   the coverage for which the abstention threshold was chosen
    """
    measured = evaluate_examples(
        source.scheme,
        examples,
        gold,
        decided,
        decision,
        seen=[False] * len(examples),
        resamples=RESAMPLES,
        seed=seed,
    )
    write_common_files(stage, scheme=source.scheme, preparation=source.preparation, decision=decision)
    inputs = [example.input for example in examples]
    ruled = decided if source.rules is None else source.rules.apply(inputs, decision, decided).decisions
    features = None
    if get_backend_entry(backend).runs_graph:
        opened = open_backend(backend, stage)
        predictor = Predictor(scheme=source.scheme, preparation=source.preparation, decision=decision, backend=opened)
        features = embed_sample(predictor, inputs)
    replace_reference(stage, source.scheme, [example.text for example in examples], ruled, features)
    write_json(stage / PARITY, parity)
    write_json(stage / COMPRESSION, build_compression_record(source, steps, command=command))
    document = MetricsDocument.from_dict(source.metrics).build_for_changed_model(
        command,
        decision=DecisionRecord.of(decision, source.scheme, coverage),
        validation=measured,
        size=count_folder_bytes(stage),
    )
    document.write(stage / METRICS)
    write_text(stage / "model_card.md", build_model_card(document))
    seal(stage, family=source.family, backend=backend)
    return count_folder_bytes(stage)


def build_compression_record(source: ModelFolder, steps: dict[str, Any], *, command: str) -> dict[str, Any]:
    """Return the content of `compression.json`, including the earlier steps of `source`."""
    made_from: dict[str, Any] = {
        "name": MetricsDocument.from_dict(source.metrics).name,
        "bytes": count_folder_bytes(source.path),
    }
    before = source.path / COMPRESSION
    if before.exists():
        made_from["steps"] = json.loads(before.read_text(encoding="utf-8"))["steps"]
    return {
        "format_version": COMPRESSION_VERSION,
        "insula_version": __version__,
        "command": command,
        "made_from": made_from,
        "steps": steps,
    }


def count_folder_bytes(path: Path) -> int:
    """Return the total size of the files of a folder in bytes."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
