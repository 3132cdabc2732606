"""`read_kind`: the kind of a message: what the writer does with it (asks, complains, thanks ...) or what happened.

Patterns of what the writer does, words that show a kind, the prediction of the model, and a small network on a hidden
layer of the starter model vote together. Where no kind is likely enough, only its polarity is read, or nothing.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import numpy as np
from safetensors.numpy import load

from insula.empathy.cue_words import Cues, has, read_cues
from insula.empathy.encoder import load_message_encoder
from insula.empathy.kind_network import KindNetwork

Polarity = Literal["positive", "negative", "unclear"]
Need = Literal["heard", "advice", "information", "fix", "none"]
WEIGHTS = "kinds.safetensors"
WORD_VOTE = 3.0  # added to the logit of a kind whose words are found
ACT_VOTE = 4.0  # to the kind that the form of the message shows, such as a question mark
ADVICE_VOTE = 6.0  # to advice: who asks for it may write mostly of feelings
SERVICE_VOTE = 1.0  # to a complaint, where something is named that a business does or sells
CHEER_VOTE = 1.0  # to pleasant kinds for an exclamation mark, where no word is unpleasant
LABEL_VOTE = 0.5  # to the kinds of the polarity that a sure model predicts
SURE, SHOWN = 0.45, 0.35  # lowest share of a kind, and of one whose words are found
# Lowest share of kinds that the network alone finds too often: cheer, and two feelings at once, for bad news hurt most.
SURER: Mapping[str, float] = {"mixed": 0.9, "pride": 0.75, "joy": 0.75, "relief": 0.75, "gratitude": 0.75}
# Lowest share of all kinds of a polarity, and by how much it must exceed that of the opposite.
LEANING: Mapping[Polarity, tuple[float, float]] = {"positive": (0.75, 0.6), "negative": (0.5, 0.35)}
LONGEST_ASKED = {"en": 100, "zh": 16}  # characters of a question without a question mark
_CLAUSE = re.compile(r"[,;.!?，；。！？…]+\s*")
_CHEER = re.compile(r"[!！]|🎉|😊|😍|嘿嘿|耶|啦$")
_ASKS = re.compile(r"[?？]|[吗么呢][。！]*$")


@dataclass(frozen=True)
class Kind:
    """A kind of message: its polarity, the feeling that a reply may name, and what the writer wants."""

    polarity: Polarity
    need: Need
    feeling: str | None = None


KINDS: Mapping[str, Kind] = {
    "fact": Kind("unclear", "information"),
    "advice": Kind("unclear", "advice"),
    "request": Kind("unclear", "fix"),
    "complaint": Kind("negative", "fix"),
    "gratitude": Kind("positive", "none", "gratitude"),
    "notice": Kind("unclear", "none"),
    "chat": Kind("unclear", "none"),
    "pride": Kind("positive", "none", "pride"),
    "joy": Kind("positive", "none", "joy"),
    "relief": Kind("positive", "none", "relief"),
    "plain": Kind("unclear", "none"),
    "mixed": Kind("unclear", "heard"),
    "grief": Kind("negative", "heard", "grief"),
    "setback": Kind("negative", "heard", "disappointment"),
    "hurt": Kind("negative", "heard", "sadness"),
    "anger": Kind("negative", "heard", "anger"),
    "fear": Kind("negative", "heard", "fear"),
    "ill": Kind("negative", "heard"),
    "tiredness": Kind("negative", "heard", "tiredness"),
    "shame": Kind("negative", "heard", "shame"),
    "loneliness": Kind("negative", "heard", "loneliness"),
}
NAMES = tuple(sorted(KINDS))
_OF_FEELINGS = {"disappointment": "setback", "sadness": "hurt"}  # feelings that are no kind themselves


@dataclass(frozen=True)
class Reading:
    """The kind of a message, None if it is not clear enough; its polarity; and whether its words show the kind."""

    kind: str | None
    polarity: Polarity
    shown: bool = False


def find_act(text: str, cues: Cues) -> str | None:
    """Return the kind of a message that asks, wants something or complains; None for any other message."""
    acts = {name for name, patterns in cues.acts.items() if has(patterns, text)}
    if "sarcasm" in acts:
        return "complaint" if has(cues.acts["service"], text) else "anger"
    if "joke" in acts:
        return "chat"
    polite = has(cues.acts["polite"], text)
    plain = len([one for one in _CLAUSE.split(text) if one]) == 1 and bool(_ASKS.search(text))
    if "advice" in acts and not ("rhetorical" in acts and "complaint" in acts):
        return "advice"
    if "rhetorical" in acts:
        return "complaint" if "complaint" in acts else None
    if "question" in acts and not polite and not _ASKS.search(text) and len(text) > LONGEST_ASKED[cues.language]:
        acts -= {"question"}  # 住院这几天: a question word in a story
    if "question" in acts and plain and "request" not in acts:
        return "fact"
    return next((name for act, name in _ACTS if act in acts), None)


_ACTS = (("complaint", "complaint"), ("request", "request"), ("question", "fact"))


def read_kind(
    text: str,
    language: str,
    feelings: Collection[str],
    *,
    said: Polarity = "unclear",
    label: str | None = None,
    happened: Polarity | None = None,
) -> Reading:
    """Return the kind of a message.

    feelings  that its words show
    said      polarity that a sure model predicts, and `label`, the feeling that it predicts
    happened  polarity of the event that was found; None without one
    """
    cues = read_cues(language)
    act = find_act(text, cues)
    shown = {_OF_FEELINGS.get(one, one) for one in feelings}
    shown |= {name for name, patterns in cues.kinds.items() if has(patterns, text)}
    if act in ("complaint", "anger") or "hurt" in shown:
        shown.discard("gratitude")  # "Thanks for nothing." "She thanked everyone but me."
    if act == "request" and "gratitude" in shown:
        if cues.staff["words"][0].search(text):
            act = None  # "Thank her for us, please."
        else:
            shown.remove("gratitude")  # "Please send me the minutes, thanks."
    glad, sad = ({one for one in shown if KINDS[one].polarity == kind} for kind in ("positive", "negative"))
    if "mixed" in shown or (glad and sad and has(cues.contrast["words"], text)):
        return Reading("mixed", "unclear", shown=True)
    votes = score_kinds(text)
    if act is not None:  # "When do I get to be a person?" asks for nothing
        votes[act] += ADVICE_VOTE if act == "advice" else ACT_VOTE
    elif has(cues.acts["service"], text):
        votes["complaint"] += SERVICE_VOTE
    cheers = 0 if sad else min(2, len(_CHEER.findall(text)))
    for name in votes:
        kind = KINDS[name]
        votes[name] += WORD_VOTE * (name in shown)
        votes[name] += LABEL_VOTE * (said != "unclear" and kind.polarity == said)
        votes[name] += LABEL_VOTE * (label is not None and label in (name, kind.feeling))
        votes[name] += CHEER_VOTE * cheers * (kind.polarity == "positive")
        votes[name] += WORD_VOTE * (happened not in (None, "unclear") and kind.polarity == happened)
    shares = _normalise(votes)
    best = max(shares, key=lambda name: shares[name])
    if act is not None:
        shown.add(act)
    if KINDS[best].polarity == "positive" and said == "negative" and happened is None:
        return Reading(None, "negative" if sad else "unclear")  # "Thanks a lot, they cancelled my holiday."
    if best == "plain" and shares[best] >= SHOWN and said == "unclear":
        return Reading(None, "unclear")
    sums = {"positive": 0.0, "negative": 0.0, "unclear": 0.0}
    for name, share in shares.items():
        sums[KINDS[name].polarity] += share
    # Cheer for bad news hurts most: the network alone must be surer of good news.
    turns = has(cues.contrast["words"], text)
    risky = best not in shown and KINDS[best].polarity == "positive" and (turns or sad or not _leans("positive", sums))
    if best != "plain" and not risky and shares[best] >= (SHOWN if best in shown else SURER.get(best, SURE)):
        return Reading(best, KINDS[best].polarity, shown=best in shown)
    leaning = next((kind for kind in LEANING if _leans(kind, sums)), said)
    if leaning == "positive" and (turns or sad or sums["negative"] > sums["positive"]):
        leaning = "unclear"
    if leaning == "unclear" and _ASKS.search(text.rstrip()):
        return Reading("fact", "unclear")  # a person fills in the answer
    return Reading(None, leaning)


def _leans(polarity: Polarity, sums: Mapping[str, float]) -> bool:
    least, lead = LEANING[polarity]
    other = sums["negative" if polarity == "positive" else "positive"]
    return sums[polarity] >= least and sums[polarity] - other >= lead


def score_kinds(text: str) -> dict[str, float]:
    """Return the logarithm of the probability of each kind, by the network alone."""
    logits = _load_network().score(load_message_encoder().read_states(text))
    logits = logits - logits.max()
    return dict(zip(NAMES, map(float, logits - np.log(np.exp(logits).sum())), strict=True))


def _normalise(votes: Mapping[str, float]) -> dict[str, float]:
    most = max(votes.values())
    shares = {name: float(np.exp(vote - most)) for name, vote in votes.items()}
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


@functools.cache
def _load_network() -> KindNetwork:
    return KindNetwork(load((files(__package__) / WEIGHTS).read_bytes()))
