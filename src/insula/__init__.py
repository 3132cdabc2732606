"""insula: train, evaluate and use models that recognise emotion in text.

    from insula import EmotionClassifier, load_dataset, load_model, train, evaluate

The public names below are loaded on first use (PEP 562), so that `import insula` stays fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from insula.api.augmentation import attack_model as attack_model
    from insula.api.augmentation import augment_file as augment_file
    from insula.api.comparison import compare as compare
    from insula.api.data import describe_data as describe_data
    from insula.api.empathy.policy import evaluate_policy as evaluate_policy
    from insula.api.empathy.policy import learn_policy as learn_policy
    from insula.api.empathy.policy import open_policy as open_policy
    from insula.api.empathy.policy import record_outcome as record_outcome
    from insula.api.empathy.policy import record_outcome_file as record_outcome_file
    from insula.api.empathy.score import score_empathy as score_empathy
    from insula.api.empathy.score import score_empathy_file as score_empathy_file
    from insula.api.empathy.train import train_empathy as train_empathy
    from insula.api.evaluation import evaluate as evaluate
    from insula.api.explanation import explain as explain
    from insula.api.explanation import explain_file as explain_file
    from insula.api.explanation import explain_model as explain_model
    from insula.api.explanation import find_counterfactuals as find_counterfactuals
    from insula.api.explanation import find_nearest as find_nearest
    from insula.api.explanation import measure_effects as measure_effects
    from insula.api.explanation import score_explanations as score_explanations
    from insula.api.masking import mask_file as mask_file
    from insula.api.masking import mask_texts as mask_texts
    from insula.api.masking import reveal_texts as reveal_texts
    from insula.api.model.bench import bench_model as bench_model
    from insula.api.model.calibration import calibrate_model as calibrate_model
    from insula.api.model.compression import cascade_model as cascade_model
    from insula.api.model.compression import compress_model as compress_model
    from insula.api.model.compression import quantize_model as quantize_model
    from insula.api.model.export import export_model as export_model
    from insula.api.model.pruning import prune_model as prune_model
    from insula.api.prediction import load_model as load_model
    from insula.api.prediction import predict as predict
    from insula.api.prediction import predict_file as predict_file
    from insula.api.pretraining import pretrain as pretrain
    from insula.api.pretraining import resume_pretraining as resume_pretraining
    from insula.api.reply import open_generators as open_generators
    from insula.api.reply import reply as reply
    from insula.api.reply import reply_file as reply_file
    from insula.api.rules import check_rules as check_rules
    from insula.api.runs import list_runs as list_runs
    from insula.api.safety.check import check_message as check_message
    from insula.api.safety.check import check_messages as check_messages
    from insula.api.safety.check import check_reply as check_reply
    from insula.api.safety.check import check_safety_file as check_safety_file
    from insula.api.search import search as search
    from insula.api.training import resume_training as resume_training
    from insula.api.training import train as train
    from insula.core.errors import InsulaError as InsulaError
    from insula.core.example import Example as Example
    from insula.core.model_input import ModelInput as ModelInput
    from insula.core.model_input import Turn as Turn
    from insula.core.prediction import Prediction as Prediction
    from insula.core.progress import Progress as Progress
    from insula.core.scheme import LabelScheme as LabelScheme
    from insula.data.load import load_dataset as load_dataset
    from insula.data.options import DataOptions as DataOptions
    from insula.estimator import EmotionClassifier as EmotionClassifier
    from insula.estimator import EmotionRegressor as EmotionRegressor
    from insula.training.recipe.recipe import Recipe as Recipe

_PUBLIC = {
    "DataOptions": "insula.data.options",
    "EmotionClassifier": "insula.estimator",
    "EmotionRegressor": "insula.estimator",
    "Example": "insula.core.example",
    "InsulaError": "insula.core.errors",
    "LabelScheme": "insula.core.scheme",
    "ModelInput": "insula.core.model_input",
    "Prediction": "insula.core.prediction",
    "Progress": "insula.core.progress",
    "Recipe": "insula.training.recipe.recipe",
    "Turn": "insula.core.model_input",
    "attack_model": "insula.api.augmentation",
    "augment_file": "insula.api.augmentation",
    "bench_model": "insula.api.model.bench",
    "calibrate_model": "insula.api.model.calibration",
    "cascade_model": "insula.api.model.compression",
    "check_message": "insula.api.safety.check",
    "check_messages": "insula.api.safety.check",
    "check_reply": "insula.api.safety.check",
    "check_rules": "insula.api.rules",
    "check_safety_file": "insula.api.safety.check",
    "compare": "insula.api.comparison",
    "compress_model": "insula.api.model.compression",
    "describe_data": "insula.api.data",
    "evaluate": "insula.api.evaluation",
    "evaluate_policy": "insula.api.empathy.policy",
    "explain": "insula.api.explanation",
    "explain_file": "insula.api.explanation",
    "explain_model": "insula.api.explanation",
    "export_model": "insula.api.model.export",
    "find_counterfactuals": "insula.api.explanation",
    "find_nearest": "insula.api.explanation",
    "learn_policy": "insula.api.empathy.policy",
    "list_runs": "insula.api.runs",
    "load_dataset": "insula.data.load",
    "load_model": "insula.api.prediction",
    "mask_file": "insula.api.masking",
    "mask_texts": "insula.api.masking",
    "measure_effects": "insula.api.explanation",
    "open_generators": "insula.api.reply",
    "open_policy": "insula.api.empathy.policy",
    "predict": "insula.api.prediction",
    "predict_file": "insula.api.prediction",
    "pretrain": "insula.api.pretraining",
    "prune_model": "insula.api.model.pruning",
    "quantize_model": "insula.api.model.compression",
    "record_outcome": "insula.api.empathy.policy",
    "record_outcome_file": "insula.api.empathy.policy",
    "reply": "insula.api.reply",
    "reply_file": "insula.api.reply",
    "resume_pretraining": "insula.api.pretraining",
    "resume_training": "insula.api.training",
    "reveal_texts": "insula.api.masking",
    "score_empathy": "insula.api.empathy.score",
    "score_empathy_file": "insula.api.empathy.score",
    "score_explanations": "insula.api.explanation",
    "search": "insula.api.search",
    "train": "insula.api.training",
    "train_empathy": "insula.api.empathy.train",
}
__all__ = ["__version__", *_PUBLIC]


if not TYPE_CHECKING:  # type checkers must not take every name for a public one

    def __getattr__(name: str) -> Any:
        if name in _PUBLIC:
            return getattr(importlib.import_module(_PUBLIC[name]), name)
        raise AttributeError(f"module 'insula' has no attribute {name!r}.{_suggest_name(name)}")


def __dir__() -> list[str]:
    return sorted(__all__)


def _suggest_name(name: str) -> str:
    from insula.core.errors import suggest

    return suggest(name, _PUBLIC)
