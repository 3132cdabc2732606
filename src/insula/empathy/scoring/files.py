"""`score_file`: a file of messages and replies, or of dialogues, to the empathy of every reply."""

from __future__ import annotations

import json
import time
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula import __version__
from insula.core.errors import DataError
from insula.core.files import hash_file
from insula.core.model_input import ModelInput, TextOrInput
from insula.core.progress import Progress, Silent
from insula.data.conversations.file_columns import ContextTally, FileColumns, find_file_columns
from insula.data.conversations.turn_cells import MAX_TURNS
from insula.data.formats.formats import DETECTED, ReadOptions, open_rows
from insula.data.formats.row_reader import Row
from insula.data.labels.cells import as_attribute
from insula.data.options import DataOptions
from insula.empathy.scoring.result import LEVELS, MECHANISMS, EmpathyScore
from insula.empathy.scoring.score import get_message, score_replies
from insula.inference.parts import ExtendedFile, check_extended_output, open_extended_output
from insula.inference.predictor import Predictor
from insula.inference.rejects import Rejects
from insula.inference.row_batches import read_input_batches
from insula.text.context import Context

REPLY_NAMES = ("reply", "response", "answer", "response_post", "回复", "回答")
MESSAGE_NAMES = ("message", "post", "seeker_post", "question", "context", "消息", "问题", "来信", "上文")
COLUMNS = (*MECHANISMS, "empathy")
_ROWS_PER_BATCH = 64
_READ = Context(turns=MAX_TURNS)
_MAX_DIALOGUES = 10_000  # whose first speaker is remembered


@dataclass(frozen=True)
class PairColumns:
    """Columns of a file of messages and replies; those not named are detected from common column names.

    reply      the reply; with `dialogue`, the text of every turn
    message    the message, or several columns with one turn each, the oldest first
    dialogue, turn, speaker  of a file whose rows are turns
    supporter  the speaker whose turns are scored; None for everybody but the first speaker of a dialogue
    """

    reply: str | None = None
    message: str | tuple[str, ...] | None = None
    dialogue: str | None = None
    turn: str | None = None
    speaker: str | None = None
    supporter: str | None = None


@dataclass(frozen=True, kw_only=True)
class ScoredFile(ExtendedFile):
    """The result of scoring the replies in a file.

    unscored  number of rows without a score: turns of those who are not supporters, and replies to nothing
    levels    number of replies by mechanism and level, in the rows that this run scored
    """

    unscored: int
    levels: dict[str, dict[int, int]]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        levels = {name: {str(level): count for level, count in row.items()} for name, row in self.levels.items()}
        return {**super().to_dict(), "levels": levels}


def score_file(
    predictor: Predictor,
    source: str | Path,
    output: str | Path,
    columns: PairColumns,
    *,
    resume: bool = False,
    reading: ReadOptions = DETECTED,
    progress: Progress | None = None,
) -> ScoredFile:
    """Write every row of `source` with the empathy of its reply to `output`, in order, in constant memory.

    predictor  as in `score_replies`
    resume     resume an interrupted run of the same job; starts from the beginning if there is none

    `COLUMNS` are added, empty for rows without a score; a column of the source with one of these names is renamed to
    `input_NAME`. Raises `DataError`, `MissingFileError`, `OutputError`.
    """
    progress = progress or Silent()
    kind, is_file = check_extended_output(source, output, resume=resume, what="scores")
    started, rejects, tally = time.monotonic(), Rejects(None, is_required=False), ContextTally()
    levels, rows, kept_rows, unscored = Counter[tuple[str, int]](), 0, 0, 0
    with open_rows(source, batch_size=_ROWS_PER_BATCH, on_reject=rejects.add, **reading._asdict()) as reader:
        found = find_pair_columns(reader.columns, repr(str(source)), columns)
        chooser = _SupporterChooser(found, columns.supporter)
        job = _describe_job(predictor, source, found, columns, reading, kind) if is_file else None
        with open_extended_output(
            output, kind, reader, COLUMNS, job, list_types=_list_types, resume=resume, source=source, reading=reading,
            batch_size=_ROWS_PER_BATCH, progress=progress,
        ) as out:  # fmt: skip
            progress.start("scoring")
            try:
                for batch in read_input_batches(reader, found, rejects, tally):
                    rows += len(batch.rows)
                    chosen = [chooser.choose(one, row) for one, row in zip(batch.inputs, batch.rows, strict=True)]
                    unscored += sum(one is None for one in chosen)
                    if out.keep(batch.number, batch.rows):
                        kept_rows += len(batch.rows)
                        continue
                    scores = iter(score_replies([one for one in chosen if one is not None], predictor))
                    cells = [None if one is None else next(scores) for one in chosen]
                    for score in filter(None, cells):
                        levels.update((name, one.level) for name, one in score.mechanisms.items())
                    out.write(batch.number, batch.rows, [_build_cells(one, nested=out.nested) for one in cells])
                    progress.advance(len(batch.rows))
            finally:
                progress.finish()
        return ScoredFile(
            output=Path(output),
            rows=rows,
            unscored=unscored,
            levels={name: {level: levels[name, level] for level in LEVELS} for name in MECHANISMS},
            rejected=rejects.count,
            first_reject=None if rejects.first is None else str(rejects.first),
            seconds=time.monotonic() - started,
            warnings=(*reader.warnings, *_list_warnings(found, columns, reader.columns)),
            kept=kept_rows,
        )


