"""`rank_drafts`: drafts of several generators in one order, by relevance, specificity, strategy and length.

Safety is no score among others: a draft that a check stops was left out before. Warm words count nothing, so that a
warm reply about something else loses to a plain one about the matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from insula.core.arrays import Float32Array
from insula.empathy.drafts import Draft
from insula.empathy.encoder import list_content_words, load_message_encoder
from insula.empathy.generators.registry import DraftRequest
from insula.empathy.state import find_topics
from insula.empathy.strategies import rank_strategies

WEIGHTS = {"relevance": 0.75, "specificity": 0.05, "fit": 0.15, "length": 0.05}
BEST_LENGTH = {"en": (40, 320), "zh": (12, 110)}  # characters of a reply that people read to its end
SPECIFIC_WORDS = 5  # content words of a reply that says something
# What any reply can say, whatever the message: stems, and pairs of Chinese characters.
_GENERIC = frozenset(
    "sorri hear sound feel hard difficult tough understand imagin listen share thank tell know realli sure strong "
    "support care talk help time moment today one thing way lot need want much hope warm heart kind gentl "
    "听起 起来 抱歉 难过 不容 容易 理解 谢谢 告诉 愿意 辛苦 陪着 着你 支持 加油 心里 感受 一定 真的 很难 现在 "
    "时候 温暖 关心 在这 这里 陪你".split()
)


def rank_drafts(drafts: Sequence[Draft], asked: DraftRequest) -> list[Draft]:
    """Return the drafts with their scores, the best first."""
    if not drafts:
        return []
    scored = [
        replace(draft, scores=scores)
        for draft, scores in zip(drafts, score_drafts(drafts, asked), strict=True)
    ]  # fmt: skip
    return sorted(scored, key=lambda draft: -draft.scores["total"])


def score_drafts(drafts: Sequence[Draft], asked: DraftRequest) -> list[dict[str, float]]:
    """Return the scores of each draft, each from 0 to 1.

    relevance    whether it is about the message: shared words, similar vectors, the same topic; for an answer of the
                 user at least the similarity of the messages
    specificity  share of `SPECIFIC_WORDS` content words that not every reply could have
    fit          1 for the strategy that fits the state best, less for each further one
    length       1 for a length that people read to its end
    total        the sum of the others, weighted by `WEIGHTS`
    """
    text = asked.given.text
    relevances = measure_relevance(text, [draft.text for draft in drafts])
    order = rank_strategies(asked.state)
    found = []
    for draft, relevance in zip(drafts, relevances, strict=True):
        place = order.index(draft.strategy) if draft.strategy in order else len(order)
        scores = {
            "relevance": max(relevance, draft.scores.get("match", 0.0)),
            "specificity": _measure_specificity(draft.text),
            "fit": 1 - place / (len(order) + 1),
            "length": _measure_length(draft.text, asked.state.language),
        }
        found.append({**_round(scores), "total": round(sum(WEIGHTS[name] * scores[name] for name in WEIGHTS), 4)})
    return found


def measure_relevance(message: str, replies: Sequence[str]) -> list[float]:
    """Return from 0 to 1 how much each reply is about the message."""
    encoded = load_message_encoder().encode([message, *replies])
    cosines = encoded[1:] @ encoded[0]
    topics = find_topics(message)
    return [
        float(np.clip(0.6 * _rescale_cosine(cosine) + 0.4 * _compare_topics(topics, find_topics(reply)), 0, 1))
        for cosine, reply in zip(cosines, replies, strict=True)
    ]


def _rescale_cosine(cosine: float | Float32Array) -> float:
    """Return a cosine as a share of the value that a good reply reaches."""
    return float(np.clip(cosine / 0.6, 0, 1))


def _compare_topics(message: frozenset[str], reply: frozenset[str]) -> float:
    """Return 1 for a shared topic, 0 for other ones, less than half if the reply names none."""
    if not message or not reply:
        return 0.4
    return 1.0 if message & reply else 0.0


def _measure_specificity(text: str) -> float:
    words = {word for word in list_content_words(text) if word not in _GENERIC}
    return min(1.0, len(words) / SPECIFIC_WORDS)


def _measure_length(text: str, language: str) -> float:
    fewest, most = BEST_LENGTH[language]
    if len(text) < fewest:
        return len(text) / fewest
    return 1.0 if len(text) <= most else max(0.0, 1 - (len(text) - most) / (2 * most))


def _round(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in scores.items()}
