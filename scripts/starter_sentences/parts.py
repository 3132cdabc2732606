"""The parts of the sentences: words and clauses by label, read from TOML; and what both languages do with them."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
POSITIVE = {
    "admiration", "amusement", "approval", "caring", "desire", "excitement", "gratitude", "joy", "love", "optimism",
    "pride", "relief",
}  # fmt: skip
NEGATIVE = {
    "anger", "annoyance", "disappointment", "disapproval", "disgust", "embarrassment", "fear", "grief", "nervousness",
    "remorse", "sadness",
}  # fmt: skip
# Keys: labels with their probabilities, 1 if none is given.
CALM = "neutral approval:0.35 relief:0.15"  # what remains of a negated negative feeling
FLAT = "disappointment:0.75 disapproval:0.45 sadness:0.3 annoyance:0.25"
NOT_GOOD = "disapproval:0.7 disappointment:0.6 annoyance:0.35"
NOT_BAD = "approval admiration:0.35"
IRONIC = "annoyance disappointment:0.35 anger:0.1"


@dataclass(frozen=True)
class Sentence:
    """A sentence with its labels."""

    text: str
    labels: tuple[str, ...]
    language: str


class Parts:
    """The parts of one language, and a source of random choices among them; with `more` also those of that section."""

    def __init__(self, language: str, random_source: random.Random, *, more: bool = False) -> None:
        self.language = language
        self.content = tomllib.loads((HERE / f"{language}.toml").read_text(encoding="utf-8"))
        self.repeats = 4 if more else 2  # of each event without a name, with different punctuation
        if more:
            events = self.content["events"]
            for key, entries in self.content["more"].items():
                events[key] = [*events.get(key, ()), *entries]
            second = tomllib.loads((HERE / f"second_{language}.toml").read_text(encoding="utf-8"))
            self.content |= second | {"names": [*self.content["names"], *many_names(second)]}
        self.random = random_source

    def pick(self, name: str) -> str:
        """Return one entry of a plain list."""
        return self.random.choice(self.content[name])

    def group(self, section: str, among: set[str] | None = None) -> tuple[str, str]:
        """Return a key of a section, each with equal probability, and one of its entries."""
        keys = [key for key in self.content[section] if among is None or first(key) in among]
        key = self.random.choice(keys)
        return key, self.random.choice(self.content[section][key])

    def each(self, section: str) -> Iterator[tuple[str, str]]:
        """Yield all entries of a section with their keys."""
        groups: Mapping[str, list[str]] = self.content[section]
        return ((key, entry) for key, entries in groups.items() for entry in entries)

    def named(self, text: str) -> str:
        """Return the text with a name in its place for one."""
        return text.replace("{name}", self.pick("names"))

    def joined(self, one: str, other: str) -> str:
        """Return two sentences or clauses as one text."""
        if self.language == "zh":
            return f"{one}{self.random.choice(('，', '，', '。', '！', ' '))}{other}"
        mark = self.random.choice((". ", ", ", "! ", ", ", "... "))
        return f"{one}{mark}{other[0].upper() + other[1:] if mark[0] in '.!' else other}"

    def draw(self, *keys: str) -> tuple[str, ...]:
        """Return labels of keys such as `grief sadness:0.5`: each label with its probability, in a fixed order."""
        found: dict[str, None] = {}
        for key in keys:
            for one in key.split():
                label, _, share = one.partition(":")
                if self.random.random() < float(share or 1):
                    found[label] = None
        return tuple(sorted(found))

    def make(self, text: str, key: str) -> Sentence:
        """Return the text as a sentence with labels drawn from a key; its first label if none is drawn."""
        return Sentence(text, self.draw(key) or (first(key),), self.language)


def compose(
    parts: Parts,
    count: int,
    makers: Sequence[tuple[Callable[[Parts], Sentence], int]],
    *,
    close: Callable[[Parts, str, str], str],
    full_stop: str,
) -> Iterator[Sentence]:
    """Yield every event and every neutral text as it is, then `count` composed sentences; some may be equal.

    makers  functions that compose a sentence, each with its weight
    close   returns a text with an end mark, for a key
    """
    for key, event in parts.each("events"):
        for _ in range(6 if "{name}" in event else parts.repeats):
            yield parts.make(close(parts, parts.named(event), key), key)
    for texts in (parts.content["neutral_texts"]["code"], parts.content["neutral_texts"]["medical"]):
        for text in texts:
            yield Sentence(text, ("neutral",), parts.language)
            yield Sentence(text.rstrip(full_stop), ("neutral",), parts.language)
    for maker in parts.random.choices([one for one, _ in makers], [weight for _, weight in makers], k=count):
        yield maker(parts)


def clause(
    parts: Parts, *, is_good: bool, opinion: Callable[[str], str], feeling: Callable[[str], str]
) -> tuple[str, str]:
    """Return a key and a good or bad clause: an opinion on a thing, a feeling, or an event.

    opinion, feeling  return a clause with a word
    """
    kind = parts.random.random()
    if kind < 0.5:
        key, word = parts.group("good" if is_good else "bad")
        return key, opinion(word)
    if kind < 0.75:
        key, word = parts.group("feelings", (POSITIVE - {"desire", "caring"}) if is_good else (NEGATIVE - {"remorse"}))
        return key, feeling(word)
    key, event = parts.group(
        "events",
        {"joy", "love", "relief", "amusement"} if is_good else {"annoyance", "disappointment", "sadness", "anger"},
    )
    return key, parts.named(event)


def many_names(second: Mapping[str, Any]) -> list[str]:
    """Return the names of the second stage: those listed, family names with given names, and forms of address."""
    families, given = second.get("surnames", ()), second.get("given", ())
    addressed = [form.format(one) for form in second.get("forms", ()) for one in families]
    return [*second.get("names", ()), *(one + other for one in families for other in given), *addressed]


def negate(key: str) -> str:
    """Return the key of a negated feeling."""
    if first(key) in POSITIVE:
        return FLAT
    if first(key) in NEGATIVE:
        return CALM
    return "neutral" if first(key) != "confusion" else "neutral approval:0.5"


def first(key: str) -> str:
    """Return the first label of a key."""
    return key.split()[0].partition(":")[0]
