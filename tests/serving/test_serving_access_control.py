"""Access control piece by piece: the order of its steps, limits, refunds, and what is closed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from insula.core.errors import InsulaError, StoreError, StoreUnreachableError
from insula.operations.credentials.keys import SCOPES
from insula.serving.app import create_app
from insula.serving.authentication.access_control import AccessControl
from insula.serving.authentication.callers import LOCAL, AccessDeniedError, Caller, CallerLimits
from insula.serving.authentication.denial_log import DenialLog
from insula.serving.authentication.key_use import KeyUse
from insula.serving.authentication.local_access import LocalAccess, is_loopback
from insula.serving.authentication.quotas import Quotas
from insula.serving.authentication.rate_limiter import MemoryRateLimiter, RateLimit
from insula.serving.blocking_pool import BlockingPool
from insula.serving.http.problems import ProblemError
from insula.serving.queueing.admission import reject_long_wait
from insula.serving.server_store import ServerStore
from insula.serving.settings.settings import load_settings
from waiting import DEADLINE

SERVING = Path(__file__).parents[2] / "src" / "insula" / "serving"
NO_LIMITS = CallerLimits()
LOCALHOST = [(b"host", b"localhost:8000")]
NOT_LOCAL: dict[str, Callable[[], list[tuple[bytes, bytes]]]] = {
    "another name": lambda: [(b"host", b"localhost.example.org")],
    "no name": list,
    "a proxy": lambda: [*LOCALHOST, (b"X-Forwarded-For", b"127.0.0.1")],
}


class Counter:
    """A quota in memory that remembers what was charged and refunded."""

    def __init__(self, room: int) -> None:
        self.room = room

    def charge(self, caller: str, texts: int, quota: int) -> bool:
        if texts > self.room:
            return False
        self.room -= texts
        return True

    def refund(self, caller: str, texts: int) -> None:
        self.room += texts


class Fixed:
    """An authenticator that knows one caller, or fails."""

    def __init__(self, found: Caller | Exception) -> None:
        self.found = found

    async def authenticate(self, headers: Any, address: str | None) -> Caller:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    async def authenticate_session(self, key_id: str) -> Caller:
        return await self.authenticate((), None)


@pytest.fixture
def pool() -> Any:
    """Threads for blocking calls."""
    opened = BlockingPool()
    yield opened
    opened.close()


def control(
    pool: BlockingPool,
    found: Caller | Exception,
    *,
    counter: Any = None,
    defaults: CallerLimits = NO_LIMITS,
    limiter: Any = None,
) -> AccessControl:
    denials = DenialLog(lambda: None)
    return AccessControl(Fixed(found), limiter or MemoryRateLimiter(), Quotas(lambda: counter, pool), denials, defaults)


def test_closing_does_not_hold_the_event_loop(pool: BlockingPool) -> None:
    """The store answers only once the loop has gone on."""
    asked, went_on = threading.Event(), threading.Event()

    def find_keys() -> None:
        asked.set()
        assert went_on.wait(DEADLINE)

    async def run() -> bool:
        uses = KeyUse(find_keys)
        limits = NO_LIMITS
        access = AccessControl(
            Fixed(LOCAL), MemoryRateLimiter(), Quotas(lambda: None, pool), DenialLog(lambda: None), limits, uses
        )
        uses.add("key")
        await asyncio.to_thread(asked.wait, DEADLINE)
        closing = asyncio.ensure_future(access.close())
        await asyncio.sleep(0)
        was_open = not closing.done()
        went_on.set()
        await closing
        return was_open

    assert asyncio.run(run())


def connection() -> Any:
    return SimpleNamespace(scope={"headers": []}, client=None)


async def code_of(call: Awaitable[Any]) -> str | None:
    try:
        await call
    except ProblemError as problem:
        return problem.code
    return None


def test_routes_and_sessions_take_the_same_steps(pool: BlockingPool) -> None:
    limits = CallerLimits(rate=RateLimit(0.001, 2))
    access = control(pool, Caller("key:a", ("predict",), limits))

    async def run() -> list[str | None]:
        return [
            await code_of(access.authorise(connection(), "admin")),  # no scope: it does not count as a call
            await code_of(access.authorise_session(connection(), "a", "admin")),
            await code_of(access.authorise(connection(), "predict")),
            await code_of(access.authorise_session(connection(), "a", "predict")),
            await code_of(access.authorise(connection(), "predict")),
            await code_of(access.authorise_session(connection(), "a", "predict")),
        ]

    assert asyncio.run(run()) == ["forbidden", "forbidden", None, None, "too_many_calls", "too_many_calls"]


def test_a_caller_without_limits_has_those_of_the_settings(pool: BlockingPool) -> None:
    defaults = CallerLimits(texts_per_day=7, rate=RateLimit(5, 5))
    own = CallerLimits(texts_per_day=100, rate=RateLimit(1, 2))
    for limits, expected in ((CallerLimits(), defaults), (own, own), (CallerLimits(3), CallerLimits(3, defaults.rate))):
        access = control(pool, Caller("key:a", ("predict",), limits), defaults=defaults)
        assert asyncio.run(access.authorise(connection(), "predict")).limits == expected


def test_a_store_that_does_not_answer_is_a_503(pool: BlockingPool) -> None:
    class Away:
        async def acquire(self, caller: str, limit: RateLimit) -> float:
            raise StoreUnreachableError("Redis is away.")

    limited = Caller("key:a", ("predict",), CallerLimits(rate=RateLimit(1, 1)))
    assert asyncio.run(code_of(control(pool, StoreError("away")).authorise(connection(), "predict"))) == "unavailable"
    assert (
        asyncio.run(code_of(control(pool, limited, limiter=Away()).authorise(connection(), "predict"))) == "unavailable"
    )
    unlimited = control(pool, LOCAL, limiter=Away())  # no rate limit: nothing to ask Redis for
    assert asyncio.run(code_of(unlimited.authorise(connection(), "predict"))) is None


def test_an_attacker_does_not_learn_the_reason(pool: BlockingPool) -> None:
    answers = set()
    for reason in ("no_key", "unknown_key", "revoked_key", "token_signature"):
        access = control(pool, AccessDeniedError("unauthenticated", reason, caller="key:a"))
        with pytest.raises(ProblemError) as denied:
            asyncio.run(access.authorise(connection(), "predict"))
        answers.add((str(denied.value.to_dict()), str(denied.value.headers)))
    assert len(answers) == 1


def test_texts_are_charged_and_refunded(pool: BlockingPool) -> None:
    counter = Counter(5)
    access = control(pool, Caller("key:a", ("predict",), CallerLimits(texts_per_day=5)), counter=counter)

    async def run() -> None:
        await access.authorise(connection(), "predict")
        async with access.charge_texts(3) as caller:
            assert (caller.id, access.get_caller().id, counter.room) == ("key:a", "key:a", 2)
        with pytest.raises(ZeroDivisionError):
            async with access.charge_texts(2):
                raise ZeroDivisionError
        assert counter.room == 2
        assert await code_of(access.charge_texts(3).__aenter__()) == "quota"
        assert not access.quotas.charge_in_thread("key:a", 3, 5)
        assert access.quotas.charge_in_thread("key:a", 2, 5)

    asyncio.run(run())
    assert counter.room == 0


@pytest.mark.parametrize("case", NOT_LOCAL)
def test_only_this_machine_needs_no_key(pool: BlockingPool, case: str) -> None:
    local = LocalAccess(pool, is_open=True, has_keys=lambda: False, max_age=0)
    assert asyncio.run(local.allows(LOCALHOST, "127.0.0.1"))
    assert not asyncio.run(local.allows(LOCALHOST, "192.168.1.5"))
    assert not asyncio.run(local.allows(NOT_LOCAL[case](), "127.0.0.1"))
    anywhere = LocalAccess(pool, is_open=True, has_keys=lambda: False, max_age=0, from_anywhere=True)
    assert asyncio.run(anywhere.allows(NOT_LOCAL[case](), "192.168.1.5"))
    closed = LocalAccess(pool, is_open=False, has_keys=lambda: False, max_age=0, from_anywhere=True)
    assert not asyncio.run(closed.allows(LOCALHOST, "127.0.0.1"))


def test_after_the_first_key_local_access_stays_closed(pool: BlockingPool) -> None:
    answers = iter([False, True, False])
    local = LocalAccess(pool, is_open=True, has_keys=lambda: next(answers), max_age=0)
    allowed = [asyncio.run(local.allows(LOCALHOST, "127.0.0.1")) for _ in range(3)]
    assert allowed == [True, False, False]
    assert next(answers) is False  # it did not even ask again
    patient = LocalAccess(pool, is_open=True, has_keys=iter([False]).__next__, max_age=300)
    assert [asyncio.run(patient.allows(LOCALHOST, "127.0.0.1")) for _ in range(3)] == [True] * 3


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("[::1]", True), ("LOCALHOST", True), ("0.0.0.0", False), ("localhost.example.org", False)],
)
def test_loopback_addresses(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_rate_limits_of_keys_and_settings() -> None:
    assert RateLimit.of(None, 5) is None
    assert RateLimit.of(20, None) == RateLimit(20, 20)
    assert RateLimit.of(0.01, None) == RateLimit(0.01, 1)
    assert RateLimit.of(2, 9) == RateLimit(2, 9)


def test_a_blocking_call_is_given_up_in_time() -> None:
    pool, go = BlockingPool(timeout=0.05), threading.Event()
    try:
        with pytest.raises(StoreUnreachableError, match="did not answer within"):
            asyncio.run(pool.run(go.wait))
        assert asyncio.run(pool.run(lambda: 7)) == 7  # the others are free
    finally:
        go.set()
        pool.close()


@pytest.mark.parametrize(
    ("wait", "max_wait", "has_room", "seconds"),
    [(1.0, 2.0, True, None), (5.2, 2.0, True, "4"), (1.0, 2.0, False, "1"), (0.0, 2.0, False, "1")],
)
def test_admission_names_the_seconds(wait: float, max_wait: float, has_room: bool, seconds: str | None) -> None:
    if seconds is None:
        reject_long_wait(wait, max_wait, has_room=has_room)
        return
    with pytest.raises(ProblemError) as rejected:
        reject_long_wait(wait, max_wait, has_room=has_room)
    assert (rejected.value.status, rejected.value.headers["retry-after"]) == (429, seconds)


@pytest.mark.parametrize("wrong", ["models", "pages"])
def test_the_store_is_closed_if_the_service_cannot_start(
    linear_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    closed: list[ServerStore] = []
    monkeypatch.setattr(ServerStore, "close", lambda self: closed.append(self))
    given: dict[str, Any] = {"models": [str(linear_model)], "store": {"address": str(tmp_path)}}
    given |= {"models": [str(tmp_path / "none")]} if wrong == "models" else {"pages": {"session_secret": tmp_path}}
    with pytest.raises(InsulaError):
        create_app(load_settings(environment={}, given=given))
    assert len(closed) == 1


def test_calls_are_authorised_in_one_place() -> None:
    for word in ("Authenticator", "RateLimiter", "DenialLog", "find_credentials"):
        users = {file.parent.name for file in SERVING.rglob("*.py") if word in file.read_text(encoding="utf-8")}
        assert users == {"authentication"}, word
    assert set(LOCAL.scopes) == set(SCOPES)
