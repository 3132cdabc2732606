"""Whom a text is about: a keyed hash, by which rows can be found and erased, and from which nobody reads it."""

from __future__ import annotations

import hashlib
import hmac
import secrets

import sqlalchemy as sa

from insula.operations.store.database import Database
from insula.operations.store.tables import STORE_SECRETS

NAME = "subject"


class Subjects:
    """Hashes of subjects. The key is random, made once a store, and stays in it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._key: bytes | None = None

    def hashed(self, subject: str) -> str:
        """Return HMAC-SHA-256 of a subject's id, in hexadecimal."""
        if self._key is None:
            self._key = self._load()
        return hmac.new(self._key, subject.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def _load(self) -> bytes:
        with self._database.writing() as connection:
            # Two servers may come here at once: whoever is first makes it, and both read it.
            new = {"name": NAME, "value": secrets.token_hex(32)}
            connection.execute(self._database.insert_new(STORE_SECRETS), new)
            query = sa.select(STORE_SECRETS.c.value).where(STORE_SECRETS.c.name == NAME)
            return bytes.fromhex(connection.execute(query).scalar_one())
