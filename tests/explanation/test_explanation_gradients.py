"""Explainers that look into a network: gradients and attention, for every family that says it can."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import toy_data
from insula.core.environment import require as real_require
from insula.core.errors import DataError, MissingExtraError
from insula.explanation.explain import explain_input
from insula.explanation.masked_predictor import MaskedPredictor
from insula.explanation.methods.attention import WARNING
from insula.explanation.methods.gradients import open_network
from insula.inference.predictor import Predictor
from insula.training.families.registry import families

FAMILIES = tuple(families)
GRADIENTS = ("gradient-x-input", "integrated-gradients")
PLANTED = {word for several in toy_data.LABEL_WORDS for word in several}
needs_captum = pytest.mark.skipif(importlib.util.find_spec("captum") is None, reason="captum is not installed")


@needs_captum
@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_find_what_a_family_learnt(family: str, trained_run: Callable[..., Any]) -> None:
    predictor = Predictor.load(trained_run(family, "single").path)
    texts = [example.text for example in toy_data.toy_dataset("single").splits["test"]]
    texts = [text for text in texts if PLANTED & set(text.split())][:10]
    for method in GRADIENTS:
        if not families[family].differentiable:
            with pytest.raises(DataError, match="needs the trained network of a neural model"):
                explain_input(predictor, texts[0], method=method)
            continue
        found = [explain_input(predictor, text, method=method, with_faithfulness=False) for text in texts]
        top = [{word.text for word, _ in one.top_words(next(iter(one.weights)), 2)} for one in found]
        # Of eight words or more, by chance one in four; the gradient at the text alone is too rough to promise it.
        assert method == "gradient-x-input" or np.mean([bool(words & PLANTED) for words in top]) >= 0.6
        assert all(np.isfinite(one).all() and np.any(one) for row in found for one in row.weights.values())
        assert found[0].method == method
        assert found[0].warning == ""


@needs_captum
@pytest.mark.parametrize("kind", ["binary", "multi", "dimensional"])
def test_integrated_gradients_add_up(kind: Any, trained_run: Callable[..., Any]) -> None:
    """The weights sum to the difference of the evidence between the text and a text of padding."""
    import torch

    predictor = Predictor.load(trained_run("encoder", kind).path)
    text = "we wonderful walk home with a friend because it was happy again"
    found = explain_input(predictor, text, method="integrated-gradients", labels=predictor.scheme.names[:1])
    (weights,) = found.weights.values()
    masked = MaskedPredictor(predictor, text)
    backend, ids, owners = open_network(masked, "integrated-gradients")
    padding = np.where(owners >= 0, backend.padding, ids)
    rows = torch.from_numpy(np.stack([ids, padding]))
    with torch.inference_mode():
        logits = backend.network(rows, torch.ones_like(rows)).logits.numpy().astype(np.float64)
    scale, shift = masked._map, masked._shift
    evidence = (logits @ scale + shift)[:, 0]
    # Tokens of no word, such as [CLS], do not differ between the two.
    assert sum(weights) == pytest.approx(evidence[0] - evidence[1], abs=0.05 * max(1.0, abs(evidence[0] - evidence[1])))
    assert found.decision is None


@needs_captum
def test_only_wanted_labels_are_computed(trained_run: Callable[..., Any]) -> None:
    predictor = Predictor.load(trained_run("encoder", "multi").path)
    name = predictor.scheme.names[1]
    found = explain_input(predictor, "a wonderful day", method="gradient-x-input", labels=[name])
    assert list(found.weights) == [name]
    assert not np.isnan(found.weights[name]).any()
    assert found.faithfulness[name].agreement is not None


def test_attention_says_what_it_is_not(trained_run: Callable[..., Any]) -> None:
    predictor = Predictor.load(trained_run("encoder", "single").path)
    found = explain_input(predictor, "a wonderful day", method="attention-rollout", labels=predictor.scheme.names)
    assert found.warning == WARNING
    assert found.to_dict()["explanation"]["warning"] == WARNING
    assert WARNING in found.to_html()
    first, second, *_ = found.weights.values()
    assert first == second
    assert min(first) > 0
    assert sum(first) <= 1 + 1e-9
    with pytest.raises(DataError, match="families 'encoder' and 'decoder'"):
        explain_input(Predictor.load(trained_run("textcnn", "single").path), "a day", method="attention-rollout")


def test_without_the_extra_it_says_what_to_install(
    trained_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def require(module: str, **named: Any) -> None:
        real_require("no_such_captum" if module == "captum" else module, **named)

    monkeypatch.setattr("insula.explanation.methods.gradients.require", require)
    predictor = Predictor.load(trained_run("encoder", "single").path)
    with pytest.raises(MissingExtraError, match=r"pip install 'insula\[gradients\]'"):
        explain_input(predictor, "a day", method="integrated-gradients")
