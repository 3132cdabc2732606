"""The strategies of a reply, and the policy that chooses among them by the state of the conversation.

The eight strategies are those of ESConv (Liu et al., 2021, Towards Emotional Support Dialog Systems). A draft never
discloses anything about itself: it is written by a machine and has nothing to disclose.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

from insula.empathy.state import ConversationState

Strategy = Literal[
    "question", "restatement", "reflection", "self_disclosure", "affirmation", "suggestions", "information", "other"
]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
_SUGGESTS = re.compile(
    r"\b(?:you (?:could|can|might|may want to|should)|why not|try |have you considered|i(?:'d| would) suggest|"
    r"it (?:may|might) help to)|可以试|不妨|建议|要不要试|或许可以|试试",
    re.IGNORECASE,
)
_FEELS = re.compile(
    r"\b(?:sounds|seems) (?:\w+ )?(?:hard|painful|exhausting|frustrating|lonely|scary|upsetting|like)\b|"
    r"听起来.{0,10}(?:难|累|委屈|孤独|生气|失望|害怕)",
    re.IGNORECASE,
)
_MEETS = re.compile(
    r"\b(?:thank you for|sorry (?:to hear|that|about|for)|makes sense|understandable)|谢谢你|抱歉|对不起|可以理解",
    re.IGNORECASE,
)


def rank_strategies(state: ConversationState) -> tuple[Strategy, ...]:
    """Return the strategies that fit, the best first.

    - A person who wants to be heard gets no suggestions.
    - A question of fact gets an answer for a person to fill in, a complaint a question for what is needed to put it
      right.
    - Good news is shared, and asked about where it is known what happened; thanks are answered and not analysed.
    - Where nothing is clear, the reply asks.
    - A person who has just answered a question about bad news is met before the next question.
    - A request gets an answer to fill in, a notice is confirmed. Where the kind of the message was read, the first
      three drafts react in three different ways, and none repeats the message.
    """
    if state.kind is not None:
        return _rank_for_kind(state)
    if state.need == "information":
        return ("information", "question")
    if state.need == "fix":
        return ("question", "information")
    if state.need == "advice":
        return ("suggestions", "question", "affirmation")
    if state.polarity == "negative" and state.answers:
        return ("affirmation", "question", "restatement")
    if state.polarity == "negative":
        return ("question", "affirmation", "restatement")
    if state.polarity == "positive" and state.event is not None:
        return ("question", "affirmation", "other")
    if state.feeling == "gratitude":
        return ("other", "affirmation", "question")
    if state.polarity == "positive":
        return ("affirmation", "question", "other")
    return ("question", "restatement", "other")


def _rank_for_kind(state: ConversationState) -> tuple[Strategy, ...]:
    if state.kind == "request" or state.need == "information":
        return ("information", "question", "other")
    if state.need == "fix":
        return ("question", "information", "affirmation")
    if state.need == "advice":
        return ("suggestions", "question", "affirmation")
    if state.kind == "notice":
        return ("other", "question", "affirmation")
    if state.feeling == "gratitude":
        return ("other", "affirmation", "question")
    if state.polarity == "negative" and state.answers:
        return ("affirmation", "question", "other")
    return ("question", "affirmation", "other")


def guess_strategy(text: str) -> Strategy:
    """Return the strategy of an answer that a person wrote, by its words; `information` if nothing shows another."""
    if _SUGGESTS.search(text):
        return "suggestions"
    if text.rstrip().endswith(("?", "？")):
        return "question"
    if _FEELS.search(text):
        return "reflection"
    return "affirmation" if _MEETS.search(text) else "information"
