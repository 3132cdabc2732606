"""The page of an attack: how many decisions changed, at which cost, and the worst pairs."""

from __future__ import annotations

from pathlib import Path

from insula.core.files import write_text
from insula.evaluation.attack_document import AttackDocument, AttackedText
from insula.evaluation.charts.intervals import IntervalRow, draw_interval_chart
from insula.evaluation.reports.figures import Figure
from insula.evaluation.reports.page import render_page
from insula.evaluation.reports.readable import format_count, format_duration, format_percent, format_span
from insula.evaluation.reports.sanitize import sanitize_document


def write_attack(path: str | Path, document: AttackDocument) -> None:
    """Write the page of an attack as a single HTML file that needs no network; raises `OutputError`."""
    write_text(path, render_attack(document))


def render_attack(document: AttackDocument) -> str:
    """Return the page that `write_attack` writes."""
    document = sanitize_document(document)
    return render_page(
        "attack.html.j2",
        created=(document.created or "")[:10],
        model=document.model,
        data=document.data,
        method=document.method,
        value=format_percent(document.accuracy_under_attack.value),
        interval=format_span(document.accuracy_under_attack, format_percent),
        verdict=describe_attack(document),
        shares=_draw_shares(document),
        facts=_list_facts(document),
        limits=_describe_limits(document),
        notes=document.notes,
        pairs=[_format_pair(one) for one in document.worst],
        command=document.command,
    )


def describe_attack(document: AttackDocument) -> str:
    """Return one sentence on how many decisions the attack changed."""
    if not document.attacked:
        return f"The model decides none of {format_count(document.rows)} rows correctly, so that none was attacked."
    return (
        f"The attack on {document.method} changed {format_count(document.succeeded)} of "
        f"{format_count(document.attacked)} correct decisions ({format_percent(document.success_rate.value)})."
    )


def _describe_limits(document: AttackDocument) -> str:
    limits = (
        f"At most {format_count(document.max_queries)} queries for a row, and at most "
        f"{format_percent(document.max_share)} of the words of a text, at least one."
    )
    if document.min_meaning is None:
        return limits
    return f"{limits} Similarity of meaning at least {document.min_meaning:g}, by the bilingual encoder."


def _draw_shares(document: AttackDocument) -> Figure:
    rows = [
        IntervalRow(name, found.value, found.low, found.high, note=format_percent(found.value), strong=strong)
        for name, found, strong in (
            ("before", document.accuracy, False),
            ("under attack", document.accuracy_under_attack, True),
        )
    ]
    svg = draw_interval_chart(rows, key="shares", title="Accuracy before and under attack")
    return Figure("Accuracy", svg, "Share of rows with a correct decision, with 95% intervals.")


def _list_facts(document: AttackDocument) -> list[tuple[str, str]]:
    facts = [("rows", format_count(document.rows)), ("attacked rows", format_count(document.attacked))]
    facts.append(("changed decisions", format_count(document.succeeded)))
    if document.mean_edited is not None:
        facts.append(("words changed in them", format_percent(document.mean_edited)))
    if document.mean_queries is not None:
        facts.append(("queries per row", format_count(document.mean_queries)))
    if document.rejected is not None:
        facts.append(("texts rejected for their meaning", format_count(document.rejected)))
    return [*facts, ("time", format_duration(document.seconds))]


def _format_pair(pair: AttackedText) -> dict[str, str]:
    return {
        "text": pair.text,
        "changed": pair.changed,
        "before": ", ".join(pair.before) or "nothing",
        "after": ", ".join(pair.after) or "nothing",
        "confidence": f"{format_percent(pair.confidence_before)} → {format_percent(pair.confidence_after)}",
        "cost": f"{pair.edits} of {pair.words} words, {format_count(pair.queries)} queries"
        + ("" if pair.meaning is None else f", similarity of meaning {pair.meaning:.2f}"),
    }
