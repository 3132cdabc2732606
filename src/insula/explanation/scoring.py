"""`score_explanations`: how faithful the word weights of another tool are to a model.

The figures are those of insula's own explanations (`faithfulness`), computed on the words of the other tool, next to
those of occlusion and of a random ranking of the same words.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from insula.core.arrays import Float64Array
from insula.core.errors import CHOOSE, DataError, suggest
from insula.core.progress import Progress, Silent
from insula.data.formats.formats import DETECTED, ReadOptions, open_rows
from insula.explanation.alignment import align_words
from insula.explanation.explainers import explainers
from insula.explanation.faithfulness import compute_rank_correlation, measure_comprehensiveness, measure_sufficiency
from insula.explanation.masked_predictor import MaskedPredictor
from insula.inference.predictor import Predictor

_KEYS = ("text", "words", "weights")


@dataclass(frozen=True, slots=True)
class MeanFaithfulness:
    """The faithfulness of weights: means over explanations, or the figures of one.

    comprehensiveness  fall of the score without the words of the highest weights; higher is better
    sufficiency        fall of the score with only those words; lower is better

    Both are means over the top 10, 20, 30, 40 and 50% of the words (area over the perturbation curve, DeYoung et al.
    2020).
    """

    comprehensiveness: float
    sufficiency: float

    def to_dict(self, digits: int = 6) -> dict[str, float]:
        """Return plain JSON types."""
        return {name: round(getattr(self, name), digits) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class ScoredExplanation:
    """The figures of one explanation.

    label      the label that the weights are for
    words      number of words
    own        the figures of its weights
    occlusion  those of occlusion over the same words
    random     those of a random ranking of the same words
    agreement  Spearman correlation with occlusion; None with fewer than three words
    """

    label: str
    words: int
    own: MeanFaithfulness
    occlusion: MeanFaithfulness
    random: MeanFaithfulness
    agreement: float | None

    def to_dict(self, digits: int = 6) -> dict[str, Any]:
        """Return plain JSON types."""
        figures = {name: getattr(self, name).to_dict(digits) for name in ("own", "occlusion", "random")}
        agreement = None if self.agreement is None else round(self.agreement, digits)
        return {"label": self.label, "words": self.words, **figures, "agreement": agreement}


@dataclass(frozen=True)
class ScoredExplanations:
    """The figures of a file of explanations: means over its rows, and each row's own."""

    rows: tuple[ScoredExplanation, ...]
    seconds: float

    @property
    def own(self) -> MeanFaithfulness:
        """The means of the explanations."""
        return self._average("own")

    @property
    def occlusion(self) -> MeanFaithfulness:
        """The means of occlusion over the same words."""
        return self._average("occlusion")

    @property
    def random(self) -> MeanFaithfulness:
        """The means of random rankings of the same words."""
        return self._average("random")

    @property
    def agreement(self) -> float | None:
        """The mean Spearman correlation with occlusion; None if no row has one."""
        known = [row.agreement for row in self.rows if row.agreement is not None]
        return statistics.fmean(known) if known else None

    def to_dict(self, digits: int = 6) -> dict[str, Any]:
        """Return plain JSON types: the means, then the figures of each row."""
        means = {name: getattr(self, name).to_dict(digits) for name in ("own", "occlusion", "random")}
        agreement = None if self.agreement is None else round(self.agreement, digits)
        rows = [row.to_dict(digits) for row in self.rows]
        return {
            "explanations": len(rows),
            **means,
            "agreement": agreement,
            "seconds": round(self.seconds, 3),
            "rows": rows,
        }

    def _average(self, name: str) -> MeanFaithfulness:
        figures = [getattr(row, name) for row in self.rows]
        return MeanFaithfulness(
            statistics.fmean(one.comprehensiveness for one in figures),
            statistics.fmean(one.sufficiency for one in figures),
        )


