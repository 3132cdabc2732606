"""The form of an access key: `insula_<id>_<secret><check>`, all in lower-case base32.

The secret has 256 random bits, so that a single SHA-256 of it cannot be reversed by trying. bcrypt and similar hashes
slow down guesses of weak passwords; here nothing can be guessed, and every request would pay for the slowness.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass

WORD = "insula"
ID_BYTES = 10  # 16 characters; an id is public and must only be unique
SECRET_BYTES = 32
LENGTH = len(WORD) + 1 + 16 + 1 + 52 + 7
_FORM = re.compile(rf"{WORD}_([a-z2-7]{{16}})_([a-z2-7]{{52}})([a-z2-7]{{7}})")
_PURPOSE = b"insula access key 1\x00"  # the digest of anything else never fits a key


@dataclass(frozen=True)
class PresentedKey:
    """A key that a caller presents: its id, for the lookup, and its digest, for the comparison."""

    id: str
    digest: str


def make_secret() -> str:
    """Return a new key. It is shown once; the store keeps only its digest."""
    identity, secret = (
        _encode_letters(secrets.token_bytes(ID_BYTES)),
        _encode_letters(secrets.token_bytes(SECRET_BYTES)),
    )
    return f"{WORD}_{identity}_{secret}{_check(identity, secret)}"


def parse_key(key: str) -> PresentedKey | None:
    """Return the id and digest of a key; None if the text is not a key, so that a typo needs no database query."""
    found = _FORM.fullmatch(key) if len(key) == LENGTH else None
    if found is None or not are_equal(_check(found[1], found[2]), found[3]):
        return None
    return PresentedKey(found[1], hashlib.sha256(_PURPOSE + key.encode("ascii")).hexdigest())


def are_equal(one: str, other: str) -> bool:
    """Whether two digests are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(one.encode("ascii"), other.encode("ascii"))


def _encode_letters(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").rstrip("=").lower()


def _check(identity: str, secret: str) -> str:
    """Return a checksum: it finds typing errors, and lets scanners for leaked secrets tell a key from a word."""
    return _encode_letters(zlib.crc32(f"{identity}_{secret}".encode("ascii")).to_bytes(4, "big"))
