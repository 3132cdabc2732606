"""Coarser levels of a scheme agree with it and with each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insula.core.builtin_schemes import BUILTIN_SCHEMES
from insula.core.decision import DecisionRule
from insula.core.levels import compute_level_predictions, find_levels
from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme

HIERARCHIES = [scheme for scheme in BUILTIN_SCHEMES.values() if scheme.mappings]
each = pytest.mark.parametrize("scheme", HIERARCHIES, ids=lambda scheme: scheme.name)


@each
@given(seed=st.integers(0, 10_000))
def test_no_level_contradicts_another(scheme: LabelScheme, seed: int) -> None:
    logits = np.random.default_rng(seed).normal(scale=3, size=(20, len(scheme.names)))
    decided = DecisionRule().decide(scheme, logits)
    for level in find_levels(scheme).values():
        scores, chosen = level.compute_scores(decided.scores), level.choose_parents(decided.chosen)
        assert ((scores >= 0) & (scores <= 1 + 1e-9)).all()
        for label, parents in enumerate(level.children):
            assert parents.sum() == 1
            parent = int(parents.argmax())
            assert (scores[:, parent] >= decided.scores[:, label] - 1e-12).all()
            assert chosen[decided.chosen[:, label], parent].all()
        for parent, children in enumerate(level.children.T):
            assert (chosen[:, parent] == decided.chosen[:, children].any(axis=1)).all()
        if scheme.kind == "multi":
            assert (chosen == (scores >= 0.5)).all()  # at the plain threshold they are one and the same
        else:
            np.testing.assert_allclose(scores.sum(axis=1), 1)
            assert (chosen.sum(axis=1) == 1).all()


def test_a_level_between_changes_nothing() -> None:
    scheme = BUILTIN_SCHEMES["goemotions"]
    scores = np.random.default_rng(0).random((50, 28))
    both = find_levels(scheme)
    assert [len(level.scheme.names) for level in both.values()] == [7, 4]
    ekman = both["ekman"]
    middle = LabelScheme("ekman", "multi", ekman.scheme.names, mappings=BUILTIN_SCHEMES["ekman7"].mappings)
    over = find_levels(middle)["sentiment"]
    order = [over.scheme.names.index(name) for name in both["sentiment"].scheme.names]
    np.testing.assert_allclose(
        over.compute_scores(ekman.compute_scores(scores))[:, order], both["sentiment"].compute_scores(scores)
    )


@given(seed=st.integers(0, 10_000))
def test_a_decided_emotion_implies_its_group_and_its_sentiment(seed: int) -> None:
    scheme = BUILTIN_SCHEMES["goemotions"]
    ekman, sentiment = find_levels(scheme)["ekman"], find_levels(scheme)["sentiment"]
    assert [len(names) for names in (scheme.names, ekman.scheme.names, sentiment.scheme.names)] == [28, 7, 4]
    assert set(sentiment.scheme.names) == {"positive", "negative", "ambiguous", "neutral"}
    random = np.random.default_rng(seed)
    rule = DecisionRule(thresholds=tuple(random.uniform(0.05, 0.95, size=28)))  # each label has a threshold of its own
    emotions = rule.decide(scheme, random.normal(scale=3, size=(20, 28))).chosen
    groups, sentiments = ekman.choose_parents(emotions), sentiment.choose_parents(emotions)
    onwards = BUILTIN_SCHEMES["ekman7"].mappings["sentiment"]
    for row in range(20):
        held = [name for name, chosen in zip(scheme.names, emotions[row], strict=True) if chosen]
        held_groups = {name for name, chosen in zip(ekman.scheme.names, groups[row], strict=True) if chosen}
        held_sentiments = {name for name, chosen in zip(sentiment.scheme.names, sentiments[row], strict=True) if chosen}
        assert held_groups == {scheme.mappings["ekman"][name] for name in held}
        assert held_sentiments == {scheme.mappings["sentiment"][name] for name in held}
        assert held_sentiments == {onwards[group] for group in held_groups}


def test_what_is_no_level() -> None:
    holes = {"coarse": {"a": "x", "b": "y"}}
    assert find_levels(LabelScheme("s", "single", ("a", "b", "c"), mappings=holes)) == {}
    assert list(find_levels(LabelScheme("s", "multi", ("a", "b", "c"), mappings=holes))) == ["coarse"]
    assert find_levels(LabelScheme("s", "multi", ("a", "b"), mappings={"one": {"a": "x", "b": "x"}})) == {}
    assert find_levels(LabelScheme("s", "single", ("a", "b"), mappings={"renamed": {"a": "x", "b": "y"}})) == {}


def test_a_prediction_at_every_level() -> None:
    scheme = BUILTIN_SCHEMES["carer"]
    scores = dict(zip(scheme.names, (0.1, 0.3, 0.35, 0.15, 0.05, 0.05), strict=True))
    answers = compute_level_predictions(scheme, Prediction(text="x", labels=("love",), label="love", scores=scores))
    assert answers["sentiment"]["labels"] == ["positive"]
    assert answers["sentiment"]["scores"]["positive"] == pytest.approx(0.65)
    assert answers["ekman"]["scores"]["joy"] == pytest.approx(0.65)
