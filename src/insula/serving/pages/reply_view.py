"""View model of a reply: the state as facts, drafts with strategy and empathy, or why a person must answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from insula.empathy.drafts import Draft
from insula.empathy.generators.ranking import WEIGHTS
from insula.empathy.generators.registry import ANSWERS, ENDPOINT, TEMPLATES
from insula.empathy.reply import HandOff, Reply
from insula.empathy.scoring.result import LEVELS, EmpathyScore
from insula.empathy.state import ConversationState
from insula.safety.signals.help_lines import DEFAULT, load_help_lines
from insula.serving.pages.words import TAGS, Translator

BUILT_IN = (TEMPLATES, ANSWERS, ENDPOINT)  # generators with a name in both languages; plug-ins have their own
SCORES = ("total", *WEIGHTS)


@dataclass(frozen=True)
class MechanismView:
    """The level of a mechanism of empathy.

    bar      width in percent
    words    the words of the draft that show it
    missing  how the draft would show more; empty at the highest level
    """

    name: str
    level: int
    bar: int
    words: list[str]
    missing: str


@dataclass(frozen=True)
class EmpathyView:
    """The empathy that a draft shows: one sentence, and the mechanisms. `tag` is its language, as in HTML."""

    number: int
    said: str
    tag: str
    rows: list[MechanismView]


@dataclass(frozen=True)
class DraftView:
    """A draft with its number, and the names of its strategy and generator.

    open     gaps that the person must fill in
    scores   names and values of the ranking; none if only one generator wrote drafts
    empathy  the empathy that it shows; None if it could not be scored
    """

    number: int
    draft: Draft
    strategy: str
    generator: str
    open: str
    scores: list[tuple[str, str]]
    empathy: EmpathyView | None


@dataclass(frozen=True)
class HandOffView:
    """A hand-off: one sentence, the level, reasons, and the answer to send until then."""

    decision: str
    level: str
    hand_off: HandOff


@dataclass(frozen=True)
class ReplyView:
    """The content of the page on a reply.

    said      the sentence that a screen reader reads first
    tag       language of the drafts, as in HTML
    facts     names and values of the state
    notes     what else is known of the drafts
    failures  what went wrong in a generator, in English
    hand_off  None for an ordinary message
    warning   what to know of a weak signal of danger before the drafts are read
    choice    of the first draft's strategy, as in JSON, if what is done with the drafts is recorded; else None
    """

    said: str
    tag: str
    facts: list[tuple[str, str]]
    notes: list[str]
    drafts: list[DraftView]
    hand_off: HandOffView | None = None
    warning: str = ""
    failures: tuple[str, ...] = ()
    choice: dict[str, Any] | None = None


def build_reply_view(
    reply: Reply, say: Translator, scores: Sequence[EmpathyScore] | None = None, *, records: bool = False
) -> ReplyView:
    """Return the view of a reply in a language.

    scores   of its drafts; None if they failed
    records  whether the service records what is done with drafts; after a signal of danger it does not ask
    """
    if reply.hand_off is not None and reply.check_in is None:
        risk = reply.hand_off.risk
        decision = say("reply_danger" if risk.signal else "reply_unchecked")
        level = say(f"level_name_{risk.level}")
        return ReplyView(decision, TAGS[reply.language], [], [], [], HandOffView(decision, level, reply.hand_off))
    count = len(reply.drafts)
    said = say("reply_found", count=count) if count else say("reply_no_drafts", stopped=reply.stopped)
    notes = [say("reply_stopped", stopped=reply.stopped)] if reply.stopped and count else []
    state = reply.state
    if state is not None and not state.sure:
        notes.append(say("reply_unsure"))
    if scores is None and count:
        notes.append(say("empathy_failed"))
    return ReplyView(
        said,
        TAGS[reply.language],
        [] if state is None else _list_facts(state, reply.check_in is not None, say),
        notes,
        [
            DraftView(
                number,
                one,
                say(f"strategy_{one.strategy}"),
                say(f"generator_{one.generator}") if one.generator in BUILT_IN else one.generator,
                say("comma").join(one.open),
                [(say(f"score_{name}"), f"{value:.2f}") for name, value in one.scores.items() if name in SCORES],
                None if scores is None else build_empathy_view(number, scores[number - 1], say),
            )
            for number, one in enumerate(reply.drafts, 1)
        ],
        warning="" if reply.check_in is None else say("reply_weak", help=reply.check_in.help),
        failures=reply.failures,
        choice=reply.choice.to_dict() if records and reply.choice and reply.check_in is None else None,
    )


def build_empathy_view(number: int, score: EmpathyScore, say: Translator) -> EmpathyView:
    """Return the view of the empathy that a draft shows, in a language."""
    rows = [
        MechanismView(
            say(f"empathy_{name}"),
            one.level,
            100 * one.level // max(LEVELS),
            [words.text for words in one.words],
            one.missing or "",
        )
        for name, one in score.mechanisms.items()
    ]
    levels = say("comma").join(f"{row.name} {row.level}" for row in rows)
    return EmpathyView(number, say("empathy_said", levels=levels), TAGS[score.language], rows)


def list_countries(say: Translator) -> list[tuple[str, str]]:
    """Return the countries whose help can be named: code, and code with the name of the service."""
    return [
        (code, f"{code} · {line.service[say.language]}") for code, line in load_help_lines().items() if code != DEFAULT
    ]


def _list_facts(state: ConversationState, is_weak_signal: bool, say: Translator) -> list[tuple[str, str]]:
    polarity = say(f"polarity_{state.polarity}")
    feeling = say(f"feeling_{state.feeling}") if state.feeling else say("reply_feeling_none", polarity=polarity)
    facts = [
        (say("reply_feeling"), feeling),
        (say("reply_intensity"), say(f"intensity_{state.intensity}")),
        (say("reply_topic"), say(f"topic_{state.topic}") if state.topic else say("reply_topic_none")),
        (say("reply_need"), say(f"need_{state.need}")),
        (say("reply_risk"), say("reply_risk_weak" if is_weak_signal else "reply_risk_none")),
        (say("reply_message_language"), say(f"lang_{state.language}")),
    ]
    if state.moved is not None:
        facts.insert(4, (say("reply_moved"), say(f"moved_{state.moved}")))
    return facts
