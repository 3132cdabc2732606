"""The strategies of a reply, and the policy that chooses among them by the state of the conversation.

The eight strategies are those of ESConv (Liu et al., 2021, Towards Emotional Support Dialog Systems). A draft never
discloses anything about itself: it is written by a machine and has nothing to disclose.
"""

from __future__ import annotations

from typing import Literal, get_args

from insula.empathy.state import ConversationState

Strategy = Literal[
    "question", "restatement", "reflection", "self_disclosure", "affirmation", "suggestions", "information", "other"
]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)


def rank_strategies(state: ConversationState) -> tuple[Strategy, ...]:
    """Return the strategies that fit, the best first.

    - A person who wants to be heard gets no suggestions.
    - A question of fact gets an answer for a person to fill in, a complaint a question for what is needed to put it
      right.
    - Good news is shared, and asked about where it is known what happened; thanks are answered and not analysed.
    - Where nothing is clear, the reply asks.
    """
    if state.need == "information":
        return ("information", "question")
    if state.need == "fix":
        return ("question", "information")
    if state.need == "advice":
        return ("suggestions", "question", "affirmation")
    if state.polarity == "negative":
        return ("question", "affirmation", "restatement")
    if state.polarity == "positive" and state.event is not None:
        return ("question", "affirmation", "other")
    if state.feeling == "gratitude":
        return ("other", "affirmation", "question")
    if state.polarity == "positive":
        return ("affirmation", "question", "other")
    return ("question", "restatement", "other")
