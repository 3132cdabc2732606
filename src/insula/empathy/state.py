"""`read_state`: what a message is about, how the person feels, and what they seem to want.

Cues in the words of the message and the prediction of a model count together; where they disagree about whether the
feeling is pleasant, no feeling is named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from insula.core.levels import compute_level_predictions
from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme
from insula.empathy.cue_words import Cues, has, read_cues
from insula.empathy.find_events import Event, find_events
from insula.empathy.kinds import KINDS, Need, Polarity, Reading, find_act, read_kind
from insula.knowledge.cues import Cue, find_cues, is_negated
from insula.text.scripts import HAN, detect_language_by_script

Feeling = Literal[
    "sadness", "grief", "fear", "anger", "disappointment", "shame", "loneliness", "tiredness",
    "joy", "pride", "relief", "gratitude",
]  # fmt: skip
FEELINGS: tuple[Feeling, ...] = get_args(Feeling)
POSITIVE = frozenset({"joy", "pride", "relief", "gratitude"})
LANGUAGES = ("en", "zh")
MIN_WORDS = {"en": 2, "zh": 3}  # words, or Chinese characters, that a text without cues needs to mean anything
_WORDS = re.compile(rf"[{HAN}]|[^\W\d_{HAN}]+")
_STRESSED = re.compile(r"[!！]|\b[A-Z]{4,}\b")
SURE = 0.5  # lowest score of a label that is named
_ASKED: tuple[Need, ...] = ("advice", "fix", "information")
FIRST_TOPICS = ("loss", "service", "money", "sleep")
# Label of a model, in lower case: the feeling that a reply names. Labels without an entry name none.
_LABELS: Mapping[str, Feeling] = {
    "sadness": "sadness", "sad": "sadness", "grief": "sadness",
    "fear": "fear", "nervousness": "fear",
    "anger": "anger", "angry": "anger", "annoyance": "anger", "disgust": "anger",
    "disappointment": "disappointment", "disapproval": "disappointment",
    "remorse": "shame", "embarrassment": "shame", "shame": "shame", "guilt": "shame",
    "joy": "joy", "excitement": "joy", "happy": "joy", "happiness": "joy",
    "pride": "pride", "relief": "relief", "gratitude": "gratitude",
}  # fmt: skip
_NO_NEWS = frozenset({"amusement", "approval", "desire", "surprise", "realization", "curiosity"})
_POLARITIES: Mapping[str, Polarity] = {
    "positive": "positive", "negative": "negative", "very positive": "positive", "very negative": "negative",
}  # fmt: skip


@dataclass(frozen=True)
class ConversationState:
    """The state of a conversation that a reply answers to.

    language   `en` or `zh`
    feeling    the feeling that a reply may name; None if it is not clear enough
    polarity   whether the message is pleasant; `unclear` if nothing says so
    intensity  `high` if words or marks strengthen the feeling, else `normal`
    topic      what it is about, such as `work`; None if no cue was found
    need       what the person seems to want: to be `heard`, `advice`, `information`, a `fix` of a fault, or `none`
    event      name of what happened, such as `failed_exam`; None if it is none of the known events
    moved      how the last message differs from the first of the same speaker: `better`, `worse`, `same`; None without
               earlier messages
    sure       whether the model was sure of its prediction
    asked      what the person asked for before, and nobody has answered: `advice`, `fix` or `information`; else None
    answers    whether the message answers a question of another speaker
    kind       what the writer does with the message or what happened, such as `complaint` or `setback` (`kinds.KINDS`);
               `plain` if it is not clear enough; None if it was not read
    """

    language: str
    feeling: Feeling | None
    polarity: Polarity
    intensity: Literal["normal", "high"]
    topic: str | None
    need: Need
    moved: Literal["better", "worse", "same"] | None = None
    sure: bool = True
    event: str | None = None
    asked: Need | None = None
    answers: bool = False
    kind: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return dict(vars(self))


def read_state(
    text: str,
    prediction: Prediction,
    scheme: LabelScheme,
    *,
    language: str | None = None,
    earlier: Sequence[Prediction] = (),
) -> ConversationState:
    """Return the state after a message, from its words and the prediction of a model.

    language  of the reply, `en` or `zh`; default: that of the message. The words are read in their own language
    earlier   predictions for the earlier messages of the same speaker, oldest first

    A message that says little ("Fine.") has the topic of the earlier ones, and is read as unpleasant after an
    unpleasant one.
    """
    spoken = detect_language_by_script(text)
    cues, plain = read_cues(spoken), text.replace("’", "'")
    modifiers = find_cues(plain)
    found = _find_feelings(plain, cues, modifiers)
    said, label_feeling = _read_prediction(prediction, scheme)
    if said == "positive" and has(cues.contrast["words"], plain):
        said, label_feeling = "unclear", None  # "I was so pleased, but it was only a man about solar panels."
    event = _choose_event(plain, spoken, found, said)
    if found or event is not None or count_words(plain)[0] >= MIN_WORDS[spoken]:
        reading = read_kind(
            plain, spoken, found, said=said, label=label_feeling, happened=event.polarity if event else None
        )
    else:
        reading = Reading(None, "unclear")  # "ok", 嗯: too little for a model
    kind, polarity = reading.kind, reading.polarity
    if event is not None and not _fits(event, kind, polarity):
        event = None
    feeling, need = cast("Feeling | None", KINDS[kind].feeling if kind else None), KINDS[kind].need if kind else None
    if event is not None:
        feeling = cast("Feeling | None", event.feeling) or feeling
        need = need if need not in (None, "heard", "none") else cast("Need | None", event.need) or need
        polarity = event.polarity if event.polarity != "unclear" else polarity
    elif kind is None and label_feeling is not None and (label_feeling in POSITIVE) == (polarity == "positive"):
        feeling = label_feeling if polarity != "unclear" else None
    before = [_read_polarity(one, scheme) for one in earlier]
    if polarity == "unclear" and kind is None and before and before[-1] == "negative":
        polarity = "negative"
    topics = (_find_topic(one, read_cues(detect_language_by_script(one))) for one in _list_newest_first(plain, earlier))
    return ConversationState(
        language=language or spoken,
        feeling=feeling,
        polarity=polarity,
        intensity="high"
        if _STRESSED.search(plain) or any(one.kind == "intensified" for one in modifiers)
        else "normal",
        topic=(event.topic if event else None) or next((topic for topic in topics if topic is not None), None),
        need=need or ("heard" if polarity == "negative" else "none"),
        moved=_describe_change(before, polarity),
        sure=not prediction.abstained,
        event=event.name if event else None,
        kind=kind or "plain",
    )


def find_request(text: str) -> Need | None:
    """Return the request of a message, by its words or its question mark; None without a request."""
    act = find_act(text.replace("’", "'"), read_cues(detect_language_by_script(text)))
    need = KINDS[act].need if act else None
    return need if need in _ASKED else None


def count_words(text: str) -> tuple[int, str]:
    """Return the number of words, or of Chinese characters, of a text, and its language."""
    return len(_WORDS.findall(text)), detect_language_by_script(text)


def _choose_event(text: str, language: str, feelings: set[Feeling], said: Polarity) -> Event | None:
    """Return the first event that the words of feeling allow; the model can only forbid good news."""
    kinds = {"positive" if one in POSITIVE else "negative" for one in feelings}
    for one in find_events(text, language):
        polarity = one.event.polarity
        if polarity == "unclear" or (
            polarity in kinds if kinds else not (polarity == "positive" and said == "negative")
        ):
            return one.event
    return None


def _fits(event: Event, kind: str | None, polarity: Polarity) -> bool:
    """Whether the sentences of an event fit what the writer does, or what else was found."""
    if kind in ("complaint", "request", "advice"):
        return event.need in ("fix", "information") if kind != "advice" else bool(event.suggests)
    if kind in ("fact", "mixed", "chat", "notice"):
        return event.polarity == "unclear" and kind == "mixed"
    return event.polarity == "unclear" or event.polarity == polarity


def _list_newest_first(text: str, earlier: Sequence[Prediction]) -> list[str]:
    return [text, *(one.text for one in reversed(earlier))]


def _read_polarity(prediction: Prediction, scheme: LabelScheme) -> Polarity:
    """Return the polarity of an earlier message."""
    text = prediction.text
    found = _find_feelings(text, read_cues(detect_language_by_script(text)), find_cues(text))
    if not found:
        return _read_prediction(prediction, scheme)[0]
    return "positive" if found <= POSITIVE else "negative"


def _find_feelings(text: str, cues: Cues, modifiers: list[Cue]) -> set[Feeling]:
    return {
        cast("Feeling", feeling)
        for feeling, patterns in cues.feelings.items()
        if any(not is_negated(modifiers, *match.span()) for pattern in patterns for match in pattern.finditer(text))
    }


def _read_prediction(prediction: Prediction, scheme: LabelScheme) -> tuple[Polarity, Feeling | None]:
    """Return the polarity of a prediction, and the feeling of its label if the label says which.

    An abstaining model says nothing; and a text can amuse, approve or wish without being good news.
    """
    if prediction.label is None or prediction.abstained or prediction.label.lower() in _NO_NEWS:
        return "unclear", None
    names = [*compute_level_predictions(scheme, prediction).get("sentiment", {}).get("labels", ()), prediction.label]
    feeling = _LABELS.get(prediction.label.lower())
    polarity = next((_POLARITIES[name.lower()] for name in names if name.lower() in _POLARITIES), None)
    if polarity is None:
        polarity = "unclear" if feeling is None else "positive" if feeling in POSITIVE else "negative"
    return polarity, feeling if prediction.scores[prediction.label] >= SURE else None


def _describe_change(before: Sequence[Polarity], now: Polarity) -> Literal["better", "worse", "same"] | None:
    if not before:
        return None
    rank = {"negative": 0, "unclear": 1, "positive": 2}
    change = rank[now] - rank[before[0]]
    return "better" if change > 0 else "worse" if change < 0 else "same"


def find_topics(text: str) -> frozenset[str]:
    """Return all topics that the words of a text name."""
    cues = read_cues(detect_language_by_script(text))
    return frozenset(name for name, patterns in cues.topics.items() if has(patterns, text))


def _find_topic(text: str, cues: Cues) -> str | None:
    """Return the topic that comes first in the text; one of `FIRST_TOPICS` before any other."""
    found = {
        name: min(match.start() for match in matches)
        for name, patterns in cues.topics.items()
        if (matches := [match for pattern in patterns if (match := pattern.search(text))])
    }
    first = next((name for name in FIRST_TOPICS if name in found), None)
    return first or min(found, key=lambda name: found[name], default=None)
