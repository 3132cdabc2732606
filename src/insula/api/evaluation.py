"""`evaluate`: a model on labelled rows it was not trained on."""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from insula import __version__
from insula.core.files import write_json
from insula.core.progress import Progress, Silent
from insula.core.targets import gold_matrix
from insula.data.leak import Fingerprint
from insula.data.load import read_examples
from insula.data.options import DataOptions
from insula.evaluation.evaluate import evaluate as measure
from insula.evaluation.report import write_report
from insula.inference.predictor import Predictor
from insula.models.folder import open_folder
from insula.models.locate import locate_model
from insula.text.language import tell
from insula.training.baselines import Judge, majority


@dataclass(frozen=True)
class EvaluationRun:
    """What was measured; `metrics` has the shape of a run's `metrics.json`, without its training parts.

    path    the folder with `metrics.json` and `report.html`, None where none was asked for
    notes   sentences on what was read, dropped, warned about
    """

    metrics: Mapping[str, Any]
    notes: tuple[str, ...]
    path: Path | None


def evaluate(
    source: str | Path | list[str | Path],
    model: str | Path,
    *,
    options: DataOptions | None = None,
    text: str | None = None,
    label: str | None = None,
    output: str | Path | None = None,
    resamples: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> EvaluationRun:
    """Measure a model on labelled rows; scores stand with and without rows whose text it was trained on.

    source    a file, several, a folder (its test split is taken) or a built-in set
    model     a run, a model folder, or the name of a run
    options   how the rows are read; default as they were for training
    output    a folder for `metrics.json` and `report.html`; nothing is written where it is None

    The majority class, and `linear` where the run kept one, answer the same rows for comparison.
    Raises `DataError`, `MissingFileError`, `UnknownNameError`, `ModelFolderError`.
    """
    progress = progress or Silent()
    place = locate_model(model)
    folder = open_folder(place)
    predictor = Predictor.load(place)
    recorded = folder.metrics
    options = options or _recorded_options(place)
    given = {"text": text, "label": label}
    options = options.model_copy(update={name: value for name, value in given.items() if value is not None})
    examples, notes = read_examples(source, options, folder.scheme)
    for note in notes:
        progress.say(note)
    progress.say(f"Evaluating on {len(examples):,} rows.")
    texts = [example.text for example in examples]
    gold = gold_matrix(folder.scheme, examples)
    decisions = predictor.decide(texts)
    measured = measure(
        folder.scheme,
        gold,
        decisions.scores,
        decisions.chosen,
        texts=texts,
        languages=[example.language or tell(example.text) for example in examples],
        confidence=decisions.confidence,
        abstained=decisions.abstained,
        seen=trained_on(place).seen(texts),
        thresholds=folder.decision.thresholds if folder.scheme.kind == "multi" and folder.decision.thresholds else None,
        abstention_threshold=folder.decision.abstention,
        resamples=resamples,
        seed=seed,
    ).to_dict()
    judge = Judge(folder.scheme, gold, decisions, resamples, seed)
    metrics = {
        "format_version": recorded.get("format_version", 1),
        "insula_version": __version__,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "name": recorded.get("name", place.name),
        "command": "",
        "model": recorded.get("model", {}),
        "scheme": folder.scheme.to_dict(),
        "data": {"name": str(source), "rows": {"test": len(examples)}, "notes": list(notes)},
        "decision": recorded.get("decision", {}),
        "test": measured,
        "baselines": _baselines(place, recorded, judge, texts),
    }
    if output is not None:
        write_json(Path(output) / "metrics.json", metrics)
        write_report(Path(output) / "report.html", metrics)
    return EvaluationRun(metrics=metrics, notes=tuple(notes), path=None if output is None else Path(output))


def trained_on(model: Path) -> Fingerprint:
    """Return the fingerprint of all texts a model was made with: training rows and those its choices were made on."""
    file = model / "fingerprint.safetensors"
    if not file.exists():
        return Fingerprint()
    return Fingerprint(np.concatenate([split.view(np.uint64) for split in load_file(file).values()]))


def _recorded_options(model: Path) -> DataOptions:
    file = model / "recipe.toml"
    recipe = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return DataOptions.model_validate(recipe.get("data", {}))


def _baselines(model: Path, recorded: Mapping[str, Any], judge: Judge, texts: list[str]) -> dict[str, Any]:
    baselines = {}
    counts = recorded.get("data", {}).get("label_counts", {}).get("train")
    if counts:
        rates = np.array([[counts[name] for name in judge.scheme.names]], dtype=np.float64)
        rates /= max(recorded["data"]["rows"]["train"], 1)
        baselines["majority"] = judge.against(majority(judge.scheme, rates, len(texts)))
    linear = model.parent / "baselines" / "linear"
    if linear.is_dir():
        baselines["linear"] = judge.against(Predictor.load(linear).decide(texts))
    return baselines
