"""`read_store`: what a service reads of the streams that monitors keep in its store."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from insula.operations.monitoring.trend import StreamState, list_streams
from insula.operations.store.database import Database
from insula.serving.http.problems import convert_store_errors
from insula.serving.service import Service

Result = TypeVar("Result")
NO_STREAM = "The store of this service has no monitored stream. Start `insula monitor` with this store, then try again."


async def read_store(service: Service, call: Callable[[Database], Result]) -> Result | None:
    """Run `call` on the store in a thread and return its result; None if the service has no store.

    Raises `ProblemError` for an unknown stream or attribute, and if the store does not answer.
    """

    def read() -> Result | None:
        database = service.store.open_database()
        return None if database is None else call(database)

    with convert_store_errors():
        return await service.pool.run(read)


async def read_streams(service: Service) -> list[StreamState]:
    """Return the streams of the store, the last updated first; empty without a store."""
    return await read_store(service, list_streams) or []
