"""Prediction of a file on Ray Data: workers run the model, this process reads the rows and writes the predictions.

One task on this machine reads the source again and streams the inputs of each batch. A pool of workers, each with its
own predictor, computes the logits, which come back in order. Ray slows down reading while the workers are busy, and
replaces lost workers. This process writes the output as it does without a cluster, so that every batch is written once,
and a job that one machine started may be finished by many.
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

# Set before the import: Ray would send usage statistics and print internal messages on the command line.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")

import ray
from ray.data import ActorPoolStrategy, DataContext, Datasource
from ray.data.block import BlockMetadata
from ray.data.datasource import ReadTask

from insula.core.errors import DataError
from insula.core.model_input import as_inputs
from insula.data.conversations.file_columns import ContextTally, FileColumns
from insula.data.formats.formats import ReadOptions, open_rows
from insula.inference.engine import EngineSettings
from insula.inference.predictor import Predictor
from insula.inference.row_batches import RejectCounter, read_input_batches

Answers = tuple[NDArray[np.floating[Any]], NDArray[np.bool_]]
"""The logits of a batch, and whether each text is longer than the model reads."""
WORKER_THREADS = 1  # Ray reserves as many processors per worker


@dataclass(frozen=True)
class Cluster:
    """The cluster to use.

    address  the address of a running Ray cluster, as for `ray.init`; None starts a local one and stops it afterwards
    workers  the number of worker processes, one processor each; None uses all processors of the cluster
    """

    address: str | None = None
    workers: int | None = None


@dataclass(frozen=True)
class ReadPlan:
    """Settings for reading the input of the workers.

    source, input_format   the arguments of `open_rows`
    rows                   rows per batch
    done                   numbers of finished batches, which are skipped
    """

    source: str
    columns: FileColumns
    reading: ReadOptions
    rows: int
    done: frozenset[int]


@contextlib.contextmanager
def open_cluster_logits(
    model: Path, reading: ReadPlan, cluster: Cluster, engine: EngineSettings
) -> Iterator[Callable[[int], Answers]]:
    """Yield a function from a batch number to what `Predictor.read` returns. Call it once per batch, in order.

    engine  the engine of each worker, except for its threads
    """
    with _connect(cluster.address):
        workers = cluster.workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        context = DataContext.get_current()
        before = (context.target_max_block_size, context.execution_options.preserve_order, context.enable_progress_bars)
        context.target_max_block_size = 1  # one row is one batch, and each batch is a separate block
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        logger = logging.getLogger("ray.data")
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            here = {"ray.io/node-id": ray.get_runtime_context().get_node_id()}
            inputs = ray.data.read_datasource(
                _RowBatches(reading), override_num_blocks=1, num_cpus=0, label_selector=here
            )
            answers = inputs.map_batches(
                _Worker,
                fn_constructor_args=(ray.put(_pack(model)), engine),
                batch_size=1,
                batch_format="pyarrow",
                num_cpus=WORKER_THREADS,
                compute=ActorPoolStrategy(size=workers),
            )
            rows: Any = iter(answers.iter_rows())
            with contextlib.closing(rows):  # closing it calls Ray, which must still be connected
                yield lambda number: _read_next(rows, number)
        finally:
            logger.setLevel(level)
            (context.target_max_block_size, context.execution_options.preserve_order, context.enable_progress_bars) = (
                before
            )


def _read_next(rows: Iterator[dict[str, Any]], number: int) -> Answers:
    row = next(rows, None)
    if row is None or row["number"] != number:
        found = "nothing" if row is None else f"batch {row['number']}"
        raise DataError(
            f"The workers must return batch {number} next. Got {found}. Run the job again, without changing the input "
            "meanwhile."
        )
    logits = np.frombuffer(row["logits"], dtype=row["kind"]).reshape(-1, row["outputs"])
    return logits, np.frombuffer(row["truncated"], dtype=np.bool_)


@contextlib.contextmanager
def _connect(address: str | None) -> Iterator[None]:
    if ray.is_initialized():
        yield
        return
    new = {"include_dashboard": False} if address is None else {}  # not allowed for a running cluster
    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **new)
    try:
        yield
    finally:
        ray.shutdown()


class _RowBatches(Datasource):  # type: ignore[misc]
    """The batches of one source, read by one task, because a row can be found only by reading all rows before it."""

    def __init__(self, reading: ReadPlan) -> None:
        super().__init__()
        self._reading = reading

    def estimate_inmemory_data_size(self) -> int | None:
        """Return None, because the size is unknown."""
        return None

    def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> list[ReadTask]:
        """Return the single read task."""
        unknown = BlockMetadata(num_rows=None, size_bytes=None, exec_stats=None, input_files=None)
        return [ReadTask(partial(_iterate_inputs, self._reading), unknown)]


def _iterate_inputs(reading: ReadPlan) -> Iterator[Any]:
    """Yield a table with one row per batch: its number and its inputs as JSON."""
    rejects = RejectCounter()
    with open_rows(
        reading.source, batch_size=reading.rows, on_reject=rejects.add, **reading.reading._asdict()
    ) as reader:
        for batch in read_input_batches(reader, reading.columns, rejects, ContextTally()):
            if batch.rows and batch.number not in reading.done:
                inputs = [one if isinstance(one, str) else one.to_dict() for one in batch.inputs]
                yield pa.table({"number": [batch.number], "inputs": pa.array([json.dumps(inputs)], pa.large_string())})


class _Worker:
    """A predictor in its own process, opened from the bytes of the model folder, so that no shared disk is needed."""

    def __init__(self, files: Any, engine: EngineSettings) -> None:
        folder = Path(tempfile.mkdtemp(prefix="insula-model-"))
        try:
            for name, content in ray.get(files).items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
            # Not all threads of the machine, which other workers share.
            self._predictor = Predictor.load(folder, engine=dataclasses.replace(engine, threads=WORKER_THREADS))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def __call__(self, batch: Any) -> Any:
        """Return the logits of each batch, and which of its texts are too long."""
        read = [self._predictor.read(as_inputs(json.loads(one))) for one in batch.column("inputs").to_pylist()]
        found = [logits for logits, _ in read]
        return pa.table({
            "number": batch.column("number"),
            "logits": pa.array([np.ascontiguousarray(logits).tobytes() for logits in found], pa.binary()),
            "kind": [logits.dtype.str for logits in found],
            "truncated": pa.array([truncated.tobytes() for _, truncated in read], pa.binary()),
            "outputs": [logits.shape[1] for logits in found],
        })  # fmt: skip


def _pack(model: Path) -> dict[str, bytes]:
    files: Sequence[Path] = sorted(file for file in model.rglob("*") if file.is_file())
    return {str(file.relative_to(model)): file.read_bytes() for file in files}
