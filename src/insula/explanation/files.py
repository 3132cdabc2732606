"""`explain_file`: a file of texts to a file of explanations or counterfactuals, one batch of rows at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from insula import __version__
from insula.core.files import hash_file
from insula.core.model_input import TextOrInput
from insula.core.prediction import Prediction
from insula.core.progress import Progress, Silent
from insula.data.conversations.file_columns import ContextTally
from insula.data.formats.formats import DETECTED, ReadOptions, open_rows
from insula.data.formats.row_reader import Row
from insula.data.options import DataOptions
from insula.explanation.counterfactual import find_counterfactual
from insula.explanation.explain import explain_input
from insula.explanation.plan import AUTO
from insula.inference.parts import ExtendedFile, check_extended_output, open_extended_output
from insula.inference.predictor import Predictor
from insula.inference.rejects import Rejects
from insula.inference.row_batches import find_columns, read_input_batches

GROUP = 64  # rows of a part
DECISION = ("label", "labels", "score")
COLUMNS = (*DECISION, "method", "explanation")
COUNTERFACTUAL_COLUMNS = (*DECISION, "counterfactual_text", "counterfactual")


@dataclass(frozen=True)
class RowExplainer:
    """The work on each row of a file.

    explain  one text or input to its prediction, the label whose score is shown, and the cells of the columns after
             those of the decision: plain JSON types, without times, so that a file depends on its input only
    columns  the columns that are added
    options  JSON types on which the cells depend: a resumed job must have the same
    """

    explain: Callable[[TextOrInput], tuple[Prediction, str, Sequence[Any]]]
    columns: tuple[str, ...]
    options: dict[str, Any]


def build_word_explainer(
    predictor: Predictor,
    *,
    method: str = AUTO,
    labels: Sequence[str] = (),
    budget: float | None = None,
    with_faithfulness: bool = True,
) -> RowExplainer:
    """Return a `RowExplainer` for the words behind each prediction; the arguments are those of `explain_input`."""
    options: dict[str, Any] = {
        "method": method,
        "labels": list(labels),
        "budget": budget,
        "with_faithfulness": with_faithfulness,
    }

    def explain(given: TextOrInput) -> tuple[Prediction, str, Sequence[Any]]:
        found = explain_input(predictor, given, **options)
        facts = found.facts()
        del facts["milliseconds"]
        return found.prediction, next(iter(found.weights)), (found.method, facts)

    return RowExplainer(explain, COLUMNS, options)


def build_counterfactual_explainer(
    predictor: Predictor, *, names: Sequence[str | None] = (), **models: Any
) -> RowExplainer:
    """Return a `RowExplainer` for the counterfactual of each row: the smallest edit that changes its labels.

    names   of the language models, by which a resumed job knows them
    models  `masked` and `causal` of `find_counterfactual`

    `counterfactual_text` is the edited text, null where no edit changes the labels; `counterfactual` has all figures.
    """

    def explain(given: TextOrInput) -> tuple[Prediction, str, Sequence[Any]]:
        found = find_counterfactual(predictor, given, **models)
        facts = found.to_dict()
        del facts["milliseconds"], facts["prediction"]
        text = found.changed.text if found.valid and found.changed is not None else None
        return found.prediction, found.prediction.ranked[0], (text, facts)

    return RowExplainer(explain, COUNTERFACTUAL_COLUMNS, {"counterfactual": list(names)})


class ExplainedFile(ExtendedFile):
    """The result of explaining a file."""


def explain_file(
    predictor: Predictor,
    source: str | Path,
    output: str | Path,
    work: RowExplainer,
    *,
    text: str | None = None,
    resume: bool = False,
    reading: ReadOptions = DETECTED,
    progress: Progress | None = None,
) -> ExplainedFile:
    """Write every row of `source` with its prediction and explanation to `output`, in order, in constant memory.

    work    what explains each row; it uses `predictor`
    resume  resume an interrupted run of the same job; starts from the beginning if there is none

    The columns of `work` are added; a column of the source with one of these names is renamed to `input_NAME`. The
    output appears when its last row is written; until then its parts are in a hidden folder next to it. Without a
    budget a resumed run writes the same bytes as an uninterrupted one. Raises `DataError`, `MissingFileError`,
    `OutputError`.
    """
    progress = progress or Silent()
    kind, is_file = check_extended_output(source, output, resume=resume, what="an explanation")
    started, rejects, tally = time.monotonic(), Rejects(None, is_required=False), ContextTally()
    rows = kept_rows = 0
    with open_rows(source, batch_size=GROUP, on_reject=rejects.add, **reading._asdict()) as reader:
        columns = find_columns(predictor, reader, source, DataOptions.checked(text=text))
        job = {
            "insula": __version__,
            "model": predictor.fingerprint,
            "input": hash_file(source),
            "reading": list(reading),
            "text column": columns.text,
            "output format": kind,
            "options": work.options,
        } if is_file else None  # fmt: skip
        types = partial(_list_types, work.columns)
        with open_extended_output(
            output, kind, reader, work.columns, job, list_types=types, resume=resume, source=source, reading=reading,
            batch_size=GROUP, progress=progress,
        ) as out:  # fmt: skip
            progress.start("explaining")
            try:
                for batch in read_input_batches(reader, columns, rejects, tally):
                    rows += len(batch.rows)
                    if out.keep(batch.number, batch.rows):
                        kept_rows += len(batch.rows)
                        continue
                    explained = []
                    for given in batch.inputs:
                        explained.append(_build_cells(work, given, nested=out.nested))
                        progress.advance()
                    out.write(batch.number, batch.rows, explained)
            finally:
                progress.finish()
        return ExplainedFile(
            output=Path(output),
            rows=rows,
            rejected=rejects.count,
            first_reject=None if rejects.first is None else str(rejects.first),
            seconds=time.monotonic() - started,
            warnings=(*reader.warnings, *tally.list_warnings(columns, predictor.context)),
            kept=kept_rows,
        )


def _build_cells(work: RowExplainer, given: TextOrInput, *, nested: bool) -> Row:
    """Return the values of the added columns for one row; objects are nested, or JSON text."""
    prediction, label, cells = work.explain(given)
    content = prediction.to_dict()
    decision = (content["label"], content["labels"], content["scores"][content["label"] or label])
    plain = [cell if nested or not isinstance(cell, dict) else json.dumps(cell, ensure_ascii=False) for cell in cells]
    return dict(zip(work.columns, (*decision, *plain), strict=True))


def _list_types(columns: Sequence[str]) -> dict[str, Any]:
    """Return the Arrow types of the added columns."""
    import pyarrow as pa

    return dict(zip(columns, (pa.string(), pa.list_(pa.string()), pa.float64(), pa.string(), pa.string()), strict=True))
