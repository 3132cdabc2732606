"""`RetentionWriter`: writes predictions and feedback to the store before the answer, and deletes them in time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from insula.core.errors import StoreError, StoreUnreachableError
from insula.core.model_input import ModelInput, TextOrInput, Turn
from insula.core.prediction import Prediction
from insula.operations.outbox.outbox import Outbox
from insula.operations.store.retention import Retention
from insula.operations.store.rows import RetentionStore, StoredFeedback, StoredPrediction, delete_expired
from insula.safety.find import check_kinds
from insula.safety.mask import mask
from insula.serving.authentication.access_control import AccessControl
from insula.serving.blocking_pool import BlockingPool
from insula.serving.http.problems import ProblemError
from insula.serving.server_store import ServerStore
from insula.serving.settings.settings import Settings
from insula.serving.tracing import trace_stage

MAX_ROWS = 2_000  # of a transaction; one large request may exceed it
MAX_WAITING = 20_000  # rows
MASK_THREADS = 2
MASK_SECONDS = 5.0  # for all texts of a request; hostile texts can take a second each
MASK_CHARACTERS = 4_000  # masked in one go; between two of them another request has its turn
HOUR = 3600.0
Stored = TypeVar("Stored", StoredPrediction, StoredFeedback)
log = logging.getLogger("insula.serving")


@dataclass(eq=False)
class _Entry:
    """The rows of one request; `written` is done once they are on disk, and cancelled if the request stops waiting."""

    predictions: Sequence[StoredPrediction]
    feedback: Sequence[StoredFeedback]
    written: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def ids(self) -> list[str]:
        return [row.id for row in self.predictions] + [row.id for row in self.feedback]


class _Transaction:
    """A single write of many entries in a thread; it may still run after the requests waiting for it have timed out."""

    def __init__(self, rows: RetentionStore, entries: Sequence[_Entry], delete: Sequence[str]) -> None:
        self._rows = rows
        self._predictions = [row for entry in entries for row in entry.predictions]
        self._feedback = [row for entry in entries for row in entry.feedback]
        self._ids = [id for entry in entries for id in entry.ids]
        self._delete = delete
        self._mutex = threading.Lock()
        self._is_written = self._is_given_up = False

    def write(self) -> None:
        """Write the rows; delete them again if the transaction was given up meanwhile."""
        self._rows.keep(self._predictions, self._feedback, delete=self._delete)
        with self._mutex:
            self._is_written = True
        if self._is_given_up:
            self._rows.keep(delete=self._ids)

    def give_up(self) -> bool:
        """Make the thread delete the rows it writes; return False if everything is already written."""
        with self._mutex:
            self._is_given_up = not self._is_written
        return self._is_given_up


class RetentionWriter:
    """Stores predictions and feedback for `retention.days`; stores nothing if that is not set.

    Rows of many requests share a transaction. A request is answered once its rows are written, and its rows are deleted
    again if it could not be answered. Texts are masked before, in threads of their own and within `MASK_SECONDS`, so
    that hostile texts delay only their own request. Raises `DataError` for an unknown kind in `masking.kinds`,
    `MissingExtraError` if a kind needs the extra `presidio`.
    """

    def __init__(self, settings: Settings, store: ServerStore, pool: BlockingPool, access: AccessControl) -> None:
        days = settings.retention.days
        self._kinds = check_kinds(settings.masking.kinds)
        self._store = store
        self._pool = pool
        self._masking = BlockingPool(threads=MASK_THREADS, timeout=MASK_SECONDS)
        self._access = access
        self._rows: RetentionStore | None = None
        self._pending: list[_Entry] = []
        self._waiting = 0
        self._unanswered: list[str] = []  # ids of rows to delete: they may be stored, and their requests failed
        self._writing: asyncio.Task[None] | None = None
        self._cleaning: asyncio.Task[None] | None = None
        database = store.open_database()
        self._stores_texts = settings.retention.texts == "masked"
        self._stores_words = settings.feedback.file is not None or (days is not None and self._stores_texts)
        if days is not None and database is not None:
            self._rows = RetentionStore(
                database, Retention(days, mask=(lambda masked: masked) if self._stores_texts else None)
            )

    @property
    def is_enabled(self) -> bool:
        """Whether rows are stored."""
        return self._rows is not None

    async def start(self) -> None:
        """Load the recognisers for masking, and delete expired rows now and every hour."""
        if self._stores_words:
            await asyncio.to_thread(self._mask, "Anna, anna@example.org")
        self._cleaning = asyncio.ensure_future(self._delete_expired())

    async def stop(self) -> None:
        """Stop once all pending rows are written."""
        if self._cleaning is not None:
            self._cleaning.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._cleaning
        self._start_writing()
        if self._writing is not None:
            await self._writing
        self._masking.close()

    async def store_predictions(
        self,
        model: str,
        inputs: Sequence[TextOrInput],
        predictions: Sequence[Prediction],
        *,
        subject: str | None = None,
        language: str | None = None,
    ) -> list[str]:
        """Store predictions with their inputs, and return their ids; return no ids if nothing is stored.

        language  of the inputs that have none of their own

        Raises `ProblemError` if they cannot be stored.
        """
        if self._rows is None:
            return []
        caller = self._access.get_caller().id
        rows = [
            StoredPrediction(
                caller,
                model,
                _build_answer(one),
                **_build_columns(given),
                subject=subject,
                language=one.language or language,
            )
            for given, one in zip(inputs, predictions, strict=True)
        ]
        await self._write_entry(_Entry(await self._mask_rows(rows), ()))
        return [row.id for row in rows]

    async def store_feedback(
        self, labels: Sequence[str], *, model: str, given: ModelInput, subject: str | None, prediction: str | None
    ) -> str:
        """Store the labels that the caller says are right, and return their id.

        Raises `ProblemError` if they cannot be stored, or if the prediction is not stored for this caller.
        """
        caller = self._access.get_caller().id
        feedback = StoredFeedback(
            caller, labels, prediction=prediction, model=model, **_build_columns(given), subject=subject
        )
        await self._write_entry(_Entry((), await self._mask_rows([feedback])))
        return feedback.id

    async def check_prediction(self, id: str) -> None:
        """Raise `ProblemError` unless a prediction with this id is stored for the caller."""
        rows, caller = self._rows, self._access.get_caller().id
        try:
            if rows is not None and await self._pool.run(lambda: rows.has_prediction(id, caller)):
                return
        except StoreError:
            raise _build_storage_problem() from None
        raise ProblemError("not_found", "The prediction is not stored here. Leave out its id, or send a stored one.")

    def discard(self, ids: Sequence[str]) -> None:
        """Delete rows whose request failed after they were stored."""
        self._unanswered.extend(ids)
        self._start_writing()

    async def mask(self, texts: Sequence[str]) -> list[str]:
        """Return texts with personal data masked; raise `ProblemError` if that takes too long."""
        masked: list[str] = []
        try:
            with trace_stage("masking", texts=len(texts)):
                async with asyncio.timeout(MASK_SECONDS):
                    for some in _split_into_portions(texts):
                        masked += await self._masking.run(
                            lambda part=some: [self._mask(text) for text in part]  # type: ignore[misc]
                        )
        except (TimeoutError, StoreUnreachableError):
            raise ProblemError(
                "unavailable",
                f"Masking the personal data of the texts takes longer than {MASK_SECONDS:g} seconds. Send fewer or "
                "shorter texts.",
            ) from None
        return masked

    def _mask(self, text: str) -> str:
        return mask(text, kinds=self._kinds).text

    async def _mask_rows(self, rows: Sequence[Stored]) -> list[Stored]:
        """Return rows with their texts masked."""
        if not self._stores_texts:
            return list(rows)
        masked = iter(await self.mask([text for row in rows for text in _iterate_texts(row)]))
        return [
            replace(
                row,
                text=_pop_masked(masked, row.text),
                speaker=_pop_masked(masked, row.speaker),
                target=_pop_masked(masked, row.target),
                turns=[Turn(next(masked), _pop_masked(masked, turn.speaker)) for turn in row.turns],
            )
            for row in rows
        ]

    async def _write_entry(self, entry: _Entry) -> None:
        """Wait until an entry is on disk; raise `ProblemError` if it cannot be written."""
        count = len(entry.ids)
        if self._waiting + count > MAX_WAITING:
            raise _build_storage_problem()
        self._pending.append(entry)
        self._waiting += count
        self._start_writing()
        try:
            with trace_stage("store", rows=count):
                await entry.written
        except StoreError:
            raise _build_storage_problem() from None

    def _start_writing(self) -> None:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write())

    async def _write(self) -> None:
        """Write until nothing is pending; rows that arrive during a transaction go into the next one."""
        while self._rows is not None and (self._pending or self._unanswered):
            entries, count = [], 0
            while self._pending and count < MAX_ROWS:
                entry = self._pending.pop(0)
                self._waiting -= len(entry.ids)
                if not entry.written.cancelled():
                    entries.append(entry)
                    count += len(entry.ids)
            delete, self._unanswered = self._unanswered, []
            transaction = _Transaction(self._rows, entries, delete)
            failure: StoreError | None = None
            try:
                await self._pool.run(transaction.write)
            except StoreError as error:
                if transaction.give_up():
                    failure = error
            for entry in entries:
                if failure is None and not entry.written.done():
                    entry.written.set_result(None)
                    continue
                # Even a failed transaction may be stored: its confirmation can be lost on the way.
                self._unanswered += entry.ids
                if failure is not None and not entry.written.done():
                    entry.written.set_exception(failure)
            if failure is not None:
                self._unanswered += delete
                if not self._pending:
                    return  # the next request, or the next hour, tries to delete them again

    async def _delete_expired(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._delete_expired_once)
            except StoreError as error:
                log.warning("Expired rows could not be deleted; the next attempt is in an hour: %s", error)
            self._start_writing()
            await asyncio.sleep(HOUR)

    def _delete_expired_once(self) -> None:
        database, quota = self._store.open_database(), self._store.get_quota_counter()
        if quota is not None:
            quota.delete_old()
        if database is not None:
            Outbox(database).delete_old()
            gone = self._rows.delete_old() if self._rows is not None else delete_expired(database)
            if gone:
                self._store.record("store.expired", rows=gone)


def _split_into_portions(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield texts in portions of about `MASK_CHARACTERS`, at least one text each."""
    portion: list[str] = []
    size = 0
    for text in texts:
        if portion and size + len(text) > MASK_CHARACTERS:
            yield portion
            portion, size = [], 0
        portion.append(text)
        size += len(text)
    if portion:
        yield portion


def _iterate_texts(row: StoredPrediction | StoredFeedback) -> Iterator[str]:
    """Yield the texts of a row that come from the caller, in the order of `RetentionWriter._mask_rows`."""
    for text in (row.text, row.speaker, row.target):
        if text is not None:
            yield text
    for turn in row.turns:
        yield turn.text
        if turn.speaker is not None:
            yield turn.speaker


def _pop_masked(masked: Iterator[str], text: str | None) -> str | None:
    return None if text is None else next(masked)


def _build_answer(prediction: Prediction) -> dict[str, object]:
    return {
        "labels": list(prediction.labels),
        "scores": dict(prediction.scores),
        "confidence": prediction.confidence,
        "abstained": prediction.abstained,
    }


def _build_columns(given: TextOrInput) -> dict[str, Any]:
    if isinstance(given, str):
        return {"text": given}
    return {name: getattr(given, name) for name in ("text", "turns", "speaker", "target")}


def _build_storage_problem() -> ProblemError:
    return ProblemError(
        "unavailable",
        "The rows of this request cannot be stored now. Repeat it after the seconds in Retry-After.",
        headers={"retry-after": "2"},
    )
