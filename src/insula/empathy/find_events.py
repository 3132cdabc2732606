"""`find_events`: what happened, by patterns for common events, with the person and the thing that the message names.

An event has sentences of its own that restate it and ask about it. They claim only what its pattern ensures, and repeat
nothing of the message but a noun: "my boss" becomes "your boss".
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal, cast

from insula.knowledge.cues import find_cues, is_negated

EventPolarity = Literal["positive", "negative", "unclear"]
_WORD = re.compile(r"(?<!\?P)<(\w+)>")  # a list of words; not the name of a group
_SLOT = re.compile(r"\{(\w+)\}")
_OWN = re.compile(r"(?:my|our)\s+(?:own\s+)?", re.IGNORECASE)
_ARTICLE = re.compile(r"(?:an?|any|the|this|that|her|his|their)\s+", re.IGNORECASE)
_PROPER = re.compile(r"(?:English|French|German|Spanish|Italian|Chinese|Latin|Christmas|Easter|Diwali|Eid)\b")
# "If I failed the exam", 要是没考上: nothing of the kind has happened.
_SUPPOSED = re.compile(
    r"(?:\b(?:if|unless|imagine|suppose|whether)\b[^.!?;]{0,40}|(?:如果|要是|假如|万一|假设)[^。！？；]{0,12})$",
    re.IGNORECASE,
)
_MAX_SLOT_CHARACTERS = 30  # characters: more is no noun


@dataclass(frozen=True)
class Event:
    """A kind of event and its sentences.

    name      name of the event, the same in all languages
    topic     topic of the conversation, as in `ConversationState`; None to leave it to the cues
    polarity  whether it is good news; `unclear` if it can be either
    feeling   the feeling that goes without saying; None if it does not
    need      what a person who writes of it wants; None to leave it to the cues
    patterns  regular expressions; a named group is a slot: `who`, `thing`, or `noun`, which stays as it is
    says      sentences that restate it
    asks      questions about it
    suggests  ideas, for a person who asks for some
    """

    name: str
    patterns: tuple[re.Pattern[str], ...]
    says: tuple[str, ...]
    asks: tuple[str, ...]
    topic: str | None = None
    polarity: EventPolarity = "negative"
    feeling: str | None = None
    need: str | None = None
    suggests: tuple[str, ...] = ()


@dataclass(frozen=True)
class EventMatch:
    """An event in a message; `slots` are the nouns that it names, as a reply says them."""

    event: Event
    slots: Mapping[str, str] = field(default_factory=dict)

    def fill(self, sentences: Sequence[str]) -> list[str]:
        """Return the sentences whose slots are known, filled in; only those with slots if there are enough."""
        known = [one for one in sentences if set(_SLOT.findall(one)) <= set(self.slots)]
        naming = [one for one in known if "{" in one]
        return [
            capitalise(_SLOT.sub(lambda slot: self.slots[slot[1]], one)) for one in (naming if naming[1:] else known)
        ]


def find_events(text: str, language: str) -> list[EventMatch]:
    """Return the events of a text, the most specific first; `language` is `en` or `zh`."""
    found = []
    plain = text.replace("’", "'")
    modifiers = find_cues(plain)
    for event in read_events(language).values():
        for match in filter(None, (pattern.search(plain) for pattern in event.patterns)):
            if not is_negated(modifiers, *match.span()) and not _SUPPOSED.search(plain[: match.start()]):
                found.append(EventMatch(event, _find_slots(match, language)))
                break
    return found


def find_named(text: str, language: str, noun: Literal["thing", "achieved", "who"]) -> tuple[str, int] | None:
    """Return the only thing or person of a text that a draft may name, as a reply says it, and its first character.

    None if there is none, or if there are several: a draft would have to know which of them the message is about.
    """
    matches = list(_load_nouns(language, noun).finditer(text.replace("’", "'")))
    slot = "who" if noun == "who" else "thing"
    named = {_find_slots(match, language).get(slot) for match in matches}
    (only,) = named if len(named) == 1 else (None,)
    return None if only is None else (only, matches[0].start())


@functools.cache
def read_events(language: str) -> Mapping[str, Event]:
    """Return the events of a language by name, the most specific first."""
    return {
        row["name"]: Event(
            name=row["name"],
            patterns=tuple(re.compile(one, re.IGNORECASE) for one in row["match"]),
            says=tuple(row["says"]),
            asks=tuple(row["asks"]),
            topic=row.get("topic"),
            polarity=cast("EventPolarity", row.get("polarity", "negative")),
            feeling=row.get("feeling"),
            need=row.get("need"),
            suggests=tuple(row.get("suggests", ())),
        )
        for row in _read_table(language)["events"]
    }


@functools.cache
def _read_table(language: str) -> Mapping[str, Any]:
    table = tomllib.loads((files(__package__) / "events" / f"{language}.toml").read_text(encoding="utf-8"))
    words: Mapping[str, str] = table["words"]  # such as the names of relatives, used in the patterns as <kin>
    for row in table["events"]:
        row["match"] = [_WORD.sub(lambda one: words[one[1]], pattern) for pattern in row["match"]]
    return table


@functools.cache
def _load_nouns(language: str, noun: str) -> re.Pattern[str]:
    table = _read_table(language)
    return re.compile(_WORD.sub(lambda one: table["words"][one[1]], table["named"][noun]), re.IGNORECASE)


def _find_slots(match: re.Match[str], language: str) -> dict[str, str]:
    slots: dict[str, str] = {}
    for name, noun in match.groupdict().items():
        key = name.rstrip("0123456789")  # a group has one name only, and a pattern may have a slot at two places
        if noun and key not in slots and len(noun) <= _MAX_SLOT_CHARACTERS:
            slots[key] = _address_english(noun, key) if language == "en" else _address_chinese(noun, key)
    return slots


def _address_english(noun: str, slot: str) -> str:
    """Return a noun as a reply says it: `my boss` is `your boss`, `Dad` is `your dad`, `an exam` is `the exam`."""
    if slot == "noun":
        return noun  # its sentences have the article or the pronoun
    noun = re.sub(r"^both (?:of )?", "", noun, flags=re.IGNORECASE)
    if _OWN.match(noun):
        return "your " + _lower_first(_OWN.sub("", noun, count=1))
    bare = _lower_first(_ARTICLE.sub("", noun, count=1))
    return f"your {bare}" if slot == "who" and not _ARTICLE.match(noun) else f"the {bare}"


def _lower_first(noun: str) -> str:
    """Return a noun without the capital letter of a sentence; `English exam` and `Christmas` keep theirs."""
    if noun.isupper() and " " not in noun and len(noun) > 3:
        return noun.lower()  # MY SISTER
    return noun if _PROPER.match(noun) else noun[:1].lower() + noun[1:]


def _address_chinese(noun: str, slot: str) -> str:
    """Return a noun as a reply says it: 我妈 is 你妈妈."""
    bare = noun.removeprefix("我们").removeprefix("我").removeprefix("咱").removeprefix("的").removeprefix("家")
    names = _read_table("zh")["kin"]
    if bare in names:
        return str(names[bare]) if slot == "who" else bare
    return bare


def capitalise(sentence: str) -> str:
    """Return a sentence with a capital letter at the beginning of each of its sentences."""
    return re.sub(r"(?:^|(?<=[.!?] ))[a-z]", lambda one: one[0].upper(), sentence)
