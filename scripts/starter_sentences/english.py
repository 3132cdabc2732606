"""English sentences."""

from __future__ import annotations

import random
from collections.abc import Iterator

from starter_sentences.parts import (
    IRONIC,
    NEGATIVE,
    NOT_BAD,
    NOT_GOOD,
    POSITIVE,
    Parts,
    Sentence,
    clause,
    compose,
    first,
    negate,
)

STRONG = ("very", "so", "really", "extremely", "incredibly", "absolutely", "truly", "beyond", "super", "totally")
WEAK = ("a bit", "a little", "slightly", "kind of", "somewhat", "rather", "sort of")


def sentences(parts: Parts, count: int) -> Iterator[Sentence]:
    """Yield every event once as it is, then `count` composed sentences; some may be equal."""
    makers = (
        (_feeling, 18), (_negated_feeling, 20), (_opinion, 12), (_negated_opinion, 14), (_double_negation, 10),
        (_contrast, 16), (_irony, 10), (_event, 26), (_small, 6), (_refusal, 2), (_mixed, 4), (_other, 6),
    )  # fmt: skip
    return compose(parts, count, makers, close=close, full_stop=".")


def _feeling(parts: Parts) -> Sentence:
    key, word = parts.group("feelings")
    topic, person, name = parts.pick("topics"), parts.pick("people"), parts.pick("names")
    strong = _graded(parts.random, word)
    _, event = parts.group("events", {first(key)})
    text = parts.random.choice(
        (
            f"I'm {strong}", f"I am {strong}", f"I feel {strong}", f"I'm {strong} about {topic}", f"{strong} right now",
            f"I've been {word} all day", f"feeling {strong} today", f"{name} is {strong}", f"we are {strong} about {topic}",
            f"{person} was {strong}", f"I have never been this {word}", f"{topic} made me feel {word}",
            f"I'm {word} because {parts.named(event)}", f"I felt {strong} when {person} told me", f"I was {word} all week",
            f"{parts.named(event)} and I'm {strong}", f"honestly I'm just {word}", f"{name} made me feel {word} today",
        )
    )  # fmt: skip
    return parts.make(close(parts, text, key), key)


def _negated_feeling(parts: Parts) -> Sentence:
    key, word = parts.group("feelings")
    topic, name = parts.pick("topics"), parts.pick("names")
    text = parts.random.choice(
        (
            f"I'm not {word}", f"I'm not {word} at all", f"I am not {word} about {topic}", f"I don't feel {word}",
            f"I'm not {word} about this at all", f"I'm no longer {word}", f"I was never {word}", f"not {word} in the least",
            f"I'm not {word} any more", f"I wasn't {word}", f"{name} is not {word} about {topic}", f"we are not {word}",
            f"I don't feel {word} about {topic}", f"I'm not even {word}", f"no, I'm not {word}", f"I never felt {word}",
            f"I can't say I'm {word}", f"I haven't been {word} in weeks", f"nothing about {topic} makes me {word}",
            f"{topic} did not make me {word}", f"I am anything but {word}", f"{name} isn't {word} with {topic}",
        )
    )  # fmt: skip
    after = negate(key)
    return parts.make(close(parts, text, after, calm=True), after)


def _opinion(parts: Parts) -> Sentence:
    key, word = parts.group(parts.random.choice(("good", "bad")))
    thing, person = parts.pick("things"), parts.pick("people")
    strong = _graded(parts.random, word)
    text = parts.random.choice(
        (
            f"the {thing} was {strong}", f"this {thing} is {strong}", f"what a {_bare(word)} {thing}", f"{strong}",
            f"I found the {thing} {word}", f"{person} thought the {thing} was {word}", f"the {thing} is {word} from start to end",
            f"the {thing} and the {parts.pick('things')} were {word}", f"one of the most {_bare(word)} things I've seen",
            f"the {thing} turned out to be {word}", f"honestly, the {thing} is {strong}", f"a {_bare(word)} {thing}",
        )
    )  # fmt: skip
    return parts.make(close(parts, text, key), key)


