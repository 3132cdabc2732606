"""`NewCase`, `Case`, `CaseEvent`: what goes into the hand-off queue, what an agent gets, what happened to it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

from insula.core.durations import parse_duration
from insula.core.errors import DataError
from insula.core.model_input import Turn
from insula.core.sentences import quote
from insula.safety.signals.result import LEVELS, Level

State = Literal["waiting", "claimed", "closed"]
STATES: tuple[State, ...] = ("waiting", "claimed", "closed")
DEADLINE = 24 * 3600
"""Seconds until a case is late, unless given."""
MAX_SECONDS = 366 * 24 * 3600
QUEUE = "default"
ANSWER = ("labels", "label", "scores", "confidence", "abstained", "truncated")
"""The keys of a prediction that a case keeps; its text is kept masked, as the text of the case."""
Field = str | int | float | bool | None
_TYPES: Mapping[str, Any] = {
    "deadline": str | int,
    "tags": list,
    "words": list,
    "turns": list,
    "customer": dict,
    "answer": dict,
}
_WORDS = {str: "text", str | int: "duration such as 30m", list: "list", dict: "table of names and values"}


@dataclass(frozen=True, kw_only=True)
class NewCase:
    """A message to hand to a person.

    message    its id in the source; a second case with the same source and id is not opened
    text       the message; the queue masks it, and all other words below, before it stores them
    deadline   seconds after which the case is late and escalated
    source     where messages get their ids, such as `zendesk`
    queue      the group of agents that it is for
    risk       `none`, `concern`, `high` or `immediate`, as in `RiskCheck.level`
    reason     why a person must see it, in sentences
    rule       the name of the routing rule that opened it
    tags       words to find it by
    turns      the earlier turns of its dialogue, oldest first; `speaker` is the speaker of the text
    target     what the emotion is towards
    customer   fields about the customer, such as `{"tier": "gold"}`
    answer     the prediction: labels, scores and confidence, as in JSON
    words      words of the text behind the prediction, the strongest first
    subject    the caller's id for the person the text is about; only a keyed hash is stored
    language   ISO 639-1 code
    """

    message: str
    text: str | None = None
    deadline: int = DEADLINE
    source: str = ""
    queue: str = QUEUE
    risk: Level = "none"
    reason: str = ""
    rule: str | None = None
    tags: Sequence[str] = ()
    turns: Sequence[Turn] = ()
    speaker: str | None = None
    target: str | None = None
    customer: Mapping[str, Field] | None = None
    answer: Mapping[str, Any] | None = None
    words: Sequence[str] = ()
    subject: str | None = None
    language: str | None = None

    def __post_init__(self) -> None:
        check_name("id of the message", self.message, 200)
        check_name("queue", self.queue, 100)
        for what, name, most in (
            ("source", self.source, 100),
            ("rule", self.rule, 200),
            ("language", self.language, 20),
        ):
            if name:
                check_name(what, name, most)
        if self.risk not in LEVELS:
            raise DataError(
                f"The risk of a case must be one of {', '.join(LEVELS)}. Got {quote(self.risk)}. Choose one of these."
            )
        check_seconds("deadline", self.deadline)
        for name, value in (self.customer or {}).items():
            if not isinstance(value, Field) or (isinstance(value, float) and not math.isfinite(value)):
                raise DataError(
                    f"The customer field {quote(name)} must be a text, a finite number, true, false or null. "
                    f"Got {quote(value)}. Correct or remove it."
                )

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> NewCase:
        """Return the case of a JSON object with these fields; `deadline` may be a duration such as `30m`.

        A turn is an object with `text` and `speaker`, or a text. Raises `DataError` for an unknown key or a value of
        the wrong type.
        """
        known = {field.name: field for field in fields(cls)}
        for name, value in row.items():
            if name not in known:
                raise DataError(f"The keys of a case must be some of {', '.join(known)}. Got {name!r}. Remove it.")
            # True is a number in Python, but no deadline.
            if value is not None and (not isinstance(value, _TYPES.get(name, str)) or isinstance(value, bool)):
                raise DataError(
                    f"The {name} of a case must be a {_WORDS[_TYPES.get(name, str)]}. Got {quote(value)}. Correct it."
                )
        given = {name: value for name, value in row.items() if value is not None}
        if "message" not in given:
            raise DataError("A case must have the key message, the id of the message. Got none. Add it.")
        if isinstance(given.get("deadline"), str):
            given["deadline"] = parse_duration(given["deadline"], name="deadline")
        given["turns"] = [_read_turn(turn) for turn in given.get("turns", ())]
        for name in ("tags", "words"):
            if any(not isinstance(one, str) for one in given.get(name, ())):
                raise DataError(f"The {name} of a case must be texts. Got {quote(given[name])}. Put each in quotes.")
        return cls(**given)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A case as the queue has it; words are masked, and None if the queue stores no texts.

    id              its number, for agents
    state           `waiting`, `claimed` or `closed`
    version         the number of its events so far
    opened, due     when it was opened, and when it is late (both UTC, as all times)
    escalated       when it was found to be late
    agent           who holds it, until `lease_until`
    first_claimed   when an agent first claimed it
    expired_leases  how often it came back because a lease expired
    times_reopened  how often it was reopened
    closed          when it was closed, with `outcome` and `note`
    erased          when its words were erased at the request of its subject

    The other fields are those of `NewCase`.
    """

    id: int
    source: str
    message: str
    queue: str
    state: State
    risk: Level
    version: int
    opened: datetime
    due: datetime
    escalated: datetime | None
    agent: str | None
    lease_until: datetime | None
    first_claimed: datetime | None
    expired_leases: int
    times_reopened: int
    closed: datetime | None
    outcome: str | None
    note: str | None
    erased: datetime | None
    rule: str | None
    tags: tuple[str, ...]
    language: str | None
    text: str | None
    turns: tuple[Mapping[str, str], ...]
    speaker: str | None
    target: str | None
    customer: Mapping[str, Field] | None
    reason: str | None
    answer: Mapping[str, Any] | None
    words: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON; times are ISO 8601 in UTC."""
        row = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: _to_plain(value) for name, value in row.items()}


@dataclass(frozen=True, kw_only=True)
class CaseEvent:
    """An event in the history of a case. It contains no text of a message.

    number   position among the events of all cases; grows even if clocks are set back
    version  position among the events of this case, from 1
    event    opened, acknowledged, claimed, renewed, released, expired, reassigned, escalated, closed or reopened
    actor    the agent, or the program that did it
    facts    names, numbers and times
    """

    number: int
    case: int
    version: int
    time: datetime
    event: str
    actor: str
    facts: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return {field.name: _to_plain(getattr(self, field.name)) for field in fields(self)}


def read_cases(content: bytes, origin: str) -> list[NewCase]:
    """Return the cases of JSON Lines; `origin` names them in messages. Raises `DataError` with the wrong line."""
    cases = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise DataError(f"A case must be a JSON object. Got {quote(row)}. Write one object per line.")
            cases.append(NewCase.from_dict(row))
        except DataError as error:
            raise DataError(f"Line {number} of {origin} is not a case. {error} No case was opened.") from None
        except UnicodeDecodeError:
            raise DataError(
                f"Line {number} of {origin} is not UTF-8. Save the file as UTF-8. No case was opened."
            ) from None
        except (ValueError, RecursionError):
            raise DataError(
                f"Line {number} of {origin} is not JSON. Write one object per line. No case was opened."
            ) from None
    return cases


def check_name(what: str, name: str, most: int) -> None:
    """Raise `DataError` unless a name has 1 to `most` printable characters."""
    if not name.strip() or len(name) > most or not name.isprintable():
        raise DataError(
            f"The {what} must have 1 to {most} printable characters. Got {quote(name)}. Choose another name."
        )


def check_seconds(what: str, seconds: int) -> None:
    """Raise `DataError` unless a span is positive and at most a year."""
    if not 1 <= seconds <= MAX_SECONDS:
        raise DataError(f"The {what} must be from 1 second to a year. Got {seconds} seconds. Choose another span.")


def _read_turn(turn: Any) -> Turn:
    if isinstance(turn, str):
        return Turn(turn)
    if isinstance(turn, dict) and {"text"} <= turn.keys() <= {"text", "speaker"} and isinstance(turn["text"], str):
        return Turn(turn["text"], turn.get("speaker"))
    raise DataError(
        f"A turn of a case must be a text, or an object with text and speaker. Got {quote(turn)}. Correct that turn."
    )


def _to_plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    return list(value) if isinstance(value, tuple) else value
