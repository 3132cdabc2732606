"""`LocalAccess`: decides about calls without credentials, which a server without keys accepts from its own machine."""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Callable, Iterable, Mapping

from insula.serving.blocking_pool import BlockingPool

HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(?::[0-9]*)?")
# Headers by which proxies say that they are there. A plain proxy adds none of them: docs/security.md says so.
FORWARDED = (
    b"forwarded",
    b"x-forwarded-",
    b"x-real-ip",
    b"x-client-ip",
    b"x-original-",
    b"via",
    b"cf-",
    b"true-client-ip",
)
Headers = Iterable[tuple[bytes, bytes]]


class LocalAccess:
    """Allows calls without credentials until the first key is created; after that, never again.

    is_open        False if the server accepts tokens: then every call needs credentials from the start
    has_keys       returns whether a key was ever created
    max_age        seconds for which the answer of `has_keys` is cached
    from_anywhere  True allows such calls from every address
    """

    def __init__(
        self,
        pool: BlockingPool,
        *,
        is_open: bool,
        has_keys: Callable[[], bool],
        max_age: float,
        from_anywhere: bool = False,
    ) -> None:
        self._pool = pool
        self._is_open = is_open
        self._has_keys = has_keys
        self._max_age = max_age
        self._from_anywhere = from_anywhere
        self._asked_at = float("-inf")

    @property
    def is_open(self) -> bool:
        """Whether calls needed no credentials at the last check."""
        return self._is_open

    async def allows(self, headers: Headers, address: str | None) -> bool:
        """Whether a call with these headers, from this address, needs no credentials."""
        return await self._is_open_now() and (self._from_anywhere or _is_local(headers, address))

    async def accepts_host(self, headers: Headers) -> bool:
        """Whether a call may use this host name: while calls need no credentials, it must be a name of this machine."""
        return (
            self._from_anywhere
            or _is_addressed_to_this_machine(_index_headers(headers))
            or not await self._is_open_now()
        )

    async def _is_open_now(self) -> bool:
        if self._is_open and time.monotonic() - self._asked_at >= self._max_age:
            self._is_open = not await self._pool.run(self._has_keys)
            self._asked_at = time.monotonic()
        return self._is_open


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_local(headers: Headers, address: str | None) -> bool:
    """Whether a call comes from this machine, and neither through a proxy nor from a page of another host name."""
    named = _index_headers(headers)
    if any(name.startswith(FORWARDED) for name in named):
        return False
    return _is_addressed_to_this_machine(named) and (address is None or is_loopback(address))


def _is_addressed_to_this_machine(named: Mapping[bytes, bytes]) -> bool:
    # fullmatch: `localhost.evil.example` also starts with this machine's name.
    host = HOST.fullmatch(named.get(b"host", b"").decode("ascii", "replace"))
    return host is not None and is_loopback(host[1])


def _index_headers(headers: Headers) -> Mapping[bytes, bytes]:
    return {name.lower(): value for name, value in headers}
