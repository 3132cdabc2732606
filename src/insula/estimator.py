"""scikit-learn estimators: `EmotionClassifier` and `EmotionRegressor`.

They follow the conventions of scikit-learn: the constructor stores, `fit` checks, fitted attributes end in `_`, `fit`
returns the estimator. `clone`, `GridSearchCV`, `cross_val_score` and `Pipeline` work as with any other estimator.
"""

from __future__ import annotations

import inspect
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, column_or_1d

from insula.core.builtin_schemes import find_matching_scheme
from insula.core.decision import Decisions
from insula.core.errors import DataError, suggest
from insula.core.example import Example
from insula.core.files import atomic_folder
from insula.core.model_input import ModelInput, TextOrInput, check_texts
from insula.core.outputs import require_replaceable
from insula.core.progress import choose_progress
from insula.core.scheme import LabelScheme
from insula.core.targets import check_example_weights
from insula.data.conversations.tables import read_table_inputs
from insula.data.dataset import Dataset
from insula.data.options import DataOptions
from insula.data.splits.leak import Fingerprint
from insula.data.splits.split import split_examples
from insula.inference.predictor import Predictor
from insula.models.folder import MODEL, seal
from insula.models.provenance import write_fingerprints
from insula.text.language import find_dominant_language
from insula.training.augment import add_augmented_rows
from insula.training.families.base import find_trained_base
from insula.training.fit_model import fit_model
from insula.training.fitting import RunContext
from insula.training.plan import plan_training
from insula.training.recipe.recipe import Recipe, build_model_override, load_recipe
from insula.training.transfer.trained_base import get_base_fingerprint

ELSEWHERE = {  # parameters of other libraries, and what has their effect here
    "class_weight": " Use settings={'objective.class_weights': 'balanced'}, or sample_weight in fit.",
    "max_length": " Use settings={'model.max_tokens': 256}.",
    "n_jobs": " Set the environment variable OMP_NUM_THREADS instead.",
}
MIN_ROWS_TO_SPLIT = 50  # with fewer, all rows are training rows and nothing is tuned


