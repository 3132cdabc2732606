"""`follow_turns`: updates the state of a conversation by the earlier turns."""

from __future__ import annotations

from dataclasses import replace

from insula.core.model_input import ModelInput, Turn
from insula.empathy.state import ConversationState, count_words, find_request

SHORT = {"en": 5, "zh": 8}  # most words, or Chinese characters, of a message that repeats an earlier request
_QUESTIONS = ("?", "？")
_KINDS = {"advice": "advice", "fix": "complaint", "information": "fact"}


def list_own_turns(given: ModelInput) -> list[Turn]:
    """Return the earlier turns of the speaker of the message: by name, else every second turn back."""
    if given.speaker is not None:
        return [turn for turn in given.turns if turn.speaker == given.speaker]
    return list(given.turns)[-2::-2][::-1]


def list_other_turns(given: ModelInput) -> list[Turn]:
    """Return the earlier turns of all other speakers."""
    own = {id(turn) for turn in list_own_turns(given)}
    return [turn for turn in given.turns if id(turn) not in own]


def follow_turns(state: ConversationState, given: ModelInput) -> ConversationState:
    """Return the state, updated by the earlier turns.

    - `answers`: the last turn is a question of another speaker.
    - `asked`: what the speaker asked for in the turns right before the message, which nobody has answered. A short
      message such as "Hello? Anybody there?" asks for the same.
    """
    others = {id(turn) for turn in list_other_turns(given)}
    last = given.turns[-1] if given.turns else None
    answers = last is not None and id(last) in others and last.text.rstrip().endswith(_QUESTIONS)
    asked = None
    for turn in reversed(given.turns):
        if id(turn) in others:
            break
        asked = asked or find_request(turn.text)
    if asked is not None and state.need in ("none", "heard", "information"):
        words, language = count_words(given.text)
        if words <= SHORT[language]:
            state = replace(state, need=asked, kind=_KINDS[asked])
    return replace(state, answers=answers, asked=asked)
