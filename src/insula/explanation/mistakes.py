"""`explain_mistakes`: the words behind the most confident mistakes of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence

from insula.core.model_input import TextOrInput, get_text
from insula.core.sentences import shorten
from insula.evaluation.metrics.mistakes import MAX_CHARACTERS
from insula.evaluation.result import Evaluation, Mistake, MistakeWords, WordWeight
from insula.explanation.explain import explain_input
from insula.inference.predictor import Predictor
from insula.text.word_spans import find_word_spans

MISTAKES = 10
MAX_WORDS = 100  # of a text: `contexts` reads three variants for each, so at most 3,030 texts for all mistakes


def explain_mistakes(predictor: Predictor, evaluation: Evaluation, inputs: Sequence[TextOrInput]) -> Evaluation:
    """Return the evaluation with the words behind its first `MISTAKES` mistakes.

    inputs  the evaluated rows

    The explained label is the first wrongly predicted one, else the missed one; of dimensions the one
    with the largest error. A mistake of a text with more than `MAX_WORDS` words, or of a label that the model does not
    have (as after a label map), has none.
    """
    by_text = {shorten(get_text(given), MAX_CHARACTERS): given for given in inputs}
    mistakes = list(evaluation.mistakes)
    for place, mistake in enumerate(mistakes[:MISTAKES]):
        given, label = by_text.get(mistake.text), _choose_label(predictor, mistake)
        if given is None or label is None or not 0 < len(find_word_spans(get_text(given))) <= MAX_WORDS:
            continue
        found = explain_input(predictor, given, labels=[label], with_faithfulness=False)
        shown = len(mistake.text) - mistake.text.endswith("…")
        words = [
            WordWeight(start=word.start, end=word.end, weight=round(weight, 6))
            for word, weight in zip(found.words, found.weights[label], strict=True)
            if word.end <= shown
        ]
        why = MistakeWords(label=label, method=found.method, words=words)
        mistakes[place] = mistake.model_copy(update={"why": why})
    return evaluation.model_copy(update={"mistakes": mistakes})


def _choose_label(predictor: Predictor, mistake: Mistake) -> str | None:
    names = predictor.scheme.names
    if not predictor.scheme.is_categorical:
        errors = [abs(float(gold) - float(said)) for gold, said in zip(mistake.gold, mistake.predicted, strict=True)]
        return names[errors.index(max(errors))]
    wrong = [str(label) for label in mistake.predicted if label not in mistake.gold]
    missed = [str(label) for label in mistake.gold if label not in mistake.predicted]
    return next((label for label in (*wrong, *missed) if label in names), None)
