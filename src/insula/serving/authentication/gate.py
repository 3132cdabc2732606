"""The gate of an application: lets calls through, counts their texts, and says no in the words of HTTP."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from insula.core.errors import OutputError, SettingsError, StoreError
from insula.operations.credentials.secret import presented
from insula.serving.authentication.at_hand import AtHand
from insula.serving.authentication.callers import LOCAL, Caller, DeniedError
from insula.serving.authentication.denials import ACTOR, Denials
from insula.serving.authentication.doorkeeper import Defaults, Doorkeeper, is_loopback
from insula.serving.authentication.known_keys import KnownKeys
from insula.serving.authentication.patient import Aside
from insula.serving.authentication.published_keys import PublishedKeys
from insula.serving.authentication.rates import MemoryRates, Rates
from insula.serving.authentication.tokens import Tokens
from insula.serving.http.problems import ProblemError
from insula.serving.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

SENTENCES = {
    "unauthenticated": "Send a valid key as the header Authorization: Bearer KEY, or X-API-Key: KEY, and nowhere else.",
    "forbidden": "Ask with a key or token that has the scope for this.",
    "too_many_calls": "Call again after the seconds of Retry-After.",
    "quota": "The texts of the day are used up; they are counted anew at midnight UTC. Send fewer, or ask tomorrow.",
    "unavailable": "Who calls, or what they may still do, cannot be found out now. Ask again later.",
}
_caller: ContextVar[Caller] = ContextVar("insula_caller", default=LOCAL)


class Gate:
    """Who may call an application; made by `open_gate`."""

    def __init__(self, settings: Settings, at_hand: AtHand, rates: Rates, tokens: Tokens | None) -> None:
        access = settings.access
        self.at_hand = at_hand
        self.aside = Aside()
        self._rates = rates
        self._denials = Denials(at_hand.log)
        self._doorkeeper = Doorkeeper(
            keys=KnownKeys(at_hand.keys, self.aside, remembered=access.remembered_seconds),
            tokens=tokens,
            rates=rates,
            quota=at_hand.quota,
            aside=self.aside,
            unlocked=at_hand.unlocked,
            remembered=access.remembered_seconds,
            insecure=access.insecure,
            defaults=Defaults(access.texts_a_day, access.calls_a_second, access.burst),
        )

    async def admit(self, connection: HTTPConnection, scope: str) -> Caller:
        """Let a call through, and remember for its task who calls; `ProblemError` where it may not."""
        address = _address(connection)
        return await self._let_in(self._doorkeeper.admit(connection.scope["headers"], scope, address), address)

    async def admit_again(self, connection: HTTPConnection, identity: str, scope: str) -> Caller:
        """Do as `admit` for whoever has shown the key of this id before, as a session of the pages says."""
        return await self._let_in(self._doorkeeper.admit_again(identity, scope), _address(connection))

    async def sign_in(self, connection: HTTPConnection, key: str, scope: str) -> str:
        """Return the id of a key that somebody typed, and remember for the task who calls.

        `ProblemError` where it opens nothing, or not what `scope` says.
        """
        address = _address(connection)
        header = (b"x-api-key", key.encode("utf-8", "replace"))
        caller = await self._let_in(self._doorkeeper.admit([header], scope, address), address)
        shown = presented(key.strip())
        if shown is None:  # a token: what it says is not known again by an id
            raise ProblemError("unauthenticated", SENTENCES["unauthenticated"])
        await asyncio.to_thread(self.record, "page.signed_in", caller=caller.id)
        return shown.id

    async def _let_in(self, finding: Awaitable[Caller], address: str | None) -> Caller:
        try:
            caller = await finding
        except DeniedError as denied:
            self._denials.tell(denied, address)
            raise refusal(denied) from None
        _caller.set(caller)
        return caller

    @asynccontextmanager
    async def spending(self, texts: int) -> AsyncIterator[Caller]:
        """Count texts against the quota of whoever calls in this task; not where the block fails.

        `ProblemError` where the quota has no room for them.
        """
        caller = _caller.get()
        try:
            await self._doorkeeper.spend(caller, texts)
        except DeniedError as denied:
            self._denials.tell(denied, None)
            raise refusal(denied) from None
        try:
            yield caller
        except BaseException:
            self._doorkeeper.unspend(caller, texts)
            raise

    def quota_of_caller(self) -> tuple[str, int | None]:
        """Return who calls in this task and their quota of texts a day, for work that outlasts the call."""
        caller = _caller.get()
        return caller.id, self._doorkeeper.quota_of(caller)

    def spend_aside(self, caller: str, texts: int, quota: int) -> bool:
        """Count texts against a quota, from a thread; False where it has no room, or nobody can say."""
        counter = self.at_hand.quota()
        try:
            return counter is None or counter.spend(caller, texts, quota)
        except StoreError:
            return False

    def caller(self) -> Caller:
        """Return who calls in this task."""
        return _caller.get()

    def record(self, event: str, **facts: str | int | Sequence[str] | None) -> None:
        """Write an entry into the audit log, if there is one. A log that cannot be written is said in the server's."""
        log = self.at_hand.log()
        if log is not None:
            said = {name: list(fact) if isinstance(fact, list | tuple) else fact for name, fact in facts.items()}
            try:
                log.record(event, ACTOR, **said)  # type: ignore[arg-type]
            except OutputError as error:
                logging.getLogger("insula.serving").error("The audit log misses an entry %s: %s", event, error)

    async def close(self) -> None:
        """Write down what was only counted, give back what was not spent, and close connections."""
        await self._rates.close()
        self._denials.close()
        self.aside.close()
        self.at_hand.close()


def open_gate(settings: Settings) -> Gate:
    """Return the gate of the settings.

    Raises `SettingsError` where everybody could call who reaches an address that is not this machine's own, or tokens
    are half set; `StoreError` where a named store cannot be opened.
    """
    access, token = settings.access, settings.tokens
    tokens = None
    if token.keys is not None:
        tokens = Tokens(
            PublishedKeys(token.keys),
            issuer=token.issuer,
            audience=token.audience,
            algorithms=token.algorithms,
            scope_claim=token.scope_claim,
            prefix=token.scope_prefix,
        )
    at_hand = AtHand(settings)
    at_hand.database()
    if tokens is None and not access.insecure and not is_loopback(settings.host):
        keys = at_hand.keys()
        if keys is None or not keys.any_active():
            at_hand.close()
            raise SettingsError(
                f"The service would answer everybody who reaches {settings.host}, for there is no key. Make one with "
                "`insula keys create NAME`, set tokens.keys, or say --insecure."
            )
    rates: Rates = MemoryRates()
    if access.redis is not None:
        from insula.core.extras import require

        require("redis", extra="redis", purpose="count rates in Redis")
        from insula.serving.authentication.redis_rates import RedisRates

        rates = RedisRates(access.redis, without=access.without_redis)
    return Gate(settings, at_hand, rates, tokens)


def _address(connection: HTTPConnection) -> str | None:
    return connection.client.host if connection.client is not None else None


def refusal(denied: DeniedError) -> ProblemError:
    """Return a refusal in the words of HTTP. Why exactly, a caller who guesses is not told."""
    headers = {}
    if denied.code == "unauthenticated":
        headers["www-authenticate"] = 'Bearer realm="insula"'
        headers["connection"] = "close"  # the body of a stranger is not waited for
    if denied.seconds is not None:
        headers["retry-after"] = str(max(1, math.ceil(denied.seconds)))
    return ProblemError(denied.code, SENTENCES[denied.code], headers=headers)
