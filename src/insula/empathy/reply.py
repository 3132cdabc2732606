"""`build_reply`: drafts of a reply to a message; for a message with a sign of danger, none, and a hand-off instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme
from insula.empathy.drafts import Draft, read_templates, write_drafts
from insula.empathy.state import LANGUAGES, ConversationState, read_state
from insula.safety.signals.result import RiskCheck


@dataclass(frozen=True)
class HandOff:
    """Why a person must answer, and an answer until then.

    risk      the check of the message, or of the earlier message, that asks for a person
    message   an answer that offers a person and local help, in the language of the message
    notified  whether somebody was notified; False here, since a draft notifies nobody
    """

    risk: RiskCheck
    message: str
    notified: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"risk": self.risk.to_dict(), "message": self.message, "notified": self.notified}


@dataclass(frozen=True)
class Reply:
    """Drafts of a reply, or a hand-off.

    text      the message
    language  `en` or `zh`: the language of the drafts
    state     what the drafts answer to; None with a hand-off
    drafts    the drafts, the best first; none with a hand-off
    stopped   number of drafts that the safety check left out
    hand_off  None for an ordinary message
    """

    text: str
    language: str
    state: ConversationState | None
    drafts: tuple[Draft, ...]
    stopped: int = 0
    hand_off: HandOff | None = None
    machine_made: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "text": self.text,
            "language": self.language,
            "machine_made": self.machine_made,
            "state": None if self.state is None else self.state.to_dict(),
            "drafts": [draft.to_dict() for draft in self.drafts],
            "stopped": self.stopped,
            "hand_off": None if self.hand_off is None else self.hand_off.to_dict(),
        }


def build_hand_off(risk: RiskCheck, language: str) -> HandOff:
    """Return the hand-off for a message that a person must answer."""
    words = read_templates(language)["handoff"]
    return HandOff(risk, words["message" if risk.signal else "unchecked"])


def build_reply(
    text: str,
    prediction: Prediction,
    scheme: LabelScheme,
    *,
    language: str,
    earlier: Sequence[Prediction] = (),
    strategy: str = "auto",
    count: int = 3,
) -> Reply:
    """Return drafts for a message in which no check found a risk.

    language  of the drafts; any other than `en` and `zh` gets English ones
    earlier   predictions for the earlier messages of the same speaker, oldest first

    Raises `DataError` for a strategy that does not exist or has no sentences for this message.
    """
    language = language if language in LANGUAGES else "en"
    state = read_state(text, prediction, scheme, language=language, earlier=earlier)
    drafts, stopped = write_drafts(text, state, strategy=strategy, count=count)
    return Reply(text, language, state, drafts, stopped)
