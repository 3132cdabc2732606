"""Drafts from templates: sentences by strategy, language, feeling and topic, chosen by the message itself.

The same message gets the same drafts; another message gets other sentences of the same kind. Every draft passes
`check_reply`, and one that does not is left out.
"""

from __future__ import annotations

import functools
import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Self

from insula.core.errors import DataError
from insula.empathy.cue_words import find_first, has, read_cues
from insula.empathy.find_events import EventMatch, capitalise, find_events, find_named, read_events
from insula.empathy.state import ConversationState
from insula.empathy.strategies import STRATEGIES, Strategy, rank_strategies
from insula.safety.find import find_personal_data
from insula.safety.replies.check import check_reply
from insula.text.scripts import detect_language_by_script

TRIES = 4  # sentences of a kind that are tried for a draft
_QUOTED = {"en": (12, 70), "zh": (5, 24)}  # fewest and most characters of a clause that a draft repeats
_CLAUSES = re.compile(r"[^.!?;。！？；\n]+")
_MAX_BEFORE_PERSON = {"en": 12, "zh": 3}  # characters; a person further on may not be whom the message is about
_REPEATED = 6  # fewest characters of a clause that counts as repeated
_UNQUOTABLE = re.compile(r"[\d\"“”「」{}\[\]<>@]")
_OPEN = re.compile(r"\[[^\]]+\]")  # a gap


