"""The scikit-learn face: `EmotionClassifier` and `EmotionRegressor`.

They follow scikit-learn's conventions: the constructor stores, `fit` checks, learnt attributes end in `_`, `fit` returns
the estimator. So `clone`, `GridSearchCV`, `cross_val_score` and `Pipeline` work as with any other estimator.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, column_or_1d

from insula.core.errors import DataError
from insula.core.example import Example
from insula.core.scheme import LabelScheme
from insula.data.dataset import Dataset
