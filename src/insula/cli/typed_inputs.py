"""Texts and earlier turns as people type them, as inputs of a model."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from insula.core.model_input import ModelInput, TextOrInput
from insula.text.turn_lines import parse_turn


def typed_inputs(
    texts: Sequence[str], *, context: Sequence[str] = (), speaker: str | None = None, target: str | None = None
) -> list[TextOrInput]:
    """Return what a model is asked of typed texts, each with the same turns before it.

    Raises `BadParameter` where a text or a turn is blank.
    """
    said = [_readable(one) for one in (*texts, *context)]
    if not all(one.strip() for one in said):
        raise typer.BadParameter("A text must hold more than blanks. Got an empty one.")
    if not context and speaker is None and target is None:
        return list(said)
    turns = tuple(map(parse_turn, said[len(texts) :]))
    who, of = (None if one is None else _readable(one) for one in (speaker, target))
    return [ModelInput(text, turns=turns, speaker=who, target=of) for text in said[: len(texts)]]


def _readable(text: str) -> str:
    # Bytes that are no UTF-8 arrive from the shell as lone surrogates, which no tokenizer and no terminal takes.
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