def _negated_opinion(parts: Parts) -> Sentence:
    is_good = parts.random.random() < 0.55
    _, word = parts.group("good" if is_good else "bad")
    thing = parts.pick("things")
    forms = [
        f"the {thing} was not {word}", f"the {thing} isn't {word}", f"this {thing} is not {word} at all",
        f"I don't think the {thing} is {word}", f"the {thing} wasn't {word}", f"not {word}", f"it is not {word}",
        f"the {thing} is never {word}", f"nothing about the {thing} was {word}", f"there's nothing {_bare(word)} about the {thing}",
    ]  # fmt: skip
    if is_good:
        forms += [
            f"the {thing} is not as {word} as they say", f"I didn't like the {thing}", f"I did not enjoy the {thing}",
            f"I wouldn't call the {thing} {word}", f"the {thing} could have been {word}, but it isn't",
            f"I don't like this {thing}", f"we were not happy with the {thing}", f"I never liked that {thing}",
            f"the {thing} was far from {word}", f"I expected a {_bare(word)} {thing}, this is not it",
        ]  # fmt: skip
    after = NOT_GOOD if is_good else NOT_BAD
    return parts.make(close(parts, parts.random.choice(forms), after), after)


def _double_negation(parts: Parts) -> Sentence:
    thing, topic, name = parts.pick("things"), parts.pick("topics"), parts.pick("names")
    _, bad = parts.group("bad")
    options = (
        (f"the {thing} is not {bad} at all", NOT_BAD), (f"not a {_bare(bad)} {thing} at all", NOT_BAD),
        (f"I don't dislike the {thing}", "approval neutral:0.3"), (f"I'm not unhappy with {topic}", "approval neutral:0.4"),
        (f"{name} is not unkind", "approval neutral:0.4"), (f"it's not impossible, {name}", "optimism approval:0.4"),
        (f"I can't help loving this {thing}", "love"), (f"you can't not laugh at this {thing}", "amusement"),
        (f"there is nothing wrong with the {thing}", "approval"), (f"nobody dislikes {name}", "admiration:0.6 love:0.3 approval"),
        (f"I wouldn't miss the {thing} for the world", "excitement:0.5 love"), (f"I've never regretted {topic}", "approval:0.7 joy:0.3 neutral:0.3"),
        (f"not a night passes without me crying about {name}", "sadness grief:0.4"), (f"{name} never disappoints me", "admiration approval:0.4"),
        (f"it's not that I don't like {name}", "neutral caring:0.4 approval:0.3"), (f"I couldn't be happier about {topic}", "joy excitement:0.3"),
        (f"I couldn't be more disappointed with the {thing}", "disappointment annoyance:0.3"), (f"I don't doubt that {name} will manage", "optimism approval:0.4"),
        (f"I don't mind the {thing}", "approval:0.5 neutral"), (f"I have no complaints about the {thing}", "approval admiration:0.3"),
        (f"it couldn't have been better, the {thing}", "admiration joy:0.4"), (f"it could hardly be worse, this {thing}", "disappointment annoyance:0.5 disapproval:0.4"),
    )  # fmt: skip
    text, key = parts.random.choice(options)
    return parts.make(close(parts, text, key), key)


def _contrast(parts: Parts) -> Sentence:
    good_key, good = _clause(parts, is_good=True)
    bad_key, bad = _clause(parts, is_good=False)
    (a, _), (b, key) = parts.random.sample([(good, good_key), (bad, bad_key)], 2)
    text = parts.random.choice(
        (
            f"{a}, but {b}", f"{a}, yet {b}", f"although {a}, {b}", f"even though {a}, {b}", f"{a}; still, {b}",
            f"{b}, even though {a}", f"{b} although {a}", f"{a}. But in the end {b}", f"at first {a}, but then {b}",
            f"despite everything, {b}", f"everyone says that {a}, but {b}", f"I hoped that {a}, instead {b}",
        )
    )  # fmt: skip
    return parts.make(close(parts, text, key), key)


