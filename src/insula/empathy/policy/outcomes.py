"""`DraftOutcome`: what a person did with a draft; and the log of outcomes, a JSON Lines file without any text.

The reward of a choice is 1 if a draft with the chosen strategy was sent as it was, `Rewards.edited` if one was sent
with changes, and 0 if none was used, or one with another strategy.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from insula.core.errors import DataError, MissingFileError
from insula.core.files import append_lines
from insula.empathy.policy.choice import Choice
from insula.empathy.strategies import STRATEGIES, Strategy

Action = Literal["sent", "edited", "rejected"]
ACTIONS: tuple[Action, ...] = get_args(Action)
"""A draft was sent as it was; sent with changes; none was used."""
FIELDS = ("choice", "action", "used", "time")
LINE_CHARACTERS = 20_000


@dataclass(frozen=True)
class Rewards:
    """The reward of an edited draft, from 0 to 1; a sent one has 1, a rejected one 0.

    Raises `DataError` for a value out of range.
    """

    edited: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.edited <= 1:
            raise DataError(
                f"The reward of an edited draft (edited) must be from 0 to 1. Got {self.edited:g}. Choose another one."
            )

    def compute(self, outcome: DraftOutcome) -> float:
        """Return the reward of an outcome."""
        if outcome.used != outcome.choice.strategy:
            return 0.0
        return 1.0 if outcome.action == "sent" else self.edited


DEFAULT_REWARDS = Rewards()


@dataclass(frozen=True)
class DraftOutcome:
    """The action of a person on the drafts of one reply.

    choice  of the strategy of the first draft
    action  see `ACTIONS`
    used    strategy of the draft that was sent, changed or not; None if none was
    time    when, in UTC, as in ISO 8601
    """

    choice: Choice
    action: Action
    used: Strategy | None
    time: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**vars(self), "choice": self.choice.to_dict()}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> DraftOutcome:
        """Return the outcome that `to_dict` describes; raise `DataError` if it cannot be one."""
        if set(row) != set(FIELDS) or not isinstance(row["choice"], Mapping):
            raise DataError(f"An outcome needs the fields {', '.join(FIELDS)}. Got {', '.join(sorted(row)) or 'none'}.")
        try:
            when = datetime.fromisoformat(row["time"])
        except (TypeError, ValueError):
            raise DataError(
                f"The time of an outcome must be in ISO 8601. Got {str(row['time'])[:40]!r}. Correct it."
            ) from None
        return build_outcome(Choice.from_dict(row["choice"]), row["action"], row["used"], time=when)


def build_outcome(
    choice: Choice, action: str, used: str | None = None, *, time: datetime | None = None
) -> DraftOutcome:
    """Return an outcome.

    used  strategy of the draft that was sent; default: the one that came first
    time  default: now

    Raises `DataError` for an action or strategy that does not exist or does not fit.
    """
    if action not in ACTIONS:
        raise DataError(f"The action must be one of {', '.join(ACTIONS)}. Got {str(action)[:40]!r}. Choose one.")
    if action == "rejected":
        if used is not None:
            raise DataError(
                f"A rejected reply used no draft. Got the strategy {str(used)[:40]!r} as used. Leave it out."
            )
    else:
        used = used or choice.strategy
        if used not in STRATEGIES:
            raise DataError(
                f"The strategy of the draft that was used must be one of {', '.join(STRATEGIES)}. Got "
                f"{str(used)[:40]!r}. Correct it."
            )
    moment = (time or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")
    return DraftOutcome(choice, action, used, moment)


def append_outcomes(file: str | Path, outcomes: Sequence[DraftOutcome]) -> None:
    """Append outcomes to a log; raise `OutputError` if it cannot be written."""
    append_lines(file, (json.dumps(one.to_dict(), ensure_ascii=False) for one in outcomes))


@dataclass(frozen=True)
class OutcomeLog:
    """The outcomes of a log.

    outcomes  one for each choice, in the order of the log; of several the last one counts
    repeated  number of lines that a later line about the same choice replaces
    rejected  number of lines that are no outcome; `first_reject` says what is wrong with the first
    sha256    of the file
    """

    outcomes: tuple[DraftOutcome, ...]
    repeated: int = 0
    rejected: int = 0
    first_reject: str | None = None
    sha256: str = ""

    @property
    def decisions(self) -> tuple[DraftOutcome, ...]:
        """The outcomes of choices that a policy made among several candidates; only they can teach."""
        return tuple(one for one in self.outcomes if one.choice.why == "policy")


def read_outcomes(file: str | Path) -> OutcomeLog:
    """Return the outcomes of a log. Raises `MissingFileError`, and `DataError` if no line is an outcome."""
    try:
        content = Path(file).read_bytes()
    except FileNotFoundError as error:
        raise MissingFileError(
            f"The log {str(file)!r} does not exist. Write one with: insula policy record drafts.jsonl --log "
            f"{Path(file).name}"
        ) from error
    except OSError as error:
        raise DataError(f"The log {str(file)!r} cannot be read: {error.strerror}. Choose another file.") from error
    found: dict[str, DraftOutcome] = {}
    lines = rejected = 0
    first = None
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        if not line.strip():
            continue
        try:
            outcome = _parse_line(line)
        except DataError as error:
            rejected += 1
            first = first or f"line {number}: {error}"
            continue
        lines += 1
        found.pop(outcome.choice.id, None)
        found[outcome.choice.id] = outcome
    if not found:
        raise DataError(
            f"The log {str(file)!r} has no outcome{'' if first is None else f'; {first}'} Record some with `insula "
            "policy record`, or through the service."
        )
    digest = hashlib.sha256(content).hexdigest()
    return OutcomeLog(tuple(found.values()), lines - len(found), rejected, first, digest)


def _parse_line(line: str) -> DraftOutcome:
    try:
        row = json.loads(line) if len(line) <= LINE_CHARACTERS else None
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise DataError("It is not a JSON object.")
    return DraftOutcome.from_dict(row)
