"""The public surface: which names `insula` has, and that each loads alone."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import insula
from waiting import DEADLINE

PACKAGE = Path(insula.__file__).parent
NAMES = [
    "DataOptions", "EmotionClassifier", "EmotionRegressor", "Example", "InsulaError", "LabelScheme", "ModelInput",
    "Prediction", "Progress", "Recipe", "Turn", "__version__", "attack_model", "augment_file", "bench_model",
    "calibrate_model", "cascade_model", "check_message", "check_messages", "check_reply", "check_rules",
    "check_safety_file", "compare", "compress_model", "describe_data", "evaluate", "evaluate_policy", "explain",
    "explain_file", "explain_model", "export_model", "find_counterfactuals", "find_nearest", "learn_policy",
    "list_runs", "load_dataset", "load_model", "mask_file", "mask_texts", "measure_effects", "open_generators",
    "open_policy", "predict", "predict_file", "pretrain", "prune_model", "quantize_model", "record_outcome",
    "record_outcome_file", "reply", "reply_file", "resume_pretraining", "resume_training", "reveal_texts",
    "score_empathy", "score_empathy_file", "score_explanations", "search", "train", "train_empathy",
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
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=DEADLINE, check=True)
    assert done.stdout.strip() == "[]"


def test_a_typing_error_in_a_name_has_a_hint() -> None:
    with pytest.raises(AttributeError, match="Did you mean 'EmotionClassifier'"):
        insula.EmotionClasifier  # type: ignore[attr-defined]  # noqa: B018


def test_type_checkers_find_typing_errors_in_names(tmp_path: Path) -> None:
    """The program and the package alone are checked; a module's `__getattr__` would make every name of it valid."""
    api = pytest.importorskip("mypy.api")
    program = tmp_path / "program.py"
    program.write_text(
        "import insula\nfrom insula import train\nfrom insula import EmotionClasifier\ninsula.trian\ninsula.train\n"
    )
    places = [file for file in PACKAGE.rglob("*.py") if "__getattr__" in file.read_text(encoding="utf-8")]
    shown, _, _ = api.run(
        ["--follow-imports=skip", "--config-file=", f"--cache-dir={tmp_path}", *map(str, places), str(program)]
    )
    found = [line.partition(": error: ")[2] for line in shown.splitlines() if line.startswith(str(program))]
    assert [line.partition(";")[0] for line in found] == [
        'Module "insula" has no attribute "EmotionClasifier"',
        'Module has no attribute "trian"  [attr-defined]',
    ]
    for file in places:
        hidden = re.search(
            r"^if not TYPE_CHECKING:.*\n(\n*    .*\n)*?\n*    (def )?__getattr__", file.read_text(), re.MULTILINE
        )
        assert hidden or file.name == "moved.py", file


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("insula.core.builtin_schemes", "builtin_scheme", "get_builtin_scheme"),
        ("insula.compression.prune", "Pruned", "PruningResult"),
        ("insula.training.recalibrate", "Recalibrated", "RecalibrationResult"),
        ("insula.safety.mask", "Masked", "MaskedText"),
        ("insula.core.model_input", "dialogue_inputs", "build_dialogue_inputs"),
        ("insula.safety.pseudonyms", "new_key", "create_key"),
        ("insula.inference.engine", "Engine", "EngineSettings"),
        ("insula.augmentation.registry", "Situation", "AugmentationContext"),
    ],
)
def test_renamed_names_work_with_a_warning(module: str, old: str, new: str) -> None:
    found = importlib.import_module(module)
    with pytest.warns(DeprecationWarning, match=f"use {module}.{new}"):
        assert getattr(found, old) is getattr(found, new)
