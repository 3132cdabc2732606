"""View models of explanations: marked text, strongest words and faithfulness for each label; and of edits."""

from __future__ import annotations

from dataclasses import dataclass

from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme
from insula.evaluation.reports.marked_text import Piece, get_side, get_step, mark_words
from insula.explanation.counterfactual import Counterfactual, EditedText
from insula.explanation.explanation import Explanation, Note
from insula.serving.pages.words import Translator

LISTED = 8  # words in the table
SPOKEN = 3  # words of each side in the sentence that a screen reader reads


@dataclass(frozen=True)
class WordRow:
    """A row of the table of words: the signed weight, the length of its bar (0 to 100), and notes."""

    text: str
    note: str
    side: str
    weight: str
    bar: str


@dataclass(frozen=True)
class LabelExplanation:
    """The words for and against one label.

    lead   a sentence with the label, its score, and what the marks mean
    said   the strongest words in one sentence
    faithfulness  sentences on how faithful the weights are to the model
    """

    name: str
    lead: str
    said: str
    pieces: list[Piece]
    rows: list[WordRow]
    faithfulness: list[str]


def build_why_view(scheme: LabelScheme, explanation: Explanation, say: Translator) -> list[LabelExplanation]:
    """Return the view of each explained label in a language."""
    return [_build_label(scheme, explanation, label, say) for label in explanation.weights]


@dataclass(frozen=True)
class EditView:
    """A text after edits: a sentence with the result, and the pieces; `side` is `del`, `ins`, or empty."""

    lead: str
    pieces: list[Piece]


def build_edit_view(scheme: LabelScheme, found: Counterfactual, say: Translator) -> list[EditView]:
    """Return the view of the edit that changes the result, and of the one that does not; none without any edit."""
    pairs = (("edit_changed" if found.valid else "edit_closest", found.changed), ("edit_kept", found.kept))
    text = found.prediction.text
    return [_build_edit(scheme, name, text, edited, say) for name, edited in pairs if edited is not None]


def _build_edit(scheme: LabelScheme, name: str, text: str, edited: EditedText, say: Translator) -> EditView:
    scores = edited.prediction.scores
    labels = [
        f"{scheme.display_name(label, say.language)} {_format_number(scores[label])}"
        for label in edited.prediction.labels
    ]
    count = say("edit_word") if edited.words == 1 else say("edit_words", count=edited.words)
    pieces, end = [], 0
    for edit in edited.edits:
        pieces += [Piece(text[end : edit.start]), Piece(text[edit.start : edit.end], "del"), Piece(edit.new, "ins")]
        end = edit.end
    pieces.append(Piece(text[end:]))
    lead = say(name, count=count, labels=say("comma").join(labels) or say("why_none"))
    return EditView(lead, [piece for piece in pieces if piece.text])


def _build_label(scheme: LabelScheme, explanation: Explanation, label: str, say: Translator) -> LabelExplanation:
    weights = explanation.weights[label]
    largest = max((abs(weight) for weight in weights), default=0.0)
    top = [one for one in explanation.top_words(label, LISTED) if get_step(one[1], largest)]
    name = scheme.display_name(label, say.language)
    sides = {
        side: [" ".join(word.text.split()) for word, weight in top if get_side(weight) == side][:SPOKEN]
        for side in ("for", "against")
    }
    pro, con = (say("comma").join(sides[side]) or say("why_none") for side in ("for", "against"))
    return LabelExplanation(
        name=name,
        lead=say("why_lead", label=name, score=_format_number(explanation.prediction.scores[label])),
        said=say("why_said", label=name, pro=pro, con=con),
        pieces=list(
            mark_words(explanation.prediction.text, [(one.start, one.end) for one in explanation.words], weights)
        ),
        rows=[
            WordRow(
                " ".join(word.text.split()),
                say("comma").join(_describe_note(note, say) for note in word.notes),
                get_side(weight),
                _format_signed(weight),
                f"{100 * abs(weight) / largest:.1f}",
            )
            for word, weight in top
        ],
        faithfulness=_describe_faithfulness(scheme, explanation, label, say),
    )


def _describe_faithfulness(scheme: LabelScheme, explanation: Explanation, label: str, say: Translator) -> list[str]:
    figures = explanation.faithfulness.get(label)
    if figures is None:
        return []
    low, high = scheme.ranges.get(label, (0.0, 1.0))
    score, unit = explanation.prediction.scores[label], high - low
    without, alone = (_format_number(score - unit * fall) for fall in (figures.comprehensiveness, figures.sufficiency))
    sentences = [say("why_faithfulness", without=without, alone=alone)]
    if figures.agreement is not None:
        sentences.append(say("why_agreement", agreement=_format_number(figures.agreement)))
    return sentences


def _describe_note(note: Note, say: Translator) -> str:
    return say("why_of_rule" if note.kind == "rule" else f"why_{note.kind}", by=note.by)


def describe_rules(scheme: LabelScheme, prediction: Prediction, say: Translator) -> str:
    """Describe the rules that changed a prediction and the prediction before; empty if none did."""
    if prediction.before is None:
        return ""
    labels = [scheme.display_name(label, say.language) for label in prediction.before.labels]
    before = say("comma").join(labels or prediction.labels_before) or say("why_none")
    return say("why_rule", names=say("comma").join(prediction.rules), labels=before)


def _format_signed(weight: float) -> str:
    return f"{weight:+.2f}".replace("-", "−")


def _format_number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
