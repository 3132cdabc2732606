"""`libretranslate` and `openai`: translators that are served at an address, by you or by somebody else.

A key, if the service needs one, is read from the environment variable `INSULA_TRANSLATOR_KEY`.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPException
from typing import Any, ClassVar
from urllib.parse import urlsplit

from insula.augmentation.translation.translator import Translator
from insula.core.errors import DataError, ServiceError
from insula.core.web.fetch import TooLongError, fetch

KEY = "INSULA_TRANSLATOR_KEY"
PIVOTS = {"en": "de", "zh": "en"}
"""The language between, by the language of the text, if none is named."""
NAMES = {"de": "German", "en": "English", "es": "Spanish", "fr": "French", "ja": "Japanese", "pt": "Portuguese",
         "ru": "Russian", "zh": "Simplified Chinese"}  # fmt: skip
MAX_BYTES = 1 << 20
_BUSY = (429, 502, 503, 504)
_SHOWN = 80


class Endpoint(Translator):
    """A service that translates over HTTP.

    address  its base URL
    pivot    the language between; None chooses one by the language of the text
    """

    languages: tuple[str, ...] = ("en", "zh")
    by_sentence: ClassVar[bool] = False
    seconds = 60.0
    """Longest wait for an answer."""
    waits: tuple[float, ...] = (1.0, 4.0)
    """Seconds before further attempts if the service is busy."""

    def __init__(self, address: str, pivot: str | None) -> None:
        self.address, self.pivot = _check_address(address), pivot
        if pivot is not None:
            self.languages = tuple(one for one in self.languages if one != pivot)

    def translate_back(self, texts: Sequence[str], language: str) -> Iterator[str]:
        """Yield texts, translated into the pivot language and back."""
        pivot = self.pivot or PIVOTS[language]
        for text in texts:
            yield self.translate(self.translate(text, language, pivot), pivot, language)

    @abstractmethod
    def translate(self, text: str, source: str, target: str) -> str:
        """Return the translation of a text; raises `ServiceError`."""

    def ask(self, path: str, content: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
        """Send a POST request and return the JSON of the response; raises `ServiceError`."""
        request = urllib.request.Request(
            self.address + path, json.dumps(content).encode(), {"content-type": "application/json", **headers}
        )
        for wait in (*self.waits, None):
            try:
                return self._parse(self._send(request))
            except ServiceError as error:
                if wait is None or error.status not in _BUSY:
                    raise
                time.sleep(wait)
        raise AssertionError  # the last attempt returns or raises

    def reject(self, answer: object) -> ServiceError:
        """Build the error for an answer that is not a translation."""
        shown = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        shown = " ".join(shown.split())
        return ServiceError(
            f"The translator at {self.address} answered with something other than a translation: "
            f"{shown[:_SHOWN] + ('…' if len(shown) > _SHOWN else '')!r}. Check its address, its kind and its model."
        )

    def _send(self, request: urllib.request.Request) -> bytes:
        try:
            return fetch(request, seconds=self.seconds, most_bytes=MAX_BYTES)
        except urllib.error.HTTPError as error:
            with error:
                detail = " ".join(error.read(_SHOWN * 4).decode("utf-8", "replace").split())[:_SHOWN]
            raise ServiceError(
                f"The translator at {self.address} answered with status {error.code}"
                f"{f' ({detail})' if detail else ''}. Check its address and its log"
                f"{f', and the key in {KEY}' if error.code in (401, 403) else ''}.",
                status=error.code,
            ) from None
        except TooLongError as error:
            raise self.reject(error.start[: _SHOWN * 4].decode("utf-8", "replace")) from None
        except TimeoutError:
            raise self._build_timeout() from None
        except (OSError, HTTPException) as error:
            if isinstance(error, urllib.error.URLError) and isinstance(error.reason, TimeoutError):
                raise self._build_timeout() from None
            reason = str(getattr(error, "reason", error)).rstrip(".") or type(error).__name__
            raise ServiceError(
                f"The translator at {self.address} does not answer: {reason}. "
                "Check its address, and that it is running."
            ) from None

    def _build_timeout(self) -> ServiceError:
        return ServiceError(
            f"The translator at {self.address} has not answered for {self.seconds:g} seconds. Check its log."
        )

    def _parse(self, content: bytes) -> Any:
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise self.reject(content[: _SHOWN * 4].decode("utf-8", "replace")) from None


class LibreTranslate(Endpoint):
    """A service with the interface of LibreTranslate: `POST /translate`."""

    def translate(self, text: str, source: str, target: str) -> str:
        """Return the translation of a text; raises `ServiceError`."""
        content = {"q": text, "source": source, "target": target, "format": "text"}
        if key := os.environ.get(KEY):
            content["api_key"] = key
        answer = self.ask("/translate", content, {})
        found = answer.get("translatedText") if isinstance(answer, dict) else None
        if not isinstance(found, str) or not found.strip():
            raise self.reject(answer)
        return found


class OpenAI(Endpoint):
    """A chat model with the interface of OpenAI: `POST /chat/completions`.

    model  its name at the service
    """

    def __init__(self, model: str, address: str, pivot: str | None) -> None:
        super().__init__(address, pivot)
        self.model = model

    def translate(self, text: str, source: str, target: str) -> str:
        """Return the translation of a text; raises `ServiceError`."""
        asked = (
            f"Translate the message of the user from {NAMES.get(source, source)} into {NAMES.get(target, target)}. "
            "Keep its tone, emotion, emoji, names and line breaks. Answer with the translation only."
        )
        content = {
            "model": self.model,
            "messages": [{"role": "system", "content": asked}, {"role": "user", "content": text}],
            "temperature": 0,
        }
        key = os.environ.get(KEY)
        answer = self.ask("/chat/completions", content, {"authorization": f"Bearer {key}"} if key else {})
        try:
            found = answer["choices"][0]["message"]["content"]
        except (KeyError, IndexError, TypeError):
            raise self.reject(answer) from None
        if not isinstance(found, str) or not found.strip():
            raise self.reject(answer)
        return found.strip()


def open_libretranslate(where: str | None, pivot: str | None) -> LibreTranslate:
    """Return a translator with the interface of LibreTranslate; `where` is its base URL."""
    if where is None:
        raise DataError(
            "The translator 'libretranslate' needs its address. Got none. Write it after a colon: "
            "libretranslate:http://localhost:5000"
        )
    return LibreTranslate(where, pivot)


def open_openai(where: str | None, pivot: str | None) -> OpenAI:
    """Return a translator with the interface of OpenAI; `where` is `MODEL@URL`, the base URL with its `/v1`."""
    model, _, address = (where or "").partition("@")
    if not model or not address:
        raise DataError(
            f"The translator 'openai' needs a model and an address. Got {where or 'neither'!r}. Write them after a "
            "colon: openai:MODEL@http://localhost:8000/v1"
        )
    return OpenAI(model, address, pivot)


def _check_address(address: str) -> str:
    parts = urlsplit(address)
    if parts.username or parts.password:
        raise DataError(f"The address of a translator must not contain a password. Remove it, and set {KEY} instead.")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise DataError(
            f"The address of a translator must begin with http:// or https://. Got {address!r}. Write one such as "
            "http://localhost:5000"
        )
    return address.rstrip("/")
