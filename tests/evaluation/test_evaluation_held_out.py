"""A decision rule replaces the plain one only if its gain on held-out rows is more than luck."""

from __future__ import annotations

import numpy as np

from insula.evaluation.decisions import held_out
from insula.evaluation.decisions.calibration import fit_calibration
from insula.evaluation.decisions.class_offsets import choose_offsets
from insula.evaluation.decisions.held_out import improves_macro_f1
from insula.evaluation.decisions.linear_calibration import fit_lines
from insula.evaluation.decisions.thresholds import choose_binary_threshold, choose_thresholds


def both(positive):
    return np.stack([~positive, positive], axis=1)


def scored(rows, *, signal, shift=0.0, share=0.5, seed=0):
    """Gold and probabilities whose log-odds are shifted."""
    generator = np.random.default_rng(seed)
    gold = generator.random(rows) < share
    logits = signal * (2 * gold - 1) + generator.normal(size=rows) + shift
    return gold, 1 / (1 + np.exp(-logits))


def test_a_gain_on_many_rows_counts_and_on_few_does_not():
    gold = np.arange(1000) % 2 == 0
    plain, better = gold ^ (np.arange(1000) % 5 == 0), gold ^ (np.arange(1000) % 10 == 5)
    assert improves_macro_f1(both(gold), both(plain), [both(better)])
    assert not improves_macro_f1(both(gold), both(better), [both(plain)])
    few = slice(0, 30)
    assert not improves_macro_f1(both(gold[few]), both(plain[few]), [both(better[few])])
    assert not improves_macro_f1(both(gold), both(plain), [both(plain)])


def test_one_row_is_luck():
    gold = np.arange(40) % 2 == 0
    plain = gold.copy()
    plain[0] = not gold[0]
    assert not improves_macro_f1(both(gold), both(plain), [both(gold)])


def test_well_calibrated_binary_scores_keep_the_half():
    chosen = [choose_binary_threshold(*scored(100, signal=0.4, seed=seed), seed=seed) for seed in range(30)]
    assert np.mean(np.array(chosen) == 0.5) >= 0.9


def test_shifted_binary_scores_get_a_threshold():
    gold, scores = scored(600, signal=1.0, shift=-1.5)
    assert 0.1 < choose_binary_threshold(gold, scores) < 0.4


def test_sets_of_labels_get_thresholds_only_if_they_gain():
    generator = np.random.default_rng(0)
    gold = generator.random((80, 4)) < 0.5
    logits = 1.2 * (2 * gold - 1) + generator.normal(size=gold.shape)
    fair, low = (1 / (1 + np.exp(-each)) for each in (logits, logits - 2.0))
    assert choose_thresholds(gold, fair, method="auto").tolist() == [0.5] * 4
    assert (choose_thresholds(gold, low, method="auto") < 0.5).all()
    assert (choose_thresholds(gold[:4], low[:4], method="auto") == 0.5).all()  # fewer rows than folds


def test_class_offsets_of_few_rows_are_seldom_luck(monkeypatch):
    def chosen():
        found = []
        for seed in range(60):
            generator = np.random.default_rng(seed)
            classes = generator.choice(3, size=60, p=(0.6, 0.3, 0.1))
            logits = np.eye(3)[classes] * 1.5 + generator.normal(size=(60, 3))  # no class is scored too low
            scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
            found.append(bool(choose_offsets(np.eye(3)[classes], scores, seed=seed).any()))
        return np.mean(found)

    guarded = chosen()
    monkeypatch.setattr(held_out, "F1_ERRORS", 0.0)
    assert guarded < chosen()


def test_a_calibration_that_moves_decisions_must_be_sure():
    moved = []
    for seed in range(20):
        gold, scores = scored(60, signal=1.0, seed=seed)
        found = fit_calibration(2.0 * np.log(scores / (1 - scores))[:, None], gold[:, None], "binary", seed=seed)
        moved.append(found.method in ("vector", "isotonic"))
    assert np.mean(moved) <= 0.1


def test_a_line_that_gains_by_luck_is_not_taken():
    lines = 0
    for seed in range(20):
        generator = np.random.default_rng(seed)
        values = generator.normal(size=(40, 1))
        lines += fit_lines(values, values + 0.8 * generator.normal(size=(40, 1)), seed=seed).method == "linear"
    assert lines <= 3