def score_file(
    predictor: Predictor,
    source: str | Path,
    *,
    reading: ReadOptions = DETECTED,
    seed: int = 0,
    progress: Progress | None = None,
) -> ScoredExplanations:
    """Return the figures of a file of explanations, one row each: JSON Lines, JSON or Parquet.

    Raises `DataError` with the line of the first row that cannot be scored, and `MissingFileError`.
    """

    def fail(reject: Any) -> None:
        raise DataError(f"The explanations {str(source)!r} have a row that cannot be read. {reject}. Correct the row.")

    def read() -> Iterator[tuple[str, Mapping[str, Any]]]:
        with open_rows(source, batch_size=64, on_reject=fail, **reading._asdict()) as reader:
            for batch in reader:
                for row, line in zip(batch.rows, batch.lines, strict=True):
                    yield f"line {line} of {str(source)!r}", row

    return score_rows(predictor, read(), seed=seed, progress=progress)


def score_rows(
    predictor: Predictor,
    rows: Iterable[tuple[str, Mapping[str, Any]]],
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> ScoredExplanations:
    """Return the figures of explanations.

    rows  where each row is from, for messages, and the row: `text`; `words`, a list of words or tokens as they follow
          in the text, or of [start, end], or of objects with `start` and `end`; `weights`, a number for each word or
          an object with such a list for each label; `label`, if there is one list (default: the label with the highest
          score)
    seed  of the random ranking
    """
    start = time.monotonic()
    random = np.random.default_rng(seed)
    progress = progress or Silent()
    progress.start("scoring explanations")
    found: list[ScoredExplanation] = []
    try:
        for where, row in rows:
            try:
                found += _score_row(predictor, row, random)
            except DataError as error:
                raise DataError(f"In {where}: {error}") from error
            progress.advance()
    finally:
        progress.finish()
    if not found:
        raise DataError("There must be at least one explanation to score. Got none. Choose another file.")
    return ScoredExplanations(tuple(found), time.monotonic() - start)


def _score_row(
    predictor: Predictor, row: Mapping[str, Any], random: np.random.Generator
) -> Iterator[ScoredExplanation]:
    content = {**row, **(row.get("explanation") or {})}  # insula's own files keep words and weights in there
    missing = [key for key in _KEYS if content.get(key) is None]
    if missing:
        raise DataError(
            f"An explanation must have {', '.join(_KEYS)}. Got one without {', '.join(missing)}. Add what is missing."
        )
    text, words = str(content["text"]), align_words(str(content["text"]), content["words"])
    masked = MaskedPredictor(predictor, text, words=words.kept)
    occlusion = explainers["occlusion"].weigh(masked, 0)
    for label, values in _find_weights(content, predictor, masked).items():
        weights = _read_weights(values, words.count)[list(words.places)]
        column = predictor.scheme.names.index(label)
        ranked = random.random(len(weights))
        yield ScoredExplanation(
            label=label,
            words=len(weights),
            own=_measure(masked, weights, column),
            occlusion=_measure(masked, occlusion[:, column], column),
            random=_measure(masked, ranked, column),
            agreement=compute_rank_correlation(weights, occlusion[:, column]),
        )


def _measure(masked: MaskedPredictor, weights: Float64Array, column: int) -> MeanFaithfulness:
    return MeanFaithfulness(
        measure_comprehensiveness(masked, weights, column),
        measure_sufficiency(masked, weights, column),
    )


def _find_weights(content: Mapping[str, Any], predictor: Predictor, masked: MaskedPredictor) -> dict[str, Any]:
    """Return the weights of each label."""
    weights, names = content["weights"], predictor.scheme.names
    if not isinstance(weights, Mapping):
        label = content.get("label")
        if label is None:
            label = names[int(masked.scores(masked.keep_all())[0].argmax())]
        weights = {str(label): weights}
    for label in weights:
        if label not in names:
            raise DataError(
                f"The label must be one of {', '.join(names)}. Got {label!r}.{suggest(label, names, CHOOSE)}"
            )
    return {label: values for label, values in weights.items() if values is not None}


def _read_weights(values: Any, count: int) -> Float64Array:
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != count:
        size = f"{len(values)}" if isinstance(values, Sequence) and not isinstance(values, str) else f"{values!r}"
        raise DataError(
            f"The weights must be a list with one number for each of the {count} words. Got {size}. Correct the row."
        )
    try:
        weights = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        weights = np.full(1, np.nan)
    if not np.isfinite(weights).all():
        raise DataError("The weights must be finite numbers. Correct the row, or use 0 for a word without a weight.")
    return weights
