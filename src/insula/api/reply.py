"""`reply`: drafts of a reply to a message, for a person to read, change and send."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from insula.core.errors import DataError
from insula.core.model_input import ModelInput, TextOrInput
from insula.core.starter import STARTER
from insula.text.scripts import detect_language_by_script

if TYPE_CHECKING:
    from insula.empathy.reply import Reply
    from insula.inference.predictor import Predictor

MOST_DRAFTS = 10


def reply(
    message: TextOrInput,
    model: str | Path | Predictor = STARTER,
    *,
    language: str | None = None,
    strategy: str = "auto",
    n: int = 3,
    country: str | None = None,
) -> Reply:
    """Return up to `n` drafts of a reply to a message, the best first.

    message   a text, or a `ModelInput` with the earlier turns of the conversation
    model     a run, a model folder, or `starter`, which comes with insula
    language  of the drafts: `en` or `zh`; default: that of the message
    strategy  one of the eight strategies of `empathy.strategies`, or `auto`: those that fit the message
    country   ISO 3166 code, such as `CN`, of the country whose help a hand-off names; default: help of any country

    The drafts are written from templates, by a machine: a person should read one before it is sent. They name a feeling
    only where words of the message or a sure prediction show it. Every draft passes `safety.replies`; `stopped` counts
    those that did not. If the message, or an earlier turn, has a sign of danger or cannot be checked, there are no
    drafts but a `hand_off`; if the sign is weak, there are also drafts that ask how the person is, and `check_in` says
    why. insula notifies nobody. The check misses messages, oblique ones above all: it is not clinically validated, and
    no reason to send drafts unread.

    Raises `DataError` for an empty text, a wrong argument, or a strategy without sentences for this message.
    """
    from insula.empathy.reply import Reply, build_hand_off, build_reply, choose_risk, is_weak, list_own_turns
    from insula.empathy.state import LANGUAGES
    from insula.inference.predictor import Predictor
    from insula.inference.risk.check import check_messages

    given = message if isinstance(message, ModelInput) else ModelInput(message)
    if not given.text.strip():
        raise DataError("The message must have text. Got an empty one. Write something.")
    if language is not None and language not in LANGUAGES:
        raise DataError(
            f"The language must be one of {', '.join(LANGUAGES)}. Got {language!r}. Leave it out to detect it."
        )
    if not 1 <= n <= MOST_DRAFTS:
        raise DataError(f"The number of drafts (n) must be from 1 to {MOST_DRAFTS}. Got {n}. Choose another one.")
    spoken = language or detect_language_by_script(given.text)
    texts = [*(turn.text for turn in given.turns), given.text]
    risk = choose_risk(check_messages(texts[::-1]))
    if risk is not None and not is_weak(risk):
        return Reply(given.text, spoken, None, (), hand_off=build_hand_off(risk, spoken, country))
    predictor = model if isinstance(model, Predictor) else Predictor.load(model)
    own = [turn.text for turn in list_own_turns(given) if turn.text.strip()]
    *earlier, last = predictor.predict([*own, given])
    return build_reply(
        given.text,
        last,
        predictor.scheme,
        language=spoken,
        earlier=earlier,
        strategy=strategy,
        count=n,
        risk=risk,
        country=country,
    )
