"""The public surface: which names `insula` has, and that each loads alone."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import insula

NAMES = [
    "DataOptions", "EmotionClassifier", "EmotionRegressor", "Example", "InsulaError", "LabelScheme", "ModelInput",
    "Prediction", "Recipe", "Turn", "__version__", "augment_file", "bench_model", "calibrate_model", "cascade_model",
    "compare", "compress_model", "describe_data", "evaluate", "explain", "explain_file", "export_model", "list_runs",
    "load_dataset", "load_model", "mask_file", "mask_texts", "predict", "predict_file", "pretrain", "prune_model",
    "quantize_model", "resume_pretraining", "resume_training", "reveal_texts", "search", "train",
]  # fmt: skip


def test_the_list_of_public_names() -> None:
    assert sorted(insula.__all__) == NAMES
    assert dir(insula) == NAMES


@pytest.mark.parametrize("name", [name for name in NAMES if name != "__version__"])
def test_every_name_is_there_and_documented(name: str) -> None:
    thing = getattr(insula, name)
    assert thing.__name__ == name
    assert inspect.getdoc(thing)


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        insula.nonsense  # noqa: B018


def test_light_names_load_nothing_heavy() -> None:
    code = (
        "from insula import Example, InsulaError, LabelScheme, ModelInput, Prediction, Turn; import sys; "
        "print([n for n in ('numpy', 'torch', 'pyarrow', 'sklearn') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
