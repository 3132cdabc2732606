"""`DraftQueue`: the generators of drafts; one that may be slow is asked in threads of its own, for a limited time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading

from insula.empathy.generators.answers import AnswerFinder
from insula.empathy.generators.collect import ask_generator
from insula.empathy.generators.endpoint import ChatEndpoint
from insula.empathy.generators.registry import DraftGenerator, DraftRequest, Proposals
from insula.empathy.generators.templates import TemplateWriter
from insula.empathy.policy.choice import LeadChooser
from insula.empathy.policy.registry import RULES, open_policy
from insula.serving.settings.sections import Drafting
from insula.serving.telemetry import Telemetry

log = logging.getLogger("insula.serving")


class DraftQueue:
    """The generators of drafts, and the messages that wait for a slow one.

    local  generators that write at once: the templates, and the user's own answers
    slow   generators that may take long, hang or fail: the endpoint
    chooser  chooses the strategy of the first draft; None without a policy and a log of outcomes

    A slow generator without drafts is no error but a failure in the answer, and the drafts of the others stay. Its
    threads end with the process, whatever the generator does. `ask` and `request_stop` belong to the event loop.
    """

    def __init__(self, options: Drafting, telemetry: Telemetry, *, enabled: bool = True) -> None:
        self._options = options
        self._telemetry = telemetry
        self._free = asyncio.Semaphore(options.threads)
        self._asked = 0  # messages that wait or are written for
        self._limits: set[asyncio.Timeout] = set()
        self._stop_at: float | None = None
        self.local: tuple[DraftGenerator, ...] = (TemplateWriter(),)
        self.slow: tuple[DraftGenerator, ...] = ()
        self.chooser: LeadChooser | None = None
        if enabled:
            self._open()

    async def ask(self, asked: DraftRequest) -> list[Proposals]:
        """Return what each slow generator wrote in time, or why it wrote nothing."""
        return list(await asyncio.gather(*(self._ask(one, asked) for one in self.slow)))

    def request_stop(self, seconds: float) -> None:
        """Wait for the slow generators for at most `seconds` from the first call on: every message gets its answer."""
        if self._stop_at is None:
            self._stop_at = asyncio.get_running_loop().time() + seconds
            for limit in self._limits:
                if not limit.expired():
                    limit.reschedule(self._cap_at_stop(limit.when()))

    def _open(self) -> None:
        options = self._options
        if options.policy is not None or options.outcomes is not None:
            policy = open_policy(options.policy or RULES, accept_unproven=options.accept_unproven)
            self.chooser = LeadChooser(policy)
        if options.answers is not None:
            answers = AnswerFinder(options.answers)
            self.local = (*self.local, answers)
            if answers.summary.used < answers.summary.rows or answers.summary.masked:
                log.warning("%s", answers.summary.describe(str(options.answers)))
        if options.endpoint is not None:
            endpoint = ChatEndpoint(
                options.endpoint,
                options.endpoint_model or "",
                prompt=options.prompt,
                seconds=options.seconds,
                budget=options.endpoint_tokens,
            )
            self.slow = (endpoint,)

    async def _ask(self, generator: DraftGenerator, asked: DraftRequest) -> Proposals:
        written = await self._write(generator, asked)
        if written.failure is not None:
            self._telemetry.count_draft_failure(generator.name)
        return written

    async def _write(self, generator: DraftGenerator, asked: DraftRequest) -> Proposals:
        if self._asked >= self._options.threads + self._options.waiting:
            return Proposals(failure=f"Too many messages wait for the generator {generator.name}.")
        self._asked += 1
        limit = asyncio.timeout_at(self._cap_at_stop(asyncio.get_running_loop().time() + self._options.seconds))
        self._limits.add(limit)
        try:
            async with limit:
                await self._free.acquire()
                return await self._start(generator, asked)
        except TimeoutError:
            return Proposals(failure=f"The generator {generator.name} did not answer in time.")
        finally:
            self._limits.discard(limit)
            self._asked -= 1

    def _cap_at_stop(self, when: float | None) -> float:
        """Return the moment, of the clock of the loop, or that of the stop if it is earlier."""
        return min(one for one in (when, self._stop_at) if one is not None)

    def _start(self, generator: DraftGenerator, asked: DraftRequest) -> asyncio.Future[Proposals]:
        """Ask in a thread that keeps its place among `threads` until it ends, even if nobody is waiting for it."""
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Proposals] = loop.create_future()

        def finish(proposals: Proposals) -> None:
            self._free.release()
            if not found.done():
                found.set_result(proposals)

        def work() -> None:
            proposals = ask_generator(generator, asked)
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(finish, proposals)

        # Not a pool of `concurrent.futures`: the interpreter would wait for its threads at the end.
        threading.Thread(target=work, name=f"insula-{generator.name}", daemon=True).start()
        return found
