"""What a retention keeps: written together, on disk before the answer goes out, and deleted after its time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from insula.core.errors import StoreError
from insula.core.prediction import Prediction
from insula.operations.store.retention import Retention
from insula.operations.store.rows import Answered, Rows, Told, delete_expired
from insula.safety.find import checked_kinds
from insula.safety.mask import mask
from insula.serving.authentication.gate import Gate
from insula.serving.http.problems import ProblemError
from insula.serving.settings.settings import Settings

AT_ONCE = 2_000  # rows of one transaction
MOST_WAITING = 20_000
HOUR = 3600.0
log = logging.getLogger("insula.serving")


class Keeper:
    """Stores predictions and feedback under the retention of the settings; stores nothing where there is none.

    Rows of many requests go into one transaction. A request is answered when its rows are on disk, and refused where
    they cannot be: what was promised to be kept is kept. `DataError` where a kind to be masked is not known,
    `MissingExtraError` where it needs the extra `presidio`.
    """

    def __init__(self, settings: Settings, gate: Gate) -> None:
        days = settings.retention.days
        kinds = checked_kinds(settings.masking.kinds)
        self._gate = gate
        self._rows: Rows | None = None
        self._hold: list[tuple[Sequence[Answered], Sequence[Told], asyncio.Future[None]]] = []
        self._waiting = 0
        self._writing: asyncio.Task[None] | None = None
        self._cleaning: asyncio.Task[None] | None = None
        database = gate.at_hand.database()
        if days is not None and database is not None:
            masked = settings.retention.texts == "masked"
            change = (lambda text: mask(text, kinds=kinds).text) if masked else None
            self._rows = Rows(database, Retention(days, mask=change))

    @property
    def keeps(self) -> bool:
        """Whether anything is stored."""
        return self._rows is not None

    def start(self) -> None:
        """Begin to delete what is past its time, now and every hour."""
        self._cleaning = asyncio.ensure_future(self._clean())

    async def stop(self) -> None:
        """End, once what was given is written."""
        if self._cleaning is not None:
            self._cleaning.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._cleaning
        if self._writing is not None:
            await self._writing

    async def keep_predictions(
        self, model: str, predictions: Sequence[Prediction], *, subject: str | None = None, language: str | None = None
    ) -> list[str]:
        """Store what a model said; return an id for each, none where nothing is stored.

        `ProblemError` where it cannot be stored.
        """
        if self._rows is None:
            return []
        caller = self._gate.caller().id
        kept = [
            Answered(caller, model, _answer(one), text=one.text, subject=subject, language=language)
            for one in predictions
        ]
        await self._keep(kept, ())
        return [one.id for one in kept]

    async def keep_feedback(
        self, labels: Sequence[str], *, model: str, text: str, subject: str | None, prediction: str | None
    ) -> None:
        """Store which labels are right, in the eyes of whoever calls; `ProblemError` where it cannot be stored."""
        caller = self._gate.caller().id
        told = Told(caller, labels, prediction=prediction, model=model, text=text, subject=subject)
        await self._keep((), (told,))

    async def _keep(self, answers: Sequence[Answered], told: Sequence[Told]) -> None:
        rows = len(answers) + len(told)
        if self._waiting + rows > MOST_WAITING:
            raise _cannot_keep()
        written = asyncio.get_running_loop().create_future()
        self._hold.append((answers, told, written))
        self._waiting += rows
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write())
        try:
            await written
        except StoreError:
            raise _cannot_keep() from None

    async def _write(self) -> None:
        """Write until nothing waits; what came while one transaction ran is the next one."""
        while self._hold:
            taken, count = [], 0
            while self._hold and count < AT_ONCE:
                taken.append(self._hold.pop(0))
                count += len(taken[-1][0]) + len(taken[-1][1])
            self._waiting -= count
            answers = [one for some, _, _ in taken for one in some]
            told = [one for _, some, _ in taken for one in some]
            failure: StoreError | None = None
            try:
                await self._gate.aside.run(lambda a=answers, t=told: self._write_rows(a, t))  # type: ignore[misc]
            except StoreError as error:
                failure = error
            for _, _, written in taken:
                if not written.done():
                    written.set_result(None) if failure is None else written.set_exception(failure)

    def _write_rows(self, answers: Sequence[Answered], told: Sequence[Told]) -> None:
        if self._rows is not None:
            self._rows.keep(answers, told)

    async def _clean(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._clean_once)
            except StoreError as error:
                log.warning("What is past its time could not be deleted, and will be in an hour: %s", error)
            await asyncio.sleep(HOUR)

    def _clean_once(self) -> None:
        database, quota = self._gate.at_hand.database(), self._gate.at_hand.quota()
        if quota is not None:
            quota.forget()
        if database is not None:
            gone = self._rows.delete_old() if self._rows is not None else delete_expired(database)
            if gone:
                self._gate.record("store.expired", rows=gone)


def _answer(prediction: Prediction) -> dict[str, object]:
    return {
        "labels": list(prediction.labels),
        "scores": dict(prediction.scores),
        "confidence": prediction.confidence,
        "abstained": prediction.abstained,
    }


def _cannot_keep() -> ProblemError:
    return ProblemError(
        "unavailable",
        "What must be kept of this request cannot be stored now. Ask again later.",
        headers={"retry-after": "2"},
    )