class _EmotionEstimator(BaseEstimator):
    """Base of both estimators: builds the data set, owns the fitted model folder, pickles and saves it."""

    def __init_subclass__(cls) -> None:
        cls.__signature__ = inspect.signature(cls.__init__.__get__(object()))  # not that of __new__

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        """Raise `TypeError` with a hint for a parameter that does not exist."""
        known = cls._get_param_names()
        for name in [one for one in options if one not in known]:
            raise TypeError(f"{cls.__name__} has no parameter {name!r}.{ELSEWHERE.get(name) or suggest(name, known)}")
        estimator: Self = super().__new__(cls)
        return estimator

    def __init__(
        self,
        model: str = "minilm",
        *,
        epochs: float | None = None,
        learning_rate: float | None = None,
        batch_size: int | None = None,
        settings: Mapping[str, Any] | None = None,
        validation_fraction: float = 0.1,
        random_state: Any = 0,
        text: str | None = None,
        context: str | Sequence[str] | None = None,
        speaker: str | None = None,
        target: str | None = None,
    ) -> None:
        self.model = model
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.settings = settings
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.text = text
        self.context = context
        self.speaker = speaker
        self.target = target

    def save(self, path: str | Path) -> None:
        """Write the fitted model as a model folder, for `insula.load_model` and the command line.

        A model folder at `path` is replaced. Raises `OutputError` if `path` holds something else.
        """
        check_is_fitted(self, "predictor_")
        require_replaceable(path, MODEL, overwrite=True)
        with atomic_folder(path) as stage:
            shutil.copytree(self._folder, stage, dirs_exist_ok=True)

    def _fit_examples(self, examples: Sequence[Example], scheme: LabelScheme) -> None:
        recipe = self._build_recipe()
        progress = choose_progress(None)
        dataset = Dataset("fitted in memory", scheme, self._split(examples, scheme, recipe.seed))
        dataset = add_augmented_rows(dataset, recipe, progress)
        self._folder = stage = self._create_temporary_folder()
        with tempfile.TemporaryDirectory(prefix="insula-fit-") as work:
            language = find_dominant_language([example.text for example in dataset.split("train")])
            plan = plan_training(dataset, recipe, language)
            trained = fit_model(dataset, plan, RunContext(Path(work), recipe.seed, progress=progress), stage)
        (stage / "recipe.toml").write_text(recipe.to_toml(), encoding="utf-8")
        train = Fingerprint.of([*examples, *dataset.training_rows])
        write_fingerprints(stage, {"train": train} | get_base_fingerprint(find_trained_base(recipe.model)))
        seal(stage, family=recipe.model.name, backend=trained.fitted.backend)
        self.scheme_ = scheme
        self.predictor_ = trained.predictor

    def _build_recipe(self) -> Recipe:
        base = build_model_override(self.model, owner=type(self).__name__)
        given = {
            "train.epochs": self.epochs,
            "train.learning_rate": self.learning_rate,
            "train.batch_size": self.batch_size,
            # numpy integers cannot be written as TOML
            "seed": self.random_state
            if isinstance(self.random_state, int)
            else int(check_random_state(self.random_state).randint(2**31 - 1)),
        }
        overrides = {**base, **{key: value for key, value in given.items() if value is not None}}
        return load_recipe("standard", {**overrides, **(self.settings or {})})

    def _split(self, examples: Sequence[Example], scheme: LabelScheme, seed: int) -> Mapping[str, Sequence[Example]]:
        fraction = self.validation_fraction
        if not isinstance(fraction, Real) or not 0 <= fraction < 1:
            raise DataError(
                f"The validation_fraction of {type(self).__name__} must be a number from 0 to below 1. "
                f"Got {fraction!r}. Choose 0 to hold out no rows."
            )
        if len(examples) < MIN_ROWS_TO_SPLIT or not fraction:
            return {"train": examples}
        try:
            splits, _ = split_examples(
                examples, scheme, validation_fraction=float(fraction), test_fraction=0.0, seed=seed
            )
        except DataError:  # all texts are near-duplicates: any split would leak
            return {"train": examples}
        return splits

    def _decide(self, X: Any) -> Decisions:
        check_is_fitted(self, "predictor_")
        return self.predictor_.decide(self._read_inputs(X))

    def _read_inputs(self, X: Any) -> list[ModelInput]:
        """Return the inputs of X: texts, `ModelInput`s, or the rows of a table with the named columns."""
        called = f"X of {type(self).__name__}"
        if self.text is None and not (self.context is self.speaker is self.target is None):
            raise DataError(
                f"The columns context, speaker and target of {type(self).__name__} need text, the column with the "
                "text. Set `text`, or pass a sequence of ModelInput as X."
            )
        if self.text is not None and hasattr(X, "columns"):
            context = self.context if self.context is None or isinstance(self.context, str) else tuple(self.context)
            options = DataOptions.checked(text=self.text, context=context, speaker=self.speaker, target=self.target)
            inputs = read_table_inputs(X, options, f"the {called}")
        else:
            inputs = [ModelInput(one) if isinstance(one, str) else one for one in _check_texts(X, called)]
        if not inputs:
            raise DataError(f"The {called} must have at least one text. Got none. Pass some texts.")
        check_texts(inputs)
        return inputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.non_deterministic = False
        return tags

    def __getstate__(self) -> dict[str, Any]:
        # A loaded model cannot be pickled, its files can.
        state = dict(super().__getstate__())
        if "predictor_" in state:
            folder = state.pop("_folder")
            state.pop("predictor_")
            state["_files"] = {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        files = state.pop("_files", None)
        super().__setstate__(state)
        if files is not None:
            self._folder = self._create_temporary_folder()
            for name, content in files.items():
                (self._folder / name).write_bytes(content)
            self.predictor_ = Predictor.load(self._folder)

    def _create_temporary_folder(self) -> Path:
        """Return a new temporary folder, deleted with this estimator."""
        folder = tempfile.mkdtemp(prefix="insula-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)


class EmotionClassifier(ClassifierMixin, _EmotionEstimator):
    """A scikit-learn classifier from texts to emotion labels.

    model                `minilm` or another encoder (alias, local folder, hub id), or a family: `linear`, `lstm`, ...
    epochs, learning_rate, batch_size   options of neural training; None takes the value of the recipe
    settings             further options of the recipe by dotted key, such as `{"model.pooling": "first"}`
    validation_fraction  share of rows held out to choose thresholds, calibration and the best step; 0 for none
    random_state         seed
    text, context, speaker, target   columns of X if it is a table (a pandas or polars DataFrame): the text, the
                         earlier turns (a list of texts or of objects with text and speaker, or several columns with one
                         text each, oldest first), the speaker, the target of the emotion

    X is a sequence of texts or of `ModelInput`, or a table if `text` is given. Encoders read three earlier turns;
    `settings={"preparation.context_turns": 5}` changes that.

    After `fit`: `classes_` (labels,), `scheme_`, `predictor_`, `multilabel_`.
    """

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Train on (rows,) texts or inputs; `y` is one label per row, a collection of labels per row, or a 0/1 matrix.

        Raises `DataError` (a `ValueError`) if the lengths differ or there is only one class.
        """
        inputs = self._read_inputs(X)
        self.multilabel_, labels, self.classes_ = _convert_labels(y)
        self._indicator = self.multilabel_ and not _has_label_sets(y)
        _check_lengths(inputs, labels, "y")
        weights = check_example_weights(sample_weight, len(inputs))
        names = tuple(str(label) for label in self.classes_)
        kind = "multi" if self.multilabel_ else "binary" if len(names) == 2 else "single"
        if len(names) < 2:
            raise DataError(f"The y of {type(self).__name__} needs two classes. Got one class: {names}. Add one.")
        known = find_matching_scheme(frozenset(names), kind)
        scheme = LabelScheme(
            name=known.name if known else "labels",
            kind=kind,  # type: ignore[arg-type]
            names=names,  # in the order of classes_
            display=known.display if known else {},
            mappings=known.mappings if known else {},
        )
        examples = [
            _to_example(one, labels=tuple(str(label) for label in several), weight=weight)
            for one, several, weight in zip(inputs, labels, weights, strict=True)
        ]
        self._fit_examples(examples, scheme)
        return self

    def predict(self, X: Any) -> Any:
        """Return (rows,) labels; multi-label: tuples of labels, or a (rows, labels) 0/1 matrix, as given to `fit`."""
        chosen = self._decide(X).chosen
        if not self.multilabel_:
            return self.classes_[chosen.argmax(axis=1)]
        if self._indicator:
            return chosen.astype(int)
        return [tuple(self.classes_[row].tolist()) for row in chosen]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return (rows, labels) calibrated probabilities; rows sum to one unless multi-label."""
        return np.asarray(self._decide(X).scores, dtype=np.float64)

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the natural logarithm of `predict_proba`; -inf where a probability is 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """Return accuracy; multi-label: subset accuracy, the share of rows with exactly the right labels."""
        if not (getattr(self, "multilabel_", False) and not self._indicator):
            return float(super().score(X, y, sample_weight))
        right = np.array([set(a) == set(b) for a, b in zip(self.predict(X), y, strict=True)], dtype=np.float64)
        return float(np.average(right, weights=np.array(check_example_weights(sample_weight, len(right)))))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class EmotionRegressor(RegressorMixin, _EmotionEstimator):
    """A scikit-learn regressor from texts to emotion scores (intensity; valence, arousal, dominance).

    Parameters as in `EmotionClassifier`. Predictions stay within the range of the training targets.
    """

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on (rows,) texts and (rows,) or (rows, dimensions) scores."""
        inputs = self._read_inputs(X)
        if y is None:
            raise DataError(f"{type(self).__name__} requires y to be passed, but the target y is None. Pass scores.")
        values = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        self._one_dimension = values.ndim == 1
        values = values.reshape(len(values), -1)
        _check_lengths(inputs, values, "y")
        weights = check_example_weights(sample_weight, len(inputs))
        names = tuple(f"score{i}" for i in range(values.shape[1])) if values.shape[1] > 1 else ("score",)
        ranges = {name: (float(v.min()), float(v.max())) for name, v in zip(names, values.T, strict=True)}
        scheme = LabelScheme(name="scores", kind="dimensional", names=names, ranges=ranges)
        examples = [
            _to_example(one, values=tuple(row), weight=weight)
            for one, row, weight in zip(inputs, values.tolist(), weights, strict=True)
        ]
        self._fit_examples(examples, scheme)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return (rows,) or (rows, dimensions) scores, in the form given to `fit`."""
        scores = np.asarray(self._decide(X).scores, dtype=np.float64)
        return scores[:, 0] if self._one_dimension else scores

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _check_texts(X: Any, called: str) -> list[TextOrInput]:
    # Iterating over a table yields the names of its columns.
    if isinstance(X, Mapping) or hasattr(X, "columns") or not isinstance(X, Iterable):
        raise DataError(
            f"The {called} must be a one-dimensional sequence of texts. Got {type(X).__name__}. For a table, "
            "pass the column with the texts, such as df['text'], or set the parameter `text`."
        )
    texts = X.tolist() if hasattr(X, "tolist") else X
    if isinstance(texts, str):
        raise DataError(f"The {called} must be a sequence of texts. Got a single text. Put it in a list.")
    texts = list(texts)
    if wrong := [f"{type(x).__name__} at index {i}" for i, x in enumerate(texts) if not isinstance(x, TextOrInput)]:
        raise DataError(f"The {called} must contain only strings and ModelInput objects. Got {wrong[0]}. Convert it.")
    return texts


def _to_example(given: ModelInput, **labelled: Any) -> Example:
    """Return the input as a labelled row."""
    context = {name: getattr(given, name) for name in ("turns", "speaker", "target", "media", "language", "id")}
    return Example(text=given.text, **context, **labelled)


def _has_label_sets(y: Any) -> bool:
    """Whether `y` has a collection of labels per row; a 0/1 matrix does not count, even as nested lists."""
    if not isinstance(y, list | tuple) or not all(isinstance(row, list | tuple | set | frozenset) for row in y):
        return False
    widths = {len(row) for row in y}
    matrix = len(widths) == 1 and widths != {1} and all(label in (0, 1) for row in y for label in row)
    return not matrix


def _convert_labels(y: Any) -> tuple[bool, list[tuple[Any, ...]], NDArray[Any]]:
    """Return whether `y` is multi-label, the labels of each row, and the sorted classes."""
    if y is None:
        raise DataError("EmotionClassifier requires y to be passed, but the target y is None. Pass one label per text.")
    if _has_label_sets(y):
        _require_labels(label for row in y for label in row)
        classes = np.array(sorted({label for row in y for label in row}, key=str))
        return True, [tuple(row) for row in y], classes
    if isinstance(y, list | tuple):  # numpy would write NaN among names as the name "nan"
        _require_labels(y)
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] > 1:
        if not np.isin(array, (0, 1)).all():
            raise DataError(
                "A (rows, labels) matrix as y of EmotionClassifier must contain only 0 and 1. "
                "Got other values. For sets of labels, pass a list of tuples."
            )
        # A table names its labels; a matrix has their positions only.
        classes = np.array(list(y.columns)) if hasattr(y, "columns") else np.arange(array.shape[1])
        return True, [tuple(classes[row.astype(bool)].tolist()) for row in array], classes
    array = column_or_1d(array, warn=True)
    if array.dtype.kind == "O":
        _require_labels(array)
    if array.dtype.kind == "f":
        check_array(array, ensure_2d=False, input_name="y")  # NaN and infinity
    check_classification_targets(array)
    return False, [(label,) for label in array.tolist()], np.unique(array)


def _require_labels(labels: Iterable[Any]) -> None:
    # Missing values of pandas are None, NaN or NA, which cannot be sorted.
    for label in labels:
        if label is None or (isinstance(label, float) and np.isnan(label)) or type(label).__name__ == "NAType":
            raise DataError(f"The y of EmotionClassifier must have a label in every row. Got {label}. Drop those rows.")


def _check_lengths(texts: Sequence[Any], y: Sequence[Any] | NDArray[Any], name: str) -> None:
    if len(texts) != len(y):
        raise DataError(f"X and {name} must have equally many rows. Got {len(texts)} and {len(y)}. Pass one per text.")
