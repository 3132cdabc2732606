"""`ChatGenerator`: drafts from a language model that answers chats, wherever it runs.

The model is not trusted: it may be down, slow, wrong or malicious. What it answers is screened like every draft.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import threading
import time
import urllib.error
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from http.client import HTTPException
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from insula.core.errors import DataError, MissingFileError
from insula.empathy.conversation import list_own_turns
from insula.empathy.drafts import Draft, find_gaps
from insula.empathy.generators.leaks import is_leak
from insula.empathy.generators.registry import DraftRequest, Proposals
from insula.empathy.strategies import Strategy, rank_strategies
from insula.safety.mask import mask

MAX_FAILURES = 3  # in a row, after which the model is left alone for `PAUSE_SECONDS`
PAUSE_SECONDS = 60.0
SENTENCES = 3
CHARACTERS_PER_TOKEN = 2  # a low estimate, where no usage is reported, or too little
_LANGUAGES = {"en": "English", "zh": "Chinese (简体中文)"}
_AIMS: Mapping[Strategy, str] = {
    "question": "Name what happened, then ask one open question about it.",
    "restatement": "Say in your own words what the writer said.",
    "reflection": "Reflect what the writer may feel, without certainty.",
    "self_disclosure": "Acknowledge what the writer shared. Disclose nothing: you have no life to speak of.",
    "affirmation": "Acknowledge how hard or how good this is, and what the writer has done.",
    "suggestions": "Offer one or two small ideas, as a choice.",
    "information": "Answer what is asked; leave a gap such as [answer] for every fact that you do not have.",
    "other": "Answer briefly and warmly.",
}
_THOUGHT = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)


class ChatGenerator(ABC):
    """Asks a language model for one draft per message.

    name     its name as a generator
    title    its name in sentences, such as `endpoint`
    model    name of the model
    prompt   file with the instructions (default: those that come with insula); `{language}`, `{sentences}`,
             `{strategy}`, `{feeling}`, `{topic}` and `{need}` in it are filled in
    seconds  time limit of a draft
    tokens   largest number of tokens of a draft
    budget   largest number of tokens read and written in all, None for no limit; usage that is not reported, or
             reported too low, is estimated
    masked   whether personal data in the message and the earlier turns is masked before the model gets them

    The message and the earlier turns are passed as JSON in one message of the user, never as instructions or turns of
    their own. Raises `DataError` and `MissingFileError` for wrong settings.
    """

    name: str
    title: str

    def __init__(
        self,
        model: str,
        *,
        prompt: str | Path | None = None,
        seconds: float = 20.0,
        tokens: int = 300,
        budget: int | None = None,
        masked: bool = True,
    ) -> None:
        if seconds <= 0 or tokens < 1 or (budget is not None and budget < 1):
            raise DataError(
                f"The seconds, the tokens and the budget of the {self.title} must be above 0. Got {seconds:g}, "
                f"{tokens} and {budget}. Choose larger values."
            )
        self._model, self._seconds, self._tokens = model, seconds, tokens
        self._budget, self._masked = budget, masked
        self._prompt = _read_prompt(prompt)
        self._mark = secrets.token_hex(8)  # in every prompt, and so in none that is not leaked
        self._lock = threading.Lock()
        self._used = self._failures = 0
        self._paused_until = 0.0

    @abstractmethod
    def _complete(self, body: Mapping[str, Any]) -> bytes:
        """Return the JSON of a chat completion for a request; raise `OSError`, `HTTPException` or `ValueError`."""

    @property
    def used_tokens(self) -> int:
        """The number of tokens sent and received so far, or its estimate where that is higher."""
        return self._used

    def describe(self) -> Mapping[str, Any]:
        """Return the model, the digest of the prompt and the limits."""
        return {
            "model": self._model,
            "prompt": hashlib.sha256(self._prompt.encode()).hexdigest(),
            "tokens": self._tokens,
            "masked": self._masked,
        }

    def write(self, asked: DraftRequest) -> Proposals:
        """Return the draft of the model, or why there is none."""
        strategy = rank_strategies(asked.state)[0] if asked.strategy == "auto" else cast("Strategy", asked.strategy)
        messages = self._build_messages(asked, strategy)
        expected = sum(len(one["content"]) for one in messages) // CHARACTERS_PER_TOKEN + self._tokens
        refusal = self._reserve(expected)
        if refusal is not None:
            return Proposals(failure=refusal)
        body = {"model": self._model, "messages": messages, "max_tokens": self._tokens, "stream": False}
        found, failure = self._call_in_time(lambda: self._complete(body))
        content, reported = _read_answer(found) if failure is None else (None, 0)
        if failure is None and content is None:
            failure = f"The {self.title} answered with something other than a chat completion."
        self._record_usage(expected, max(reported, _estimate(messages, content or "")), failed=failure is not None)
        if content is None:
            return Proposals(failure=failure)
        text = _clean(content)
        if is_leak(text, self._prompt, (self._mark,)):
            return Proposals(stopped=1)
        return Proposals((Draft(text, strategy, self.name, find_gaps(text)),))

    def _build_messages(self, asked: DraftRequest, strategy: Strategy) -> list[dict[str, str]]:
        hide = (lambda text: mask(text).text) if self._masked else (lambda text: text)
        own = {id(turn) for turn in list_own_turns(asked.given)}
        turns = [
            {"from": "writer" if id(turn) in own else "other", "text": hide(turn.text)} for turn in asked.given.turns
        ]
        data = {"earlier_turns": turns, "message": hide(asked.given.text)}
        filled = {
            "language": _LANGUAGES[asked.state.language],
            "sentences": str(SENTENCES),
            "strategy": _AIMS[strategy],
            "feeling": asked.state.feeling or f"not clear ({asked.state.polarity})",
            "topic": asked.state.topic or "not clear",
            "need": asked.state.need,
        }
        prompt = self._prompt
        for name, value in filled.items():
            prompt = prompt.replace(f"{{{name}}}", value)
        return [
            {"role": "system", "content": f"{prompt}\n(Reference {self._mark})"},
            {"role": "user", "content": json.dumps(data, ensure_ascii=False)},
        ]

    def _reserve(self, expected: int) -> str | None:
        """Take tokens from the budget; return why the model is not asked, None if it is."""
        with self._lock:
            if time.monotonic() < self._paused_until:
                return f"The {self.title} failed {MAX_FAILURES} times in a row and is left out for {PAUSE_SECONDS:g} s."
            if self._budget is not None and self._used + expected > self._budget:
                return f"The budget of the {self.title}, {self._budget:,} tokens, is used up."
            self._used += expected
            return None

    def _record_usage(self, expected: int, used: int, *, failed: bool) -> None:
        with self._lock:
            self._used += used - expected
            self._failures = self._failures + 1 if failed else 0
            if self._failures >= MAX_FAILURES:
                self._failures, self._paused_until = 0, time.monotonic() + PAUSE_SECONDS

    def _call_in_time(self, call: Callable[[], bytes]) -> tuple[bytes | None, str | None]:
        """Return what a call returns, or why it returned nothing; the thread of a call that takes too long ends later.

        The time limits of sockets are for one wait: an endpoint that sends a byte now and then would keep us for ever.
        """
        found: list[tuple[bytes | None, str | None]] = []

        def work() -> None:
            found.append(self._describe_failures(call))

        thread = threading.Thread(target=work, name=f"insula-{self.name}", daemon=True)
        thread.start()
        thread.join(self._seconds)
        return found[0] if found else (None, self._describe_late())

    def _describe_failures(self, call: Callable[[], bytes]) -> tuple[bytes | None, str | None]:
        try:
            return call(), None
        except urllib.error.HTTPError as error:
            return None, f"The {self.title} answered with the status {error.code}."
        except TimeoutError:
            return None, self._describe_late()
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                return None, self._describe_late()
            return None, f"The {self.title} cannot be reached."
        except (OSError, HTTPException):
            return None, f"The connection to the {self.title} broke."
        except ValueError as error:
            return None, f"The answer of the {self.title} has {error}."

    def _describe_late(self) -> str:
        return f"The {self.title} did not answer within {self._seconds:g} s."


def _read_prompt(prompt: str | Path | None) -> str:
    if prompt is None:
        return (files("insula.empathy") / "prompts" / "reply.md").read_text(encoding="utf-8")
    path = Path(prompt)
    if not path.is_file():
        raise MissingFileError(f"The prompt file {str(prompt)!r} does not exist. Check the path.")
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError:
        raise DataError(f"The prompt file {str(prompt)!r} is not UTF-8. Save it as UTF-8.") from None
    if not text:
        raise DataError(f"The prompt file {str(prompt)!r} is empty. Write instructions into it.")
    return text


def _read_answer(body: bytes | None) -> tuple[str | None, int]:
    """Return the text of a chat completion and the tokens that it reports; None for anything else."""
    try:
        answer = json.loads(body or b"")
        content = answer["choices"][0]["message"]["content"]
        usage = answer.get("usage") or {}
        reported = usage.get("total_tokens", 0)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None, 0
    if not isinstance(content, str) or not content.strip():
        return None, 0
    return content, reported if isinstance(reported, int) and not isinstance(reported, bool) else 0


def _estimate(messages: list[dict[str, str]], content: str) -> int:
    sent = sum(len(one["content"]) for one in messages)
    return (sent + len(content)) // (2 * CHARACTERS_PER_TOKEN)


def _clean(content: str) -> str:
    """Return a draft without the thoughts of a reasoning model and without quotation marks around all of it."""
    text = _THOUGHT.sub("", content).strip()
    if len(text) > 1 and text[0] + text[-1] in ('""', "“”", "「」"):
        text = text[1:-1].strip()
    return text
