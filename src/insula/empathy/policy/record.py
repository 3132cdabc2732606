"""`record_file`: the outcomes in a file of replies, appended to a log without any text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula.core.errors import DataError
from insula.data.formats.formats import DETECTED, ReadOptions, open_rows
from insula.data.formats.row_reader import Row
from insula.empathy.policy.choice import Choice
from insula.empathy.policy.outcomes import ACTIONS, DraftOutcome, append_outcomes, build_outcome
from insula.inference.rejects import Rejects

_ROWS_PER_BATCH = 1000
REPLY, CHOICE, DRAFTS = "reply", "choice", "drafts"


@dataclass(frozen=True)
class OutcomeColumns:
    """The places of the outcomes in a file.

    action  of every row; None if the column `action_column` holds it
    used    number or strategy of the draft that was sent, of every row; None if `used_column` holds it, if it exists
    """

    action: str | None = None
    used: str | None = None
    action_column: str = "action"
    used_column: str = "used"


@dataclass(frozen=True)
class RecordedOutcomes:
    """The result of recording the outcomes of a file.

    log       the log
    rows      number of rows
    actions   number of recorded rows by action
    no_choice  number of rows whose reply has no choice: it was handed to a person, or written without a policy
    no_action  number of rows without an action
    rejected  number of rows that could not be read or recorded; `first_reject` says what is wrong with the first
    """

    log: Path
    rows: int
    actions: dict[str, int]
    no_choice: int
    no_action: int
    rejected: int
    first_reject: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**vars(self), "log": str(self.log)}


def record_file(
    source: str | Path, log: str | Path, columns: OutcomeColumns, *, reading: ReadOptions = DETECTED
) -> RecordedOutcomes:
    """Append what people did with the drafts of a file to a log; nothing else of the file is stored.

    source  a file of `reply_file` with a column for the action, or replies of `insula reply --json`

    Nothing is written if the file cannot be read to its end. Raises `DataError`, `MissingFileError`, `OutputError`.
    """
    rejects = Rejects(None, is_required=False)
    found: list[DraftOutcome] = []
    rows = no_choice = no_action = wrong = 0
    first: str | None = None
    for row in _iterate_rows(source, columns, reading, rejects):
        rows += 1
        try:
            reply = _read_reply(row)
            action = columns.action or str(row.get(columns.action_column) or "").strip().lower()
            if not action:
                no_action += 1
            elif reply.get(CHOICE) is None:
                no_choice += 1
            else:
                used = columns.used or str(row.get(columns.used_column) or "").strip()
                found.append(_build(reply, action, used or None))
        except DataError as error:
            wrong += 1
            first = first or f"row {rows}: {error}"
    append_outcomes(log, found)
    return RecordedOutcomes(
        Path(log),
        rows,
        {name: sum(one.action == name for one in found) for name in ACTIONS},
        no_choice,
        no_action,
        wrong + rejects.count,
        first or (None if rejects.first is None else str(rejects.first)),
    )


def _iterate_rows(source: str | Path, columns: OutcomeColumns, reading: ReadOptions, rejects: Rejects) -> Iterator[Row]:
    """Yield the rows of a file; a file with one reply, as `--json` prints it, is one row."""
    where = repr(str(source))
    one = _read_single(source)
    if one is not None:
        _require_columns(list(one), where, columns)
        yield one
        return
    with open_rows(source, batch_size=_ROWS_PER_BATCH, on_reject=rejects.add, **reading._asdict()) as reader:
        _require_columns(reader.columns, where, columns)
        for batch in reader:
            yield from batch.rows


def _read_single(source: str | Path) -> Row | None:
    path = Path(source)
    if path.suffix.lower() != ".json" or not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {CHOICE, DRAFTS} <= set(found) else None


def choose_used(drafts: Sequence[Mapping[str, Any]], used: str) -> str:
    """Return the strategy of the draft that was used, given by its number or by its strategy."""
    if not used.isdecimal():
        return used
    number = int(used)
    if not 1 <= number <= len(drafts):
        raise DataError(f"The reply has {len(drafts)} drafts. Got number {number} as used. Correct it.")
    return str(drafts[number - 1]["strategy"])


def _build(reply: Mapping[str, Any], action: str, used: str | None) -> DraftOutcome:
    drafts = reply.get(DRAFTS)
    if not isinstance(reply[CHOICE], Mapping) or not isinstance(drafts, Sequence):
        raise DataError("The reply must have the choice and the drafts that `insula reply --policy` writes.")
    if used is not None and action != "rejected":
        used = choose_used(drafts, used)
    return build_outcome(Choice.from_dict(reply[CHOICE]), action, used)


def _read_reply(row: Row) -> Mapping[str, Any]:
    """Return the reply of a row: the row itself if it is one."""
    reply = row.get(REPLY) if CHOICE not in row else row
    if isinstance(reply, str):
        try:
            reply = json.loads(reply)
        except ValueError:
            reply = None
    if not isinstance(reply, Mapping):
        raise DataError("The row must have a reply that `insula reply` wrote.")
    return {name: _parse_cell(reply.get(name)) for name in (CHOICE, DRAFTS)}


def _parse_cell(value: Any) -> Any:
    """Return an object that a table holds as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _require_columns(names: Sequence[str], where: str, columns: OutcomeColumns) -> None:
    if names and REPLY not in names and CHOICE not in names:
        raise DataError(
            f"The file {where} must have the column {REPLY!r} that `insula reply --policy` writes. Got the columns "
            f"{', '.join(map(repr, names))}. Choose another file."
        )
    if names and columns.action is None and columns.action_column not in names:
        raise DataError(
            f"The file {where} has no column {columns.action_column!r} with the action ({', '.join(ACTIONS)}). Got the "
            f"columns {', '.join(map(repr, names))}. Name the column, or give one action for all rows."
        )
