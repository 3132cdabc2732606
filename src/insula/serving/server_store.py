"""`ServerStore`: the database and the audit log of a server, opened at first use."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from insula.core.errors import OutputError
from insula.operations.audit.chain import Fact
from insula.operations.audit.log import STORE, AuditLog, choose_audit_folder
from insula.operations.credentials.keys import KeyStore
from insula.operations.credentials.quota import Quota
from insula.operations.store.database import FILE, Database, open_database
from insula.serving.settings.settings import Settings

ACTOR = "server"
log = logging.getLogger("insula.serving")


class ServerStore:
    """The data folder or database of a server.

    If the settings need no store, none is created; one that `insula keys create` creates later is used. Methods raise
    what `open_database` raises.
    """

    def __init__(self, settings: Settings) -> None:
        self._address = settings.store.address or STORE
        # Keys, quotas, retained rows and cases need a database, so it is created if it is missing.
        self._needed = (
            settings.store.address is not None
            or settings.retention.days is not None
            or settings.access.texts_per_day is not None
            or settings.access.manage_keys
            or settings.handoff.is_served
        )
        self._audit = settings.audit
        self._mutex = threading.Lock()
        self._database: Database | None = None
        self._keys: KeyStore | None = None
        self._quota: Quota | None = None
        self._log: AuditLog | None = None

    def open_database(self) -> Database | None:
        """Return the open database, None while there is none."""
        if self._database is None:
            with self._mutex:
                if self._database is None and (self._needed or (Path(self._address) / FILE).exists()):
                    database = open_database(self._address)
                    self._keys, self._quota = KeyStore(database), Quota(database)
                    self._database = database
        return self._database

    @property
    def is_open(self) -> bool:
        """Whether the database is open, without checking files."""
        return self._database is not None

    def open_keys(self) -> KeyStore | None:
        """Return the keys in the database, None while there is none."""
        return self._keys if self.open_database() is not None else None

    def has_keys(self) -> bool:
        """Whether a key was ever created, even if it was revoked since."""
        keys = self.open_keys()
        return keys is not None and keys.has_any()

    def get_quota_counter(self) -> Quota | None:
        """Return the counter of daily quotas, None while no database is open; never opens one."""
        return self._quota

    def open_audit_log(self) -> AuditLog | None:
        """Return the audit log, or None if there is neither an audit folder nor an open database."""
        if self._log is None and (self._audit.folder is not None or self._database is not None):
            folder = choose_audit_folder(self._address, self._audit.folder)
            self._log = AuditLog(folder, anchor=self._audit.anchor, every=self._audit.anchor_every)
        return self._log

    def record(self, event: str, *, required: bool = False, **facts: Fact) -> None:
        """Write an entry into the audit log, if there is one.

        required  raise `OutputError` if it cannot be written; else log an error
        """
        try:
            audit_log = self.open_audit_log()
            if audit_log is not None:
                audit_log.record(event, ACTOR, **facts)
        except OutputError as error:
            if required:
                raise
            log.error("The audit log misses an entry %s: %s", event, error)

    def close(self) -> None:
        """Return unused parts of quotas to the database, and close it."""
        if self._quota is not None:
            self._quota.release()
        if self._database is not None:
            self._database.close()
