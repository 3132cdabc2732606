"""Sentences of the second stage of training: distress and what looks like it, thanks and praise, and many names."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from starter_sentences.parts import Parts, Sentence, first

Close = Callable[[Parts, str, str], str]
SLOTS = ("when", "pain", "place", "kin")
SECTIONS = {"danger": 9, "others": 1, "lookalikes": 5, "statements": 7, "praise": 5}  # with their weights
REPEATS = {"danger": 3, "others": 3, "lookalikes": 3, "statements": 4}  # of each entry as it is
JOINED = 0.2  # of the messages of distress have a second sentence
RESIGNED = 0.85  # of the messages of distress have no exclamation mark
THANKS, PRAISE = "gratitude admiration:0.15 joy:0.1", "admiration joy:0.35 approval:0.15"
COMPLAINT = "disappointment annoyance:0.7 anger:0.15 disapproval:0.4"


def second_sentences(parts: Parts, count: int, close: Close) -> Iterator[Sentence]:
    """Yield every entry a few times with its places filled in, then `count` composed sentences; some may be equal.

    close  returns a text with an end mark, for a key
    """
    for section, times in REPEATS.items():
        for key, entry in parts.each(section):
            for _ in range(times):
                yield _finish(parts, filled(parts, entry), key, section, close)
    for section in parts.random.choices(list(SECTIONS), list(SECTIONS.values()), k=count):
        yield _praise(parts, close) if section == "praise" else _compose(parts, section, close)


def filled(parts: Parts, text: str) -> str:
    """Return the text with an entry of the list in each of its places."""
    for slot in SLOTS:
        while f"{{{slot}}}" in text:
            text = text.replace(f"{{{slot}}}", parts.pick(slot), 1)
    if "{person}" in text:
        text = text.replace("{person}", parts.pick("people"))
    return parts.named(text)


def _compose(parts: Parts, section: str, close: Close) -> Sentence:
    groups = parts.content[section]
    # An entry is drawn from a group as often as the group is large: rare kinds of distress must not crowd out others.
    keys = list(groups)
    [key] = parts.random.choices(keys, [len(groups[one]) ** 0.75 for one in keys])
    text = filled(parts, parts.random.choice(groups[key]))
    if section == "danger" and parts.random.random() < JOINED:
        text = parts.joined(text, filled(parts, parts.random.choice(groups[key])))
    return _finish(parts, text, key, section, close)


def _praise(parts: Parts, close: Close) -> Sentence:
    words = {name: parts.random.choice(entries) for name, entries in parts.content["praise"].items()}
    pairs, key = parts.random.choice(
        (
            ((words["thanks"], words["warm"]), THANKS), ((words["warm"], words["thanks"]), THANKS),
            ((words["thanks"], words["good"]), "gratitude joy:0.4 admiration:0.2"), ((words["thanks"],), "gratitude"),
            ((words["warm"],), "admiration gratitude:0.3 joy:0.2"), ((words["praise"],), PRAISE),
            ((words["praise"], words["good"]), PRAISE), ((words["good"], words["praise"]), PRAISE),
            ((words["good"],), "joy:0.7 admiration:0.5 approval:0.2"), ((words["openings"], words["bad"]), COMPLAINT),
            ((words["bad"], words["openings"]), COMPLAINT), ((words["bad"],), COMPLAINT),
        )
    )  # fmt: skip
    text = parts.named(parts.joined(*pairs) if len(pairs) > 1 else pairs[0])
    return parts.make(close(parts, text, key), key)


def _finish(parts: Parts, text: str, key: str, section: str, close: Close) -> Sentence:
    closed = close(parts, text, key)
    if section in ("danger", "others") and parts.random.random() < RESIGNED:
        closed = closed.rstrip("!！~") or text
    if first(key) == "neutral":
        closed = closed.rstrip("!！~")
    return parts.make(closed, key)
