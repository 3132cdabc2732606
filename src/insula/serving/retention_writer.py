"""`RetentionWriter`: writes predictions and feedback to the store before the answer, and deletes them in time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Any

from insula.core.errors import StoreError
from insula.core.model_input import ModelInput, TextOrInput
from insula.core.prediction import Prediction
from insula.operations.store.retention import Retention
from insula.operations.store.rows import Rows, StoredFeedback, StoredPrediction, delete_expired
from insula.safety.find import checked_kinds
from insula.safety.mask import mask
from insula.serving.authentication.access_control import AccessControl
from insula.serving.blocking_pool import BlockingPool
from insula.serving.http.problems import ProblemError
from insula.serving.server_store import ServerStore
from insula.serving.settings.settings import Settings

MAX_ROWS = 2_000  # of a transaction; one large request may exceed it
MAX_WAITING = 20_000  # rows
HOUR = 3600.0
log = logging.getLogger("insula.serving")


class RetentionWriter:
    """Stores predictions and feedback under the retention of the settings; stores nothing without a retention.

    Rows of many requests share a transaction. A request is answered once its rows are written, and fails if they cannot
    be. Raises `DataError` for an unknown kind in `masking.kinds`, `MissingExtraError` if a kind needs the extra
    `presidio`.
    """

    def __init__(self, settings: Settings, store: ServerStore, pool: BlockingPool, access: AccessControl) -> None:
        days = settings.retention.days
        kinds = checked_kinds(settings.masking.kinds)
        self._store = store
        self._pool = pool
        self._access = access
        self._rows: Rows | None = None
        self._pending: list[tuple[Sequence[StoredPrediction], Sequence[StoredFeedback], asyncio.Future[None]]] = []
        self._waiting = 0
        self._writing: asyncio.Task[None] | None = None
        self._cleaning: asyncio.Task[None] | None = None
        database = store.database()
        if days is not None and database is not None:
            masked = settings.retention.texts == "masked"
            change = (lambda text: mask(text, kinds=kinds).text) if masked else None
            self._rows = Rows(database, Retention(days, mask=change))

    @property
    def is_enabled(self) -> bool:
        """Whether rows are stored."""
        return self._rows is not None

    def start(self) -> None:
        """Delete expired rows, now and every hour."""
        self._cleaning = asyncio.ensure_future(self._clean())

    async def stop(self) -> None:
        """Stop once all pending rows are written."""
        if self._cleaning is not None:
            self._cleaning.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._cleaning
        if self._writing is not None:
            await self._writing

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
        caller = self._access.caller().id
        stored = [
            StoredPrediction(
                caller,
                model,
                _stored_answer(one),
                **_columns(given),
                subject=subject,
                language=one.language or language,
            )
            for given, one in zip(inputs, predictions, strict=True)
        ]
        await self._store_rows(stored, ())
        return [one.id for one in stored]

    async def store_feedback(
        self, labels: Sequence[str], *, model: str, given: ModelInput, subject: str | None, prediction: str | None
    ) -> None:
        """Store the labels that the caller says are right; raise `ProblemError` if they cannot be stored."""
        caller = self._access.caller().id
        feedback = StoredFeedback(
            caller, labels, prediction=prediction, model=model, **_columns(given), subject=subject
        )
        await self._store_rows((), (feedback,))

    async def _store_rows(self, predictions: Sequence[StoredPrediction], feedback: Sequence[StoredFeedback]) -> None:
        rows = len(predictions) + len(feedback)
        if self._waiting + rows > MAX_WAITING:
            raise _cannot_store()
        written = asyncio.get_running_loop().create_future()
        self._pending.append((predictions, feedback, written))
        self._waiting += rows
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write())
        try:
            await written
        except StoreError:
            raise _cannot_store() from None

    async def _write(self) -> None:
        """Write until nothing is pending; rows that arrive during a transaction go into the next one."""
        while self._pending:
            taken, count = [], 0
            while self._pending and count < MAX_ROWS:
                taken.append(self._pending.pop(0))
                count += len(taken[-1][0]) + len(taken[-1][1])
            self._waiting -= count
            predictions = [one for some, _, _ in taken for one in some]
            feedback = [one for _, some, _ in taken for one in some]
            failure: StoreError | None = None
            try:
                await self._pool.run(lambda p=predictions, f=feedback: self._write_rows(p, f))  # type: ignore[misc]
            except StoreError as error:
                failure = error
            for _, _, written in taken:
                if not written.done():
                    written.set_result(None) if failure is None else written.set_exception(failure)

    def _write_rows(self, predictions: Sequence[StoredPrediction], feedback: Sequence[StoredFeedback]) -> None:
        if self._rows is not None:
            self._rows.keep(predictions, feedback)

    async def _clean(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._clean_once)
            except StoreError as error:
                log.warning("Expired rows could not be deleted; the next attempt is in an hour: %s", error)
            await asyncio.sleep(HOUR)

    def _clean_once(self) -> None:
        database, quota = self._store.database(), self._store.quota()
        if quota is not None:
            quota.delete_old()
        if database is not None:
            gone = self._rows.delete_old() if self._rows is not None else delete_expired(database)
            if gone:
                self._store.record("store.expired", rows=gone)


def _stored_answer(prediction: Prediction) -> dict[str, object]:
    return {
        "labels": list(prediction.labels),
        "scores": dict(prediction.scores),
        "confidence": prediction.confidence,
        "abstained": prediction.abstained,
    }


def _columns(given: TextOrInput) -> dict[str, Any]:
    if isinstance(given, str):
        return {"text": given}
    return {name: getattr(given, name) for name in ("text", "turns", "speaker", "target")}


def _cannot_store() -> ProblemError:
    return ProblemError(
        "unavailable",
        "The rows of this request cannot be stored now. Repeat it after the seconds of Retry-After.",
        headers={"retry-after": "2"},
    )
