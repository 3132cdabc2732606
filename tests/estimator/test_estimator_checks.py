"""scikit-learn's own estimator checks, run through an adapter that turns numeric rows into words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import validate_data

from insula import EmotionClassifier, EmotionRegressor

EXEMPT = {
    "check_sample_weight_equivalence_on_dense_data": "a text given twice counts twice in the document frequencies of "
    "TF-IDF, which weights do not enter",
}
MOST_EXEMPT = 12


class _Words:
    """Numeric rows as texts: each value becomes a word that says its column and its bin."""

    def _texts(self, X: Any, *, reset: bool) -> list[str]:
        table = validate_data(self, X, reset=reset, dtype=np.float64)
        return [" ".join(_word(column, value) for column, value in enumerate(row)) for row in table]

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return super().fit(self._texts(X, reset=True), y, sample_weight)  # type: ignore[misc]

    def _decide(self, X: Any) -> Any:
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self, "predictor_")
        return super()._decide(self._texts(X, reset=False))  # type: ignore[misc]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.string = False
        tags.input_tags.one_d_array = False
        tags.input_tags.two_d_array = True
        return tags


def _word(column: int, value: float) -> str:
    sign = "n" if value < 0 else "p"
    return f"{chr(97 + column % 26)}{sign}{min(int(abs(value) * 2), 99)}"


class ClassifierOfNumbers(_Words, EmotionClassifier):
    """`EmotionClassifier` over numeric rows."""


class RegressorOfNumbers(_Words, EmotionRegressor):
    """`EmotionRegressor` over numeric rows."""


def _exempt(estimator: Any) -> dict[str, str]:
    return EXEMPT


@parametrize_with_checks([ClassifierOfNumbers("linear"), RegressorOfNumbers("linear")], expected_failed_checks=_exempt)
def test_scikit_learn_check(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def test_few_checks_are_exempt() -> None:
    assert len(EXEMPT) <= MOST_EXEMPT
    assert all(reason for reason in EXEMPT.values())