@dataclass(frozen=True)
class Draft:
    """A reply that a person reads before it is sent.

    text       the draft
    strategy   what it does: asks, affirms, informs ...
    generator  what wrote it; always a machine
    open       what the person must fill in, such as `[answer]`
    scores     what `ranking` measured, each from 0 to 1; empty if only one generator wrote drafts, which are then in
               the order of their strategies
    """

    text: str
    strategy: Strategy
    generator: str = "templates"
    open: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "text": self.text,
            "strategy": self.strategy,
            "generator": self.generator,
            "open": list(self.open),
            "scores": dict(self.scores),
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Return the draft that `to_dict` describes."""
        return cls(row["text"], row["strategy"], row["generator"], tuple(row["open"]), row.get("scores", {}))


def write_drafts(
    text: str, state: ConversationState, *, strategy: str = "auto", count: int = 3, said: Sequence[str] = ()
) -> tuple[tuple[Draft, ...], int]:
    """Return up to `count` different drafts, the best strategy first, and the number that the safety check stopped.

    strategy  one of `STRATEGIES`, or `auto`: those that fit the state
    said      what others have said to the person already: no draft repeats a sentence of it

    Raises `DataError` for a strategy that does not exist or has no sentences for this state.
    """
    require_strategy(strategy)
    spoken = frozenset(one for text in said for one in _split_sentences(text))
    chosen: tuple[Any, ...] = rank_strategies(state) if strategy == "auto" else (strategy,)
    drafts: dict[str, Draft] = {}
    stopped = 0
    for number in range(count * TRIES):
        if len(drafts) == count:
            break
        kind = chosen[number % len(chosen)]
        words = _compose(text, state, kind, number // len(chosen))
        if words is None or words in drafts or not spoken.isdisjoint(_split_sentences(words)):
            continue
        if not check_reply(words).allowed:
            stopped += 1
            continue
        drafts[words] = Draft(words, kind, open=find_gaps(words))
    if not drafts and strategy != "auto" and not stopped:
        raise DataError(
            f"There is no draft with the strategy {strategy!r} for this message. Use auto, or one of "
            f"{', '.join(rank_strategies(state))}."
        )
    return tuple(drafts.values()), stopped


def require_strategy(strategy: str) -> None:
    """Raise `DataError` for a strategy that does not exist."""
    if strategy not in ("auto", *STRATEGIES):
        raise DataError(
            f"The strategy must be auto or one of {', '.join(STRATEGIES)}. Got {strategy!r}. Choose one of these."
        )


def write_check_ins(text: str, state: ConversationState, *, count: int = 3) -> tuple[tuple[Draft, ...], int]:
    """Return up to `count` drafts that name what happened and ask gently how the person is; and the number stopped.

    Good news, questions, complaints, requests, notices and small talk get ordinary drafts: the question would not fit.
    """
    if state.polarity == "positive" or state.need in ("information", "fix") or state.kind in ("notice", "chat"):
        return write_drafts(text, state, count=count)
    table = read_templates(state.language)
    words, seam = table["check_in"], "" if state.language == "zh" else " "
    drafts: dict[str, Draft] = {}
    stopped = 0
    for turn in range(count * TRIES):
        if len(drafts) == count:
            break
        opening = _open_draft(table, text, state, "question", turn, _EventSentences(text, state))
        asked = (str(_pick(words[part], text, f"check in, {part}", turn)) for part in ("ask", "door"))
        draft = seam.join([*opening, *asked])
        if check_reply(draft).allowed:
            drafts.setdefault(draft, Draft(draft, "question"))
        else:
            stopped += 1
    return tuple(drafts.values()), stopped


def find_gaps(text: str) -> tuple[str, ...]:
    """Return the gaps that a person must fill in, such as `[answer]`."""
    return tuple(_OPEN.findall(text))


def _split_sentences(text: str) -> list[str]:
    """Return the clauses of a text that are long enough to sound repeated, without case and marks at their ends."""
    return [one for clause in _CLAUSES.findall(text) if len(one := clause.strip(" ,，、").casefold()) >= _REPEATED]


@functools.cache
def read_templates(language: str) -> Mapping[str, Any]:
    """Return the sentences of a language, `en` or `zh`."""
    return tomllib.loads((files(__package__) / "templates" / f"{language}.toml").read_text(encoding="utf-8"))


def _compose(text: str, state: ConversationState, strategy: Strategy, turn: int) -> str | None:
    """Return a draft, or None if there are no sentences for it; `turn` counts drafts of the same strategy."""
    table = read_templates(state.language)
    told = _EventSentences(text, state)
    last = told.pick_closing(strategy, turn) or _pick(
        _list_sentences(table, text, state, strategy), text, strategy, turn
    )
    if last is None:
        return None
    if "{quote}" in last and told.is_small_talk:
        return None
    if "{quote}" in last:
        quote = _find_quote(text, state.language)
        if quote is None:
            return None
        last = last.replace("{quote}", quote)
    parts = [*_open_draft(table, text, state, strategy, turn, told), last]
    return ("" if state.language == "zh" else " ").join(parts)


class _EventSentences:
    """The sentences that the events of a message have for its reply, in the language of the reply."""

    def __init__(self, text: str, state: ConversationState) -> None:
        self._text = text
        self._state = state
        spoken = detect_language_by_script(text)
        self._events = (
            []
            if state.event is None
            else [one for one in find_events(text, spoken) if one.event.polarity in ("unclear", state.polarity)]
        )
        self._events = [one for one in self._events if one.event.name == state.event] + [
            one for one in self._events if one.event.name != state.event and one.event.need in (None, "heard")
        ]
        if spoken != state.language:  # their nouns are in another language
            known = read_events(state.language)
            self._events = [EventMatch(known[one.event.name]) for one in self._events if one.event.name in known]

    @property
    def is_small_talk(self) -> bool:
        """Whether the message tells nothing that could be restated."""
        return bool(self._events) and not self._events[0].event.says

    def pick_restatement(self, strategy: Strategy, turn: int) -> str | None:
        """Return a sentence that restates what happened."""
        if not self._events:
            return None
        first = self._events[0]
        return _pick(first.fill(first.event.says), self._text, f"says {strategy}", turn)

    def pick_closing(self, strategy: Strategy, turn: int) -> str | None:
        """Return the sentence of a strategy that fits the event; None if there is none."""
        if self._events:
            first, last = self._events[0], self._events[-1]
            if strategy == "question" and (self._state.need != "information" or first.event.need == "information"):
                takes_last = last.event.polarity == first.event.polarity and self._state.need != "fix" and turn % 2 == 0
                chosen = last if takes_last else first
                place = turn if first is last else turn // 2
                return _pick(chosen.fill(chosen.event.asks), self._text, "asks", place)
            if strategy == "suggestions":
                ideas = next((one.fill(one.event.suggests) for one in self._events if one.event.suggests), [])
                return _pick(ideas, self._text, "suggests", turn)
        return None


def _open_draft(
    table: Mapping[str, Any], text: str, state: ConversationState, strategy: Strategy, turn: int, told: _EventSentences
) -> Iterator[str]:
    """Yield the sentences before that of the strategy: what happened, or how the person feels about it."""
    if state.kind == "notice" or state.kind == "request" or state.need == "information" or strategy == "reflection":
        return  # they want a plain answer, and a reflection is such a sentence itself
    if told.is_small_talk:
        return
    opening = told.pick_restatement(strategy, turn) or _pick(
        _name_subject(table["named"], text, state), text, f"named {strategy}", turn
    )
    if opening is not None:
        yield opening
    elif state.need == "fix":
        sentences = table["complaint"].get(state.topic or "", table["complaint"]["other"])
        yield str(_pick(sentences, text, f"complaint {strategy}", turn))
    else:
        key = _find_key(table["reflection"], text, state)
        yield str(_pick(table["reflection"][key], text, f"reflection {strategy}", turn))


def _name_subject(named: Mapping[str, Any], text: str, state: ConversationState) -> list[str]:
    """Return the sentences of a kind that name the person or the thing of the message; none if it is not clear."""
    language = detect_language_by_script(text)
    kind = "complaint" if state.need == "fix" else state.kind
    if language != state.language or kind is None or kind not in named:
        return []
    for noun, sentences in named[kind].items():
        found = find_named(text, language, noun)
        if found is not None and (noun != "who" or found[1] <= _MAX_BEFORE_PERSON[language]):
            return [capitalise(one.format(found[0])) for one in sentences]
    return []


def _find_key(sentences: Mapping[str, Any], text: str, state: ConversationState) -> str:
    """Return the most specific of the kinds of sentences that fits: of the kind, the feeling, or the polarity."""
    long = len(text) >= _QUOTED[state.language][0]
    cues = read_cues(detect_language_by_script(text))
    keys: list[str | None] = [state.kind, state.feeling]
    if state.feeling == "gratitude" and has(cues.staff["words"], text):
        keys.insert(0, "gratitude_staff")
    if state.need == "advice":
        wanted = find_first(cues.advice, text) or "other"
        keys = [f"advice_{wanted}", "advice_tips" if wanted in ("tips", "gift") else "advice", "advice_other"]
    if state.kind == "chat":
        keys.insert(0, f"chat_{find_first(cues.chat, text)}")
    if state.kind == "mixed":
        keys.append("mixed")
    keys += [state.polarity] if state.polarity != "unclear" or not long else ["statement", "unclear"]
    return next((key for key in keys if key is not None and key in sentences), "statement")


def _list_sentences(table: Mapping[str, Any], text: str, state: ConversationState, strategy: Strategy) -> Sequence[str]:
    sentences = table.get(strategy, {})
    if strategy == "information":
        return list(sentences[_find_information(text, state)])
    if strategy == "suggestions":
        return list(sentences[find_first(read_cues(detect_language_by_script(text)).advice, text) or "other"])
    if state.kind == "request" and "request" in sentences:
        return list(sentences["request"])
    if state.need == "information" and "information" in sentences:
        return list(sentences["information"])
    if strategy == "question" and state.need == "fix":
        return list(sentences[f"complaint_{state.topic if state.topic in ('service', 'money') else 'other'}"])
    if strategy == "affirmation" and state.need == "fix":
        return list(sentences["complaint"])
    key = _find_key(sentences, text, state)
    return list(sentences.get(key, ()))


def _find_information(text: str, state: ConversationState) -> str:
    """Return the kind of sentences that leave a gap for what the writer wants."""
    if state.event == "wrote_request":
        return "request"
    if state.kind == "request":
        return "task"
    if state.need == "fix":
        return "complaint"
    return "health" if has(read_cues(detect_language_by_script(text)).questions["health"], text) else "service"


def _pick(sentences: Sequence[str], text: str, purpose: str, turn: int) -> str | None:
    """Return a sentence that depends on the message; the next turn gets the next one."""
    if not sentences:
        return None
    start = int.from_bytes(hashlib.sha256(f"{purpose}\0{text}".encode("utf-8", "replace")).digest()[:4], "big")
    return str(sentences[(start + turn) % len(sentences)])


def _find_quote(text: str, language: str) -> str | None:
    """Return the last clause that is short enough to repeat and has no personal data; None if there is none."""
    if detect_language_by_script(text) != language:
        return None
    fewest, most = _QUOTED[language]
    for clause in reversed(_CLAUSES.findall(text)):
        clause = clause.strip(" ,，、")
        if fewest <= len(clause) <= most and not _UNQUOTABLE.search(clause) and not find_personal_data(clause):
            return str(clause)
    return None
