"""Predictions for people: one aligned line a text, safe to print whatever the text holds."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence

import typer

from insula.core.prediction import Prediction

UNSURE = "?"
LEAST_TEXT = 20  # cells kept for the text on a narrow terminal


class Answers:
    """Prints predictions: decided label, its score, the next best, the text. `?` marks those it is not sure of."""

    def __init__(self) -> None:
        self.unsure = 0

    def say(self, predictions: Sequence[Prediction]) -> None:
        """Print one line a prediction."""
        if not predictions:
            return
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        heads = [_head(prediction) for prediction in predictions]
        for prediction, head in zip(predictions, heads, strict=True):
            mark = UNSURE if prediction.abstained else " "
            self.unsure += prediction.abstained
            typer.echo(_cropped(f"{mark} {head}  ", _one_line(prediction.text), width))

    def explain(self) -> None:
        """Say what the marks mean, if any were printed."""
        if self.unsure:
            typer.echo(f"{UNSURE} the model is not sure: its confidence is below its abstention threshold", err=True)


def _head(prediction: Prediction) -> str:
    names = list(prediction.scores)
    longest = max(map(_cells, names))
    if prediction.label is None:
        return "  ".join(f"{name} {value:.2f}" for name, value in prediction.scores.items())
    ranked = sorted(names, key=lambda name: -prediction.scores[name])
    decided = sorted(prediction.labels, key=lambda name: -prediction.scores[name])
    if len(decided) == 1:
        rest = next((name for name in ranked if name != decided[0]), None)
        shown = _scored(decided[0], prediction, longest)
        # The runner-up in brackets: the same width in every line, so that the texts stand in one column.
        return f"{shown}   ({_scored(rest, prediction, longest)})" if rest is not None else shown
    if not decided:
        return f"{_padded('(none)', longest)}        ({_scored(ranked[0], prediction, longest)})"
    return ", ".join(_scored(name, prediction, 0) for name in decided)


def _scored(name: str, prediction: Prediction, width: int) -> str:
    return f"{_padded(name, width)} {prediction.scores[name]:.2f}"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _cells(text))


def _cropped(head: str, text: str, width: int | None) -> str:
    """Return both, the text cut to what is left of a terminal's line."""
    if width is None or _cells(head) + _cells(text) <= width:
        return head + text
    room = max(width - _cells(head), LEAST_TEXT) - 1
    kept = ""
    for character in text:
        room -= _cells(character)
        if room < 0:
            break
        kept += character
    return f"{head}{kept}…"


def _one_line(text: str) -> str:
    """Return the text without line ends and control characters: data must not steer the terminal."""
    return "".join(_visible(" ".join(text.split())))


def _visible(text: str) -> Iterable[str]:
    return (character for character in text if unicodedata.category(character) not in ("Cc", "Cs"))


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
