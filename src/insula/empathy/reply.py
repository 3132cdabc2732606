"""`build_reply`: drafts of a reply to a message; for a message with a sign of danger, none, and a hand-off instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from insula.core.model_input import ModelInput
from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme
from insula.empathy.conversation import follow_turns, list_own_turns
from insula.empathy.drafts import Draft, read_templates, require_strategy, write_check_ins
from insula.empathy.generators.collect import ask_generator, choose_drafts
from insula.empathy.generators.registry import DraftGenerator, DraftRequest, Proposals, open_generators
from insula.empathy.policy.choice import Choice, LeadChooser, put_first
from insula.empathy.state import LANGUAGES, ConversationState, read_state
from insula.safety.signals.help_lines import DEFAULT, HelpLine, find_help, load_help_lines
from insula.safety.signals.result import RiskCheck

# Highest learned score of a message that gets drafts although it is a signal: from here on, and wherever a rule finds a
# danger, a person answers without a draft.
WEAK_BELOW = 0.8
POOL = 3  # drafts among whose strategies a policy chooses: as many as the rules name for any state
Outcome = Literal["drafted", "checked_in", "handed_off", "refused"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
"""Drafts; drafts that ask how the person is, and a hand-off; a hand-off alone; no draft that passed its checks."""


@dataclass(frozen=True)
class HandOff:
    """A hand-off: why a person must answer, and an interim message for the sender.

    risk      the check of the message, or of the earlier message, that asks for a person
    message   a message that offers contact with a person and local help, in the language of the message
    help      where to find help, as a sentence
    notified  whether somebody was notified; False here, since a draft notifies nobody
    """

    risk: RiskCheck
    message: str
    help: str
    notified: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"risk": self.risk.to_dict(), "message": self.message, "help": self.help, "notified": self.notified}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Return the hand-off that `to_dict` describes."""
        return cls(RiskCheck.from_dict(row["risk"]), row["message"], row["help"], row["notified"])


@dataclass(frozen=True)
class CheckIn:
    """A weak signal of danger, for which most drafts ask how the person is.

    risk      the check of the message, or of an earlier one: a learned score, and no rule
    help      where to find help, as a sentence
    notified  whether somebody was notified; False, since a draft notifies nobody
    """

    risk: RiskCheck
    help: str
    notified: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"risk": self.risk.to_dict(), "help": self.help, "notified": self.notified}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Return the object that `to_dict` describes."""
        return cls(RiskCheck.from_dict(row["risk"]), row["help"], row["notified"])


@dataclass(frozen=True)
class Reply:
    """Drafts of a reply, a hand-off, or for a weak signal of danger both.

    text      the message
    language  `en` or `zh`: the language of the drafts
    state     what the drafts answer to; None without drafts
    drafts    the drafts, the best first; none with a hand-off unless the signal is weak
    stopped   number of drafts that the safety check left out
    hand_off  None for an ordinary message
    check_in  set for a weak signal of danger: it names help, and the drafts, most of which ask how the writer is, are
              for the person who answers; None otherwise
    failures  what went wrong in a generator while another one wrote drafts: sentences
    choice    the choice of the strategy that comes first; None without a policy or without drafts
    """

    text: str
    language: str
    state: ConversationState | None
    drafts: tuple[Draft, ...]
    stopped: int = 0
    hand_off: HandOff | None = None
    check_in: CheckIn | None = None
    machine_made: bool = True
    failures: tuple[str, ...] = ()
    choice: Choice | None = None

    @property
    def outcome(self) -> Outcome:
        """The outcome of the message: see `OUTCOMES`."""
        if self.check_in is not None:
            return "checked_in"
        if self.hand_off is not None:
            return "handed_off"
        return "drafted" if self.drafts else "refused"

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
            "check_in": None if self.check_in is None else self.check_in.to_dict(),
            "failures": list(self.failures),
            "choice": None if self.choice is None else self.choice.to_dict(),
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Return the reply that `to_dict` describes."""
        return cls(
            row["text"],
            row["language"],
            None if row["state"] is None else ConversationState(**row["state"]),
            tuple(Draft.from_dict(draft) for draft in row["drafts"]),
            row["stopped"],
            None if row["hand_off"] is None else HandOff.from_dict(row["hand_off"]),
            None if row["check_in"] is None else CheckIn.from_dict(row["check_in"]),
            failures=tuple(row.get("failures", ())),
            choice=None if row.get("choice") is None else Choice.from_dict(row["choice"]),
        )


def build_hand_off(risk: RiskCheck, language: str, country: str | None = None) -> HandOff:
    """Return the hand-off for a message that a person must answer.

    country  ISO 3166 code of the country whose help is named; one without an entry gets the help of any country
    """
    words = read_templates(language)["handoff"]
    return HandOff(risk, words["message" if risk.signal else "unchecked"], _find_help(country).sentence(language))


