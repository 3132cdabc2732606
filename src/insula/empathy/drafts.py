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
from insula.empathy.find_events import EventMatch, find_events, find_everyday_noun, read_events
from insula.empathy.state import ConversationState
from insula.empathy.strategies import STRATEGIES, Strategy, rank_strategies
from insula.safety.find import find_personal_data
from insula.safety.replies.check import check_reply
from insula.safety.signals.result import RiskKind
from insula.text.scripts import detect_language_by_script

TRIES = 4  # sentences of a kind that are tried for a draft
_QUOTED = {"en": (12, 70), "zh": (5, 24)}  # fewest and most characters of a clause that a draft repeats
_CLAUSES = re.compile(r"[^.!?;。！？；\n]+")
_REPEATED = 6  # fewest characters of a clause that counts as repeated
_UNQUOTABLE = re.compile(r"[\d\"“”「」{}\[\]<>@]")
_CONCERNS: Mapping[RiskKind, str] = {
    "suicide": "heavy",
    "self_harm": "heavy",
    "violence": "safe",
    "abuse": "safe",
    "medical_emergency": "body",
}
_SORRY = re.compile(r"\bsorry\b|节哀|难过|抱歉")  # it names the feeling already
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


def write_check_ins(
    text: str, state: ConversationState, kinds: Sequence[RiskKind], service: str, *, count: int = 3
) -> tuple[tuple[Draft, ...], int]:
    """Return up to `count` drafts that name what happened, ask how the person is and name help; and the number stopped.

    kinds    of the risk; they decide what is asked
    service  name of the service that helps in danger, in the language of the drafts
    """
    words = read_templates(state.language)["check_in"]
    asks = words[_CONCERNS[kinds[0]] if kinds else "heavy"]
    seam = "" if state.language == "zh" else " "
    drafts: dict[str, Draft] = {}
    stopped = 0
    for turn in range(count * TRIES):
        if len(drafts) == count:
            break
        opening = _open_draft(
            read_templates(state.language), text, state, "question", turn, _EventSentences(text, state)
        )
        ask = str(_pick(asks, text, "check in", turn))
        draft = seam.join([*opening, ask, words["help"].format(service=service)])
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
        self._thing = find_everyday_noun(text, spoken) if spoken == state.language else None

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
        """Return the sentence of a strategy that fits the event, or names a thing; None if there is none."""
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
        elif strategy == "question" and self._thing and self._state.need in ("heard", "none"):
            sentences = read_templates(self._state.language)["about"][self._state.polarity]
            return str(_pick(sentences, self._text, "about", turn)).replace("{thing}", self._thing)
        return None


def _open_draft(
    table: Mapping[str, Any], text: str, state: ConversationState, strategy: Strategy, turn: int, told: _EventSentences
) -> Iterator[str]:
    """Yield the sentences before that of the strategy: what happened, or how the person feels about it."""
    says = told.pick_restatement(strategy, turn)
    if strategy == "reflection" or (state.need == "information" and (says is None or state.polarity != "negative")):
        return  # a question of fact wants its answer, and a reflection is such a sentence itself
    if told.is_small_talk:
        return
    if says is not None:
        if (
            strategy == "affirmation"
            and state.need == "heard"
            and state.feeling is not None
            and not _SORRY.search(says)
        ):
            yield str(_pick(table["reflection"][state.feeling], text, f"reflection {strategy}", turn))
        yield says
        return
    if state.need == "fix":
        sentences = table["complaint"].get(state.topic or "", table["complaint"]["other"])
        yield str(_pick(sentences, text, f"complaint {strategy}", turn))
        return
    yield str(_pick(table["reflection"][_find_kind(text, state)], text, f"reflection {strategy}", turn))
    if strategy in ("affirmation", "question") and state.topic and state.feeling is not None:
        about = _pick(table["topic"][state.polarity].get(state.topic, ()), text, f"topic {strategy}", turn)
        if about is not None and state.feeling != "gratitude":
            yield about


def _find_kind(text: str, state: ConversationState) -> str:
    """Return the kind of sentences that fit: the feeling, or a more general kind if none is named."""
    long = len(text) >= _QUOTED[state.language][0]
    if state.feeling == "gratitude" and state.topic != "service" and long:
        return "positive"  # thanks to somebody else
    if state.feeling is None and state.polarity == "unclear" and long:
        return "statement"
    return state.feeling or state.polarity


def _list_sentences(table: Mapping[str, Any], text: str, state: ConversationState, strategy: Strategy) -> Sequence[str]:
    sentences = table.get(strategy, {})
    if strategy == "question" and state.need == "information":
        return list(sentences["information"])
    if strategy == "question" and state.need == "fix":
        return list(sentences[f"complaint_{state.topic if state.topic in ('service', 'money') else 'other'}"])
    if strategy == "information" and state.event == "wrote_request":
        return list(sentences["request"])
    if strategy == "information":
        return list(sentences["complaint" if state.need == "fix" else "service"])
    if strategy == "suggestions":
        return list(sentences.get(state.topic or "other", sentences["other"]))
    kind = _find_kind(text, state)
    if strategy in ("restatement", "other") and kind not in ("gratitude", "statement"):
        kind = state.polarity
    return list(sentences.get(kind, ()))


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
