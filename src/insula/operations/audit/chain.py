"""A hash chain: each entry holds the hash of the one before, so that changes and removals are detected.

The hash of an entry is SHA-256 over its canonical JSON (sorted keys, no spaces, ASCII) without the hash itself. An
attacker who can rewrite the whole log can make a new chain; anchors outside the log detect that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Fact: TypeAlias = str | int | float | bool | list[str] | None
START = "0" * 64  # `before` of the first entry
FIELDS = {"n", "time", "event", "actor", "facts", "before", "hash"}


@dataclass(frozen=True)
class Entry:
    """An entry of the audit log: one event.

    number   position in the chain, from 1
    time     UTC, ISO 8601
    event    name of the event, such as `key.created`
    actor    who caused it: `cli`, `server`, the id of a key; never a secret
    facts    names and numbers; never a text
    before   the hash of the entry before
    hash     the hash of this one
    """

    number: int
    time: str
    event: str
    actor: str
    facts: Mapping[str, Fact]
    before: str
    hash: str

    def to_json_line(self) -> str:
        """Return the entry as one line of canonical JSON, without a line end."""
        return to_canonical_json({**_select_hashed(self), "hash": self.hash})


def seal_entry(number: int, time: str, event: str, actor: str, facts: Mapping[str, Fact], before: str) -> Entry:
    """Return an entry with its hash."""
    open_entry = Entry(number, time, event, actor, dict(facts), before, "")
    return Entry(number, time, event, actor, dict(facts), before, _compute_digest(open_entry))


def read(line: str) -> Entry | None:
    """Return the entry of a line; None if it is not an entry in canonical form or its hash is wrong."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or fields.keys() != FIELDS or not _has_valid_types(fields):
        return None
    named = {key: fields[key] for key in ("time", "event", "actor", "facts", "before", "hash")}
    entry = Entry(number=fields["n"], **named)
    # A line in another form (a repeated key, other escapes) parses and hashes the same, but it was rewritten.
    return entry if entry.to_json_line() == line and _compute_digest(entry) == entry.hash else None


def to_canonical_json(value: Any) -> str:
    """Return canonical JSON: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _has_valid_types(fields: Mapping[str, Any]) -> bool:
    texts = all(isinstance(fields[key], str) for key in ("time", "event", "actor", "before", "hash"))
    return texts and type(fields["n"]) is int and isinstance(fields["facts"], dict)


def _select_hashed(entry: Entry) -> dict[str, Any]:
    return {
        "n": entry.number, "time": entry.time, "event": entry.event, "actor": entry.actor, "facts": dict(entry.facts),
        "before": entry.before,
    }  # fmt: skip


def _compute_digest(entry: Entry) -> str:
    return hashlib.sha256(to_canonical_json(_select_hashed(entry)).encode("ascii")).hexdigest()
