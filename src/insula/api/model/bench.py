"""`bench_model`: the fastest way to run a model on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from insula.core.errors import DataError
from insula.core.files import write_json
from insula.core.outputs import require_different, require_outside
from insula.core.progress import Progress, choose_progress
from insula.data.sources.sources import SourceName, list_source_names
from insula.models.folder import open_folder
from insula.models.locate import locate_model
from insula.models.provenance import sample_texts

if TYPE_CHECKING:
    from insula.compression.bench import Bench

ROWS = 1000


def bench_model(
    model: str | Path,
    *,
    data: SourceName | None = None,
    text: str | None = None,
    format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
    output: str | Path | None = None,
    rows: int = ROWS,
    progress: Progress | None = None,
) -> Bench:
    """Measure backends, thread counts and batch sizes on this machine; return all figures and the fastest.

    model   a run, a model folder, or the name of a run
    data    texts to measure on, labelled or not; default the training data of the run, else the built-in data sets
    text    column with the text in `data`; default detected from common column names
    format, separator, header   how `data` is read, where that is not detected (see `DataOptions`)
    output  JSON file for the result, for `load_model(model, engine=FILE)`; None writes nothing
    rows    largest number of texts to use
    progress  receives the progress (see `Progress`); default: shown in notebooks, silent elsewhere

    Raises `DataError` for `rows` below 1 and if there are no texts, `OutputError` if `output` is one of the inputs.
    """
    from insula.compression.bench import bench

    if rows < 1:
        raise DataError(f"The number of rows must be at least 1. Got {rows}. Use a larger number.")
    progress = choose_progress(progress)
    folder = open_folder(locate_model(model))
    if output is not None:
        require_different(output, *list_source_names(data))
        require_outside(output, folder.path)
    texts = sample_texts(folder, data, text=text, progress=progress, format=format, separator=separator, header=header)
    if not texts:
        raise DataError("A benchmark needs at least one text. Got none. Pass other texts with --data.")
    some = texts[:: max(1, len(texts) // rows)][:rows]
    progress.say(f"Measuring on {len(some):,} texts. Other work on this machine distorts the figures.")
    found = bench(folder, folder.preparation.prepare_all(some))
    if output is not None:
        write_json(output, found.to_dict())
    return found
