"""`recalibrate`: choose a new decision rule for a trained model (calibration, thresholds, abstention)."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from insula import __version__
from insula.core.decision import DecisionRule, Decisions
from insula.core.errors import CHOOSE, DataError, suggest
from insula.core.example import Example
from insula.core.files import atomic_folder, write_json, write_text
from insula.core.model_input import ModelInput
from insula.core.moved import moved_names
from insula.core.scheme import LabelScheme
from insula.core.targets import build_gold_matrix
from insula.data.splits.leak import Fingerprint
from insula.evaluation.compare import compare
from insula.evaluation.document import METRICS, DecisionRecord, MetricsDocument
from insula.evaluation.drift.reference import replace_reference
from insula.evaluation.evaluate_examples import evaluate_examples
from insula.evaluation.metrics.metric_names import get_headline_metric
from insula.evaluation.metrics.reliability import compute_reliability_metrics
from insula.evaluation.reports.cards import build_model_card
from insula.inference.backends import has_windows
from insula.inference.features.embedding import embed_sample
from insula.inference.predictor import Predictor
from insula.models.folder import MANIFEST, ModelFolder, seal, write_common_files
from insula.models.provenance import add_validation_texts
from insula.models.tokens.tokenization import set_windows
from insula.models.tokens.windows import WINDOWS, Windows
from insula.training.decide import choose_decision
from insula.training.options.sections import DecisionOptions
from insula.training.recipe.recipe import load_recipe

if not TYPE_CHECKING:
    __getattr__ = moved_names(__name__, {"Recalibrated": f"{__name__}:RecalibrationResult"})

RECORD = "recalibration.json"
RECORD_VERSION = 1
FOLDS = 5
RESAMPLES = 1000


@dataclass(frozen=True)
class RecalibrationResult:
    """A model folder with a new decision rule.

    path      the folder
    decision  the new rule, chosen on all rows
    figures   the entries `rows`, `metric`, `before`, `after`, `difference` (with its paired 95% interval),
              `calibration_error` and `answered` of its `recalibration.json`, measured by cross-fitting
    """

    path: Path
    decision: DecisionRule
    figures: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"path": str(self.path), "decision": self.decision.to_dict(), **self.figures}


def recalibrate(
    source: ModelFolder,
    examples: Sequence[Example],
    output: Path,
    options: DecisionOptions,
    *,
    as_before: DecisionOptions | None = None,
    windows: Windows | None = None,
    seed: int = 0,
    command: str = "",
) -> RecalibrationResult:
    """Write `output`, a copy of a model folder with a decision rule chosen on labelled rows that were not trained on.

    as_before  how the rule of `source` was chosen, if it was chosen on these same rows: its figures on them would be
               optimistic, so that it is measured by cross-fitting as well. None: the rule is measured as it is
    windows    how the new model reads texts that are longer than it reads at once; None keeps the way of `source`

    The new rule is chosen on all rows and measured by cross-fitting: each fifth of the rows is decided by a rule chosen
    on the other four.
    """
    scheme, gold = source.scheme, build_gold_matrix(source.scheme, examples)
    inputs = [example.input for example in examples]
    predictor = Predictor.load(source.path)
    old_logits = logits = predictor.logits(inputs)
    if windows is not None:
        logits = _compute_windowed(predictor, windows, inputs)
    decision = choose_decision(scheme, logits, gold, options, seed=seed)
    after = cross_fit(scheme, logits, gold, options, seed=seed)
    if as_before is None:
        before = source.decision.decide(scheme, old_logits)
    else:
        before = cross_fit(scheme, old_logits, gold, as_before, seed=seed)
    figures = _compare_metrics(scheme, gold, before, after, seed=seed)
    measured = evaluate_examples(
        scheme, examples, gold, after, decision, seen=[False] * len(examples), resamples=RESAMPLES, seed=seed
    )
    recorded = MetricsDocument.from_dict(source.metrics)
    document = recorded.build_for_changed_model(
        command, decision=DecisionRecord.of(decision, scheme, options.coverage), validation=measured
    )
    with atomic_folder(output) as stage:
        shutil.copytree(source.path, stage, dirs_exist_ok=True)
        (stage / MANIFEST).unlink()
        write_common_files(stage, scheme=scheme, preparation=source.preparation, decision=decision)
        if windows is not None:
            set_windows(stage, windows)
        add_validation_texts(stage, Fingerprint.of(examples))
        predictor.decision = decision
        texts, decided = [example.text for example in examples], predictor.decide_logits(inputs, logits)
        replace_reference(stage, scheme, texts, decided, embed_sample(predictor, inputs))
        recipe = stage / "recipe.toml"
        if recipe.exists():
            chosen = {f"decision.{name}": value for name, value in options.model_dump(mode="json").items()}
            chosen |= {} if windows is None else {"model.windows": windows}
            write_text(recipe, load_recipe(recipe, chosen).to_toml())
        about = {
            "format_version": RECORD_VERSION,
            "insula_version": __version__,
            "created": document.created,
            "command": command,
            "made_from": {"name": recorded.name, "decision": source.decision.to_dict()},
        }
        write_json(stage / RECORD, {**about, **figures})
        document.write(stage / METRICS)
        write_text(stage / "model_card.md", build_model_card(document))
        seal(stage, family=source.family, backend=source.backend)
    return RecalibrationResult(output, decision, figures)


def _compute_windowed(
    predictor: Predictor, windows: Windows, inputs: Sequence[ModelInput]
) -> NDArray[np.floating[Any]]:
    """Return the logits of a model that reads long texts in this way."""
    backend = predictor.backend
    if windows not in WINDOWS:
        raise DataError(
            f"The windows must be one of {', '.join(WINDOWS)}. Got {windows!r}.{suggest(windows, WINDOWS, CHOOSE)}"
        )
    if not has_windows(backend):
        raise DataError(
            "Windows are for models that read a limited number of tokens. Got one that reads whole texts, or a "
            "cascade. Leave out windows."
        )
    backend.windows = windows
    return predictor.logits(inputs)


def cross_fit(
    scheme: LabelScheme,
    logits: NDArray[np.floating[Any]],
    gold: NDArray[np.float64],
    options: DecisionOptions,
    *,
    seed: int = 0,
) -> Decisions:
    """Return cross-fitted decisions: each fifth of the rows is decided by a rule chosen on the other four."""
    fold = np.random.default_rng(seed).permutation(len(gold)) % FOLDS
    by_fold = [
        choose_decision(scheme, logits[fold != number], gold[fold != number], options, seed=seed).decide(
            scheme, logits[fold == number]
        )
        for number in range(FOLDS)
    ]
    rows = np.argsort(np.concatenate([np.flatnonzero(fold == number) for number in range(FOLDS)]))
    confidences = [fold_decisions.confidence for fold_decisions in by_fold if fold_decisions.confidence is not None]
    return Decisions(
        scores=np.concatenate([fold_decisions.scores for fold_decisions in by_fold])[rows],
        chosen=np.concatenate([fold_decisions.chosen for fold_decisions in by_fold])[rows],
        confidence=np.concatenate(confidences)[rows] if confidences else None,
        abstained=np.concatenate([fold_decisions.abstained for fold_decisions in by_fold])[rows],
    )


def _compare_metrics(
    scheme: LabelScheme, gold: NDArray[np.float64], before: Decisions, after: Decisions, *, seed: int
) -> dict[str, Any]:
    name, categorical = get_headline_metric(scheme.kind), scheme.is_categorical
    sides = {"before": before, "after": after}
    compared = [[one.answers(scheme)] for one in sides.values()]
    found = compare(scheme, gold, *compared, resamples=RESAMPLES, seed=seed).metrics[name]
    errors, answered = None, None
    if categorical:
        errors = {
            side: compute_reliability_metrics(scheme.kind, gold > 0.5, one.scores.astype(np.float64))["ece"]
            for side, one in sides.items()
        }
        answered = {side: float((~one.abstained).mean()) for side, one in sides.items()}
    return {
        "rows": len(gold),
        "metric": name,
        "before": found.a,
        "after": found.b,
        "difference": found.difference.to_dict(),
        "calibration_error": errors,
        "answered": answered,
    }
