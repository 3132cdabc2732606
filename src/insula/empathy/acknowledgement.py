"""`write_acknowledgement`: a confirmation that a message has arrived and that a person will read it.

It repeats nothing of the message: the text is fixed, from the routing rule or from the templates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from insula.core.model_input import ModelInput
from insula.empathy.drafts import read_templates
from insula.empathy.state import LANGUAGES
from insula.safety.signals.result import LEVELS, Level, RiskCheck

Withheld = Literal["danger", "conversation", "handed_off", "language"]
WITHHELD: tuple[Withheld, ...] = get_args(Withheld)
"""Reasons for no acknowledgement although the rule asks for one.

danger        the message or its case shows a sign of danger, or the message could not be checked
conversation  it has earlier turns, so the conversation has begun already
handed_off    people deal with it, or with another message of the person, already
language      the rule has no text in the language of the message
"""
WHY: Mapping[Withheld, str] = {
    "danger": "the message may show a danger, or could not be checked",
    "conversation": "the message is not the first of its conversation",
    "handed_off": "people deal with the message, or with another one of the person, already",
    "language": "the rule has no text in the language of the message",
}
"""The reasons in words."""


@dataclass(frozen=True)
class Acknowledgement:
    """An automatic confirmation of receipt, for a program to send.

    text       the confirmation
    language   `en` or `zh`
    generator  where the text comes from: `rule` or `templates`
    """

    text: str
    language: str
    generator: Literal["rule", "templates"]
    machine_made: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return dict(vars(self))


def write_acknowledgement(
    given: ModelInput,
    wanted: bool | Mapping[str, str],
    risks: Iterable[RiskCheck],
    *,
    language: str | None,
    priority: Level | None,
) -> Acknowledgement | Withheld | None:
    """Return the acknowledgement of a message, or why it is withheld; None if none is wanted.

    given     the message with its turns
    wanted    what the routing rule asks for: texts by language, or True for those of the templates
    risks     the checks of its text, by rules and by the learned score
    language  that of the message
    priority  that of its case, None without one

    Whether people deal with it already is for the caller to find out, when its case is opened.
    """
    if not wanted:
        return None
    checks = list(risks)
    is_serious = priority is None or LEVELS.index(priority) >= LEVELS.index("high")
    if is_serious or not checks or any(check.needs_person for check in checks):
        return "danger"
    if given.turns:
        return "conversation"
    if language not in LANGUAGES:
        return "language"
    if isinstance(wanted, bool):
        return Acknowledgement(read_templates(language)["acknowledgement"]["text"], language, "templates")
    text = wanted.get(language)
    return "language" if text is None else Acknowledgement(text, language, "rule")
