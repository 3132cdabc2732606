"""The store and the audit log of a server: opened where they are named, or once they are there."""

from __future__ import annotations

import threading
from pathlib import Path

from insula.api.access import STORE, audit_folder
from insula.operations.audit.log import AuditLog
from insula.operations.credentials.keys import Keys
from insula.operations.credentials.quota import Quota
from insula.operations.store.database import FILE, Database, open_database
from insula.serving.settings.settings import Settings


class AtHand:
    """What a server finds in its data folder.

    A server that nobody gave a store makes none, and yet must see the first key that is made beside it. Raises what
    `open_database` raises.
    """

    def __init__(self, settings: Settings) -> None:
        self._address = settings.store.address or STORE
        # What must be counted or kept needs a place; without one it is made.
        self._needed = (
            settings.store.address is not None
            or settings.retention.days is not None
            or settings.access.texts_a_day is not None
        )
        self._audit = settings.audit
        self._mutex = threading.Lock()
        self._database: Database | None = None
        self._keys: Keys | None = None
        self._quota: Quota | None = None
        self._log: AuditLog | None = None

    def database(self) -> Database | None:
        """Return the open store, None while there is none."""
        if self._database is None:
            with self._mutex:
                if self._database is None and (self._needed or (Path(self._address) / FILE).exists()):
                    database = open_database(self._address)
                    self._keys, self._quota = Keys(database), Quota(database)
                    self._database = database
        return self._database

    def keys(self) -> Keys | None:
        """Return the keys of the store, None while there is none."""
        return self._keys if self.database() is not None else None

    def quota(self) -> Quota | None:
        """Return the counter of texts, None while no store was opened; it never opens one."""
        return self._quota

    def unlocked(self) -> bool:
        """Whether no key was ever made."""
        keys = self.keys()
        return keys is None or not keys.any()

    def log(self) -> AuditLog | None:
        """Return the audit log, None where none is named and there is no store."""
        if self._log is None and (self._audit.folder is not None or self._database is not None):
            folder = audit_folder(self._address, self._audit.folder)
            self._log = AuditLog(folder, anchor=self._audit.anchor, every=self._audit.anchor_every)
        return self._log

    def close(self) -> None:
        """Give back what was taken of quotas, and close the store."""
        if self._quota is not None:
            self._quota.give_back()
        if self._database is not None:
            self._database.close()
