"""Subjects: keyed hashes of the people whom texts are about, to find and erase rows without storing ids."""

from __future__ import annotations

import hashlib
import hmac
import secrets

import sqlalchemy as sa

from insula.operations.store.database import Database
from insula.operations.store.tables import STORE_SECRETS

NAME = "subject"


class Subjects:
    """Hashes of subjects. The key is random, created once per store, and stays in it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._key: bytes | None = None

    def hash_subject(self, subject: str) -> str:
        """Return HMAC-SHA-256 of a subject's id, in hexadecimal."""
        if self._key is None:
            self._key = self._load()
        return hmac.new(self._key, subject.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def _load(self) -> bytes:
        with self._database.begin_write() as connection:
            # Two servers may get here at once: the first one creates the key, and both read it.
            new = {"name": NAME, "value": secrets.token_hex(32)}
            connection.execute(self._database.insert_new(STORE_SECRETS), new)
            query = sa.select(STORE_SECRETS.c.value).where(STORE_SECRETS.c.name == NAME)
            return bytes.fromhex(connection.execute(query).scalar_one())
