"""`write_replies`: drafts or hand-offs for many messages at a time, with one prediction for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from insula.core.model_input import ModelInput, TextOrInput
from insula.empathy.conversation import list_own_turns
from insula.empathy.generators.registry import DraftGenerator
from insula.empathy.policy.choice import LeadChooser
from insula.empathy.reply import Reply, build_hand_off, build_reply, choose_risk, is_weak_signal
from insula.inference.predictor import Predictor
from insula.inference.risk.check import check_messages
from insula.safety.signals.result import RiskCheck
from insula.text.scripts import detect_language_by_script


@dataclass(frozen=True)
class ReplyArguments:
    """Options of replies, as in `insula.reply`.

    generators  what writes the drafts; None for the templates
    chooser     chooses the strategy of the first draft; None for the order of the rules
    """

    language: str | None = None
    strategy: str = "auto"
    n: int = 3
    country: str | None = None
    generators: tuple[DraftGenerator, ...] | None = None
    chooser: LeadChooser | None = None


def write_replies(
    given: Sequence[TextOrInput], load_predictor: Callable[[], Predictor], wanted: ReplyArguments
) -> list[Reply]:
    """Return drafts, or a hand-off where the message or an earlier turn has a signal of danger, for each message.

    load_predictor  returns the model; it is called only if there is a message to draft for, so that a model that
                    cannot be loaded hides no signal

    Every message and every earlier turn is checked before anything else reads it. Raises as `build_reply` does.
    """
    inputs = [one if isinstance(one, ModelInput) else ModelInput(one) for one in given]
    risks = _check(inputs)
    drafted = [place for place, risk in enumerate(risks) if risk is None or is_weak_signal(risk)]
    owns = {place: [turn.text for turn in list_own_turns(inputs[place]) if turn.text.strip()] for place in drafted}
    replies: list[Reply] = []
    if drafted:
        predictor = load_predictor()
        read: list[TextOrInput] = []
        for place in drafted:
            read += [*owns[place], inputs[place]]
        predictions = iter(predictor.predict(read))
    for place, (message, risk) in enumerate(zip(inputs, risks, strict=True)):
        language = wanted.language or detect_language_by_script(message.text)
        if risk is not None and place not in owns:
            hand_off = build_hand_off(risk, language, wanted.country)
            replies.append(Reply(message.text, language, None, (), hand_off=hand_off))
            continue
        earlier = [next(predictions) for _ in owns[place]]
        replies.append(
            build_reply(
                message,
                next(predictions),
                predictor.scheme,
                language=language,
                earlier=earlier,
                strategy=wanted.strategy,
                count=wanted.n,
                risk=risk,
                country=wanted.country,
                generators=wanted.generators,
                chooser=wanted.chooser,
            )
        )
    return replies


def _check(inputs: Sequence[ModelInput]) -> list[RiskCheck | None]:
    """Return for each message the check, of it or its turns, that asks for a person; None if there is none."""
    texts = [[one.text, *(turn.text for turn in reversed(one.turns) if turn.text.strip())] for one in inputs]
    checks = iter(check_messages([text for some in texts for text in some]))
    return [choose_risk([next(checks) for _ in some]) for some in texts]
