"""The public keys of whoever issues tokens: a JWKS from a file or an address, remembered, and asked for again."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import jwt

from insula.core.errors import SettingsError, StoreUnreachableError

REMEMBERED = 300.0  # seconds after which keys are read again
COOLDOWN = 10.0  # seconds between two readings, whatever tokens name: a forger must not steer our calls
STALE = 3600.0  # seconds for which known keys are still good while their source does not answer
PATIENCE = 5.0
LARGEST = 1 << 20
LEAST_RSA_BITS = 2048
LOCAL = {"localhost", "127.0.0.1", "::1"}


class PublishedKeys:
    """The keys of a JWKS that can verify signatures.

    place   a file, or an address: https, or http on this machine

    Keys of an `oct` type (shared secrets), for encryption, or weaker than RSA 2048 are passed over. Raises
    `SettingsError` for an address of another kind.
    """

    def __init__(
        self,
        place: str | Path,
        *,
        remembered: float = REMEMBERED,
        clock: Callable[[], float] = time.monotonic,
        fetch: Callable[[str], bytes] | None = None,
    ) -> None:
        self._place = str(place)
        self._remote = "://" in self._place
        if self._remote:
            parts = urlsplit(self._place)
            if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
                raise SettingsError(
                    f"The address of token keys must be a file or begin with https://. Got {parts.scheme}://. Whoever "
                    "can change what it says can make tokens."
                )
        self._remembered = remembered
        self._clock = clock
        self._fetch = fetch or (_download if self._remote else _read)
        self._mutex = threading.Lock()
        self._keys: list[jwt.PyJWK] = []
        self._read_at: float | None = None
        self._tried_at: float | None = None

    def find(self, identity: str | None, algorithm: str) -> jwt.PyJWK | None:
        """Return the key with an id that is made for an algorithm; without an id the only such key.

        An unknown id lets the keys be read again, for they may have been rotated. Raises
        `StoreUnreachableError` where no keys are known and their source does not answer.
        """
        if self._read_at is None or self._clock() - self._read_at >= self._remembered:
            self._refresh()
        found = self._known(identity, algorithm)
        if found is None:
            self._refresh()
            found = self._known(identity, algorithm)
        return found

    def _known(self, identity: str | None, algorithm: str) -> jwt.PyJWK | None:
        fitting = [key for key in self._keys if key.algorithm_name == algorithm]
        if identity is not None:
            fitting = [key for key in fitting if key.key_id == identity]
        return fitting[0] if len(fitting) == 1 else None

    def _refresh(self) -> None:
        # While one thread asks a slow source, the others go on with what is known.
        if not self._mutex.acquire(blocking=self._read_at is None):
            return
        try:
            self._read_again(self._clock())
        finally:
            self._mutex.release()

    def _read_again(self, now: float) -> None:
        if self._tried_at is None or now - self._tried_at >= COOLDOWN:
            self._tried_at = now
            try:
                self._keys = _usable(json.loads(self._fetch(self._place)))
                self._read_at = now
                return
            except (OSError, ValueError, RecursionError, HTTPException):
                pass  # what is known is good for a while
        if self._read_at is None or now - self._read_at >= self._remembered + STALE:
            self._keys = []
            raise StoreUnreachableError("The keys of tokens cannot be read now. Try again later, or see their address.")


def _usable(document: Any) -> list[jwt.PyJWK]:
    if not isinstance(document, Mapping) or not isinstance(document.get("keys"), list):
        raise ValueError("no JWKS")
    found = []
    for entry in document["keys"]:
        if not isinstance(entry, dict) or entry.get("kty") == "oct" or entry.get("use", "sig") != "sig":
            continue
        try:
            key = jwt.PyJWK(entry)
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
            continue
        if entry["kty"] != "RSA" or key.key.key_size >= LEAST_RSA_BITS:
            found.append(key)
    return found


def _read(place: str) -> bytes:
    return Path(place).read_bytes()[: LARGEST + 1]


def _download(place: str) -> bytes:
    # The address was checked, and where it leads is not followed: a file:// or another host is never read.
    with urllib.request.build_opener(_NoRedirects).open(place, timeout=PATIENCE) as answer:
        content: bytes = answer.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError("too large for a JWKS")
    return content


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Follow nothing."""
