"""Texts and earlier turns typed on the command line, as inputs of a model."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import typer

from insula.core.model_input import EMPTY_TEXT, ModelInput, TextOrInput, Turn, get_text
from insula.text.turn_lines import parse_turn


def build_typed_inputs(
    texts: Sequence[str],
    *,
    context: Sequence[str] = (),
    speaker: str | None = None,
    target: str | None = None,
    attributes: Sequence[str] = (),
    read_files: bool = False,
) -> list[TextOrInput]:
    """Return the typed texts as inputs of a model, each with the same earlier turns and attributes (`NAME=VALUE`).

    read_files  whether a context that is the name of a file stands for the turns in it

    Raises `BadParameter` if a text or a turn is blank, an attribute is not of that form, or files and turns are mixed;
    and what `read_turn_file` raises.
    """
    if read_files and (turns := _read_context_file(context)) is not None:
        (text,) = build_typed_inputs(texts)
        return [ModelInput(get_text(text), turns=turns, speaker=speaker)]
    readable = [_unescape_bytes(one) for one in (*texts, *context)]
    if not all(one.strip() for one in readable):
        raise typer.BadParameter(f"{EMPTY_TEXT} Leave it out, or write something.")
    facts = dict(_parse_attribute(one) for one in attributes)
    if not context and speaker is None and target is None and not facts:
        return list(readable)
    turns = tuple(map(parse_turn, readable[len(texts) :]))
    speaker, target = (None if one is None else _unescape_bytes(one) for one in (speaker, target))
    return [
        ModelInput(text, turns=turns, speaker=speaker, target=target, attributes=facts)
        for text in readable[: len(texts)]
    ]


def _parse_attribute(given: str) -> tuple[str, str]:
    name, separator, value = _unescape_bytes(given).partition("=")
    if not separator or not name.strip():
        raise typer.BadParameter(f"--attribute must be NAME=VALUE, such as source=forum. Got {given!r}.")
    return name.strip(), value.strip()


def _read_context_file(context: Sequence[str]) -> tuple[Turn, ...] | None:
    """Return the turns of a file; None if the context holds typed turns."""
    files = [one for one in context if _is_file(one) or one.endswith((".json", ".jsonl"))]
    if not files:
        return None
    if len(context) > 1:
        raise typer.BadParameter(
            f"--context takes one file, or turns. Got the file {files[0]!r} and more. Put all turns into the file."
        )
    from insula.data.conversations.turn_file import read_turn_file

    return read_turn_file(files[0])


def reject_file_names(texts: Sequence[str], *, verb: str) -> None:
    """Raise `BadParameter` if a text is the name of a file: `verb` (predict, explain) is meant for its rows."""
    if (file := next((one for one in texts if _is_file(one)), None)) is not None:
        raise typer.BadParameter(
            f"{file!r} is a file. To {verb} its rows, use --input {shlex.quote(file)}. To {verb} its name, pipe it in."
        )


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # longer than a path may be, or with a NUL
        return False


def _unescape_bytes(text: str) -> str:
    # Bytes that are not UTF-8 arrive from the shell as lone surrogates, which no tokenizer and no terminal accepts.
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
