"""`explain_texts`: explanations of many texts, averaged over the words that they share."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np

from insula.core.arrays import BoolArray, Float64Array
from insula.core.errors import DataError
from insula.core.progress import Progress, Silent
from insula.core.sentences import pluralise
from insula.explanation.explain import check_labels
from insula.explanation.explainers import explainers
from insula.explanation.explanation import Word
from insula.explanation.faithfulness import measure_comprehensiveness, measure_sufficiency
from insula.explanation.masked_predictor import MAX_WORDS, MaskedPredictor
from insula.explanation.notes import add_notes
from insula.explanation.overview.document import (
    ExampleText,
    ExampleWord,
    GlobalExplanation,
    LabelWords,
    MeanFaithfulness,
)
from insula.explanation.overview.phrases import Phrase, Phrases, is_counted, make_key
from insula.explanation.overview.weights import KINDS, MIN_TEXTS, WeightSummary, WeightTable
from insula.explanation.plan import AUTO, EVALUATIONS
from insula.inference.predictor import Predictor
from insula.safety.mask import mask
from insula.text.word_spans import find_word_spans

EXACT_ROWS, READ_ROWS = 2_000, 300
"""Default number of explained rows, for exact sums over words and for methods that use variants of each text."""

LISTED = 20  # words of each side of a label
PHRASES, CHANGES, EXAMPLES = 8, 8, 3
EXAMPLE_CHARACTERS = 300
FAITHFUL_ROWS = 50
STRONGER = 1.25  # than each of its words is a phrase that is listed


def explain_texts(
    predictor: Predictor,
    texts: Sequence[str],
    *,
    method: str = AUTO,
    labels: Sequence[str] = (),
    rows: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> GlobalExplanation:
    """Return the words and phrases behind each label, how cues change their weights, and examples.

    texts   they are masked before they are explained
    method  a name in `explainers`; `auto`: `exact` where the model is a sum over words, else `occlusion`
    labels  labels to describe; default: all, of a binary scheme the positive one
    rows    largest number of texts, drawn with the seed; default: `EXACT_ROWS` or `READ_ROWS`

    Raises `DataError` without a text to explain and for an unknown label, `UnknownNameError` for an unknown method.
    """
    started, progress = time.monotonic(), progress or Silent()
    columns = _find_columns(predictor, labels)
    texts = [text for text in texts if text.strip()]
    if not texts:
        raise DataError("A global explanation needs texts. Got none. Pass rows with texts with --data.")
    if method == AUTO:
        method = "occlusion" if MaskedPredictor(predictor, texts[0]).contributions is None else "exact"
    explainers[method]  # raises for a name that is not known
    chosen = _sample_texts(texts, rows or (EXACT_ROWS if method == "exact" else READ_ROWS), seed)
    work = _TextExplainer(predictor, method, columns, seed)
    progress.start("masking", len(chosen))
    try:
        masked_texts = [work.ask(text, progress) for text in chosen]
    finally:
        progress.finish()
    work.explain([one for one in masked_texts if one is not None], progress)
    notes = []
    if longer := sum(one is None for one in masked_texts):
        notes.append(f"{pluralise(longer, 'row')} with more than {MAX_WORDS} words left out.")
    if not work.rows:
        raise DataError(
            f"A global explanation by {method!r} needs texts of at most {MAX_WORDS} words. Got none. Use other rows."
        )
    return work.summarise().model_copy(
        update={"available": len(texts), "notes": notes, "seconds": round(time.monotonic() - started, 3)}
    )


class _TextExplainer:
    """The explanations of many texts, and the counts of their words."""

    def __init__(self, predictor: Predictor, method: str, columns: dict[str, int], seed: int) -> None:
        self.predictor, self.method, self.columns, self.seed = predictor, method, columns, seed
        self.rows = 0
        self.words, self.phrases = WeightTable(len(columns)), WeightTable(len(columns))
        self.parts: dict[str, tuple[str, ...]] = {}
        self.predicted = np.zeros(len(predictor.scheme.names), dtype=np.int64)
        self.falls: list[list[float]] = []
        self.examples: dict[str, list[ExampleText]] = {label: [] for label in columns}

    def ask(self, text: str, progress: Progress) -> MaskedPredictor | None:
        """Return the predictor of an anonymised text; None where it is too long for the method."""
        progress.advance()
        anonymised = mask(text).text
        words = [Word(anonymised[start:end], start, end) for start, end in find_word_spans(anonymised)]
        if self.method != "exact" and len(words) > MAX_WORDS:
            return None
        return MaskedPredictor(self.predictor, anonymised, words=words, seed=self.seed)

    def explain(self, masked_texts: Sequence[MaskedPredictor], progress: Progress) -> None:
        """Explain the texts, and add up the weights of their words."""
        phrases = Phrases([(one.text, one.words) for one in masked_texts])
        progress.start("explaining", len(masked_texts))
        try:
            for masked in masked_texts:
                self._explain(masked, phrases.find(masked.text, masked.words))
                progress.advance()
        finally:
            progress.finish()

    def summarise(self) -> GlobalExplanation:
        """Return the summary, without facts about the model and the data."""
        words, phrases = self.words.summarise(), self.phrases.summarise()
        scheme = self.predictor.scheme
        falls = np.mean(self.falls, axis=0).tolist()
        return GlobalExplanation(
            kind=scheme.kind,
            method=self.method,
            seed=self.seed,
            rows=self.rows,
            vocabulary=int(words.frequent.sum()),
            min_texts=MIN_TEXTS,
            faithfulness=MeanFaithfulness(rows=len(self.falls), comprehensiveness=falls[0], sufficiency=falls[1]),
            labels=[self._describe_label(label, place, words, phrases) for place, label in enumerate(self.columns)],
            interactions=words.list_interactions(range(len(self.columns)), self.seed),
        )

    def _describe_label(self, label: str, place: int, words: WeightSummary, phrases: WeightSummary) -> LabelWords:
        strong = _find_strong_phrases(phrases, words, self.parts, place)
        return LabelWords(
            label=label,
            predicted=int(self.predicted[self.columns[label]]) if self.predictor.scheme.is_categorical else None,
            raises=words.list_effects(place, 1, LISTED),
            lowers=words.list_effects(place, -1, LISTED),
            raising_phrases=phrases.list_effects(place, 1, PHRASES, strong),
            lowering_phrases=phrases.list_effects(place, -1, PHRASES, strong),
            changes=words.list_changes(place, CHANGES),
            examples=self.examples[label],
        )

    def _explain(self, masked: MaskedPredictor, phrases: Sequence[Phrase]) -> None:
        scheme = self.predictor.scheme
        columns = list(self.columns.values())
        all_weights = explainers[self.method].weigh(masked, EVALUATIONS)
        weights = all_weights[:, columns]
        counted = np.array(is_counted(masked.text, masked.words))
        keys = [make_key(masked.text, word.start, word.end) for word in masked.words]
        used = np.flatnonzero(counted).tolist()
        self.words.add(self.rows, [keys[place] for place in used], weights[used], _find_cues(masked)[used])
        if phrases:
            together = self._weigh_phrases(masked, phrases, weights, columns)
            self.parts.update({one.key: one.parts for one in phrases})
            self.phrases.add(self.rows, [one.key for one in phrases], together)
        self.rows += 1
        decisions = self.predictor.decide_logits([masked.text], masked.logits(masked.keep_all()))
        scores, chosen = decisions.scores[0], decisions.chosen[0]
        if scheme.is_categorical:
            self.predicted += chosen
        if len(self.falls) < FAITHFUL_ROWS:
            top = int(np.argmax(scores - (~chosen if chosen.any() else 0))) if scheme.is_categorical else columns[0]
            measures = (measure_comprehensiveness, measure_sufficiency)
            self.falls.append([measure(masked, all_weights[:, top], top) for measure in measures])
        for place, (label, column) in enumerate(self.columns.items()):
            if not scheme.is_categorical or chosen[column]:
                self._keep_example(label, masked, float(scores[column]), weights[:, place])

    def _weigh_phrases(
        self, masked: MaskedPredictor, phrases: Sequence[Phrase], weights: Float64Array, columns: list[int]
    ) -> Float64Array:
        """Return (phrases, labels): the evidence lost without each phrase; of a sum, the sum over its words."""
        if self.method != "occlusion":
            return np.stack([weights[one.first : one.last].sum(axis=0) for one in phrases])
        kept = np.ones((len(phrases), len(masked)), dtype=bool)
        for row, one in zip(kept, phrases, strict=True):
            row[one.first : one.last] = False
        evidence = masked.evidence(np.concatenate([masked.keep_all(), kept]))[:, columns]
        return evidence[:1] - evidence[1:]

    def _keep_example(self, label: str, masked: MaskedPredictor, score: float, weights: Float64Array) -> None:
        kept = self.examples[label]
        if len(masked.text) > EXAMPLE_CHARACTERS or any(one.text == masked.text for one in kept):
            return
        if len(kept) == EXAMPLES and score <= kept[-1].score:
            return
        words = [
            ExampleWord(start=word.start, end=word.end, weight=round(float(weight), 6))
            for word, weight in zip(masked.words, weights, strict=True)
        ]
        kept.append(ExampleText(text=masked.text, score=score, words=words))
        kept.sort(key=lambda one: -one.score)
        del kept[EXAMPLES:]


def _find_columns(predictor: Predictor, labels: Sequence[str]) -> dict[str, int]:
    names = predictor.scheme.names
    check_labels(labels, names)
    chosen = labels or (names[1:] if predictor.scheme.kind == "binary" else names)
    return {label: names.index(label) for label in chosen}


def _sample_texts(texts: Sequence[str], rows: int, seed: int) -> list[str]:
    if rows >= len(texts):
        return list(texts)
    return [texts[row] for row in sorted(np.random.default_rng(seed).choice(len(texts), rows, replace=False).tolist())]


def _find_cues(masked: MaskedPredictor) -> BoolArray:
    """Return a (words, kinds) mask: True where a cue of that kind applies to the word."""
    found = np.zeros((len(masked), len(KINDS)), dtype=bool)
    for place, word in enumerate(add_notes(masked.words, masked.text, None)):
        for note in word.notes:
            found[place, [kind == note.kind for kind in KINDS]] = True
    return found


def _find_strong_phrases(
    phrases: WeightSummary, words: WeightSummary, parts: Mapping[str, Sequence[str]], label: int
) -> BoolArray:
    """Return (phrases,) whether a phrase weighs clearly more than each of its words does on average."""
    places = {word: place for place, word in enumerate(words.words)}
    strongest = [max(abs(words.mean[places[one], label]) for one in parts[phrase]) for phrase in phrases.words]
    strong: BoolArray = np.abs(phrases.mean[:, label]) > STRONGER * np.array(strongest)
    return strong
