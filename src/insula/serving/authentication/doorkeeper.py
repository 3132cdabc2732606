"""The doorkeeper: from the headers of a call to who calls, or a refusal."""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from insula.core.errors import OutputError, StoreError
from insula.operations.credentials.quota import Quota
from insula.operations.credentials.secret import WORD
from insula.serving.authentication.callers import LOCAL, Caller, DeniedError, credential
from insula.serving.authentication.known_keys import KnownKeys
from insula.serving.authentication.patient import Aside
from insula.serving.authentication.rates import Rates
from insula.serving.authentication.tokens import TokenError, Tokens

HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(?::[0-9]*)?")
FORWARDED = {b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"}
RETRY = 2.0  # seconds after which a store that was away is worth another call


@dataclass(frozen=True)
class Defaults:
    """Limits of callers that have none of their own."""

    texts_a_day: int | None = None
    calls_a_second: float | None = None
    burst: int | None = None


class Doorkeeper:
    """Says who calls and whether they may.

    keys      who knows keys
    tokens    who verifies tokens; None where none are taken
    quota     gives the counter of texts, None while there is no store
    unlocked  says whether no key was ever made, so that the server's own machine may call without; asked while it is so
    """

    def __init__(
        self,
        *,
        keys: KnownKeys,
        tokens: Tokens | None,
        rates: Rates,
        quota: Callable[[], Quota | None],
        aside: Aside,
        unlocked: Callable[[], bool],
        remembered: float,
        insecure: bool = False,
        defaults: Defaults = Defaults(),
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._rates = rates
        self._quota = quota
        self._aside = aside
        self._unlocked = unlocked
        self._remembered = remembered
        self._insecure = insecure
        self._defaults = defaults
        self._open = tokens is None
        self._open_until = float("-inf")

    async def admit(self, headers: Iterable[tuple[bytes, bytes]], scope: str, address: str | None) -> Caller:
        """Return who calls and may do what `scope` says; `DeniedError` otherwise."""
        return await self._let_in(self._caller(list(headers), address), scope)

    async def admit_again(self, identity: str, scope: str) -> Caller:
        """Do as `admit` for whoever has shown the key of this id before."""
        return await self._let_in(self._keys.caller_again(identity), scope)

    async def _let_in(self, finding: Awaitable[Caller], scope: str) -> Caller:
        try:
            caller = await finding
            if scope not in caller.scopes:
                raise DeniedError("forbidden", "scope", caller=caller.id)
            await self._pace(caller)
        except (StoreError, OutputError):
            raise DeniedError("unavailable", "store", seconds=RETRY) from None
        return caller

    def quota_of(self, caller: Caller) -> int | None:
        """Return how many texts a day a caller may have judged, None for any number."""
        return caller.texts_a_day or self._defaults.texts_a_day

    async def spend(self, caller: Caller, texts: int) -> None:
        """Count texts against a caller's quota; `DeniedError` where it has no room for them."""
        quota = self.quota_of(caller)
        counter = self._quota()
        if quota is None or counter is None:
            return
        try:
            enough = await self._aside.run(lambda: counter.spend(caller.id, texts, quota))
        except StoreError:
            raise DeniedError("unavailable", "store", caller=caller.id, seconds=RETRY) from None
        if not enough:
            raise DeniedError("quota", "quota", caller=caller.id, seconds=_to_midnight())

    def unspend(self, caller: Caller, texts: int) -> None:
        """Take a spending back, of texts that were not answered."""
        counter = self._quota()
        if counter is not None and self.quota_of(caller) is not None:
            counter.unspend(caller.id, texts)

    async def _caller(self, headers: list[tuple[bytes, bytes]], address: str | None) -> Caller:
        shown = credential(headers)
        if shown is None:
            if await self._is_open() and (self._insecure or _from_here(headers, address)):
                return LOCAL
            raise DeniedError("unauthenticated", "nothing")
        if shown.startswith(f"{WORD}_"):
            return await self._keys.caller(shown)
        if self._tokens is None:
            raise DeniedError("unauthenticated", "no_key")
        tokens = self._tokens
        try:
            claims = await self._aside.run(lambda: tokens.verify(shown))
        except TokenError as error:
            raise DeniedError("unauthenticated", f"token_{error.args[0]}") from None
        return Caller(f"token:{claims.subject}", claims.scopes)

    async def _is_open(self) -> bool:
        """Whether no key was ever made. Once one was, the door never opens by itself again."""
        if self._open and time.monotonic() >= self._open_until:
            self._open = await self._aside.run(self._unlocked)
            self._open_until = time.monotonic() + self._remembered
        return self._open

    async def _pace(self, caller: Caller) -> None:
        rate = caller.calls_a_second or self._defaults.calls_a_second
        if rate is None:
            return
        burst = (caller.burst if caller.calls_a_second else self._defaults.burst) or max(1, round(rate))
        wait = await self._rates.take(caller.id, rate=rate, burst=burst)
        if wait > 0:
            raise DeniedError("too_many_calls", "rate", caller=caller.id, seconds=wait)


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _from_here(headers: Iterable[tuple[bytes, bytes]], address: str | None) -> bool:
    """Whether a call comes from this machine, by no proxy and no page of another name that points here."""
    named: Mapping[bytes, bytes] = {name.lower(): value for name, value in headers}
    if named.keys() & FORWARDED:
        return False
    # All of it: a name that only begins as this machine's is another's.
    host = HOST.fullmatch(named.get(b"host", b"").decode("ascii", "replace"))
    return host is not None and is_loopback(host[1]) and (address is None or is_loopback(address))


def _to_midnight() -> float:
    return 86400 - time.time() % 86400