def _clause(parts: Parts, *, is_good: bool) -> tuple[str, str]:
    return clause(
        parts,
        is_good=is_good,
        opinion=lambda word: f"the {parts.pick('things')} was {word}",
        feeling=lambda word: f"I was {word}",
    )


def _irony(parts: Parts) -> Sentence:
    bad = parts.random.choice(parts.content["neutral_texts"]["sarcasm_bad"])
    praise = parts.random.choice(
        (
            "great",
            "wonderful",
            "brilliant",
            "fantastic",
            "lovely",
            "perfect",
            "awesome",
            "marvellous",
            "how nice",
            "oh joy",
            "well done",
            "superb",
        )
    )
    text = parts.random.choice(
        (
            f"{praise}, {bad}", f"oh {praise}, {bad}", f"{praise}! {bad}", f"just what I needed: {bad}", f"{bad}. {praise}",
            f"{bad}. How {parts.random.choice(('lovely', 'wonderful', 'thoughtful', 'nice'))}", f"exactly what I wanted today: {bad}",
            f"thanks a lot, {bad}", f"I just love it when {bad}", f"yeah, right, {praise}. {bad}", f"so {bad}, what a surprise",
            f"{praise}, another {parts.random.choice(('meeting', 'bill', 'delay', 'form to fill in', 'error message', 'night shift', 'survey'))}",
            f"thanks for ruining {parts.pick('topics')}", f"sure, because {bad} is all I ever dreamed of", f"bravo, {parts.pick('names')}, {bad}",
            f"what a brilliant plan to let {parts.pick('people')} do it, now {bad}", f"of course {bad}, could it get any better",
        )
    )  # fmt: skip
    return parts.make(close(parts, text, IRONIC), IRONIC)


def _event(parts: Parts) -> Sentence:
    key, event = parts.group("events")
    text = parts.named(event)
    opening = parts.random.choice(
        ("", "", "", "so ", "well, ", "honestly, ", "today ", "I have to tell you: ", f"{parts.pick('names')}, ", "listen, ", "hey, ", "update: ", "this morning ", "you know what, ")
    )  # fmt: skip
    return parts.make(close(parts, opening + text, key), key)


def _small(parts: Parts) -> Sentence:
    key, event = parts.group("events", {"neutral"})
    return parts.make(close(parts, parts.named(event), key, calm=True), key)


def _mixed(parts: Parts) -> Sentence:
    a_key, a = parts.group("feelings", POSITIVE)
    b_key, b = parts.group("feelings", NEGATIVE)
    topic = parts.pick("topics")
    pairs = [(a, b), (b, a)]
    x, y = parts.random.choice(pairs)
    text = parts.random.choice(
        (
            f"I'm {x} and {y} at the same time",
            f"half {x}, half {y}",
            f"{x} and also {y} about {topic}",
            f"I'm {x}, and {y} too",
        )
    )
    return parts.make(close(parts, text, a_key), f"{first(a_key)} {first(b_key)}")


def _refusal(parts: Parts) -> Sentence:
    text = parts.random.choice(
        ("no thanks", "no, thanks", "thanks, but no", "no thank you, I'm full", "not today, thanks", "thank you, I already have one",
         "thanks, I'm good", "no thanks, not for me")
    )  # fmt: skip
    return parts.make(close(parts, parts.named(text), "neutral", calm=True), "neutral")


