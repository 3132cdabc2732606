"""`MessageCounter`: counts a predicted message by its labels, their coarser levels, and the attributes of alerts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from insula.core.decision import Decisions
from insula.core.errors import CHOOSE, DataError, suggest
from insula.core.levels import find_levels
from insula.core.scheme import LabelScheme
from insula.core.sentences import shorten
from insula.operations.monitoring.settings import AlertRule, MonitorFile
from insula.operations.streams.message import StreamMessage
from insula.text.language import detect_language

ALERT = "alert"
"""The level under which the messages of an alert are counted."""
LANGUAGE = "language"
OTHER = "(other)"
MISSING = "(none)"
MAX_VALUE = 60  # characters of an attribute by which messages are counted
MAX_GROUPS = 1000  # combinations of attributes of a stream; an id as an attribute must not make a window per message

Key = tuple[int, str]
"""The start of a window, and the attributes of its messages as JSON."""


@dataclass
class WindowCount:
    """Messages of a window. `labels` counts them by level and label."""

    messages: int = 0
    abstained: int = 0
    labels: Counter[tuple[str, str]] = field(default_factory=Counter)


class MessageCounter:
    """Counts messages by the labels of a model.

    hits of a rule: the messages with one of its labels and its attributes; without labels all with its attributes.

    Raises `DataError` for a rule with a label that neither the model nor a coarser level of it has, and for a model
    that predicts dimensions.
    """

    def __init__(self, scheme: LabelScheme, settings: MonitorFile, groups: Sequence[str] = ()) -> None:
        if not scheme.is_categorical:
            raise DataError("A monitor counts labels. This model predicts dimensions. Choose a model with labels.")
        self._settings = settings
        self._levels = find_levels(scheme)
        columns = [("", name) for name in scheme.names]
        columns += [(name, parent) for name, level in self._levels.items() for parent in level.scheme.names]
        self._columns = columns
        self._groups = set(groups)
        self.crowded_out = 0
        self._rules = [(rule, [self._find_column(label, rule) for label in rule.labels]) for rule in settings.alerts]

    def find_group(self, message: StreamMessage) -> str:
        """Return the attributes by which a message is counted, as JSON with sorted keys."""
        given = {name: _read_attribute(name, message) for name in self._settings.windows.by}
        group = json.dumps(given, ensure_ascii=False)
        if group in self._groups:
            return group
        if len(self._groups) >= MAX_GROUPS:
            self.crowded_out += 1
            return json.dumps(dict.fromkeys(given, OTHER), ensure_ascii=False)
        self._groups.add(group)
        return group

    def find_start(self, message: StreamMessage) -> int:
        """Return the start of the window of a message, in seconds since 1970."""
        seconds = self._settings.windows.seconds
        return int(message.time.timestamp() // seconds) * seconds

    def find_flags(self, decisions: Decisions) -> NDArray[np.bool_]:
        """Return (rows, columns) which labels and labels of coarser levels each message has."""
        levels = [level.choose_parents(decisions.chosen) for level in self._levels.values()]
        return np.concatenate([decisions.chosen, *levels], axis=1)

    def find_hits(self, flags: NDArray[np.bool_], groups: Sequence[str]) -> list[NDArray[np.bool_]]:
        """Return for each rule (rows,) the messages that it counts; their `where` is met and one label is predicted."""
        found = []
        for rule, columns in self._rules:
            hits = np.array([matches(rule.where, group) for group in groups], dtype=bool)
            found.append(hits & flags[:, columns].any(axis=1) if columns else hits)
        return found

    def count(
        self, keys: Sequence[Key], decisions: Decisions, flags: NDArray[np.bool_], hits: Sequence[NDArray[np.bool_]]
    ) -> dict[Key, WindowCount]:
        """Return the counts of each window."""
        counts: dict[Key, WindowCount] = {}
        rows: dict[Key, list[int]] = {}
        for place, key in enumerate(keys):
            rows.setdefault(key, []).append(place)
        for key, places in rows.items():
            found = WindowCount(len(places), int(decisions.abstained[places].sum()))
            for column, total in zip(self._columns, flags[places].sum(axis=0).tolist(), strict=True):
                if total:
                    found.labels[column] = total
            for rule, marked in zip(self._settings.alerts, hits, strict=True):
                if total := int(marked[places].sum()):
                    found.labels[ALERT, rule.name] = total
            counts[key] = found
        return counts

    def _find_column(self, label: str, rule: AlertRule) -> int:
        for place, (_, name) in enumerate(self._columns):
            if name == label:
                return place
        known = list(dict.fromkeys(name for _, name in self._columns))
        raise DataError(
            f"The labels of alert {rule.name!r} must be labels of the model: {', '.join(known)}. Got "
            f"{label!r}.{suggest(label, known, CHOOSE)}"
        )


def matches(where: Mapping[str, str], group: str) -> bool:
    """Whether the attributes of a window, as JSON, have these values."""
    if not where:
        return True
    given = parse_group(group)
    return all(given.get(name) == value for name, value in where.items())


@lru_cache(maxsize=2 * MAX_GROUPS)
def parse_group(group: str) -> Mapping[str, str]:
    """Return the attributes of a window from their JSON."""
    found: Mapping[str, str] = json.loads(group)
    return found


def _read_attribute(name: str, message: StreamMessage) -> str:
    if name == LANGUAGE:
        return message.language or detect_language(message.text) or MISSING
    value = message.attributes.get(name, "")
    return shorten("".join(filter(str.isprintable, value)), MAX_VALUE) or MISSING
