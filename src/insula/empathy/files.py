"""`draft_file`: a file of messages to a file of drafts and hand-offs, one batch of rows at a time."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from insula import __version__
from insula.core.files import hash_file
from insula.core.progress import Progress, Silent
from insula.data.conversations.file_columns import ContextTally, FileColumns, find_file_columns
from insula.data.conversations.turn_cells import MAX_TURNS
from insula.data.formats.formats import DETECTED, ReadOptions, open_rows
from insula.data.formats.row_reader import Row
from insula.data.options import DataOptions
from insula.empathy.replies import ReplyArguments, write_replies
from insula.empathy.reply import OUTCOMES, Reply
from insula.inference.parts import ExtendedFile, check_extended_output, open_extended_output
from insula.inference.predictor import Predictor
from insula.inference.rejects import Rejects
from insula.inference.row_batches import read_input_batches
from insula.text.context import Context

_ROWS_PER_BATCH = 32
_READ = Context(turns=MAX_TURNS)  # the state of a conversation needs the turns, whatever the model reads
COLUMNS = ("outcome", "draft", "strategy", "generator", "reply")


@dataclass(frozen=True, kw_only=True)
class DraftedFile(ExtendedFile):
    """The result of drafting replies to the messages of a file.

    outcomes  number of rows by what came of them: `drafted`; `checked_in`, a person is needed, and most drafts ask how
              the writer is; `handed_off`, a person is needed and there is no draft; `refused`, no draft passed its
              checks
    stopped   number of single drafts that the checks left out, in the rows that this run answered
    failures  what went wrong in generators, with the number of rows that this run answered without them
    """

    outcomes: dict[str, int]
    stopped: int
    failures: dict[str, int]


def draft_file(
    predictor: Predictor,
    source: str | Path,
    output: str | Path,
    wanted: ReplyArguments,
    *,
    columns: DataOptions | None = None,
    resume: bool = False,
    reading: ReadOptions = DETECTED,
    progress: Progress | None = None,
) -> DraftedFile:
    """Write every row of `source` with its drafts or its hand-off to `output`, in order, in constant memory.

    columns  the columns of the message and its earlier turns; those not named are detected from common column names
    resume   resume an interrupted run of the same job; starts from the beginning if there is none

    `COLUMNS` are added; a column of the source with one of these names is renamed to `input_NAME`. The output appears
    when its last row is written; until then its parts are in a hidden folder next to it. Without an endpoint a resumed
    run writes the same bytes as an uninterrupted one. Raises `DataError`, `MissingFileError`, `OutputError`.
    """
    progress = progress or Silent()
    kind, is_file = check_extended_output(source, output, resume=resume, what="drafts")
    started, rejects, tally = time.monotonic(), Rejects(None, is_required=False), ContextTally()
    outcomes, failures = Counter[str](dict.fromkeys(OUTCOMES, 0)), Counter[str]()
    rows = kept_rows = stopped = 0
    with open_rows(source, batch_size=_ROWS_PER_BATCH, on_reject=rejects.add, **reading._asdict()) as reader:
        found = find_file_columns(
            reader.columns, repr(str(source)), _READ, options=columns or DataOptions(), most_characters=None
        )
        job = _describe_job(predictor, source, found, reading, kind, wanted) if is_file else None
        with open_extended_output(
            output, kind, reader, COLUMNS, job, list_types=_list_types, resume=resume, source=source, reading=reading,
            batch_size=_ROWS_PER_BATCH, progress=progress,
        ) as out:  # fmt: skip
            progress.start("drafting")
            try:
                for batch in read_input_batches(reader, found, rejects, tally):
                    rows += len(batch.rows)
                    if out.keep(batch.number, batch.rows):
                        kept_rows += len(batch.rows)
                        continue
                    replies = write_replies(batch.inputs, lambda: predictor, _seed(wanted, job, batch.number))
                    for reply in replies:
                        outcomes[reply.outcome] += 1
                        stopped += reply.stopped
                        failures.update(reply.failures)
                    out.write(batch.number, batch.rows, [_build_cells(one, nested=out.nested) for one in replies])
                    progress.advance(len(batch.rows))
            finally:
                progress.finish()
        if kept_rows:
            outcomes = _count_outcomes(output)
        return DraftedFile(
            output=Path(output),
            rows=rows,
            outcomes={name: outcomes[name] for name in OUTCOMES},
            stopped=stopped,
            failures=dict(failures),
            rejected=rejects.count,
            first_reject=None if rejects.first is None else str(rejects.first),
            seconds=time.monotonic() - started,
            warnings=(*reader.warnings, *_list_warnings(found)),
            kept=kept_rows,
        )


def _describe_job(
    predictor: Predictor,
    source: str | Path,
    found: FileColumns,
    reading: ReadOptions,
    kind: str,
    wanted: ReplyArguments,
) -> dict[str, Any]:
    """Return everything that the output depends on: equal jobs write the same bytes."""
    return {
        "insula": __version__,
        "model": predictor.fingerprint,
        "input": hash_file(source),
        "reading": list(reading),
        "text column": found.text,
        "context columns": [list(pair) for pair in found.conversation.named],
        "output format": kind,
        "options": [wanted.language, wanted.strategy, wanted.n, wanted.country],
        "generators": [[one.name, dict(one.describe())] for one in wanted.generators or ()],
        "policy": None if wanted.chooser is None else [wanted.chooser.policy.name, wanted.chooser.policy.version],
    }


def _seed(wanted: ReplyArguments, job: dict[str, Any] | None, batch: int) -> ReplyArguments:
    """Return the options with a random generator that depends on the job and the batch, so that a job can resume."""
    if wanted.chooser is None or job is None:
        return wanted
    text = json.dumps([job, batch], ensure_ascii=False, sort_keys=True)
    return replace(wanted, chooser=wanted.chooser.with_rng(random.Random(text)))


def _build_cells(reply: Reply, *, nested: bool) -> Row:
    """Return the values of `COLUMNS` for one row."""
    best = reply.drafts[0] if reply.drafts else None
    whole = reply.to_dict()
    del whole["text"]  # it is in the row already
    return {
        "outcome": reply.outcome,
        "draft": None if best is None else best.text,
        "strategy": None if best is None else best.strategy,
        "generator": None if best is None else best.generator,
        "reply": whole if nested else json.dumps(whole, ensure_ascii=False),
    }


def _list_types() -> dict[str, Any]:
    """Return the Arrow types of `COLUMNS`."""
    import pyarrow as pa

    return dict.fromkeys(COLUMNS, pa.string())


def _count_outcomes(output: str | Path) -> Counter[str]:
    """Return the outcomes in a finished output, for a run that did not write all of its rows."""
    with open_rows(output, batch_size=_ROWS_PER_BATCH) as reader:
        return Counter(str(row[COLUMNS[0]]) for batch in reader for row in batch.rows)


def _list_warnings(found: FileColumns) -> Sequence[str]:
    if not found.usual:
        return ()
    return (
        f"Columns detected from common column names: {', '.join(map(repr, found.usual))}. They hold the conversation.",
    )
