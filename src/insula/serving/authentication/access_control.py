"""`AccessControl`: authenticates, authorises and rate-limits HTTP calls, stream messages and page visits."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from insula.core.environment import require
from insula.core.errors import OutputError, SettingsError, StoreError
from insula.operations.credentials.secret import parse_key
from insula.serving.authentication.authenticator import Authenticator
from insula.serving.authentication.callers import LOCAL, AccessDeniedError, Caller, CallerLimits
from insula.serving.authentication.denial_log import DenialLog
from insula.serving.authentication.jwks import KeySet
from insula.serving.authentication.key_cache import KeyCache
from insula.serving.authentication.key_use import KeyUse
from insula.serving.authentication.local_access import LocalAccess, is_loopback
from insula.serving.authentication.quotas import RETRY_AFTER, Quotas
from insula.serving.authentication.rate_limiter import MemoryRateLimiter, RateLimit, RateLimiter
from insula.serving.authentication.tokens import TokenVerifier
from insula.serving.blocking_pool import BlockingPool
from insula.serving.http.problems import ProblemError
from insula.serving.server_store import ServerStore
from insula.serving.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

DETAILS = {
    "unauthenticated": "Send a valid key in the header Authorization: Bearer KEY or X-API-Key: KEY only.",
    "forbidden": "The key or token does not have the scope for this call. Use one that has.",
    "misdirected": "A server without keys answers only to names of its own machine, such as localhost. Use one, or "
    "create a key with `insula keys create NAME`.",
    "too_many_calls": "The calls exceed the rate limit. Repeat this one after the seconds in Retry-After.",
    "quota": "The quota of texts for today is used up. Send fewer texts, or repeat the call after midnight UTC.",
    "unavailable": "The key, rate or quota cannot be checked now. Repeat the call after the seconds in Retry-After.",
}
_caller: ContextVar[Caller] = ContextVar("insula_caller", default=LOCAL)


class AccessControl:
    """Decides which calls an application answers; `open_access_control` creates it from the settings.

    A call is authenticated (who calls?), authorised (do they have the scope?), and counted against the rate limit.
    Texts are charged to the quota later, once their number is known.

    quotas  the daily quotas of callers
    uses    stores when keys were last used, None where no keys are recognised
    """

    def __init__(
        self,
        authenticator: Authenticator,
        limiter: RateLimiter,
        quotas: Quotas,
        denials: DenialLog,
        defaults: CallerLimits,
        uses: KeyUse | None = None,
    ) -> None:
        self.quotas = quotas
        self._authenticator = authenticator
        self._limiter = limiter
        self._denials = denials
        self._defaults = defaults
        self._uses = uses

    async def authorise(self, connection: HTTPConnection, scope: str) -> Caller:
        """Return the caller, and set it for `get_caller()` in this task; raise `ProblemError` if the call is denied."""
        address = _get_address(connection)
        return await self._authorise(
            self._authenticator.authenticate(connection.scope["headers"], address), (scope,), address
        )

    @property
    def needs_credentials(self) -> bool:
        """Whether calls of routes with a scope need a key or token."""
        return self._authenticator.needs_credentials

    async def check_host(self, connection: HTTPConnection) -> None:
        """Raise `ProblemError` if a server without keys is called by a host name that is not its machine's own."""
        try:
            is_known = await self._authenticator.accepts_host(connection.scope["headers"])
        except StoreError:
            return  # /healthz answers without the store; routes with a scope need it, and check the host as well
        if not is_known:
            raise ProblemError("misdirected", DETAILS["misdirected"], headers={"connection": "close"})

    async def authorise_session(self, connection: HTTPConnection, key_id: str, scope: str) -> Caller:
        """Authorise a session of the pages, which was opened with the key of this id."""
        return await self._authorise(
            self._authenticator.authenticate_session(key_id), (scope,), _get_address(connection)
        )

    async def sign_in(self, connection: HTTPConnection, key: str, scopes: Collection[str]) -> str:
        """Authorise a key that a person typed for one of some scopes, and return its public id for a session.

        A token is denied: it has no id by which the store could find it later.
        """
        address = _get_address(connection)
        header = (b"x-api-key", key.encode("utf-8", "replace"))
        await self._authorise(self._authenticator.authenticate([header], address), scopes, address)
        shown = parse_key(key.strip())
        if shown is None:
            raise ProblemError("unauthenticated", DETAILS["unauthenticated"])
        return shown.id

    async def _authorise(
        self, authenticating: Awaitable[Caller], scopes: Collection[str], address: str | None
    ) -> Caller:
        try:
            caller = await self._check(authenticating, scopes)
        except AccessDeniedError as denied:
            self._denials.add(denied, address)
            raise build_access_problem(denied) from None
        _caller.set(caller)
        return caller

    async def _check(self, authenticating: Awaitable[Caller], scopes: Collection[str]) -> Caller:
        try:
            found = await authenticating
            caller = replace(found, limits=found.limits.with_defaults(self._defaults))
            if not set(scopes) & set(caller.scopes):
                raise AccessDeniedError("forbidden", "scope", caller=caller.id)
            wait = 0.0 if caller.limits.rate is None else await self._limiter.acquire(caller.id, caller.limits.rate)
        except (StoreError, OutputError):
            raise AccessDeniedError("unavailable", "store", retry_after=RETRY_AFTER) from None
        if wait > 0:
            raise AccessDeniedError("too_many_calls", "rate", caller=caller.id, retry_after=wait)
        return caller

    def get_caller(self) -> Caller:
        """Return the caller of this task, with its limits."""
        return _caller.get()

    @asynccontextmanager
    async def charge_texts(self, texts: int) -> AsyncIterator[Caller]:
        """Charge texts to the quota of the caller of this task, and refund them if the block fails.

        Raises `ProblemError` if the quota has no room for all of them.
        """
        caller = _caller.get()
        try:
            await self.quotas.charge(caller, texts)
        except AccessDeniedError as denied:
            self._denials.add(denied, None)
            raise build_access_problem(denied) from None
        try:
            yield caller
        except BaseException:
            self.quotas.refund(caller, texts)
            raise

    async def check_limiter(self) -> None:
        """Raise `StoreUnreachableError` if calls cannot be counted now."""
        await self._limiter.check()

    async def close(self) -> None:
        """Close the connections of the rate limiter, and write the counts of unlogged denials."""
        await self._limiter.close()
        if self._uses is not None:
            await asyncio.to_thread(self._uses.close)  # it may wait for the store
        self._denials.close()


