"""Pseudonyms: equal values get equal tokens, and only the key reveals the value. Only this module imports cryptography.

The cipher is AES-SIV (RFC 5297), deterministic authenticated encryption, with the kind of the value as associated data.
"""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from insula.core.errors import DataError, MissingFileError
from insula.core.moved import moved_names
from insula.safety.kinds import TOKEN

if not TYPE_CHECKING:  # type checkers must not take every name for one that is here
    __getattr__ = moved_names(__name__, {"new_key": f"{__name__}:create_key"})

KEY_BYTES = 64


class Pseudonyms:
    """Encrypts values as pseudonyms, and decrypts them, with a key of 32, 48 or 64 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) not in (32, 48, KEY_BYTES):
            raise DataError(
                f"A pseudonym key must have 32, 48 or 64 bytes. Got {len(key)}. Generate one with `create_key`."
            )
        self._cipher = AESSIV(key)

    def hide(self, kind: str, value: str) -> str:
        """Return the pseudonym of a value: URL-safe base64 of its UTF-8 bytes and 16 more."""
        ciphertext = self._cipher.encrypt(value.encode("utf-8", "surrogatepass"), [kind.encode()])
        return base64.urlsafe_b64encode(ciphertext).rstrip(b"=").decode("ascii")

    def reveal(self, text: str) -> str:
        """Return the text with the pseudonyms of this key replaced by their values; pseudonyms of other keys remain."""
        return TOKEN.sub(self._decrypt, text)

    def _decrypt(self, token: re.Match[str]) -> str:
        pseudonym = token["pseudonym"]
        if pseudonym is None:
            return token[0]
        try:
            ciphertext = base64.b64decode(pseudonym + "=" * (-len(pseudonym) % 4), altchars=b"-_", validate=True)
            return self._cipher.decrypt(ciphertext, [token["kind"].lower().encode()]).decode("utf-8", "surrogatepass")
        except (InvalidTag, binascii.Error, ValueError):
            return token[0]


def create_key() -> str:
    """Return a random key of 64 bytes in hexadecimal, the content of a key file."""
    return AESSIV.generate_key(512).hex()


def read_key(path: str | Path) -> bytes:
    """Read a key file: hexadecimal, white space ignored. Raises `MissingFileError`, or `DataError` if it is no key."""
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(
            f"The key file {str(path)!r} does not exist. "
            f"Generate a key with `openssl rand -hex {KEY_BYTES} > {path.name}`, and keep it safe."
        )
    try:
        return bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError as error:
        raise DataError(
            f"The key file {str(path)!r} must hold 32, 48 or 64 bytes in hexadecimal. "
            f"Generate a key with `openssl rand -hex {KEY_BYTES}`."
        ) from error
