"""The sentences of a global explanation, on its page and in a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from insula.core.sentences import pluralise
from insula.evaluation.reports.readable import format_count
from insula.explanation.overview.document import ChangeKind, GlobalExplanation

SITUATIONS: Mapping[ChangeKind, str] = {
    "negated": "negated",
    "contrast": "after 'but'",
    "intensified": "intensified",
    "weakened": "weakened",
}


def describe_rows(document: GlobalExplanation) -> str:
    """Return how many rows were explained, and by which method."""
    drawn = "all" if document.rows == document.available else f"{format_count(document.rows)} of"
    drawn_by = "" if drawn == "all" else f", drawn with the seed {document.seed}"
    return f"Explained by {document.method!r}: {drawn} {pluralise(document.available, 'row')}{drawn_by}."


def describe_reading(document: GlobalExplanation) -> str:
    """Return sentences on what a weight is and which words are listed."""
    unit = "the value" if document.kind == "dimensional" else "the evidence for the label (its logit)"
    meaning = (
        f"how much of {unit} is lost without the word"
        if document.method == "occlusion"
        else f"what the word adds to {unit}"
    )
    return (
        f"A weight is {meaning}, averaged over the texts that have it. Listed are words of at least "
        f"{document.min_texts} texts whose mean differs from zero (at most 5% of them are expected to by chance), the "
        "surest first."
    )


def describe_faithfulness(document: GlobalExplanation) -> str:
    """Return how faithful the explanations are to the model."""
    found = document.faithfulness
    if found.comprehensiveness is None or found.sufficiency is None:
        return ""
    return (
        f"Without the strongest words of a text the score falls by {found.comprehensiveness:.2f}, with them alone by "
        f"{found.sufficiency:.2f} (means over {pluralise(found.rows, 'row')}): the first should be high, the second "
        "low.".replace("by -", "by −")
    )


def format_weight(value: float | None) -> str:
    """Return a weight with its sign and two decimals."""
    return "–" if value is None else f"{value:+.2f}".replace("-", "−")
