"""The parity gate: what it measures, and that each limit refuses."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toy_data
from insula.compression.parity import ParityLimits, measure_batch_invariance, measure_parity, require_parity
from insula.compression.quantization.graph import Graph
from insula.core.decision import DecisionRule
from insula.core.errors import ParityError
from insula.inference.onnx_backend import OnnxBackend
from insula.inference.parity import check_export, compare_batches

SCHEME = toy_data.SCHEMES["multi"]
RULE = DecisionRule(thresholds=(0.5, 0.4, 0.6))
GOOD_COMPANY = {"largest_difference": 1e-7, "labels_changed": 0}


class Moody(OnnxBackend):
    """Scores move with the largest token number of the batch, as with a scale taken over the batch."""

    by = 0.01

    def run(self, ids: Any, mask: Any) -> Any:
        return super().run(ids, mask) + np.float32(self.by * (len(ids) > 1))


def decided(logits: Any) -> Any:
    return RULE.decide(SCHEME, np.asarray(logits, dtype=np.float64))


@pytest.fixture
def logits() -> Any:
    return np.random.default_rng(0).normal(size=(400, 3)) * 2


def parity(logits: Any, moved: Any, gold: Any = None) -> dict[str, Any]:
    before = decided(logits)
    return measure_parity(SCHEME, before.chosen.astype(float) if gold is None else gold, before, decided(moved))


def test_equal_answers_lose_nothing(logits: Any) -> None:
    found = parity(logits, logits)
    assert found["agreement"] == 1.0
    assert found["loss"]["value"] == 0
    assert found["loss"]["low"] <= 0 <= found["loss"]["high"] < 0.01
    assert require_parity(ParityLimits(), found, GOOD_COMPANY)["validation"] == found


def test_a_loss_beyond_the_limit_is_refused(logits: Any) -> None:
    moved = logits.copy()
    moved[:40] = -moved[:40]
    found = parity(logits, moved)
    assert found["loss"]["low"] <= found["loss"]["value"] <= found["loss"]["high"]
    assert found["loss"]["value"] > 0.05
    with pytest.raises(ParityError, match=r"loss of macro-F1 must be at most 0\.005 on 400 .* Nothing was written"):
        require_parity(ParityLimits(agreement=None), found, GOOD_COMPANY)
    assert require_parity(ParityLimits(loss=0.5, agreement=None), found, GOOD_COMPANY)["limits"]["loss"] == 0.5


def test_other_label_sets_are_refused_without_any_loss(logits: Any) -> None:
    moved = logits.copy()
    moved[:20] = -moved[:20]
    gold = np.random.default_rng(1).integers(0, 2, size=(400, 3)).astype(float)
    found = parity(logits, moved, gold)
    assert found["agreement"] == pytest.approx(0.95)
    with pytest.raises(ParityError, match=r"same on at least 97% .* Got 95\.0%"):
        require_parity(ParityLimits(loss=1.0), found, GOOD_COMPANY)


def test_an_undefined_loss_is_refused(logits: Any) -> None:
    found = {**parity(logits, logits), "loss": {"value": None, "low": None, "high": None}}
    with pytest.raises(ParityError, match="undefined"):
        require_parity(ParityLimits(), found, GOOD_COMPANY)


def test_scores_that_depend_on_company_are_refused(trained_run: Callable[..., Any], logits: Any) -> None:
    folder = trained_run("encoder", "multi").model
    texts = [example.text for example in toy_data.toy_dataset("multi").split("validation")]
    steady = measure_batch_invariance(OnnxBackend(folder), SCHEME, RULE, texts, 1e-4)
    assert steady["largest_difference"] < 1e-5
    assert steady["labels_changed"] == 0
    moody = measure_batch_invariance(Moody(folder), SCHEME, RULE, texts, 1e-4)
    assert moody["largest_difference"] > 1e-3
    with pytest.raises(ParityError, match="the same alone and in any batch"):
        require_parity(ParityLimits(), parity(logits, logits), moody)


def test_labels_near_their_threshold_may_change(trained_run: Callable[..., Any]) -> None:
    folder = trained_run("encoder", "multi").model
    texts = [example.text for example in toy_data.toy_dataset("multi").split("validation")][:1]
    backend = Moody(folder)
    alone = RULE.scores(SCHEME, backend.logits(texts))[0]
    at = DecisionRule(thresholds=tuple(float(score) + 1e-6 for score in alone))
    backend.by = 1e-4  # beyond the threshold, yet nearer to it than the limit
    assert measure_batch_invariance(backend, SCHEME, at, texts, 1e-4)["labels_changed"] == 0
    assert measure_batch_invariance(backend, SCHEME, at, texts, 1e-8)["labels_changed"] > 0


def test_company_is_the_same_for_a_seed(trained_run: Callable[..., Any]) -> None:
    backend = OnnxBackend(trained_run("encoder", "multi").model)
    texts = [example.text for example in toy_data.toy_dataset("multi").split("validation")][:9]
    first, again, other = (compare_batches(backend, texts, batches=5, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.rows, again.rows)
    assert not np.array_equal(first.rows, other.rows)


def test_a_run_keeps_the_figures_of_its_export(trained_run: Callable[..., Any]) -> None:
    import json

    folder = trained_run("encoder", "multi").model
    figures = json.loads((folder / "parity.json").read_text(encoding="utf-8"))
    assert max(figures["scores"].values()) <= figures["tolerance"] == 1e-5
    assert "parity.json" in json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert not (trained_run("linear", "multi").model / "parity.json").exists()


def test_an_export_that_answers_otherwise_is_refused(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    folder = tmp_path / "model"
    shutil.copytree(trained_run("encoder", "multi").model, folder)
    texts = ["lovely day", "awful train", ""]
    check_export(folder, SCHEME, texts)
    graph = Graph.load(folder / "model.onnx")
    table = graph.find_tables()[0].weight
    graph.add_constant(table, graph.read_constant(table) * np.float32(1.01))
    graph.save(folder / "model.onnx")
    with pytest.raises(ParityError, match="onnx and torch"):
        check_export(folder, SCHEME, texts)
