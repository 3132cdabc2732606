"""The same job on Ray Data: workers run the model, this process reads the rows and writes what they answer.

One task on this machine reads the source again and streams the inputs of each group; a pool of workers, each with a
predictor of its own, gives the logits; they come back in order. Ray holds back the reading while the workers are busy,
starts lost workers anew and gives their groups to others. The output is written here, as it is without a cluster, so
that each group stands in it once, and a job begun on one machine may be finished on many.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

# Before it is imported: it would tell its makers, and tell people on the command line of its own affairs.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")

import ray
from ray.data import ActorPoolStrategy, DataContext, Datasource
from ray.data.block import BlockMetadata
from ray.data.datasource import ReadTask

from insula.core.errors import DataError
from insula.core.model_input import as_inputs
from insula.data.conversations.file_columns import ContextTally, FileColumns
from insula.data.formats.formats import open_rows
from insula.inference.engine import Engine
from insula.inference.groups import RejectCounter, read_groups
from insula.inference.predictor import Predictor

Logits = NDArray[np.floating[Any]]
THREADS = 1  # of a worker, which Ray reserves for it


@dataclass(frozen=True)
class Cluster:
    """Where to run.

    address  of a Ray cluster that is running, as `ray.init` takes it; None starts one on this machine and ends it
    workers  how many processes run the model, one processor each; None takes what the cluster has
    """

    address: str | None = None
    workers: int | None = None


@dataclass(frozen=True)
class ReadPlan:
    """What is read: `open_rows` on `source`, in groups of `rows`; `done` are numbers of groups to leave out."""

    source: str
    columns: FileColumns
    input_format: str | None
    rows: int
    done: frozenset[int]


@contextlib.contextmanager
def cluster_logits(
    model: Path, reading: ReadPlan, cluster: Cluster, engine: Engine
) -> Iterator[Callable[[int], Logits]]:
    """Yield what returns the logits of a group by its number; groups are to be asked for in order, each once.

    engine  how each worker runs the model, but for its threads
    """
    with _connected(cluster.address):
        workers = cluster.workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        context = DataContext.get_current()
        kept = (context.target_max_block_size, context.execution_options.preserve_order, context.enable_progress_bars)
        context.target_max_block_size = 1  # a row is a group: each one goes its own way
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        words = logging.getLogger("ray.data")
        level = words.level
        words.setLevel(logging.ERROR)
        try:
            here = {"ray.io/node-id": ray.get_runtime_context().get_node_id()}
            inputs = ray.data.read_datasource(_Groups(reading), override_num_blocks=1, num_cpus=0, label_selector=here)
            answers = inputs.map_batches(
                _Worker,
                fn_constructor_args=(ray.put(_packed(model)), engine),
                batch_size=1,
                batch_format="pyarrow",
                num_cpus=THREADS,
                compute=ActorPoolStrategy(size=workers),
            )
            rows: Any = iter(answers.iter_rows())
            with contextlib.closing(rows):  # it speaks to Ray once more at its end
                yield lambda number: _next(rows, number)
        finally:
            words.setLevel(level)
            (context.target_max_block_size, context.execution_options.preserve_order, context.enable_progress_bars) = (
                kept
            )


def _next(rows: Iterator[dict[str, Any]], number: int) -> Logits:
    row = next(rows, None)
    if row is None or row["number"] != number:
        found = "nothing" if row is None else f"group {row['number']}"
        raise DataError(f"The workers must answer group {number} next. Got {found}; did the input change meanwhile?")
    return np.frombuffer(row["logits"], dtype=row["kind"]).reshape(-1, row["outputs"])


@contextlib.contextmanager
def _connected(address: str | None) -> Iterator[None]:
    if ray.is_initialized():
        yield
        return
    new = {"include_dashboard": False} if address is None else {}  # of a running cluster nothing may be set
    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **new)
    try:
        yield
    finally:
        ray.shutdown()


class _Groups(Datasource):  # type: ignore[misc]
    """The groups of one source, read by one task: where a row begins is only known to who read what is before it."""

    def __init__(self, reading: ReadPlan) -> None:
        super().__init__()
        self._reading = reading

    def estimate_inmemory_data_size(self) -> int | None:
        """Return nothing: it is not known."""
        return None

    def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> list[ReadTask]:
        """Return the task."""
        unknown = BlockMetadata(num_rows=None, size_bytes=None, exec_stats=None, input_files=None)
        return [ReadTask(partial(_inputs, self._reading), unknown)]


def _inputs(reading: ReadPlan) -> Iterator[Any]:
    """Yield a table of one row a group: its number and its inputs, as JSON."""
    aside = RejectCounter()
    with open_rows(reading.source, batch_size=reading.rows, format=reading.input_format, on_reject=aside.add) as reader:
        for group in read_groups(reader, reading.columns, aside, ContextTally()):
            if group.rows and group.number not in reading.done:
                inputs = [one if isinstance(one, str) else one.to_dict() for one in group.inputs]
                yield pa.table({"number": [group.number], "inputs": pa.array([json.dumps(inputs)], pa.large_string())})


class _Worker:
    """A predictor in a process of its own, opened from the bytes of the model folder: no shared disk is needed."""

    def __init__(self, files: Any, engine: Engine) -> None:
        folder = Path(tempfile.mkdtemp(prefix="insula-model-"))
        try:
            for name, content in ray.get(files).items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
            # Not all that its machine has: the other workers stand there, too.
            self._predictor = Predictor.load(folder, engine=dataclasses.replace(engine, threads=THREADS))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def __call__(self, batch: Any) -> Any:
        """Return the logits of each group."""
        found = [self._predictor.logits(as_inputs(json.loads(one))) for one in batch.column("inputs").to_pylist()]
        return pa.table({
            "number": batch.column("number"),
            "logits": pa.array([np.ascontiguousarray(logits).tobytes() for logits in found], pa.binary()),
            "kind": [logits.dtype.str for logits in found],
            "outputs": [logits.shape[1] for logits in found],
        })  # fmt: skip


def _packed(model: Path) -> dict[str, bytes]:
    files: Sequence[Path] = sorted(file for file in model.rglob("*") if file.is_file())
    return {str(file.relative_to(model)): file.read_bytes() for file in files}