def find_pair_columns(names: Sequence[str], where: str, wanted: PairColumns) -> FileColumns:
    """Return the columns that hold replies and what they answer; `DataError` if one is missing."""
    if wanted.dialogue is None and (wanted.turn or wanted.supporter):
        raise DataError(
            "`turn` and `supporter` need `dialogue`, the column with the dialogue. Name it, or leave them out."
        )
    if wanted.dialogue is not None and wanted.message is not None:
        raise DataError(
            f"The message comes from a column or from the dialogue. Got both: {wanted.message!r} and "
            f"{wanted.dialogue!r}. Leave one out."
        )
    reply, message = wanted.reply, wanted.message
    if wanted.dialogue is None:
        reply, message = choose_pair_columns(names, where, wanted)
    options = DataOptions.checked(
        text=reply, context=message, dialogue=wanted.dialogue, turn=wanted.turn, speaker=wanted.speaker
    )
    found = find_file_columns(names, where, _READ, options=options, most_characters=None)
    if wanted.dialogue is not None and found.conversation.speaker is None:
        raise DataError(
            f"The turns of {where} need a column with the speaker. Got the columns {', '.join(map(repr, names))}. Name "
            "it with `speaker`."
        )
    return found


def choose_pair_columns(names: Sequence[str], where: str, wanted: PairColumns) -> tuple[str, str | tuple[str, ...]]:
    """Return the columns of the reply and of the message: the named ones, else those with common names."""
    reply = wanted.reply or _choose_known_name(names, REPLY_NAMES, "reply", where)
    rest = [name for name in names if name != reply]
    return reply, wanted.message or _choose_known_name(rest, MESSAGE_NAMES, "message", where)


def _choose_known_name(names: Sequence[str], usual: Sequence[str], role: str, where: str) -> str:
    by_name = {name.lower(): name for name in names}
    if (found := next((by_name[name] for name in usual if name in by_name), None)) is not None:
        return found
    raise DataError(
        f"No column of {where} has a common name for the {role} ({', '.join(usual)}); its columns are "
        f"{', '.join(map(repr, names)) or 'unknown'}. Choose the column with `{role}`."
    )


class _SupporterChooser:
    """Chooses the rows to score: replies of a supporter to somebody else."""

    def __init__(self, columns: FileColumns, supporter: str | None) -> None:
        self._dialogue = columns.conversation.dialogue
        self._supporter = supporter
        self._first: OrderedDict[str | None, str | None] = OrderedDict()

    def choose(self, given: TextOrInput, row: Row) -> ModelInput | None:
        """Return the input if it is scored, else None."""
        one = ModelInput(given) if isinstance(given, str) else given
        if self._dialogue is not None:
            name = as_attribute(row.get(self._dialogue))
            first = self._first.setdefault(name, one.speaker)
            self._first.move_to_end(name)
            if len(self._first) > _MAX_DIALOGUES:
                self._first.popitem(last=False)
            if one.speaker != self._supporter if self._supporter is not None else one.speaker == first:
                return None
        return one if get_message(one).strip() else None


def _describe_job(
    predictor: Predictor, source: str | Path, found: FileColumns, columns: PairColumns, reading: ReadOptions, kind: str
) -> dict[str, Any]:
    """Return everything that the output depends on: equal jobs write the same bytes."""
    return {
        "insula": __version__,
        "model": predictor.fingerprint,
        "input": hash_file(source),
        "reading": list(reading),
        "reply column": found.text,
        "message columns": [list(pair) for pair in found.conversation.named],
        "supporter": columns.supporter,
        "output format": kind,
    }


def _build_cells(score: EmpathyScore | None, *, nested: bool) -> Row:
    """Return the values of `COLUMNS` for one row."""
    if score is None:
        return dict.fromkeys(COLUMNS)
    whole = score.to_dict()
    del whole["message"], whole["reply"]  # they are in the row already
    return {
        **{name: one.level for name, one in score.mechanisms.items()},
        "empathy": whole if nested else json.dumps(whole, ensure_ascii=False),
    }


def _list_warnings(found: FileColumns, wanted: PairColumns, names: Sequence[str]) -> Sequence[str]:
    """Return a sentence that names the columns that the caller did not name."""
    roles: dict[Any, str] = {}
    if wanted.reply is None:
        roles[found.text] = "reply"
    if wanted.message is None and wanted.dialogue is None:
        roles[choose_pair_columns(names, "", wanted)[1]] = "message"
    shown = [f"{name!r} ({role})" for name, role in roles.items()]
    shown += [repr(name) for name in found.usual if name not in roles]
    return (f"Columns detected from common column names: {', '.join(shown)}.",) if shown else ()


def _list_types() -> dict[str, Any]:
    """Return the Arrow types of `COLUMNS`."""
    import pyarrow as pa

    return {**dict.fromkeys(MECHANISMS, pa.int8()), "empathy": pa.string()}
