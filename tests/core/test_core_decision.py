"""From logits to scores, labels and "I don't know"."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from insula.core.decision import Calibration, DecisionRule, compute_confidence
from insula.core.errors import DataError
from insula.core.scheme import KINDS, Kind, LabelScheme, uses_softmax
from insula.evaluation.decisions.calibration import fit_calibration

NAMES = ("a", "b", "c")


def _scheme(kind: Kind) -> LabelScheme:
    names = NAMES[:2] if kind == "binary" else NAMES
    ranges = dict.fromkeys(names, (-1.0, 2.0)) if kind == "dimensional" else {}
    return LabelScheme("test", kind, names, ranges=ranges)


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def test_single_label_takes_the_highest_softmax() -> None:
    decisions = DecisionRule().decide(_scheme("single"), np.array([[1.0, 2.0, 0.0], [5.0, 5.0, 0.0]]))
    total = math.exp(1) + math.exp(2) + 1
    np.testing.assert_allclose(decisions.scores[0], [math.exp(1) / total, math.exp(2) / total, 1 / total])
    assert decisions.chosen.tolist() == [[False, True, False], [True, False, False]]  # of equals the first
    assert decisions.confidence is not None
    np.testing.assert_allclose(decisions.confidence[0], math.exp(2) / total)


def test_ordinal_decides_as_single() -> None:
    logits = np.array([[1.0, 2.0, 0.0]])
    single = DecisionRule().decide(_scheme("single"), logits)
    ordinal = DecisionRule().decide(_scheme("ordinal"), logits)
    np.testing.assert_array_equal(single.scores, ordinal.scores)
    np.testing.assert_array_equal(single.chosen, ordinal.chosen)


def test_binary_has_one_logit_for_the_second_label() -> None:
    rule = DecisionRule(thresholds=(0.7,))
    decisions = rule.decide(_scheme("binary"), np.array([[0.5], [1.0]]))
    np.testing.assert_allclose(decisions.scores, [[1 - _sigmoid(0.5), _sigmoid(0.5)], [1 - _sigmoid(1), _sigmoid(1)]])
    assert decisions.chosen.tolist() == [[True, False], [False, True]]  # 0.62 is below 0.7, 0.73 is not
    assert decisions.confidence is not None
    np.testing.assert_allclose(decisions.confidence, [1 - _sigmoid(0.5), _sigmoid(1)])


def test_multi_label_has_a_threshold_each_and_may_choose_none() -> None:
    rule = DecisionRule(thresholds=(0.2, 0.5, 0.9))
    logits = np.array([[-1.0, 0.0, 2.0], [-3.0, -3.0, -3.0]])
    decisions = rule.decide(_scheme("multi"), logits)
    assert decisions.chosen.tolist() == [[True, True, False], [False, False, False]]
    a, b, c = _sigmoid(-1), 0.5, _sigmoid(2)
    assert decisions.confidence is not None
    np.testing.assert_allclose(decisions.confidence, [a * b * (1 - c), (1 - _sigmoid(-3)) ** 3])


def test_multi_label_without_thresholds_takes_a_half() -> None:
    assert DecisionRule().decide(_scheme("multi"), np.array([[0.0, -0.01, 0.01]])).chosen.tolist() == [
        [True, False, True]
    ]


def test_dimensional_values_are_calibrated_and_clipped() -> None:
    rule = DecisionRule(Calibration("linear", (2.0, 1.0, 1.0), (0.25, 0.0, 0.0)), abstention=0.9)
    decisions = rule.decide(_scheme("dimensional"), np.array([[0.5, 3.0, -7.0]]))
    assert decisions.scores.tolist() == [[1.25, 2.0, -1.0]]
    assert not decisions.chosen.any()
    assert not decisions.abstained.any()
    assert decisions.confidence is None


def test_abstention_is_below_the_threshold_only() -> None:
    logits = np.array([[0.0], [1.0], [3.0]])
    confidence = DecisionRule().decide(_scheme("binary"), logits).confidence
    assert confidence is not None
    rule = DecisionRule(abstention=float(confidence[1]))
    assert rule.decide(_scheme("binary"), logits).abstained.tolist() == [True, False, False]
    assert not DecisionRule().decide(_scheme("binary"), logits).abstained.any()


def test_calibration_is_applied_before_deciding() -> None:
    rule = DecisionRule(Calibration("vector", (2.0, 1.0, 1.0), (0.0, 3.0, 0.0)))
    logits = np.array([[1.0, 1.0, 1.5]])
    np.testing.assert_allclose(
        rule.scores(_scheme("single"), logits), DecisionRule().scores(_scheme("single"), np.array([[2.0, 4.0, 1.5]]))
    )


def test_isotonic_curves_lead_from_log_odds_to_log_odds() -> None:
    curve = ((-1000.0, 0.0, 2.0, 1000.0), (-1001.0, -1.0, 3.0, 1001.0))
    several = DecisionRule(Calibration("isotonic", (0.5,), (0.0,), (curve,) * 3))
    scores = several.scores(_scheme("multi"), np.array([[0.0, 2.0, 4.0]]))  # log-odds 0, 1, 2
    np.testing.assert_allclose(scores, [[_sigmoid(-1), _sigmoid(1), _sigmoid(3)]])
    one = several.scores(_scheme("single"), np.array([[2.0, 2.0, 2.0]]))
    np.testing.assert_allclose(one, [[1 / 3, 1 / 3, 1 / 3]])
    # Each label against the rest: log(2/1) apart from the others, then divided by the sum.
    z = np.array([[math.log(2) * 2, 0.0, 0.0]])
    odds = [0.0, math.log(1 / 3), math.log(1 / 3)]
    wanted = np.array([_sigmoid(float(np.interp(x, *curve))) for x in odds])
    np.testing.assert_allclose(several.scores(_scheme("single"), z), [wanted / wanted.sum()])


def test_offsets_move_the_decision_and_not_the_scores() -> None:
    logits = np.log([[0.5, 0.3, 0.2]])
    rule = DecisionRule(offsets=(-1.0, 0.0, 0.3))
    decisions = rule.decide(_scheme("single"), logits)
    assert decisions.chosen.tolist() == [[False, True, False]]
    np.testing.assert_allclose(decisions.scores, [[0.5, 0.3, 0.2]])
    assert decisions.confidence == pytest.approx([0.3])


def test_a_rule_of_an_earlier_version_is_read() -> None:
    row = {
        "calibration": {"method": "temperature", "scale": [2.0], "bias": [0.0]}, "thresholds": [], "abstention": 0.1,
    }  # fmt: skip
    assert DecisionRule.from_dict(row) == DecisionRule(Calibration("temperature", (2.0,)), abstention=0.1)


def test_fitted_calibration_makes_overconfident_logits_truer() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(800, 3))
    gold = np.eye(3)[[rng.choice(3, p=row) for row in DecisionRule().scores(_scheme("single"), truth)]]
    logits = 4.0 * truth
    rule = DecisionRule(fit_calibration(logits[:400], gold[:400], "single"))

    def loss(one: DecisionRule) -> float:
        return float(-np.log((one.scores(_scheme("single"), logits[400:]) * gold[400:]).sum(axis=1)).mean())

    assert loss(rule) < 0.8 * loss(DecisionRule())
    assert rule.calibration.scale[0] == pytest.approx(0.25, abs=0.08)


RULES = st.builds(
    DecisionRule,
    calibration=st.one_of(
        st.just(Calibration()),
        st.builds(
            Calibration,
            method=st.just("temperature"),
            scale=st.tuples(st.floats(0.05, 20)),
            bias=st.tuples(st.floats(-5, 5)),
        ),
    ),
    offsets=st.one_of(st.just(()), st.tuples(st.floats(-2, 2))),
    thresholds=st.one_of(st.just(()), st.tuples(st.floats(0, 1))),
    abstention=st.floats(0, 1),
)


@given(RULES)
def test_a_rule_survives_json(rule: DecisionRule) -> None:
    assert DecisionRule.from_dict(json.loads(json.dumps(rule.to_dict()))) == rule


@pytest.mark.parametrize("kind", KINDS)
@given(
    rule=RULES,
    logits=st.integers(0, 6).flatmap(
        lambda rows: arrays(np.float64, (rows, 3), elements=st.floats(allow_nan=False, allow_infinity=True))
    ),
)
def test_scores_are_in_range_for_any_logits(kind: Kind, rule: DecisionRule, logits: np.ndarray) -> None:
    scheme = _scheme(kind)
    decisions = rule.decide(scheme, logits[:, : scheme.output_count])
    assert decisions.scores.shape == decisions.chosen.shape == (len(logits), len(scheme.names))
    assert decisions.abstained.shape == (len(logits),)
    low, high = (-1, 2) if kind == "dimensional" else (0, 1)
    assert ((decisions.scores >= low) & (decisions.scores <= high)).all()
    if kind in ("single", "ordinal", "binary"):
        np.testing.assert_allclose(decisions.scores.sum(axis=1), 1.0)
        assert (decisions.chosen.sum(axis=1) == 1).all()
    if decisions.confidence is not None:
        assert ((decisions.confidence >= 0) & (decisions.confidence <= 1)).all()


def test_float32_logits_give_the_scores_of_float64() -> None:
    logits = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    for kind in ("single", "multi"):
        a, b = (DecisionRule().scores(_scheme(kind), values) for values in (logits, logits.astype(np.float64)))
        assert a.dtype == np.float64
        np.testing.assert_array_equal(a, b)


def test_confidence_is_the_probability_of_the_decision():
    scores = np.array([[0.9, 0.2], [0.4, 0.3]])
    decisions = np.array([[True, False], [False, True]])
    assert compute_confidence("single", scores, decisions).tolist() == [0.9, 0.3]
    assert compute_confidence("multi", scores, decisions) == pytest.approx([0.9 * 0.8, 0.6 * 0.3])


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_says_how_labels_compete_and_are_compared(kind: Kind) -> None:
    scheme = _scheme(kind)
    decisions = DecisionRule().decide(scheme, np.zeros((4, scheme.output_count)))
    assert scheme.has_one_label == (kind in ("binary", "single", "ordinal"))
    assert uses_softmax(kind) == (kind in ("single", "ordinal"))
    if scheme.has_one_label:
        assert (decisions.chosen.sum(axis=1) == 1).all()
    if uses_softmax(kind):
        np.testing.assert_allclose(decisions.scores.sum(axis=1), 1.0)
    wanted = decisions.scores if kind == "dimensional" else decisions.chosen
    assert decisions.answers(scheme) is wanted


@pytest.mark.parametrize(
    ("kind", "threshold", "expected"),
    [
        ("binary", 0.7, (0.7,)),
        ("binary", {"b": 0.7}, (0.7,)),
        ("multi", 0.7, (0.7, 0.7, 0.7)),
        ("multi", {"b": 0.7}, (0.5, 0.7, 0.5)),
        ("multi", None, ()),
    ],
)
def test_another_threshold_replaces_the_chosen_ones(
    kind: Kind, threshold: float | dict[str, float] | None, expected: tuple[float, ...]
) -> None:
    rule = DecisionRule(abstention=0.3)
    changed = rule.replaced(_scheme(kind), threshold=threshold, abstention=0.4)
    assert (changed.thresholds, changed.abstention) == (expected, 0.4)
    assert rule.replaced(_scheme(kind)) == rule


@pytest.mark.parametrize(
    ("kind", "threshold", "words"),
    [
        ("single", 0.5, "needs a binary or multi-label model. Got a model of kind 'single'"),
        ("dimensional", 0.5, "Got a model of kind 'dimensional'"),
        ("binary", {"a": 0.5}, "must be for one of b. Got 'a'"),
        ("multi", {"aa": 0.5}, "Did you mean 'a'"),
        ("multi", 1.5, "from 0 to 1. Got 1.5"),
        ("multi", math.nan, "from 0 to 1. Got nan"),
    ],
)
def test_a_threshold_that_cannot_be_is_rejected(kind: Kind, threshold: float | dict[str, float], words: str) -> None:
    with pytest.raises(DataError) as caught:
        DecisionRule().replaced(_scheme(kind), threshold=threshold)
    assert words in str(caught.value)
