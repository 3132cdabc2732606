"""`MonitorFile`: the settings of a monitor: counts, retention and alerts; read from TOML."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from insula.core.durations import parse_duration
from insula.core.scheme import LabelScheme
from insula.knowledge.rule_toml import TomlTable, check_labels, parse_tables, read_rule_text
from insula.operations.outbox.receivers import Receiver
from insula.operations.streams.message import MessageFields

Name = Annotated[str, Field(min_length=1, max_length=100)]
Share = Annotated[float, Field(gt=0, lt=1)]
MAX_BY = 4
DRIFT = "drift"
"""The alert for drift."""


def _check_duration(span: str) -> str:
    parse_duration(span)
    return span


class WindowSettings(TomlTable):
    """The windows of a monitor."""

    length: str = Field("1h", description="Length of a window. Windows start at whole multiples of it in UTC.")
    grace: str = Field("10m", description="Time that a window waits for late messages after its end.")
    by: tuple[Name, ...] = Field(
        (),
        max_length=MAX_BY,
        description="Attributes to count separately by value, such as `topic`, or `language` (detected where missing).",
    )
    keep: str = Field("365d", description="Time that windows and alerts are kept.")
    keep_ids: str = Field("7d", description="Time that ids of messages are kept, to recognise repeated ones.")

    _durations = field_validator("length", "grace", "keep", "keep_ids")(_check_duration)

    @field_validator("by")
    @classmethod
    def _check_different(cls, by: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(by)) < len(by):
            raise ValueError("the attributes must be unique. Remove the repeated one")
        return tuple(sorted(by))

    @property
    def seconds(self) -> int:
        """Length in seconds."""
        return parse_duration(self.length)


class AlertRule(TomlTable):
    """A condition that raises an alert, and ends it when it no longer holds.

    `threshold` and `spike` look at each window when it closes, `shift` at each message.
    """

    name: Name
    kind: Literal["threshold", "spike", "shift"] = Field(
        description="`threshold`: the share is above a fixed value. `spike`: the share is far above that of earlier "
        "windows at the same time of day. `shift`: the share has risen and stays high; found "
        "within a few messages (test of Shiryaev and Roberts)."
    )
    labels: tuple[Name, ...] = Field(
        (), description="Labels of the messages to count. Without labels, the rule watches the number of messages."
    )
    where: Mapping[Name, str] = Field({}, description="Count only messages with these values of attributes in `by`.")
    above: float | None = Field(
        None,
        gt=0,
        description="threshold: share of messages above which an alert is raised; without labels, number of messages.",
    )
    least: int = Field(
        30, ge=1, description="Minimum number of messages in a window; windows with fewer are not checked."
    )
    deviations: float = Field(4.0, gt=0, description="spike: number of standard deviations above the expected value.")
    season: str = Field(
        "1d",
        description="spike: period after which values repeat; a window is compared with windows a whole number of "
        "periods earlier.",
    )
    windows: int = Field(
        1,
        ge=1,
        le=100,
        description="threshold, spike: number of consecutive windows for which the condition must hold.",
    )
    expected_share: Share | None = Field(
        None, description="shift: the expected share of the labels. [default: learned from the first messages]"
    )
    learn: int = Field(
        400,
        ge=10,
        description="shift: number of messages with one of the labels from which the expected share is learned, among "
        "at most 100,000 messages.",
    )
    factor: float = Field(1.5, gt=1, description="shift: rise to detect, as a multiple of the expected share.")
    false_alarm_every: int = Field(
        1_000_000, ge=1000, description="shift: average number of messages between two false alarms."
    )
    cool_down: str = Field("0s", description="Time after the end of an alert in which it is not raised again.")

    @model_validator(mode="before")
    @classmethod
    def _accept_usual(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or "usual" not in given or "expected_share" in given:
            return given
        warnings.warn(
            "The key usual of an alert is now expected_share. The old name works until version 0.3.",
            DeprecationWarning,
            stacklevel=2,
        )
        return {"expected_share" if name == "usual" else name: value for name, value in given.items()}

    _durations = field_validator("season")(_check_duration)

    @field_validator("cool_down")
    @classmethod
    def _check_cool_down(cls, span: str) -> str:
        return span if span == "0s" else _check_duration(span)

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.kind == "threshold":
            if self.above is None:
                raise ValueError(
                    "a threshold alert must set `above`. Add a share (above = 0.2), or without labels a number of "
                    "messages (above = 500)"
                )
            if self.labels and self.above >= 1:
                raise ValueError(
                    "`above` must be below 1 for an alert with labels: it is a share of messages. Choose a smaller "
                    "value"
                )
        elif self.above is not None:
            raise ValueError(f"`above` applies only to threshold alerts. Remove it from this {self.kind} alert")
        if self.kind == "shift":
            if not self.labels:
                raise ValueError("a shift alert must set `labels`. Add the labels whose share is watched")
            if self.windows != 1:
                raise ValueError(
                    "`windows` applies only to threshold and spike alerts. Remove it from this shift alert"
                )
            if self.expected_share is not None and self.expected_share * self.factor >= 1:
                raise ValueError("`expected_share` times `factor` must be below 1. Choose a smaller factor")
        return self

    @property
    def cool_down_time(self) -> timedelta:
        """The cool-down as a duration."""
        return timedelta(seconds=0 if self.cool_down == "0s" else parse_duration(self.cool_down))


class DriftSettings(TomlTable):
    """The watch for drift: messages that differ from the texts that the model was evaluated on raise an alert."""

    enabled: bool = Field(True, description="Watch for drift if the model folder has a reference.")
    messages: int = Field(
        1000, ge=200, le=1_000_000, description="Number of observed messages that are compared with the reference."
    )
    min_size: Share = Field(
        0.1, description="Smallest significant difference between shares or distributions that counts as drift."
    )
    alpha: Share = Field(0.01, description="Probability of a false alarm in a comparison if `min_size` were 0.")

    @property
    def name(self) -> str:
        """The name of its alert."""
        return DRIFT

    @property
    def cool_down_time(self) -> timedelta:
        """No time after the end of an alert."""
        return timedelta()


class MonitorFile(TomlTable):
    """The content of a monitor's file."""

    windows: WindowSettings = WindowSettings()
    drift: DriftSettings = DriftSettings()
    fields: MessageFields = MessageFields()
    alerts: tuple[AlertRule, ...] = ()
    receivers: tuple[Receiver, ...] = ()

    @model_validator(mode="after")
    def _check_windows(self) -> Self:
        names = [receiver.name for receiver in self.receivers]
        if len(set(names)) < len(names):
            raise ValueError("the names of receivers must be unique. Rename one")
        for rule in self.alerts:
            if rule.name == DRIFT and self.drift.enabled:
                raise ValueError(f"the name {DRIFT!r} is that of the alert for drift. Rename the alert")
            unknown = sorted(set(rule.where) - set(self.windows.by))
            if unknown:
                raise ValueError(
                    f"alert {rule.name!r} has where = {unknown[0]}, which is not in windows.by. Add it there"
                )
        return self

    def check_labels(self, scheme: LabelScheme, origin: str) -> None:
        """Raise `DataError` if an alert names a label that the model does not have."""
        for rule in self.alerts:
            check_labels(rule.labels, scheme, f"alert {rule.name!r}", origin)


def read_monitor_file(file: str | Path) -> MonitorFile:
    """Return the settings of a file. Raises `MissingFileError`, and `DataError` if it is invalid."""
    return parse_monitor_file(read_rule_text(file, "monitor"), repr(str(file)))


def parse_monitor_file(text: str, origin: str) -> MonitorFile:
    """Return the settings of a TOML text; `origin` names it in messages."""
    return parse_tables(
        text, MonitorFile, {"alerts": AlertRule, "receivers": Receiver}, kind="alerts", origin=origin, called="monitor"
    )