def choose_risk(checks: Iterable[RiskCheck]) -> RiskCheck | None:
    """Return the most serious check of a message and its earlier turns; None if all are ordinary."""
    serious = [check for check in checks if check.needs_person]
    return max(serious, key=lambda check: (not is_weak_signal(check), check.priority), default=None)


def is_weak_signal(risk: RiskCheck) -> bool:
    """Whether a signal is weak: a learned score below `WEAK_BELOW`, where no rule finds a danger.

    Many sad messages have such a score. A person is still needed, and the draft may be one that asks.
    """
    return (
        risk.signal
        and risk.failure is None
        and not risk.spans
        and risk.level == "concern"
        and risk.score is not None
        and risk.score < WEAK_BELOW
    )


def _find_help(country: str | None) -> HelpLine:
    return find_help(country if (country or DEFAULT).upper() in load_help_lines() else None)


def build_reply(
    given: ModelInput,
    prediction: Prediction,
    scheme: LabelScheme,
    *,
    language: str,
    earlier: Sequence[Prediction] = (),
    strategy: str = "auto",
    count: int = 3,
    risk: RiskCheck | None = None,
    country: str | None = None,
    generators: Sequence[DraftGenerator] | None = None,
    chooser: LeadChooser | None = None,
) -> Reply:
    """Return drafts for a message without a signal of danger, or with a weak one.

    language    of the drafts; any other than `en` and `zh` gets English ones
    earlier     predictions for the earlier messages of the same speaker, oldest first
    risk        a weak signal (see `is_weak_signal`): the drafts are those of `write_check_ins`, whatever the strategy
                and the generators
    country     as in `build_hand_off`
    generators  what writes the drafts (default: the templates); if there are several, the drafts are ranked
    chooser     chooses the strategy of the first draft (default: the order of the rules, without a record of it); with
                a sign of danger, even a weak one, it never chooses by chance

    Raises `DataError` for a strategy that does not exist or has no sentences for this message.
    """
    asked = read_request(
        given, prediction, scheme, language=language, earlier=earlier, strategy=strategy, count=count, chooser=chooser
    )
    if risk is not None:
        return build_check_in(asked, risk, country, chooser)
    chosen = open_generators() if generators is None else generators
    return choose_reply(asked, [ask_generator(one, asked) for one in chosen], chooser)


def read_request(
    given: ModelInput,
    prediction: Prediction,
    scheme: LabelScheme,
    *,
    language: str,
    earlier: Sequence[Prediction] = (),
    strategy: str = "auto",
    count: int = 3,
    chooser: LeadChooser | None = None,
) -> DraftRequest:
    """Return what the generators are asked for, with the state of the conversation; as in `build_reply`."""
    require_strategy(strategy)
    language = language if language in LANGUAGES else "en"
    state = read_state(given.text, prediction, scheme, language=language, earlier=earlier)
    if given.turns:
        state = follow_turns(state, given)
    return DraftRequest(given, state, strategy, count, POOL if chooser is not None else 0)


def build_check_in(
    asked: DraftRequest, risk: RiskCheck, country: str | None = None, chooser: LeadChooser | None = None
) -> Reply:
    """Return the drafts for a weak signal of danger; no generator is asked."""
    text, state = asked.given.text, asked.state
    line = _find_help(country)
    drafts, stopped = write_check_ins(text, state, count=asked.count)
    # A person is still needed: the drafts are for the person who answers.
    hand_off = build_hand_off(risk, state.language, country)
    check_in = CheckIn(risk, line.sentence(state.language))
    choice = _choose(asked, drafts, chooser, safe=False)
    return Reply(text, state.language, state, drafts, stopped, hand_off, check_in, choice=choice)


def choose_reply(asked: DraftRequest, written: Sequence[Proposals], chooser: LeadChooser | None = None) -> Reply:
    """Return the best drafts of what each generator wrote for a message without a signal of danger."""
    drafts, stopped, failures = choose_drafts(asked, written)
    choice = _choose(asked, drafts, chooser, safe=True)
    if choice is not None:
        drafts = put_first(drafts, choice.strategy)
    shown = drafts[: asked.count]
    return Reply(asked.given.text, asked.state.language, asked.state, shown, stopped, failures=failures, choice=choice)


def _choose(asked: DraftRequest, drafts: Sequence[Draft], chooser: LeadChooser | None, *, safe: bool) -> Choice | None:
    """Return the choice of the strategy that comes first; None without a chooser or drafts."""
    if chooser is None or not drafts:
        return None
    turn = len(list_own_turns(asked.given)) + 1
    return chooser.choose(drafts, asked.state, turn=turn, safe=safe, named=asked.strategy != "auto")
