"""Trains the `linear` family; the regularisation strength is chosen on validation rows."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression, Ridge

from insula.core.decision import DecisionRule
from insula.models.networks.linear import Featurizer, LinearModel, NgramFeatures
from insula.training.families.linear import LinearOptions
from insula.training.families.linear_objective import check_linear
from insula.training.fitting import Fitted, PreparedRows, Rows, RunContext, TrainingPlan
from insula.training.neural.validation import compute_validation_score
from insula.training.objectives.class_weights import compute_label_weights, compute_row_weights

Weights = tuple[NDArray[np.float32], NDArray[np.float32]]
ONE_OF_SEVERAL = ("binary", "single", "ordinal")


def fit(plan: TrainingPlan, rows: PreparedRows, run: RunContext) -> Fitted:
    """Fit logistic regressions (dimensional: ridge) of several strengths and keep the best on validation rows.

    With class weights `auto`, the best strength is also tried with balanced classes, and the better model is kept.
    Raises `RecipeError` for an objective that the family does not support.
    """
    options = plan.model
    if not isinstance(options, LinearOptions):
        raise TypeError(
            f"The model options of fitters.linear.fit must be LinearOptions. Got {type(options).__name__}. Derive the "
            "family's options from it."
        )
    check_linear(plan.objective, plan.scheme)
    featurizer, features = Featurizer.fit(_build_features(options, plan.language), rows.train.joined)
    trial = _Trial(plan, rows, run, featurizer, features)
    strengths = sorted(options.strengths)
    if rows.validation is None:
        strengths = strengths[:1]  # no rows to choose on: the strongest regularisation
    try_balanced = (
        plan.objective.class_weights == "auto" and rows.validation is not None and plan.scheme.kind in ONE_OF_SEVERAL
    )
    run.progress.start("linear", total=len(strengths) + try_balanced)
    best = max((trial.fit(strength, balanced=False) for strength in strengths), key=lambda result: result.score)
    if try_balanced:
        best = max(best, trial.fit(best.strength, balanced=True), key=lambda result: result.score)
    run.progress.finish()
    model = LinearModel(featurizer, *best.weights)
    return Fitted(
        save=model.save,
        backend="linear",
        parameters=model.coefficients.size + model.intercepts.size,
        history=trial.history,
    )


@dataclass(frozen=True)
class _LinearFit:
    strength: float
    weights: Weights
    score: float


class _Trial:
    """Fits candidates on the same features and scores each on validation rows."""

    def __init__(
        self, plan: TrainingPlan, rows: PreparedRows, run: RunContext, featurizer: Featurizer, features: csr_matrix
    ) -> None:
        self.plan, self.rows, self.run = plan, rows, run
        self.features = features
        self.held_out = None if rows.validation is None else featurizer(rows.validation.joined)
        self.history: list[dict[str, float]] = []

    def fit(self, strength: float, *, balanced: bool) -> _LinearFit:
        """Return the candidate with a strength and balanced classes or not; without validation rows its score is 0."""
        plan, train = self.plan, self.rows.train
        if balanced:
            train = dataclasses.replace(train, weights=compute_row_weights(train.gold, train.weights, "balanced"))
        weights = _solve(plan, self.features, train, strength, self.run.seed)
        score = 0.0
        if self.held_out is not None and self.rows.validation is not None:
            logits = self.held_out @ weights[0].T + weights[1]
            name, score = compute_validation_score(plan.scheme, DecisionRule(), logits, self.rows.validation.gold)
            self.history.append(
                {
                    "step": float(len(self.history) + 1),
                    "strength": strength,
                    "balanced": float(balanced),
                    f"validation_{name}": score,
                }
            )
        self.run.progress.advance()
        return _LinearFit(strength, weights, score)


def _build_features(options: LinearOptions, language: str | None) -> NgramFeatures:
    chinese = language == "zh"
    characters = options.char_ngrams
    if characters == "auto":
        characters = (1, 3) if chinese else (2, 5)
    return NgramFeatures(word=options.word_ngrams, char=characters, within_words=not chinese, min_df=options.min_df)


def _solve(plan: TrainingPlan, features: csr_matrix, train: Rows, strength: float, seed: int) -> Weights:
    scheme = plan.scheme
    weighted = train.weights > 0
    if weighted.any() and not weighted.all():  # solvers fail on a class whose rows all have weight 0
        features = features[weighted]
        train = dataclasses.replace(train, gold=train.gold[weighted], weights=train.weights[weighted])
    if scheme.kind == "dimensional":
        ridge = Ridge(alpha=1.0 / strength, solver="lsqr", random_state=seed)
        ridge.fit(features, train.gold, sample_weight=train.weights)
        return np.atleast_2d(ridge.coef_).astype(np.float32), np.atleast_1d(ridge.intercept_).astype(np.float32)
    if scheme.kind == "multi":
        # One label after another: in threads, liblinear was seen to deadlock in its allocator.
        rule = plan.objective
        factors = compute_label_weights(train.gold, train.weights, rule.class_weights, rule.beta)
        absent, present = np.ones((2, train.gold.shape[1])) if factors is None else factors
        weights = train.weights[:, None] * np.where(train.gold > 0, present, absent)
        columns = [
            _solve_binary(features, targets, each, strength, seed)
            for targets, each in zip(train.gold.T, weights.T, strict=True)
        ]
        return np.stack([c for c, _ in columns]), np.array([b for _, b in columns], dtype=np.float32)
    if scheme.kind == "binary":
        coefficients, intercept = _solve_binary(features, train.gold[:, 1], train.weights, strength, seed)
        return coefficients[None, :], np.array([intercept], dtype=np.float32)
    return _solve_multinomial(features, train, strength)


def _solve_binary(
    features: csr_matrix, targets: NDArray[np.float64], weights: NDArray[np.float64], strength: float, seed: int
) -> tuple[NDArray[np.float32], float]:
    if targets.min() == targets.max():
        # One class only: the log-odds of its smoothed rate, for every text.
        rate = (targets.sum() + 0.5) / (len(targets) + 1.0)
        return np.zeros(features.shape[1], dtype=np.float32), float(np.log(rate / (1.0 - rate)))
    # liblinear penalises the intercept unless it is scaled up, and is several times faster here than lbfgs.
    model = LogisticRegression(
        C=strength, solver="liblinear", intercept_scaling=10.0, random_state=seed, tol=1e-3, max_iter=200
    )
    model.fit(features, targets, sample_weight=weights)
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])


def _solve_multinomial(features: csr_matrix, train: Rows, strength: float) -> Weights:
    classes = train.gold.argmax(axis=1)
    labels = train.gold.shape[1]
    coefficients = np.zeros((labels, features.shape[1]), dtype=np.float32)
    # A label without training rows must never be predicted.
    intercepts = np.full(labels, -20.0, dtype=np.float32)
    present = np.unique(classes)
    model = LogisticRegression(C=strength, solver="lbfgs", tol=1e-3, max_iter=300)
    if len(present) == 1:
        intercepts[present] = 0.0
        return coefficients, intercepts
    model.fit(features, classes, sample_weight=train.weights)
    if len(present) == 2:
        # scikit-learn gives two classes one logit; half of it on each side is the same softmax.
        coefficients[present] = np.concatenate([-model.coef_, model.coef_]) / 2
        intercepts[present] = np.concatenate([-model.intercept_, model.intercept_]) / 2
    else:
        coefficients[present] = model.coef_
        intercepts[present] = model.intercept_
    return coefficients, intercepts
