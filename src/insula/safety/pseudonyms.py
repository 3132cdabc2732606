"""Pseudonyms: the same value gives the same token, and only the key brings it back. The one door to cryptography.

AES-SIV (RFC 5297): deterministic authenticated encryption, the kind of the value as associated data.
"""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from insula.core.errors import DataError, MissingFileError
from insula.safety.kinds import TOKEN

KEY_BYTES = 64


class Pseudonyms:
    """Hides values under one key of 32, 48 or 64 bytes, and reveals them again."""

    def __init__(self, key: bytes) -> None:
        if len(key) not in (32, 48, KEY_BYTES):
            raise DataError(f"A pseudonym key must have 32, 48 or 64 bytes. Got {len(key)}; make one with `new_key`.")
        self._cipher = AESSIV(key)

    def hide(self, kind: str, value: str) -> str:
        """Return the pseudonym of a value: letters, digits, `-` and `_`; a third longer than its bytes, and 22 more."""
        sealed = self._cipher.encrypt(value.encode("utf-8", "surrogatepass"), [kind.encode()])
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")

    def reveal(self, text: str) -> str:
        """Return the text with every pseudonym of this key turned back; those of other keys stay."""
        return TOKEN.sub(self._revealed, text)

    def _revealed(self, token: re.Match[str]) -> str:
        hidden = token["hidden"]
        if hidden is None:
            return token[0]
        try:
            sealed = base64.b64decode(hidden + "=" * (-len(hidden) % 4), altchars=b"-_", validate=True)
            return self._cipher.decrypt(sealed, [token["kind"].lower().encode()]).decode("utf-8", "surrogatepass")
        except (InvalidTag, binascii.Error, ValueError):
            return token[0]


def new_key() -> str:
    """Return a fresh random key of 64 bytes as hexadecimal, the form of a key file."""
    return AESSIV.generate_key(512).hex()


def read_key(path: str | Path) -> bytes:
    """Return the key in a file: hexadecimal, blanks aside. Raises `MissingFileError`, or `DataError` for another."""
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(
            f"The key file {str(path)!r} does not exist. "
            f"Make one with `openssl rand -hex {KEY_BYTES} > {path.name}`, and keep it."
        )
    try:
        return bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError as error:
        raise DataError(
            f"The key file {str(path)!r} must hold 32, 48 or 64 bytes in hexadecimal. "
            f"Make one with `openssl rand -hex {KEY_BYTES}`."
        ) from error
