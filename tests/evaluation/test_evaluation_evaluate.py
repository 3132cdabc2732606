"""`evaluate`: one form for every kind of scheme, JSON-ready on any input."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insula.core.builtin_schemes import get_builtin_scheme
from insula.core.errors import DataError
from insula.core.scheme import LabelScheme
from insula.evaluation.baselines import predict_majority
from insula.evaluation.evaluate import evaluate
from insula.evaluation.metrics.metric_names import METRICS
from insula.evaluation.result import Evaluation, SeenRows

KEYS = {
    "rows", "kind", "labels", "headline", "metrics", "per_label", "per_dimension", "confusion", "reliability", "curves",
    "scatter", "slices", "mistakes", "abstention",
    "macro_f1_by_threshold", "levels", "seen",
}  # fmt: skip
SCHEMES = {name: get_builtin_scheme(name) for name in ("polarity", "sentiment3", "sentiment5", "ekman6", "vad")}
SCHEMES["multi"] = LabelScheme(name="few", kind="multi", names=("anger", "joy", "fear"))


def predictions(scheme, rows=120, seed=0):
    generator = np.random.default_rng(seed)
    labels = len(scheme.names)
    if scheme.kind == "dimensional":
        gold = generator.uniform(1, 5, size=(rows, labels))
        return gold, gold + generator.normal(size=gold.shape), None
    if scheme.kind == "multi":
        scores = generator.random((rows, labels))
        return generator.random((rows, labels)) < scores, scores, scores > 0.6
    scores = generator.dirichlet(np.ones(labels), size=rows)
    gold = np.eye(labels)[generator.integers(0, labels, size=rows)]
    return gold, scores, np.eye(labels)[scores.argmax(axis=1)]


@pytest.mark.parametrize("name", SCHEMES)
def test_every_kind_gives_the_same_keys_and_survives_json(name):
    scheme = SCHEMES[name]
    texts = [f"text {i}" for i in range(120)]
    found = evaluate(scheme, *predictions(scheme), texts=texts, languages=["en"] * 120, resamples=50)
    row = found.to_dict()
    assert set(row) == KEYS
    assert Evaluation.model_validate(json.loads(json.dumps(row, allow_nan=False))) == found
    assert row["rows"] == 120
    assert row["labels"] == list(scheme.names)
    assert row["headline"] == ("pearson" if name == "vad" else "macro_f1")
    assert found.headline.low < found.headline.value < found.headline.high
    assert (row["confusion"] is None) == (scheme.kind in ("multi", "dimensional"))
    assert (row["scatter"] is None) == (scheme.kind != "dimensional")
    assert (row["abstention"] is None) == (scheme.kind == "dimensional")
    assert len(row["mistakes"]) == 20
    assert row["slices"]["length"][0]["rows"] == row["slices"]["language"][0]["rows"] == 120
    assert row["slices"]["language"][0]["value"] == pytest.approx(found.headline.value)
    per = row["per_dimension"] if scheme.kind == "dimensional" else row["per_label"]
    assert len(per) == len(scheme.names)


def test_seen_rows_are_left_out_of_the_second_table():
    scheme = SCHEMES["sentiment3"]
    gold, scores, decisions = predictions(scheme)
    seen = np.arange(120) < 50
    found = evaluate(scheme, gold, scores, decisions, seen=seen, resamples=20)
    alone = evaluate(scheme, gold[50:], scores[50:], decisions[50:], resamples=20)
    assert found.seen == SeenRows(rows=50, metrics_without=alone.metrics)
    nothing_left = evaluate(scheme, gold, scores, decisions, seen=np.ones(120), resamples=20)
    assert nothing_left.seen == SeenRows(rows=120, metrics_without=None)
    nothing_seen = evaluate(scheme, gold, scores, decisions, seen=np.zeros(120), resamples=20)
    assert nothing_seen.seen == SeenRows(rows=0, metrics_without=nothing_seen.metrics)
    assert evaluate(scheme, gold, scores, decisions, resamples=20).seen is None


def test_thresholds_confidence_and_abstention_are_written_down():
    scheme = SCHEMES["multi"]
    gold, scores, decisions = predictions(scheme)
    confidence = np.linspace(0.2, 0.9, 120)
    found = evaluate(
        scheme, gold, scores, decisions, texts=["t"] * 120, confidence=confidence, abstained=confidence < 0.4,
        thresholds=[0.6, 0.5, 0.4], abstention_threshold=0.4, resamples=20,
    )  # fmt: skip
    assert [row.threshold for row in found.per_label] == [0.6, 0.5, 0.4]
    assert found.abstention.threshold == 0.4
    assert found.abstention.coverage == pytest.approx((confidence >= 0.4).mean())
    assert found.mistakes[0].confidence <= 0.9
    assert found.mistakes == sorted(found.mistakes, key=lambda row: -row.confidence)


def test_same_seed_same_dictionary():
    scheme = SCHEMES["vad"]
    assert evaluate(scheme, *predictions(scheme), seed=2) == evaluate(scheme, *predictions(scheme), seed=2)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(SCHEMES)),
    st.integers(1, 6),
    st.integers(0, 1000),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_degenerate_rows_never_give_nan_nor_warn(name, rows, seed, constant_scores, constant_gold, extreme):
    scheme = SCHEMES[name]
    gold, scores, decisions = predictions(scheme, rows, seed)
    if constant_gold:
        gold = np.tile(gold[:1], (rows, 1))
    if constant_scores:
        scores = np.tile(scores[:1], (rows, 1))
        decisions = None if decisions is None else np.tile(decisions[:1], (rows, 1))
    if extreme:
        scores = np.round(scores)
    found = evaluate(scheme, gold, scores, decisions, texts=[""] * rows, resamples=20, seed=seed)
    json.dumps(found.to_dict(), allow_nan=False)


def test_what_contradicts_the_scheme_is_rejected():
    scheme = SCHEMES["sentiment3"]
    gold, scores, decisions = predictions(scheme)
    with pytest.raises(DataError, match="probabilities"):
        evaluate(scheme, gold, scores * 7, decisions)
    with pytest.raises(DataError, match="exactly one 1"):
        evaluate(scheme, np.zeros_like(gold), scores, decisions)
    with pytest.raises(DataError, match="decisions must be a matrix"):
        evaluate(scheme, gold, scores)
    with pytest.raises(DataError, match="texts must have one entry per row"):
        evaluate(scheme, gold, scores, decisions, texts=["one"])


def test_names_and_measured_metrics_are_the_same():
    measured = set()
    for scheme in SCHEMES.values():
        measured |= set(evaluate(scheme, *predictions(scheme), resamples=2).metrics)
    assert measured == set(METRICS)


@pytest.mark.parametrize("name", SCHEMES)
def test_the_majority_baseline_can_be_evaluated(name):
    scheme = SCHEMES[name]
    gold, *_ = predictions(scheme)
    answer = predict_majority(scheme, gold.mean(axis=0), 120)
    found = evaluate(scheme, gold, answer.scores, answer.chosen, resamples=20)
    if name == "vad":
        assert found.headline.value == 0
        assert answer.scores[0] == pytest.approx(gold.mean(axis=0))
    elif name != "multi":
        assert found.metrics["accuracy"].value == pytest.approx(gold.mean(axis=0).max())


def test_the_majority_set_has_each_label_of_most_rows():
    assert predict_majority(SCHEMES["multi"], [0.6, 0.5, 0.1], 2).chosen.tolist() == [[True, True, False]] * 2
    with pytest.raises(DataError, match="base rates"):
        predict_majority(SCHEMES["multi"], [0.6], 2)


def test_coarser_levels_are_measured_too():
    scheme = SCHEMES["ekman6"]
    gold, scores, decisions = predictions(scheme)
    row = evaluate(scheme, gold, scores, decisions, resamples=50).to_dict()
    found = row["levels"]["sentiment"]
    assert found["labels"] == ["negative", "positive", "ambiguous"]
    parents = np.array([0, 0, 0, 1, 0, 2])
    right = parents[gold.argmax(axis=1)] == parents[decisions.argmax(axis=1)]
    assert found["metrics"]["accuracy"]["value"] == pytest.approx(right.mean())
    assert found["metrics"]["accuracy"]["value"] > row["metrics"]["accuracy"]["value"]