def _other(parts: Parts) -> Sentence:
    """Return reassurance, dialect and net talk."""
    name, topic, thing = parts.pick("names"), parts.pick("topics"), parts.pick("things")
    options = (
        (f"no need to be afraid of {topic}", "caring approval:0.3"), (f"don't be sad, {name}", "caring"), (f"don't worry about {topic}", "caring optimism:0.3"),
        (f"nothing to be scared of, {name}", "caring neutral:0.3"), (f"you have no reason to be ashamed, {name}", "caring"),
        (f"nobody was nice to me about {topic}", "sadness disappointment:0.4"), (f"no one helped {name}", "sadness:0.6 annoyance:0.4 disappointment"),
        (f"I ain't happy 'bout {topic}", "annoyance disappointment:0.5"), (f"that {thing} was bloody brilliant", "admiration"),
        (f"ngl the {thing} slaps", "admiration love:0.3"), (f"tbh {topic} has me shook, so anxious", "nervousness fear:0.4"),
        (f"I'm knackered and can't be bothered with {topic}", "annoyance sadness:0.4"), (f"proper gutted about {topic}", "disappointment sadness:0.5"),
        (f"gonna cry, {topic} hurts fr", "sadness"), (f"yo {name} you're a legend", "admiration gratitude:0.3"), (f"y'all this {thing} rocks", "admiration joy:0.3"),
        (f"smh {name} did it again", "annoyance disapproval:0.4"), (f"omg yesss {topic}!!", "excitement joy:0.6"), (f"I want a refund for the {thing}", "annoyance anger:0.3 disapproval:0.3"),
        (f"my {thing} arrived broken", "disappointment annoyance:0.6"), (f"the {thing} still hasn't been delivered", "annoyance disappointment:0.4"),
        (f"I've asked support about the {thing} five times, no answer", "annoyance anger:0.3 disappointment:0.3"), (f"the staff were rude about the {thing}", "annoyance anger:0.4 disapproval:0.3"),
        (f"the {thing} stopped working on day two", "disappointment annoyance:0.5"), (f"they charged me for a {thing} I never bought", "anger:0.5 annoyance"),
        ("the doctor told me there is nothing they can do", "sadness fear:0.3"), (f"{name} has been in a coma since Friday", "sadness fear:0.4"),
        (f"the treatment works and {name} is getting better", "relief joy:0.5"), ("my test is negative, thank goodness", "relief"),
        ("it hurts when I breathe and I'm scared", "fear nervousness:0.3"), ("the pain is gone at last", "relief joy:0.3"),
        (f"finally fixed the bug in the {thing}", "relief joy:0.5 realization:0.2"), ("this code base drives me crazy", "annoyance"),
        ("why does the test pass locally and fail on the server", "confusion annoyance:0.4"), (f"the {thing} crashes each time I click save", "annoyance disappointment:0.3"),
    )  # fmt: skip
    text, key = parts.random.choice(options)
    return parts.make(close(parts, text, key), key)


def _graded(source: random.Random, word: str) -> str:
    if word.split()[0] in (
        "a",
        "in",
        "so",
        "full",
        "not",
        "worth",
        "well",
        "thrilled",
        "scared",
        "sick",
        "tired",
        "glad",
        "very",
        "really",
        "head",
    ):
        return word
    return f"{source.choice((*STRONG, *WEAK))} {word}" if source.random() < 0.5 else word


def _bare(word: str) -> str:
    return word.removeprefix("a ").removeprefix("so ").removeprefix("very ")


def close(parts: Parts, text: str, key: str, *, calm: bool = False) -> str:
    """Return the text with an end mark and, mostly, a capital."""
    question = first(key) in ("curiosity", "confusion") and text.split()[0].lower() in (
        "how", "what", "which", "who", "does", "do", "why", "have", "is", "where", "when", "can",
    )  # fmt: skip
    if question:
        ending = "?"
    else:
        ending = parts.random.choice(
            (".", ".", ".", ".", "", "", "...") if calm else (".", ".", ".", ".", "", "!", "!", "!!", "...")
        )
    kind = parts.random.random()
    if kind < 0.72:
        text = text[0].upper() + text[1:]
    elif kind > 0.9:
        text, ending = text.lower().replace("'", "'" if kind < 0.95 else ""), ending.rstrip(".")
    return text + ending
