"""`find_counterfactual`: the smallest edit of a text that changes its labels, and one of the same size that does not.

The search keeps the best combinations of edits of each size, as a beam search (width `BEAM`): those that leave the
decision on the text the least probable. It is the counterfactual explanation of Wachter et al. (2017) with edits of
words, as in Polyjuice (Wu et al. 2021); a masked language model may propose more words (as in MiCE, Ross et al. 2021),
and a causal one says how fluent the text is afterwards. Without them the text may be clumsy.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from insula.core.arrays import BoolArray
from insula.core.decision import compute_confidence
from insula.core.errors import DataError
from insula.core.model_input import ModelInput, TextOrInput, get_text
from insula.core.prediction import Prediction
from insula.explanation.edits import Edit, apply_edits, propose_edits
from insula.explanation.masked_predictor import MaskedPredictor
from insula.inference.predictor import Predictor

if TYPE_CHECKING:  # they need torch
    from insula.explanation.language_models import CausalLanguageModel, MaskedLanguageModel

MAX_EDITED_WORDS = 6  # of one text
BEAM = 4
PORTION = 64  # edited texts between two pauses
STRONGEST = 24  # single edits that are combined with others
ORDER = {"opposite": 0, "substitution": 0, "negation": 1, "deletion": 2}
"""Of edits with the same number of words, the more fluent ones come first."""
Edits = tuple[Edit, ...]


@dataclass(frozen=True)
class EditedText:
    """A text after edits.

    text        the edited text
    edits       the edits, in the order of their places in the original text
    words       edit distance in words: how many are replaced, added or deleted
    prediction  what the model predicts for the edited text
    perplexity  of the edited text, by a causal language model; None without one
    """

    text: str
    edits: Edits
    words: int
    prediction: Prediction
    perplexity: float | None = None

    def to_dict(self, digits: int = 6) -> dict[str, Any]:
        """Return plain JSON types."""
        edits = [dataclasses.asdict(edit) for edit in self.edits]
        row = {"words": self.words, "edits": edits, "prediction": self.prediction.to_dict(digits)}
        return row if self.perplexity is None else row | {"perplexity": round(self.perplexity, 3)}


@dataclass(frozen=True)
class Counterfactual:
    """The smallest edit of a text that changes its labels, next to one that does not.

    prediction    what the model predicts for the text as given
    changed       the smallest edit found; it changes the labels if `valid`, else it lowers their probability the most
    kept          an edit of as many words that does not change the labels; None if there is none
    valid         whether `changed` has other labels than `prediction`
    evaluations   how many edited texts the model read
    milliseconds  the time it took
    perplexity    of the text as given, by a causal language model; None without one
    """

    prediction: Prediction
    changed: EditedText | None
    kept: EditedText | None
    valid: bool
    evaluations: int
    milliseconds: float
    perplexity: float | None = None

    def to_dict(self, digits: int = 6) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "prediction": self.prediction.to_dict(digits),
            "valid": self.valid,
            "changed": None if self.changed is None else self.changed.to_dict(digits),
            "kept": None if self.kept is None else self.kept.to_dict(digits),
            "evaluations": self.evaluations,
            "milliseconds": round(self.milliseconds, 3),
            **({} if self.perplexity is None else {"perplexity": round(self.perplexity, 3)}),
        }


def find_counterfactual(
    predictor: Predictor,
    given: TextOrInput,
    *,
    masked: MaskedLanguageModel | None = None,
    causal: CausalLanguageModel | None = None,
    pause: Callable[[], None] | None = None,
) -> Counterfactual:
    """Return the smallest edit found that changes the labels of one text, and one of the same size that does not.

    masked  proposes further words
    causal  measures the perplexity of the texts
    pause   called before each few edited texts, such as to yield to other work; it may raise

    Raises `DataError` for a text without words, and for a dimensional model.
    """
    if not predictor.scheme.is_categorical:
        raise DataError(
            "A counterfactual needs a model that predicts labels. Got one that predicts values. Explain it without "
            "--counterfactual, or use another model."
        )
    start = time.perf_counter()
    search = _Search(predictor, given, masked, causal, pause)
    changed, kept = search.run()
    return Counterfactual(
        prediction=search.prediction,
        changed=None if changed is None else search.describe(changed),
        kept=None if kept is None else search.describe(kept),
        valid=changed is not None and search.flips[changed],
        evaluations=len(search.flips),
        milliseconds=(time.perf_counter() - start) * 1000,
        perplexity=None if causal is None else causal.compute_perplexity(search.text),
    )


class _Search:
    """The edits tried so far, whether each changes the labels, and how probable it leaves the original ones."""

    def __init__(
        self,
        predictor: Predictor,
        given: TextOrInput,
        masked: MaskedLanguageModel | None,
        causal: CausalLanguageModel | None,
        pause: Callable[[], None] | None,
    ) -> None:
        self.predictor = predictor
        self.given = given
        self.pause = pause
        words = MaskedPredictor(predictor, given).words
        self.text = get_text(given)
        more = () if masked is None else masked.propose(self.text)
        self.proposed = propose_edits(self.text, words, more)
        self.causal = causal
        self.prediction = predictor.predict([given])[0]
        self.chosen: BoolArray = predictor.decide([given]).chosen
        self.flips: dict[Edits, bool] = {}
        self.left: dict[Edits, float] = {}

    def run(self) -> tuple[Edits | None, Edits | None]:
        """Return the edits that change the labels, or come closest to that, and as small ones that do not."""
        self._evaluate_edits([(edit,) for edit in self.proposed])
        if not self.flips:
            return None, None
        single = sorted(self.flips, key=self.left.__getitem__)
        strongest = [edit for (edit,) in single[:STRONGEST]]
        beam: list[Edits] = single[:BEAM]
        for _ in range(MAX_EDITED_WORDS - 1):
            if any(self.flips.values()):
                break
            self._evaluate_edits(list(_extend_beam(beam, strongest)))
            beam = sorted((edits for edits in self.left if len(edits) == len(beam[0]) + 1), key=self.left.__getitem__)
            beam = beam[:BEAM]
            if not beam:
                break
        found = [edits for edits, flipped in self.flips.items() if flipped]
        if not found:
            return min(self.left, key=self.left.__getitem__), None
        changed = min(found, key=self._rank)
        return changed, self._find_edits_without_effect(_count_words(changed))

    def describe(self, edits: Edits) -> EditedText:
        """Return the text after edits with its prediction."""
        variant = self._build_variant(edits)
        prediction = self.predictor.predict([variant])[0]
        ordered = tuple(sorted(edits, key=lambda one: one.start))
        perplexity = None if self.causal is None else self.causal.compute_perplexity(prediction.text)
        return EditedText(prediction.text, ordered, _count_words(edits), prediction, perplexity)

    def _rank(self, edits: Edits) -> tuple[int, int, float]:
        return _count_words(edits), max(ORDER[edit.kind] for edit in edits), self.left[edits]

    def _find_edits_without_effect(self, words: int) -> Edits | None:
        """Return edits of as many words that do not change the labels: those that leave them the most probable."""
        weakest = sorted((edits for edits in self.flips if len(edits) == 1), key=self.left.__getitem__, reverse=True)
        combined: Edits = ()
        for (edit,) in weakest:
            if _count_words(combined) + edit.words <= words and not any(edit.overlaps(one) for one in combined):
                combined = (*combined, edit)
        if _count_words(combined) == words:
            self._evaluate_edits([combined])
        same = [edits for edits, flipped in self.flips.items() if not flipped and _count_words(edits) == words]
        return max(same, key=self.left.__getitem__, default=None)

    def _evaluate_edits(self, several: Sequence[Edits]) -> None:
        """Predict the text after each edit that has not been tried."""
        new = [edits for edits in dict.fromkeys(several) if edits not in self.flips]
        for start in range(0, len(new), PORTION):
            if self.pause is not None:
                self.pause()
            self._predict_edited(new[start : start + PORTION])

    def _predict_edited(self, new: Sequence[Edits]) -> None:
        decisions = self.predictor.decide([self._build_variant(edits) for edits in new])
        flipped = (decisions.chosen != self.chosen).any(axis=1)
        original = np.repeat(self.chosen, len(new), axis=0)
        left = compute_confidence(self.predictor.scheme.kind, decisions.scores, original)
        self.flips.update(zip(new, flipped.tolist(), strict=True))
        self.left.update(zip(new, left.tolist(), strict=True))

    def _build_variant(self, edits: Edits) -> TextOrInput:
        text = apply_edits(self.text, edits)
        return dataclasses.replace(self.given, text=text) if isinstance(self.given, ModelInput) else text


def _extend_beam(beam: Sequence[Edits], strongest: Sequence[Edit]) -> Iterator[Edits]:
    """Yield each combination with one more edit, in one order."""
    for edits in beam:
        for edit in strongest:
            if not any(edit.overlaps(one) for one in edits):
                yield tuple(sorted((*edits, edit), key=lambda one: (one.start, one.end, one.new)))


def _count_words(edits: Edits) -> int:
    return sum(edit.words for edit in edits)
