"""`DenialLog`: writes denied calls to the audit log, sampled so that they cannot fill the disk."""

from __future__ import annotations

import ipaddress
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from insula.core.errors import OutputError
from insula.operations.audit.chain import Fact
from insula.operations.audit.log import AuditLog
from insula.serving.authentication.callers import AccessDeniedError
from insula.serving.authentication.rate_limiter import RateLimit, TokenBucket, take

EVENT = "call.denied"
ACTOR = "server"
ENTRIES = RateLimit(rate=0.1, burst=10)  # of one reason: ten entries, then one in ten seconds


class DenialLog:
    """Writes denied calls to the audit log, as many for each reason as `ENTRIES` allows, and counts the others.

    The number of calls that were only counted is the fact `more` of the next entry with that reason, or of one that
    `close` writes.
    """

    def __init__(
        self, audit_log: Callable[[], AuditLog | None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._audit_log = audit_log
        self._clock = clock
        self._buckets: dict[str, TokenBucket] = {}
        self._only_counted: dict[str, int] = {}
        self._mutex = threading.Lock()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="insula-audit")

    def add(self, denied: AccessDeniedError, address: str | None) -> Future[None] | None:
        """Write an entry in a separate thread; return None if the call is only counted."""
        with self._mutex:
            bucket, wait = take(self._buckets.get(denied.reason), self._clock(), ENTRIES)
            self._buckets[denied.reason] = bucket
            if wait:
                self._only_counted[denied.reason] = self._only_counted.get(denied.reason, 0) + 1
                return None
            more = self._only_counted.pop(denied.reason, 0)
        return self._writer.submit(self._write, denied.reason, denied.caller, get_network(address), more)

    def close(self) -> None:
        """Write the counts of unlogged calls, and stop."""
        with self._mutex:
            left, self._only_counted = self._only_counted, {}
        for reason, more in left.items():
            self._writer.submit(self._write, reason, None, None, more)
        self._writer.shutdown(wait=True)

    def _write(self, reason: str, caller: str | None, where: str | None, more: int) -> None:
        facts: dict[str, Fact] = {"reason": reason, "caller": caller, "network": where, "more": more}
        try:
            audit_log = self._audit_log()
            if audit_log is not None:
                audit_log.record(EVENT, ACTOR, **facts)
        except OutputError as error:
            logging.getLogger("insula").warning("A denied call is not in the audit log: %s", error)


def get_network(address: str | None) -> str | None:
    """Return the network of an address, /24 or /48: enough to see where guesses come from, without naming a person."""
    try:
        known = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    return str(ipaddress.ip_network((known, 24 if known.version == 4 else 48), strict=False))
