"""`check_message`: the signals of risk in a message, by the rules and by the learned score."""

from __future__ import annotations

from collections.abc import Sequence

from insula.core.model_input import check_inputs
from insula.safety.signals.detect import SECONDS
from insula.safety.signals.detect import check_message as check_by_rules
from insula.safety.signals.result import RiskCheck, RiskScore


def check_message(text: str, *, language: str | None = None, seconds: float = SECONDS) -> RiskCheck:
    """Check a message for signs of suicide, self-harm, violence, abuse or a medical emergency.

    Experimental, and not clinically validated: it misses messages from people at risk, above all those that do not name
    the danger. Rules and a learned score each can find a risk, and neither hides what the other found.

    language  ISO 639-1 code, if known; English and Chinese are read, and `needs_person` is set for any other
    seconds   time limit of the rules; a check that takes longer has failed

    Never raises for a text: a check that fails, in whole or in part, gives the reason in `failure` and sets
    `needs_person`.
    """
    return check_messages([text], language=language, seconds=seconds)[0]


def check_messages(texts: Sequence[str], *, language: str | None = None, seconds: float = SECONDS) -> list[RiskCheck]:
    """Check each message as `check_message` does; raise `DataError` for a single text."""
    if isinstance(texts, str):
        check_inputs(texts)  # the letters of a text are no messages
    texts = list(texts)
    scores = _score(texts)
    if isinstance(scores, str):
        return [check_by_rules(text, language=language, seconds=seconds).with_failure(scores) for text in texts]
    return [
        check_by_rules(text, score=score, language=language, seconds=seconds)
        for text, score in zip(texts, scores, strict=True)
    ]


def _score(texts: Sequence[str]) -> list[RiskScore] | str:
    """Return the learned scores, or why there are none."""
    try:
        from insula.inference.risk.scorer import load_risk_scorer

        return load_risk_scorer().score(texts)
    except Exception as error:  # noqa: BLE001 - without the score a person must see the message, whatever the cause
        return f"The learned score failed ({type(error).__name__})."
