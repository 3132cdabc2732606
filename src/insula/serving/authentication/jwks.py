"""`KeySet`: the public keys of an identity provider (JWKS, RFC 7517), from a file or an address, cached and renewed."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt

from insula.core.errors import SettingsError, StoreUnreachableError
from insula.core.web.fetch import fetch

MAX_AGE = 300.0  # seconds after which the keys are read again
COOLDOWN = 10.0  # seconds between two reads: forged tokens with random key ids must not make us send requests
STALE = 3600.0  # seconds for which known keys are still used while their source does not answer
TIMEOUT = 5.0
MAX_BYTES = 1 << 20
MIN_RSA_BITS = 2048
LOCAL = {"localhost", "127.0.0.1", "::1"}


class KeySet:
    """The keys of a JWKS that can verify signatures.

    source  a file or an address: https, or http on this machine

    Keys of type `oct` (shared secrets), keys for encryption and RSA keys below 2048 bits are ignored. Raises
    `SettingsError` for an address of another kind.
    """

    def __init__(
        self,
        source: str | Path,
        *,
        max_age: float = MAX_AGE,
        clock: Callable[[], float] = time.monotonic,
        fetch: Callable[[str], bytes] | None = None,
    ) -> None:
        self._source = str(source)
        remote = "://" in self._source
        if remote:
            parts = urlsplit(self._source)
            if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
                raise SettingsError(
                    f"The setting tokens.keys must be a file or an https:// address. Got {parts.scheme}://. "
                    "Use https: anybody who can change these keys can forge tokens."
                )
        self._max_age = max_age
        self._clock = clock
        self._fetch = fetch or (_download if remote else _read)
        self._mutex = threading.Lock()
        self._keys: list[jwt.PyJWK] = []
        self._read_at: float | None = None
        self._tried_at: float | None = None

    def find(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        """Return the key with this id and algorithm, None if there is none; without an id, the only such key.

        For an unknown id the keys are read again, since they may have been rotated. Raises `StoreUnreachableError` if
        no keys are known and their source does not answer.
        """
        if self._read_at is None or self._clock() - self._read_at >= self._max_age:
            self._renew()
        found = self._find_key(key_id, algorithm)
        if found is None:
            self._renew()
            found = self._find_key(key_id, algorithm)
        return found

    def _find_key(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        fitting = [key for key in self._keys if key.algorithm_name == algorithm]
        if key_id is not None:
            fitting = [key for key in fitting if key.key_id == key_id]
        return fitting[0] if len(fitting) == 1 else None

    def _renew(self) -> None:
        # While one thread waits for a slow source, the others use the keys that are known.
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
                self._keys = _read_usable_keys(json.loads(self._fetch(self._source)))
                self._read_at = now
                return
            except (OSError, ValueError, RecursionError, HTTPException):
                pass  # the known keys are used for a while
        if self._read_at is None or now - self._read_at >= self._max_age + STALE:
            self._keys = []
            raise StoreUnreachableError(
                "The public keys of tokens cannot be read now. Try again later, or check the setting tokens.keys."
            )


def _read_usable_keys(document: Any) -> list[jwt.PyJWK]:
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
        if entry["kty"] != "RSA" or key.key.key_size >= MIN_RSA_BITS:
            found.append(key)
    return found


def _read(source: str) -> bytes:
    return Path(source).read_bytes()[: MAX_BYTES + 1]


def _download(source: str) -> bytes:
    # The address was checked; a redirect could lead to a file:// or to another host.
    return fetch(urllib.request.Request(source), seconds=TIMEOUT, most_bytes=MAX_BYTES)