def open_access_control(settings: Settings, store: ServerStore, pool: BlockingPool) -> AccessControl:
    """Return the access control of the settings.

    Raises `SettingsError` if other machines could call a server that has neither keys nor tokens, or if the settings of
    tokens are incomplete; `StoreError` if the store of the settings cannot be opened.
    """
    access = settings.access
    tokens = _create_token_verifier(settings)
    store.open_database()
    if tokens is None and not access.insecure and not is_loopback(settings.host):
        keys = store.open_keys()
        if keys is None or not keys.has_active():
            raise SettingsError(
                f"The service must have a key to listen on {settings.host}: other machines can reach that address. "
                "Create one with `insula keys create NAME`, set tokens.keys, or use --insecure."
            )
    uses = KeyUse(store.open_keys)
    authenticator = Authenticator(
        keys=KeyCache(store.open_keys, pool, uses, max_age=access.remembered_seconds),
        tokens=tokens,
        local=LocalAccess(
            pool,
            is_open=tokens is None and not store.has_keys(),
            has_keys=store.has_keys,
            max_age=access.remembered_seconds,
            from_anywhere=access.insecure,
        ),
        pool=pool,
    )
    defaults = CallerLimits(access.texts_per_day, RateLimit.of(access.calls_per_second, access.burst))
    return AccessControl(
        authenticator,
        _create_rate_limiter(settings),
        Quotas(store.get_quota_counter, pool),
        DenialLog(store.open_audit_log),
        defaults,
        uses,
    )


def build_access_problem(denied: AccessDeniedError) -> ProblemError:
    """Return the answer to a denied call, without the exact reason, which would help to guess keys."""
    headers = {}
    if denied.code == "unauthenticated":
        headers["www-authenticate"] = 'Bearer realm="insula"'
        headers["connection"] = "close"  # do not read the body of an unknown caller
    if denied.retry_after is not None:
        headers["retry-after"] = str(max(1, math.ceil(denied.retry_after)))
    return ProblemError(denied.code, DETAILS[denied.code], headers=headers)


def _create_token_verifier(settings: Settings) -> TokenVerifier | None:
    options = settings.tokens
    if options.keys is None:
        return None
    return TokenVerifier(
        KeySet(options.keys),
        issuer=options.issuer,
        audience=options.audience,
        algorithms=options.algorithms,
        scope_claim=options.scope_claim,
        prefix=options.scope_prefix,
    )


def _create_rate_limiter(settings: Settings) -> RateLimiter:
    access = settings.access
    if access.redis is None:
        return MemoryRateLimiter()
    require("redis", extra="redis", purpose="count rates in Redis")
    from insula.serving.authentication.redis_rate_limiter import RedisRateLimiter

    return RedisRateLimiter(access.redis, fallback=MemoryRateLimiter() if access.without_redis == "open" else None)


def _get_address(connection: HTTPConnection) -> str | None:
    return connection.client.host if connection.client is not None else None
