"""`add_notes`: adds notes to words, from rules of the language and of the user."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from insula.core.model_input import TextOrInput, get_text
from insula.explanation.explanation import Note, Word
from insula.knowledge.cues import Cue, find_cues
from insula.knowledge.rules import Match, Rules


def add_notes(words: Sequence[Word], given: TextOrInput, rules: Rules | None) -> tuple[Word, ...]:
    """Return the words with notes: negated, after "but", intensified, weakened, and the rules that look at them.

    A negation that concerns punctuation alone is not noted.
    """
    text = get_text(given)
    cues = find_cues(text)
    matches = [] if rules is None else rules.find_matches(given)
    return tuple(dataclasses.replace(word, notes=tuple(_find_notes(word, cues, matches))) for word in words)


def _find_notes(word: Word, cues: Sequence[Cue], matches: Sequence[Match]) -> Iterator[Note]:
    if not any(character.isalnum() for character in word.text):
        return
    is_cue = any(cue.start < word.end and word.start < cue.end for cue in cues)
    for cue in cues:
        if cue.concerns(word.start, word.end) and not is_cue:
            yield Note(cue.kind, cue.text)
    for match in matches:
        if match.start < word.end and word.start < match.end:
            yield Note("rule", match.rule)
