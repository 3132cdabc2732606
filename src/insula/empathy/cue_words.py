"""`read_cues`: the words of a language that show acts, feelings, kinds of messages and topics."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

Patterns = tuple[re.Pattern[str], ...]


@dataclass(frozen=True)
class Cues:
    """The cues of a language, by name.

    language   `en` or `zh`
    acts       what a message does, such as `request`
    feelings   feelings of the writer
    kinds      kinds of messages that are no feeling, such as `setback`
    topics     what it is about
    contrast   words that turn a pleasant clause into something else
    questions  kinds of questions: `choice`, `health`
    advice     kinds of advice, the most telling first
    chat       kinds of small talk, the most telling first
    staff      thanks for somebody else
    """

    language: str
    acts: Mapping[str, Patterns]
    feelings: Mapping[str, Patterns]
    kinds: Mapping[str, Patterns]
    topics: Mapping[str, Patterns]
    contrast: Mapping[str, Patterns]
    questions: Mapping[str, Patterns]
    advice: Mapping[str, Patterns]
    chat: Mapping[str, Patterns]
    staff: Mapping[str, Patterns]


def has(patterns: Sequence[re.Pattern[str]], text: str) -> bool:
    """Whether one of the patterns is found in a text."""
    return any(pattern.search(text) for pattern in patterns)


def find_first(groups: Mapping[str, Patterns], text: str) -> str | None:
    """Return the name of the first group with a pattern that is found in a text."""
    return next((name for name, patterns in groups.items() if has(patterns, text)), None)


@functools.cache
def read_cues(language: str) -> Cues:
    """Return the cues of a language, `en` or `zh`."""
    table = tomllib.loads((files(__package__) / "cues" / f"{language}.toml").read_text(encoding="utf-8"))
    return Cues(
        language=language,
        **{
            part: {name: tuple(re.compile(one, re.IGNORECASE) for one in lines) for name, lines in groups.items()}
            for part, groups in table.items()
        },
    )
