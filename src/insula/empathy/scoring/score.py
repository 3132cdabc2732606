"""`score_replies`: the empathy of many replies, by rules or by a trained scorer."""

from __future__ import annotations

from collections.abc import Sequence

from insula.core.model_input import ModelInput, TextOrInput, Turn
from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme
from insula.empathy.scoring.result import EmpathyScore
from insula.empathy.scoring.rules import score_by_rules
from insula.empathy.scoring.trained import Scoring, is_scorer, iterate_trained_scores
from insula.empathy.state import read_state
from insula.inference.predictor import Predictor


def score_replies(replies: Sequence[ModelInput], predictor: Predictor) -> list[EmpathyScore]:
    """Return the empathy of each reply; `turns` of an input are the turns before it, the message among them.

    predictor  a scorer that `insula empathy train` has made; any other model reads what the writers of the messages
               feel, and the rules score
    """
    scoring = iterate_scores(replies, predictor.scheme)
    wanted, scores = next(scoring), None
    while scores is None:
        wanted, scores = send_predictions(scoring, predictor.predict(wanted) if wanted else [])
    return scores


def send_predictions(
    scoring: Scoring, predictions: Sequence[Prediction]
) -> tuple[Sequence[TextOrInput], list[EmpathyScore] | None]:
    """Send the predictions to `scoring`; return the inputs that it wants next, and the scores once they are ready."""
    try:
        return scoring.send(predictions), None
    except StopIteration as done:
        return [], done.value


def iterate_scores(replies: Sequence[ModelInput], scheme: LabelScheme) -> Scoring:
    """Yield inputs, receive their predictions, and return the scores; `scheme` is that of the model that predicts."""
    messages = [get_message(one) for one in replies]
    if is_scorer(scheme):
        return (yield from iterate_trained_scores(replies, messages))
    predictions = yield list(dict.fromkeys(message for message in messages if message.strip()))
    feelings = {one.text: read_state(one.text, one, scheme).feeling for one in predictions}
    return [
        score_by_rules(message, one.text, feelings.get(message)) for message, one in zip(messages, replies, strict=True)
    ]


def build_pair(message: str, reply: str) -> ModelInput:
    """Return a message and a reply to it as an input of a model."""
    return ModelInput(reply, turns=(Turn(message),))


def get_message(reply: ModelInput) -> str:
    """Return what a reply answers: the last turns of others, joined with line ends; empty if there are none.

    Turns of the same speaker right before the reply belong to it and are left out.
    """
    turns = list(reply.turns)
    if reply.speaker is not None:
        while turns and turns[-1].speaker == reply.speaker:
            turns.pop()
    found: list[str] = []
    while turns and (reply.speaker is None or turns[-1].speaker != reply.speaker):
        found.append(turns.pop().text)
    return "\n".join(reversed(found))
