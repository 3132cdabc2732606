"""`SafetyQueue`: checks messages for signals of risk, and replies; what cannot be checked in time needs a person."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from insula.inference.risk.check import check_messages
from insula.safety.replies.check import ReplyCheck, check_reply
from insula.safety.signals.result import RiskCheck
from insula.serving.http.problems import ProblemError
from insula.serving.settings.sections import Safety

PORTION = 16  # texts that are checked in one go; between two portions another request has its turn
THREADS = 2  # so that one long message does not delay all others
Check = TypeVar("Check")
log = logging.getLogger("insula.serving")


class SafetyQueue:
    """The messages and replies that wait for their check.

    A check that fails, is overloaded or takes too long is no error but a result: it asks for a person, or stops the
    reply. Its methods belong to the event loop.
    """

    def __init__(self, options: Safety) -> None:
        self._options = options
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="insula-safety")
        self._waiting = 0

    @property
    def texts_waiting(self) -> int:
        """The number of texts that wait or are being checked."""
        return self._waiting

    def prepare(self) -> None:
        """Load the models of the checks in the background."""
        if self._options.enabled:
            self._threads.submit(check_messages, ["Hello."])

    def require_enabled(self) -> None:
        """Raise `ProblemError` if the operator has switched the checks off."""
        if not self._options.enabled:
            raise ProblemError(
                "disabled",
                "This service does not check messages or draft replies. Its operator can set safety.enabled.",
            )

    async def check_messages(self, texts: Sequence[str]) -> list[RiskCheck]:
        """Return the check of each message; those not checked in time need a person, and `failure` gives the reason."""
        found, failure = await self._check(texts, check_messages)
        unchecked = RiskCheck(False, "none")
        return found + [unchecked.with_failure(failure) for _ in texts[len(found) :]]

    async def check_replies(self, texts: Sequence[str]) -> list[ReplyCheck]:
        """Return the check of each reply; those without a check in time are stopped, and `failure` gives the reason."""
        found, failure = await self._check(texts, lambda some: [check_reply(text) for text in some])
        return found + [ReplyCheck(False, failure=failure) for _ in texts[len(found) :]]

    async def run(self, call: Callable[[], Check]) -> Check:
        """Return the result of `call`; raise `ProblemError` if it takes too long."""
        try:
            async with asyncio.timeout(self._options.seconds):
                return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except TimeoutError:
            raise ProblemError("unavailable", "The drafts took too long. Send a shorter message.") from None

    def close(self) -> None:
        """End the threads; waiting texts are no longer checked."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _check(
        self, texts: Sequence[str], check: Callable[[Sequence[str]], list[Check]]
    ) -> tuple[list[Check], str]:
        """Return the checks that were done in time, and why the others were not."""
        if self._waiting + len(texts) > self._options.waiting:
            return [], "Too many texts wait for the check."
        found, failure = list[Check](), ""
        self._waiting += len(texts)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._options.seconds):
                for start in range(0, len(texts), PORTION):
                    found += await loop.run_in_executor(self._threads, check, texts[start : start + PORTION])
        except TimeoutError:
            failure = f"The check took longer than {self._options.seconds:g} s."
        except Exception as error:  # noqa: BLE001 - whatever fails, a person must see the text
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("A safety check failed with %s:\n%s", type(error).__name__, where)
            failure = f"The check failed ({type(error).__name__})."
        finally:
            self._waiting -= len(texts)
        return found, failure
