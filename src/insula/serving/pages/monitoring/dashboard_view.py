"""View model of the dashboard: a trend of the store, what can be chosen, and the newest notifications."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from insula.operations.monitoring.trend import StreamState, Trend
from insula.operations.monitoring.trend_view import TrendView, build_trend_view, format_moment
from insula.operations.outbox.outbox import STATES, Delivery
from insula.serving.pages.words import Translator

LASTS = (24, 72, 168, 720)
DELIVERED, WAITING, FAILED = "delivered", "waiting", "failed"
SIGNS = {DELIVERED: "✓", WAITING: "…", FAILED: "▲"}


@dataclass(frozen=True)
class DashboardFilter:
    """The choices of a visitor of the dashboard; `where` is an attribute and its value, or empty."""

    stream: str | None = None
    by: str = ""
    where: str = ""
    last: int = LASTS[0]

    @classmethod
    def read(cls, query: Mapping[str, str], streams: Sequence[StreamState]) -> DashboardFilter:
        """Return the selection in a query, without attributes that the stream does not have."""
        named = query.get("stream")
        stream = next((one for one in streams if one.name == named), streams[0] if streams else None)
        known = () if stream is None else stream.attributes
        by, where, last = query.get("by", ""), query.get("where", ""), query.get("last", "")
        return cls(
            None if stream is None else stream.name,
            by if by in known else "",
            where if where.partition("=")[0] in known and "=" in where else "",
            int(last) if last in map(str, LASTS) else LASTS[0],
        )

    @property
    def attributes(self) -> dict[str, str]:
        """The values that windows must have."""
        name, _, value = self.where.partition("=")
        return {name: value} if self.where else {}

    def to_query(self) -> dict[str, str]:
        """Return the query string of the same selection."""
        given = {"stream": self.stream or "", "by": self.by, "where": self.where, "last": str(self.last)}
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True)
class DeliveryRow:
    """A notification in the words of a language."""

    sign: str
    state: str
    receiver: str
    summary: str
    attempts: str
    due: str
    error: str


@dataclass(frozen=True)
class DashboardView:
    """The content of the dashboard.

    trend       None while no stream is monitored
    only        values of the chosen attribute, with the query that shows only one of them
    seen        changes with everything that is shown
    deliveries  the newest ones, those that need attention first
    """

    choice: DashboardFilter
    streams: Sequence[tuple[str, str]]
    attributes: Sequence[str]
    trend: TrendView | None
    updated: str
    ongoing: Sequence[str]
    only: Sequence[tuple[str, dict[str, str]]]
    deliveries: Sequence[DeliveryRow]
    counts: Mapping[str, int]
    seen: str


def build_dashboard_view(
    choice: DashboardFilter,
    streams: Sequence[StreamState],
    trend: Trend | None,
    deliveries: Sequence[Delivery],
    counts: Mapping[str, int],
    say: Translator,
) -> DashboardView:
    """Return the view of a choice in the words of a language."""
    shown = None if trend is None else build_trend_view(trend, language="zh" if say.language == "zh" else "en")
    stream = None if trend is None else trend.stream
    facts = [None if trend is None else trend.to_dict(), counts, [one.to_dict() for one in deliveries]]
    order = {FAILED: 0, WAITING: 1, DELIVERED: 2}
    return DashboardView(
        choice=choice,
        streams=[(one.name, Path(one.name).name) for one in streams],
        attributes=() if stream is None else stream.attributes,
        trend=shown,
        updated="" if stream is None else say("board_updated", time=format_moment(stream.updated)),
        ongoing=() if trend is None else [alert.rule for alert in trend.alerts if alert.ended is None],
        only=[
            (group["attributes"][0], replace(choice, where=f"{choice.by}={group['attributes'][0]}").to_query())
            for group in (shown.groups if shown is not None and choice.by and not choice.where else ())
        ],
        deliveries=[_build_delivery(one, say) for one in sorted(deliveries, key=lambda one: order[one.state])],
        counts={state: counts.get(state, 0) for state in STATES},
        seen=hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16],
    )


def _build_delivery(delivery: Delivery, say: Translator) -> DeliveryRow:
    return DeliveryRow(
        sign=SIGNS[delivery.state],
        state=say(f"delivery_{delivery.state}"),
        receiver=delivery.receiver,
        summary=delivery.notification.summary,
        attempts=str(delivery.attempts),
        due=format_moment(delivery.due) if delivery.state == WAITING else "",
        error=delivery.error or "",
    )
