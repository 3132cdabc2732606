"""`score_empathy`: the empathy that replies show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from insula.core.errors import DataError
from insula.core.model_input import ModelInput
from insula.core.progress import Progress, choose_progress
from insula.core.starter import STARTER
from insula.data.formats.formats import ReadOptions

if TYPE_CHECKING:
    from insula.empathy.scoring.files import ScoredFile
    from insula.empathy.scoring.result import EmpathyScore
    from insula.inference.predictor import Predictor


def score_empathy(
    pairs: Iterable[tuple[str, str] | ModelInput], model: str | Path | Predictor = STARTER
) -> list[EmpathyScore]:
    """Return the empathy of each reply to its message: three mechanisms, levels 0 to 2, and the words that show them.

    pairs  (message, reply); or `ModelInput` whose text is the reply and whose `turns` are the turns before it
    model  a scorer that `insula empathy train` has made; any other model reads what the writer of a message feels, and
           the rules that come with insula score the reply

    Raises `DataError` for an empty message or reply.
    """
    from insula.empathy.scoring.score import build_pair, get_message, score_replies
    from insula.inference.predictor import Predictor

    given = [one if isinstance(one, ModelInput) else build_pair(*one) for one in pairs]
    for number, one in enumerate(given, 1):
        for part, text in (("message", get_message(one)), ("reply", one.text)):
            if not text.strip():
                raise DataError(f"The {part} of pair {number} must have text. Got an empty one. Leave the pair out.")
    if not given:
        return []
    return score_replies(given, model if isinstance(model, Predictor) else Predictor.load(model))


def score_empathy_file(
    source: str | Path,
    output: str | Path,
    model: str | Path | Predictor = STARTER,
    *,
    message: str | Sequence[str] | None = None,
    reply: str | None = None,
    dialogue: str | None = None,
    turn: str | None = None,
    speaker: str | None = None,
    supporter: str | None = None,
    resume: bool = False,
    input_format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
    progress: Progress | None = None,
) -> ScoredFile:
    """Write every row of a file with the empathy of its reply to `output`, in order, in constant memory.

    output  CSV, TSV, JSON Lines, Parquet or Arrow by its name; `-` is standard output, as JSON Lines
    message, reply  columns; default: detected from common names. Several columns of the message hold one turn each
    dialogue, turn, speaker  columns of a file whose rows are turns; `reply` is then the column with their text
    supporter  the speaker whose turns are scored; default: everybody but the first speaker of each dialogue
    resume  resume an interrupted run of the same job

    `model` is that of `score_empathy`. Rows get the columns `emotional_reaction`, `interpretation` and `exploration`
    (0, 1, 2; empty for rows without a score) and `empathy`: all of it, an object in JSON Lines, JSON text elsewhere.
    Raises `DataError`, `MissingFileError`, `OutputError`.
    """
    from insula.empathy.scoring.files import PairColumns, score_file
    from insula.inference.predictor import Predictor

    return score_file(
        model if isinstance(model, Predictor) else Predictor.load(model),
        source,
        output,
        PairColumns(
            reply=reply,
            message=message if message is None or isinstance(message, str) else tuple(message),
            dialogue=dialogue,
            turn=turn,
            speaker=speaker,
            supporter=supporter,
        ),
        resume=resume,
        reading=ReadOptions(input_format, separator, header),
        progress=choose_progress(progress),
    )
