"""`insula predict --threshold` and `--abstention`: other limits than those chosen in training."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_messages import failed

from insula import load_model, predict_file
from insula.models.folder import seal

TEXT = "so happy and wonderful, then furious"


@pytest.fixture
def several(trained_run: Callable[..., Any]) -> Path:
    """A model with several labels per row."""
    path: Path = trained_run("linear", "multi").path
    return path


def test_a_threshold_decides_the_labels(insula: Callable[..., Any], several: Path) -> None:
    scores = load_model(several).predict([TEXT])[0].scores
    for number in (0.0, 0.1, 0.9):
        result = insula("predict", TEXT, "-m", several, "--json", "--threshold", number)
        labels = json.loads(result.stdout)["labels"]
        assert set(labels) == {name for name, score in scores.items() if score >= number}
    name = next(iter(scores))
    result = insula("predict", TEXT, "-m", several, "--json", "--threshold", f"{name}=0")
    assert name in json.loads(result.stdout)["labels"]


def test_abstention_marks_more_or_fewer(insula: Callable[..., Any], several: Path) -> None:
    for number, abstained in ((0, False), (1, True)):
        result = insula("predict", TEXT, "-m", several, "--json", "--abstention", number)
        assert json.loads(result.stdout)["abstained"] is abstained


@pytest.mark.parametrize(
    ("arguments", "words", "status"),
    [
        (("--threshold", "high"), "must be a number, or LABEL=NUMBER. Got 'high'", 2),
        (("--threshold", "0.5", "--threshold", "joy=0.5"), "Got both", 2),
        (("--threshold", "nope=0.5"), "must be for one of", 1),
        (("--threshold", "1.5"), "from 0 to 1", 1),
        (("--abstention", "-1"), "from 0 to 1", 1),
    ],
)
def test_a_wrong_limit_is_one_sentence(
    insula: Callable[..., Any], several: Path, arguments: tuple[str, ...], words: str, status: int
) -> None:
    failed(insula("predict", TEXT, "-m", several, *arguments), words, status=status)


def test_a_file_is_not_resumed_with_another_threshold(tmp_path: Path, several: Path) -> None:
    """The parts of a stopped job were decided otherwise."""
    one, other = load_model(several), load_model(several, threshold=0.9)
    assert one.fingerprint != other.fingerprint
    assert load_model(several, threshold=0.9).fingerprint == other.fingerprint
    (tmp_path / "in.csv").write_text(f'text\n"{TEXT}"\n', encoding="utf-8")
    predict_file(tmp_path / "in.csv", tmp_path / "out.jsonl", load_model(several, threshold=0))
    row = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))
    assert set(row["labels"]) == set(one.scheme.names)


def test_both_reasons_to_abstain_are_named(insula: Callable[..., Any], tmp_path: Path, trained_run: Any) -> None:
    source, model = trained_run("linear", "single").model, tmp_path / "model"
    for energy in (None, -1000.0):
        shutil.rmtree(model, ignore_errors=True)
        shutil.copytree(source, model)
        rule = json.loads((model / "decision.json").read_text(encoding="utf-8"))
        (model / "decision.json").write_text(json.dumps(rule | {"abstention": 1.0, "energy": energy}), encoding="utf-8")
        seal(model, family="linear", backend="linear")
        (tmp_path / "texts.txt").write_text(TEXT, encoding="utf-8")
        for asked in ((TEXT,), ("-i", tmp_path / "texts.txt")):
            said = insula("predict", *asked, "-m", model).stderr
            assert "confidence is below the abstention threshold" in said
            assert ("unlike its training texts" in said) is (energy is not None)
