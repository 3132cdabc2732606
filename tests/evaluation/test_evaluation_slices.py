"""Slices, curves and mistakes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from insula.evaluation.metrics.curves import compute_precision_recall_curves, sample_scatter, space_evenly
from insula.evaluation.metrics.mistakes import find_confident_mistakes, find_largest_errors
from insula.evaluation.metrics.slices import measure_slices, name_length
from insula.evaluation.result import Interval, Mistake, Slice


@pytest.mark.parametrize(
    ("text", "language", "name"),
    [
        ("", None, "1-10 words"),
        ("a b c", "en", "1-10 words"),
        ("w " * 11, None, "11-20 words"),
        ("w " * 21, None, "21-40 words"),
        ("w " * 41, None, "41+ words"),
        ("我今天很开心", None, "1-10 characters"),
        ("我今天很开心 " * 2, "zh-CN", "11-20 characters"),
        ("ok", "zh", "1-10 characters"),
        ("我 love this song", None, "1-10 words"),
    ],
)
def test_length_bins(text, language, name):
    assert name_length(text, language) == name


def test_slices_hold_at_least_thirty_rows_and_stand_in_order():
    texts = ["w " * 50] * 40 + ["one"] * 31 + ["我很好"] * 30 + ["w " * 15] * 29
    languages = ["en"] * 71 + ["zh"] * 30 + [None] * 29
    seen = []

    def measure(rows):
        seen.append(rows)
        return Interval(float(len(rows)), 0.0, 1.0)

    table = measure_slices(texts, languages, measure)
    assert [row.name for row in table["length"]] == ["1-10 characters", "1-10 words", "41+ words"]
    assert [(row.name, row.rows) for row in table["language"]] == [("en", 71), ("zh", 30)]
    assert table["length"][1] == Slice(name="1-10 words", rows=31, value=31.0, low=0.0, high=1.0)
    assert seen[1].tolist() == list(range(40, 71))
    assert measure_slices(None, None, measure) == {"length": [], "language": []}


@given(st.integers(1, 500), st.integers(2, 60))
def test_thinning_keeps_both_ends(size, most):
    kept = space_evenly(size, most)
    assert len(kept) <= most
    assert (kept[0], kept[-1]) == (0, size - 1)
    assert (np.diff(kept) > 0).all()


def test_precision_recall_curves_of_the_most_frequent_labels():
    generator = np.random.default_rng(0)
    scores = generator.random((2000, 15))
    gold = generator.random((2000, 15)) < scores * np.linspace(0.1, 0.9, 15)
    gold[:, 0] = False
    names = [f"label{i}" for i in range(15)]
    curves = compute_precision_recall_curves(names, gold, scores)
    assert [curve.label for curve in curves[:2]] == ["label14", "label13"]
    assert len(curves) == 12
    for curve in curves:
        assert len(curve.recall) == len(curve.precision) <= 100
        assert curve.recall == sorted(curve.recall)
        assert (curve.recall[0], curve.recall[-1]) == (0.0, 1.0)
    assert curves[0].average_precision == pytest.approx(average_precision_score(gold[:, 14], scores[:, 14]))
    assert compute_precision_recall_curves(["a"], np.zeros((3, 1), dtype=bool), np.ones((3, 1))) == []


def test_scatter_samples_rows():
    gold = np.arange(2000.0).reshape(1000, 2)
    points = sample_scatter(("valence", "arousal"), gold, gold + 1, seed=1)
    assert len(points["valence"]) == 500
    assert all(predicted == truth + 1 for truth, predicted in points["arousal"])
    assert sample_scatter(("valence", "arousal"), gold[:3], gold[:3])["valence"] == [[0, 0], [2, 2], [4, 4]]


def test_the_most_confident_mistakes_come_first():
    gold, decisions = np.eye(2, dtype=bool)[[0, 0, 1]], np.eye(2, dtype=bool)[[1, 0, 0]]
    found = find_confident_mistakes(
        ("sad", "joy"), ["one", "two", "x" * 400], gold, decisions, np.array([0.6, 0.99, 0.9])
    )
    assert [row.confidence for row in found] == [0.9, 0.6]
    assert found[1] == Mistake(text="one", gold=["sad"], predicted=["joy"], confidence=0.6)
    assert len(found[0].text) == 300
    assert found[0].text.endswith("…")


def test_the_largest_errors_come_first():
    gold, scores = np.array([[1.0], [2.0], [3.0]]), np.array([[1.5], [2.0], [0.0]])
    found = find_largest_errors(["a", "b", "c"], gold, scores)
    assert [row.text for row in found] == ["c", "a"]
    assert found[0] == Mistake(text="c", gold=[3.0], predicted=[0.0], confidence=None)
