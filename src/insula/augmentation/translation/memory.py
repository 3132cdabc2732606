"""`remember_translations`: translations that survive an interruption, in a file next to the output."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from insula.core.errors import OutputError, ServiceError

SUFFIX = ".translations"


class TranslationMemory(Protocol):
    """Stores translations by translator, language and text."""

    def get(self, translator: str, language: str, text: str) -> str | None:
        """Return a stored translation; None if there is none."""

    def put(self, translator: str, language: str, text: str, found: str) -> None:
        """Store a translation."""


class TranslationFile:
    """A translation memory in a file, created with the first translation; each translation is written immediately.

    Raises `OutputError` if the file cannot be written, or is another one.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._connection = self._open() if file.exists() else None

    def get(self, translator: str, language: str, text: str) -> str | None:
        """Return a stored translation; None if there is none."""
        if self._connection is None:
            return None
        row = self._connection.execute(
            "SELECT found FROM translations WHERE translator = ? AND language = ? AND text = ?",
            (translator, language, text),
        ).fetchone()
        return None if row is None else str(row[0])

    def put(self, translator: str, language: str, text: str, found: str) -> None:
        """Store a translation."""
        self._connection = self._connection or self._open()
        self._connection.execute(
            "INSERT OR REPLACE INTO translations VALUES (?, ?, ?, ?)", (translator, language, text, found)
        )

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()

    def _open(self) -> sqlite3.Connection:
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.file, isolation_level=None)
            try:
                connection.execute("PRAGMA synchronous=OFF")  # losing the last ones at a power cut costs little
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS translations (translator TEXT, language TEXT, text TEXT, found TEXT, "
                    "PRIMARY KEY (translator, language, text)) WITHOUT ROWID"
                )
            except sqlite3.Error:
                connection.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise OutputError(
                f"The file {str(self.file)!r} cannot be used to store translations ({error}). Move it, or choose "
                "another output."
            ) from error
        return connection


@contextmanager
def remember_translations(output: Path | None) -> Iterator[TranslationMemory | None]:
    """Provide a translation memory in a file next to `output`; it is removed at the end, but kept after an error.

    Provides None without an output. Raises `OutputError` if another file has its name.
    """
    if output is None:
        yield None
        return
    memory = TranslationFile(output.with_name(output.name + SUFFIX))
    with closing(memory):
        try:
            yield memory
        except ServiceError as error:
            if not memory.file.exists():
                raise
            raise ServiceError(
                f"{error} Translations made so far are in {str(memory.file)!r}; the same command uses them.",
                status=error.status, code=error.code,
            ) from error  # fmt: skip
    memory.file.unlink(missing_ok=True)
