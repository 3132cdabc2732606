"""`split_reply`: the statements and the questions of a reply, with their places in it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from insula.text.scripts import HAN

LONGEST_SENTENCE = 600  # characters; a longer one is read in pieces
_SENTENCE = re.compile(rf"[^.!?。！？…;；\n]{{1,{LONGEST_SENTENCE}}}[.!?。！？…;；]*[\"'”’)*]*")
_COMMA = re.compile(r"[,，:：—-]\s*")
_ASKED = re.compile(r"[?？][\"'”’)*]*\s*$")
_WORDS = re.compile(rf"[{HAN}]|[^\W\d_{HAN}]+")
MAX_CLAUSES = 40  # of a sentence that may begin its question
MAX_UNMARKED_WORDS = 15  # of a question without a question mark


@dataclass(frozen=True)
class ReplyPart:
    """A sentence of a reply, or the clauses of it before or after its question begins.

    text   the part, with straight apostrophes; as long as in the reply
    start  its first character in the reply
    asks   whether it is a question
    """

    text: str
    start: int
    asks: bool


@dataclass(frozen=True)
class QuestionForms:
    """Patterns of questions in a language.

    starts   the beginning of a question in English, a clause with a question word in Chinese
    unmarked  what a question without a question mark has, too
    closed   a question that yes or no answers
    you      the person addressed
    rejects  advice, offers and rhetoric in the form of a question
    """

    starts: re.Pattern[str]
    unmarked: re.Pattern[str]
    closed: re.Pattern[str]
    you: re.Pattern[str]
    rejects: tuple[re.Pattern[str], ...]


def split_reply(text: str, forms: QuestionForms) -> list[ReplyPart]:
    """Return the parts of a reply in order; a question in the form of advice counts as a statement."""
    plain = text.replace("’", "'").replace("‘", "'")
    return [part for match in _SENTENCE.finditer(plain) for part in _split(match.group(), match.start(), forms)]


def _split(sentence: str, start: int, forms: QuestionForms) -> Iterator[ReplyPart]:
    if not sentence.strip():
        return
    cut = _find_question(sentence, forms)
    if cut is None or any(one.search(sentence[cut:]) for one in forms.rejects):
        yield ReplyPart(sentence, start, False)
        return
    if sentence[:cut].strip():
        yield ReplyPart(sentence[:cut], start, False)
    yield ReplyPart(sentence[cut:], start + cut, True)


def _find_question(sentence: str, forms: QuestionForms) -> int | None:
    """Return where the question of a sentence begins; None if it asks nothing."""
    begins = [0, *(match.end() for match in itertools.islice(_COMMA.finditer(sentence), MAX_CLAUSES))]
    found = next((place for place in begins if forms.starts.search(sentence[place:])), None)
    if _ASKED.search(sentence):
        return found or 0
    if found is None or not forms.unmarked.search(sentence[found:]):
        return None
    return found if len(_WORDS.findall(sentence[found:])) <= MAX_UNMARKED_WORDS else None
