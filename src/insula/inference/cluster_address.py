"""Whether a Ray cluster answers at an address: Ray itself would try for minutes before it says that none does."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from insula.core.errors import DataError

PATIENCE = 5.0  # seconds for a connection
FOUND_BY_RAY = ("auto", "local")


def check_address(address: str) -> None:
    """Raise `DataError` unless somebody answers at `host:port` or `ray://host:port`; other forms are left to Ray."""
    place = address.removeprefix("ray://")
    if address in FOUND_BY_RAY or "://" in place:
        return
    try:
        parts = urlsplit(f"//{place}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port:
        raise DataError(
            f"The address of a Ray cluster must look like 10.0.0.1:6379 or ray://10.0.0.1:10001. Got {address!r}. "
            "`ray start --head` on the first machine tells it."
        )
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except OSError as error:
        raise DataError(
            f"The address of a Ray cluster must be one that answers. Got {address!r}: {error.strerror or error}. Start "
            "one with `ray start --head` and take the address that it tells, or leave the address out to run here."
        ) from error
