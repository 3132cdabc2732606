"""`list_keys`, `create_key`, `revoke_key`: the keys of a service, changed by its administrators."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from insula.core.errors import DataError, OutputError, StoreError, UnknownNameError
from insula.operations.audit.log import AuditLog
from insula.operations.credentials.audited_keys import AuditedKeys
from insula.operations.credentials.keys import KeyRecord, KeyStore, NewKey
from insula.serving.http.problems import ProblemError
from insula.serving.key_management.schemas import KeyRequest
from insula.serving.service import Service

Result = TypeVar("Result")


async def list_keys(service: Service) -> list[KeyRecord]:
    """Return all keys that were ever created, the oldest first."""
    return await _run(service, lambda keys, _: keys.list_all())


async def create_key(service: Service, wanted: KeyRequest) -> NewKey:
    """Create a key; the audit log names the caller."""
    caller = service.access.get_caller().id

    def create(keys: KeyStore, log: AuditLog) -> NewKey:
        return AuditedKeys(keys, log, caller).create(
            wanted.name,
            scopes=wanted.scopes,
            expires=wanted.expires,
            texts_per_day=wanted.texts_per_day,
            calls_per_second=wanted.calls_per_second,
        )

    return await _run(service, create)


async def revoke_key(service: Service, id: str) -> KeyRecord:
    """Revoke a key; raise `ProblemError` for the key of the caller, after which nobody might be left to manage keys."""
    caller = service.access.get_caller().id

    def revoke(keys: KeyStore, log: AuditLog) -> KeyRecord:
        record = keys.find(id)
        if record is not None and f"key:{record.lineage}" == caller:
            raise ProblemError(
                "conflict",
                "A key cannot revoke itself. Use the key of another administrator, or `insula keys revoke ID`.",
                reason="own_key",
            )
        return AuditedKeys(keys, log, caller).revoke(id)

    return await _run(service, revoke)


async def _run(service: Service, call: Callable[[KeyStore, AuditLog], Result]) -> Result:
    """Return what a call returns, in a thread; raise `ProblemError` if it is not possible."""

    def run() -> Result:
        keys, log = service.store.open_keys(), service.store.open_audit_log()
        if keys is None or log is None:
            raise ProblemError("disabled", "This service has no store for keys. Its operator can set store.address.")
        return call(keys, log)

    try:
        return await service.pool.run(run)
    except UnknownNameError:
        raise ProblemError("not_found", "No key has this id. List the ids with GET /v1/keys.") from None
    except DataError as error:
        raise ProblemError("validation", str(error)) from None
    except (StoreError, OutputError):
        raise ProblemError(
            "unavailable",
            "The store or the audit log does not answer. The change may or may not have been "
            "made: list the keys before you repeat it.",
            headers={"retry-after": "2"},
        ) from None
