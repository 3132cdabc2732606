"""Denied calls in the audit log: every kind, and never so many that the log is the harm."""

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
from insula.serving.authentication.bucket import Bucket, take
from insula.serving.authentication.callers import DeniedError

EVENT = "call.denied"
AT_ONCE = 10
A_SECOND = 0.1
ACTOR = "server"


class Denials:
    """Writes denied calls into a log, of each reason `AT_ONCE` and then one in ten seconds; the rest is counted.

    The number that was passed over stands in the next entry of the reason, or in one at the end.
    """

    def __init__(self, log: Callable[[], AuditLog | None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}
        self._passed_over: dict[str, int] = {}
        self._mutex = threading.Lock()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="insula-audit")

    def tell(self, denied: DeniedError, address: str | None) -> Future[None] | None:
        """Write down a refusal beside the event loop; None where it was only counted."""
        with self._mutex:
            bucket, wait = take(self._buckets.get(denied.reason), self._clock(), rate=A_SECOND, burst=AT_ONCE)
            self._buckets[denied.reason] = bucket
            if wait:
                self._passed_over[denied.reason] = self._passed_over.get(denied.reason, 0) + 1
                return None
            more = self._passed_over.pop(denied.reason, 0)
        return self._writer.submit(self._write, denied.reason, denied.caller, network(address), more)

    def close(self) -> None:
        """Write what was only counted, and end."""
        with self._mutex:
            left, self._passed_over = self._passed_over, {}
        for reason, more in left.items():
            self._writer.submit(self._write, reason, None, None, more)
        self._writer.shutdown(wait=True)

    def _write(self, reason: str, caller: str | None, where: str | None, more: int) -> None:
        facts: dict[str, Fact] = {"reason": reason, "caller": caller, "network": where, "more": more}
        try:
            log = self._log()
            if log is not None:
                log.record(EVENT, ACTOR, **facts)
        except OutputError as error:
            logging.getLogger("insula").warning("A denied call is not in the audit log: %s", error)


def network(address: str | None) -> str | None:
    """Return the network of an address, /24 or /48: enough to see where guessing comes from, and no person."""
    try:
        known = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    return str(ipaddress.ip_network((known, 24 if known.version == 4 else 48), strict=False))
