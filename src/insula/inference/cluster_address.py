"""Checks that a Ray cluster is reachable, because Ray itself would try for minutes before it fails."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from insula.core.errors import DataError

CONNECT_SECONDS = 5.0
RESOLVED_BY_RAY = ("auto", "local")


def check_address(address: str) -> None:
    """Raise `DataError` if nothing accepts connections at `host:port` or `ray://host:port`; Ray checks other forms."""
    place = address.removeprefix("ray://")
    if address in RESOLVED_BY_RAY or "://" in place:
        return
    try:
        url = urlsplit(f"//{place}")
        host, port = url.hostname, url.port
    except ValueError:
        host = port = None
    if not host or not port:
        raise DataError(
            f"The address of a Ray cluster must look like 10.0.0.1:6379 or ray://10.0.0.1:10001. Got {address!r}. "
            "Start a cluster with `ray start --head`, which prints its address."
        )
    try:
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise DataError(
            f"No Ray cluster is reachable at {address!r}: {error.strerror or error}. Start one with "
            "`ray start --head`, which prints its address, or leave the address out to run on this machine."
        ) from error
