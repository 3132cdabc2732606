"""`format_explanation` and `format_counterfactual`: lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from insula.core.prediction import Prediction
from insula.core.sentences import pluralise
from insula.evaluation.reports.marked_text import FAINT
from insula.explanation.counterfactual import Counterfactual, EditedText
from insula.explanation.explanation import Explanation

# Backgrounds of the 256 colours, from faint to strong: blue for, orange against. Signs say the same without colour.
FOR = (195, 153, 111, 69)
AGAINST = (230, 222, 215, 208)
SHOWN = 6  # words in the list below the text


def format_explanation(explanation: Explanation, *, colour: bool) -> Iterator[str]:
    """Yield the lines of an explanation: for each label the text with its words marked, the words with the largest
    weights, and the measures of faithfulness.

    Without `colour` a word that raises the score is written as [+word], one that lowers it as [-word].
    """
    if sentence := explanation.prediction.rule_sentence:
        yield sentence
    for label, weights in explanation.weights.items():
        yield f"{label} {explanation.prediction.scores[label]:.2f}"
        yield f"  {_mark_words(explanation, weights, colour=colour)}"
        top = [(word, weight) for word, weight in explanation.top_words(label, SHOWN) if weight]
        largest = max((abs(weight) for _, weight in top), default=0.0)
        for word, weight in top:
            if abs(weight) >= FAINT * largest:
                bar = "█" * max(round(10 * abs(weight) / largest), 1)
                notes = f"  ({'; '.join(map(str, word.notes))})" if word.notes else ""
                yield f"  {weight:+7.2f}  {bar:<10}  {' '.join(word.text.split())}{notes}"
        if caption := explanation.caption(label):
            yield f"  {caption}"
    if explanation.warning:
        yield explanation.warning


def format_counterfactual(found: Counterfactual) -> Iterator[str]:
    """Yield the lines of a counterfactual: the prediction, the edit that changes it, and the edit that does not.

    An edit is written as [-old+new], with one side for an addition or a deletion.
    """
    yield f"{_describe_labels(found.prediction)}  {' '.join(found.prediction.text.split())}"
    if found.changed is None:
        yield "no edit: insula found nothing in the text that it could change"
        return
    words = pluralise(found.changed.words, "word")
    labels = _describe_labels(found.changed.prediction)
    if found.valid:
        yield f"becomes {labels} with {words} changed:"
    else:
        yield f"stays {labels} with {words} changed; no edit that was tried changes it:"
    yield f"  {_mark_edits(found.prediction.text, found.changed)}"
    if found.kept is not None:
        words = pluralise(found.kept.words, "word")
        yield f"stays {_describe_labels(found.kept.prediction)} with {words} changed:"
        yield f"  {_mark_edits(found.prediction.text, found.kept)}"
    if found.perplexity is not None:
        edited = {"changed": found.changed, "kept": found.kept}
        figures = [f"{name} {one.perplexity:.0f}" for name, one in edited.items() if one and one.perplexity is not None]
        yield f"perplexity (lower is more fluent): as given {found.perplexity:.0f}, {', '.join(figures)}"


def _describe_labels(prediction: Prediction) -> str:
    return ", ".join(f"{label} {prediction.scores[label]:.2f}" for label in prediction.labels) or "no label"


def _mark_edits(text: str, edited: EditedText) -> str:
    pieces, end = [], 0
    for edit in edited.edits:
        old, new = text[edit.start : edit.end].strip(), edit.new.strip()
        spaced = text[edit.start : edit.end]
        before, after = (" " if piece.isspace() else "" for piece in (f"{spaced}{edit.new}"[:1], spaced[-1:]))
        marked = f"[{f'-{old}' if old else ''}{f'+{new}' if new else ''}]"
        pieces += [text[end : edit.start], before, marked, after]
        end = edit.end
    return " ".join(f"{''.join(pieces)}{text[end:]}".split())


def _mark_words(explanation: Explanation, weights: tuple[float, ...], *, colour: bool) -> str:
    text, largest = explanation.prediction.text, max((abs(weight) for weight in weights), default=0.0)
    pieces, end = [], 0
    for word, weight in zip(explanation.words, weights, strict=True):
        pieces.append(text[end : word.start])
        end = word.end
        share = abs(weight) / largest if largest else 0.0
        if share < FAINT:
            pieces.append(word.text)
        elif colour:
            shade = (FOR if weight > 0 else AGAINST)[min(int(share * 4), 3)]
            pieces.append(f"\x1b[48;5;{shade}m\x1b[38;5;16m{word.text}\x1b[0m")
        else:
            pieces.append(f"[{'+' if weight > 0 else '-'}{word.text}]")
    return " ".join(f"{''.join(pieces)}{text[end:]}".split())
