"""`find_reply_cues`: the cues of empathy in a reply, each with the words that carry it.

A cue is found or not found: that a reply has it three times counts as once, so that a longer reply does not score
higher for its length.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from insula.empathy.encoder import list_content_words
from insula.empathy.scoring.reply_parts import QuestionForms, ReplyPart, split_reply
from insula.empathy.scoring.result import Mechanism, Rationale
from insula.knowledge.cues import find_cues, is_negated

SHARED_WORDS = 2  # content words that a sentence about the other repeats from the message
OWN_WORDS = 1  # content words of a question to the other that is about something in particular
COMPUTED: Mapping[Mechanism, tuple[str, ...]] = {
    "emotional_reaction": (),
    "interpretation": ("names", "restates"),
    "exploration": ("asks", "asks_other", "asks_open", "asks_feeling", "asks_specific"),
}
_CLAUSE_END = re.compile(r"[,.!?;，。！？；\n]")
_NEGATABLE = frozenset({"feels", "sorry", "understands"})

Shown = Mapping[Mechanism, Mapping[str, tuple[Rationale, ...]]]


@dataclass(frozen=True)
class CueTable:
    """The cues of a language: `empathy/scoring/LANGUAGE.toml`."""

    cues: Mapping[Mechanism, Mapping[str, tuple[re.Pattern[str], ...]]]
    feelings: Mapping[str, tuple[re.Pattern[str], ...]]
    restates: re.Pattern[str]
    advice: tuple[re.Pattern[str], ...]
    forms: QuestionForms
    missing: Mapping[Mechanism, tuple[str, ...]]


def find_reply_cues(message: str, reply: str, language: str, feeling: str | None = None) -> Shown:
    """Return the cues of a reply by mechanism and name, with their words.

    language  of the reply, `en` or `zh`
    feeling   what the writer of the message feels, as in `ConversationState`; None if unknown
    """
    table = read_cue_table(language)
    words = frozenset(list_content_words(message))
    felt = [name for name, patterns in table.feelings.items() if _matches_any(patterns, message)]
    about = [table.feelings[name] for name in {*felt, *([feeling] if feeling else ())}]
    found: dict[Mechanism, dict[str, list[Rationale]]] = {name: {} for name in COMPUTED}

    def add(mechanism: Mechanism, cue: str, shown: Rationale) -> None:
        places = found[mechanism].setdefault(cue, [])
        if shown not in places:
            places.append(shown)

    for part in split_reply(reply, table.forms):
        if part.asks:
            for cue in _read_question(part, table, words):
                add("exploration", cue, _trim(part, reply))
            continue
        _read_statement(part, table, words, about, reply, add)
    return {
        mechanism: {cue: tuple(sorted(places, key=lambda one: one.start)) for cue, places in cues.items()}
        for mechanism, cues in found.items()
    }


def list_cues(mechanism: Mechanism) -> list[str]:
    """Return the names of all cues of a mechanism."""
    named = [name for name in read_cue_table("en").cues[mechanism] if not name.startswith("asks_")]
    return [*named, *COMPUTED[mechanism]]


@functools.cache
def read_cue_table(language: str) -> CueTable:
    """Return the cues of a language, `en` or `zh`."""
    table: dict[str, Any] = tomllib.loads((files(__package__) / f"{language}.toml").read_text(encoding="utf-8"))
    cues = {name: {cue: _compile(lines) for cue, lines in table[name].items()} for name in COMPUTED}
    asked = table["questions"]
    return CueTable(
        cues=cues,
        feelings={name: _compile(lines) for name, lines in table["feelings"].items()},
        restates=re.compile(table["restates"]["starts"], re.IGNORECASE),
        advice=_compile(table["advice"]["words"]),
        forms=QuestionForms(
            starts=re.compile(asked["starts"], re.IGNORECASE),
            unmarked=re.compile(asked["unmarked"], re.IGNORECASE),
            closed=re.compile(asked["closed"], re.IGNORECASE),
            you=re.compile(asked["you"], re.IGNORECASE),
            rejects=_compile(asked["rejects"]),
        ),
        missing={name: tuple(lines) for name, lines in table["missing"].items()},
    )


def _read_question(part: ReplyPart, table: CueTable, words: frozenset[str]) -> Iterable[str]:
    """Yield the cues of a question."""
    cues = table.cues["exploration"]
    own = list_content_words(part.text)
    addressed, shared = table.forms.you.search(part.text) is not None, not words.isdisjoint(own)
    if _matches_any(cues["asks_generic"], part.text):
        yield "asks"
        return
    if _matches_any(cues["invites"], part.text):
        yield "invites"
    yield "asks" if addressed or shared else "asks_other"
    if not table.forms.closed.search(part.text):
        yield "asks_open"
    if _matches_any(cues["asks_feeling"], part.text):
        yield "asks_feeling"
    if shared or (addressed and len(own) >= OWN_WORDS):
        yield "asks_specific"


def _read_statement(
    part: ReplyPart,
    table: CueTable,
    words: frozenset[str],
    about: list[tuple[re.Pattern[str], ...]],
    reply: str,
    add: Callable[[Mechanism, str, Rationale], None],
) -> None:
    modifiers = find_cues(part.text)
    own: list[tuple[int, int]] = []  # where the writer of the reply tells of a feeling: no guess at that of the other
    for mechanism, cues in table.cues.items():
        for cue, patterns in cues.items():
            if cue.startswith("asks_"):
                continue
            for pattern in patterns:
                match = pattern.search(part.text)
                if match is None or (cue in _NEGATABLE and is_negated(modifiers, *match.span())):
                    continue
                if cue == "feels":
                    own.append(match.span())
                elif mechanism == "interpretation" and any(_overlap(match.span(), one) for one in own):
                    continue
                add(
                    mechanism,
                    cue,
                    _cut_clause(part, match, reply) if mechanism == "emotional_reaction" else _trim(part, reply),
                )
                break
    if own or not table.forms.you.search(part.text):
        return
    if any(_matches_any(patterns, part.text) for patterns in about):
        add("interpretation", "names", _trim(part, reply))
    if _matches_any(table.advice, part.text) or not table.restates.search(part.text):
        return
    if len(words.intersection(list_content_words(part.text))) >= SHARED_WORDS:
        add("interpretation", "restates", _trim(part, reply))


def _cut_clause(part: ReplyPart, match: re.Match[str], reply: str) -> Rationale:
    """Return the words from the match to the end of its clause."""
    end = _CLAUSE_END.search(part.text, max(match.end() - 1, match.start()))
    return _build(reply, part.start + match.start(), part.start + (end.start() if end else len(part.text)))


def _trim(part: ReplyPart, reply: str) -> Rationale:
    return _build(reply, part.start, part.start + len(part.text))


def _build(reply: str, start: int, end: int) -> Rationale:
    while start < end and reply[start].isspace():
        start += 1
    while end > start and reply[end - 1].isspace():
        end -= 1
    return Rationale(start, end, reply[start:end])


def _compile(lines: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(one, re.IGNORECASE) for one in lines)


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _matches_any(patterns: Iterable[re.Pattern[str]], text: str) -> bool:
    return any(pattern.search(text) for pattern in patterns)
