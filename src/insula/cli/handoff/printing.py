"""The output of `insula queue` for people."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from insula.cli.tables import crop, join_lines, pad
from insula.core.durations import format_duration

if TYPE_CHECKING:
    from insula.operations.handoff.cases import Case, CaseEvent
    from insula.operations.handoff.statistics import QueueStats

NO_TEXT = "(no text is stored)"
ERASED = "(erased at the request of the person)"


def print_json(content: Any) -> None:
    """Print a value as one line of JSON."""
    typer.echo(json.dumps(content, ensure_ascii=False))


def print_cases(cases: Sequence[Case]) -> None:
    """Print one line per case: number, risk, deadline, state, text."""
    if not cases:
        typer.echo("No matching cases.", err=True)
        return
    now, width = datetime.now(UTC), shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    typer.echo(f"{'case':>6}  {'risk':<10}{'due':<11}{'state':<24}text")
    for case in cases:
        head = f"{case.id:>6}  {case.risk:<10}{_format_deadline(case, now):<11}{pad(_describe_state(case), 24)}"
        typer.echo(crop(head, join_lines(_format_text(case)), width))


def print_case(case: Case, events: Sequence[CaseEvent] = ()) -> None:
    """Print everything about a case, and its events."""
    now = datetime.now(UTC)
    rows = {
        "case": f"{case.id}, {_describe_state(case)}",
        "risk": case.risk,
        "due": f"{case.due:%Y-%m-%d %H:%M:%S} UTC ({_format_deadline(case, now)})" if case.state != "closed" else "",
        "lease": "" if case.lease_until is None else f"until {case.lease_until:%H:%M:%S} UTC",
        "outcome": case.outcome or "",
        "note": case.note or "",
        "message": f"{case.message} in {case.source}" if case.source else case.message,
        "queue": case.queue,
        "reason": case.reason or "",
        "rule": case.rule or "",
        "tags": ", ".join(case.tags),
        "customer": ", ".join(f"{name} {value}" for name, value in (case.customer or {}).items()),
        "predicted": _format_prediction(case),
        "words": ", ".join(case.words),
        "target": case.target or "",
    }
    for name, value in rows.items():
        if value:
            typer.echo(f"{name:<10} {join_lines(value)}")
    for turn in case.turns:
        typer.echo(f"{'earlier':<10} {join_lines(_format_turn(turn.get('text') or '', turn.get('speaker')))}")
    typer.echo(f"{'text':<10} {join_lines(_format_turn(_format_text(case), case.speaker))}")
    for event in events:
        facts = ", ".join(f"{name} {value}" for name, value in event.facts.items() if value not in (None, ""))
        typer.echo(f"{event.time:%Y-%m-%d %H:%M:%S}  {event.event:<13} {join_lines(event.actor)}  {join_lines(facts)}")


def print_stats(stats: QueueStats) -> None:
    """Print the figures of the queue."""
    rows = {
        "waiting": f"{stats.waiting:,}"
        + ("" if stats.oldest is None else f" (oldest {format_duration(stats.oldest)})"),
        "claimed": _format_counts(stats.claimed, stats.by_agent),
        "late": f"{stats.late:,}",
        "by risk": _format_pairs(stats.by_risk),
        "closed": _format_counts(stats.closed, stats.outcomes),
        "deleted": f"{stats.deleted:,} after their retention",
        "opened": f"{stats.opened:,} in all",
        "escalated": f"{stats.escalations:,} times",
        "leases": f"{stats.expired_leases:,} expired",
        "to claim": _format_median(stats.to_claim),
        "to close": _format_median(stats.to_close),
    }
    for name, value in rows.items():
        if value:
            typer.echo(f"{name:<10} {value}")


def _format_deadline(case: Case, now: datetime) -> str:
    if case.state == "closed":
        return ""
    left = (case.due - now).total_seconds()
    return f"in {format_duration(left)}" if left > 0 else f"{format_duration(-left)} late"


def _describe_state(case: Case) -> str:
    if case.state == "closed":
        return f"closed: {case.outcome}"
    return case.state if case.agent is None else f"{case.state} by {case.agent}"


def _format_text(case: Case) -> str:
    return case.text or (NO_TEXT if case.erased is None else ERASED)


def _format_turn(text: str, speaker: str | None) -> str:
    return f"{speaker}: {text}" if speaker else text


def _format_prediction(case: Case) -> str:
    answer = case.answer or {}
    scores = answer.get("scores") or {}
    named = [f"{label} {scores[label]:.2f}" if label in scores else str(label) for label in answer.get("labels") or ()]
    return ", ".join(named) + (" (the model is not sure)" if answer.get("abstained") else "")


def _format_counts(count: int, parts: Mapping[str, int]) -> str:
    return f"{count:,}" + (f" ({_format_pairs(parts)})" if parts else "")


def _format_pairs(parts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in parts.items())


def _format_median(seconds: float | None) -> str:
    return "" if seconds is None else f"{format_duration(seconds)} (median)"
