"""`bench_model`: how a model is run fastest on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from insula.core.errors import DataError
from insula.core.files import write_json
from insula.core.outputs import require_different, require_outside
from insula.core.progress import Progress, Silent
from insula.data.sources.sources import SourceName, names_in
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
    output: str | Path | None = None,
    rows: int = ROWS,
    progress: Progress | None = None,
) -> Bench:
    """Measure backends, numbers of threads and batch sizes on this machine; return the fastest, and all that was tried.

    model   a run, a model folder, or the name of a run
    data    where texts are, labelled or not, in place of those that the model's run was trained on; where there are
            neither, those of the built-in data sets are taken. At most `rows` of them are used
    text    their column in `data`, found by its usual names where it is not given
    output  a JSON file for the answer, which `load_model(model, engine=FILE)` takes; None writes nothing

    Raises `DataError` where there are no texts, `OutputError` where `output` is one of the inputs.
    """
    from insula.compression.bench import bench

    progress = progress or Silent()
    folder = open_folder(locate_model(model))
    if output is not None:
        require_different(output, *names_in(data))
        require_outside(output, folder.path)
    texts = sample_texts(folder, data, text=text, progress=progress)
    if rows < 1 or not texts:
        raise DataError(
            f"The rows of a bench must be at least 1. Got {min(rows, len(texts))}. Name others with --data."
        )
    some = texts[:: max(1, len(texts) // rows)][:rows]
    progress.say(f"Measuring on {len(some):,} texts; other work on this machine would spoil it.")
    found = bench(folder, folder.preparation.many(some))
    if output is not None:
        write_json(output, found.to_dict())
    return found
