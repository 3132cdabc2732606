"""The page of an attack: how many decisions changed, at which cost, and the worst pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from markupsafe import Markup

from insula.core.files import write_text
from insula.core.sentences import pluralise
from insula.evaluation.attack_document import AttackDocument, AttackedText
from insula.evaluation.charts.intervals import IntervalRow, draw_interval_chart
from insula.evaluation.reports.attack_words import ENGLISH, WORDS
from insula.evaluation.reports.figures import Figure
from insula.evaluation.reports.page import render_page
from insula.evaluation.reports.readable import format_count, format_duration, format_percent
from insula.evaluation.reports.sanitize import sanitize_document

Language = Literal["en", "zh"]
Words = Mapping[str, str]


def write_attack(path: str | Path, document: AttackDocument, *, language: Language = "en") -> None:
    """Write the page of an attack as a single HTML file that needs no network; raises `OutputError`."""
    write_text(path, render_attack(document, language=language))


def render_attack(document: AttackDocument, *, language: Language = "en") -> str:
    """Return the page that `write_attack` writes."""
    document = sanitize_document(document)
    words, names = WORDS[language], document.display.get(language, {})
    bold = Markup("<b><bdi>{}</bdi></b>")
    span = _format_span(document.accuracy_under_attack.low, document.accuracy_under_attack.high, words)
    return render_page(
        "attack.html.j2",
        words=words,
        language="zh-CN" if language == "zh" else "en",
        created=(document.created or "")[:10],
        model=document.model,
        heading=words["heading"].format(method=words.get(document.method, document.method)),
        subtitle=Markup(words["subtitle"]).format(model=bold.format(document.model), data=bold.format(document.data)),
        value=format_percent(document.accuracy_under_attack.value),
        interval=span and words["interval"].format(span=span),
        verdict=describe_attack(document, language=language),
        shares=_draw_shares(document, words),
        facts=_list_facts(document, words),
        limits=_describe_limits(document, words),
        notes=_list_notes(document, words),
        pairs=[_format_pair(one, words, names) for one in document.worst],
        command=document.command,
    )


def describe_attack(document: AttackDocument, *, language: Language = "en") -> str:
    """Return one sentence on how many decisions the attack changed."""
    words = WORDS[language]
    return words["verdict" if document.attacked else "none"].format(
        rows=format_count(document.rows),
        method=words.get(document.method, document.method),
        succeeded=format_count(document.succeeded),
        attacked=format_count(document.attacked),
        share=format_percent(document.success_rate.value),
    )


def describe_draw(rows: int, available: int, seed: int, words: Words = ENGLISH) -> str:
    """Return the note that not all rows were used."""
    return words["drawn"].format(
        rows=pluralise(rows, "row") if words is ENGLISH else f"{rows:,}", available=f"{available:,}", seed=seed
    )


def describe_training_rows(seen: int, available: int, words: Words = ENGLISH) -> str:
    """Return the note that rows are in the training data."""
    return words["seen"].format(
        seen=pluralise(seen, "row") if words is ENGLISH else f"{seen:,}", available=f"{available:,}"
    )


def _list_notes(document: AttackDocument, words: Words) -> list[tuple[str, str]]:
    """Return notes with their language; only those of this module are translated."""
    translated = {}
    if document.available is not None:
        translated[describe_draw(document.rows, document.available, document.seed)] = describe_draw(
            document.rows, document.available, document.seed, words
        )
        if document.seen:
            translated[describe_training_rows(document.seen, document.available)] = describe_training_rows(
                document.seen, document.available, words
            )
    language = "en" if words is ENGLISH else "zh-CN"
    return [(translated.get(note, note), language if note in translated else "en") for note in document.notes]


def _describe_limits(document: AttackDocument, words: Words) -> str:
    sentences = [
        words["limits"].format(queries=format_count(document.max_queries), share=format_percent(document.max_share))
    ]
    if document.min_meaning is not None:
        sentences.append(words["meaning"].format(least=f"{document.min_meaning:g}"))
    return words["space"].join([*sentences, words["scores"]])


def _draw_shares(document: AttackDocument, words: Words) -> Figure:
    span = words["interval"].format(span=words["between"])
    rows = [
        IntervalRow(
            name, found.value, found.low, found.high, note=format_percent(found.value), strong=strong, span=span
        )
        for name, found, strong in (
            (words["before"], document.accuracy, False),
            (words["under"], document.accuracy_under_attack, True),
        )
    ]
    return Figure(words["accuracy"], draw_interval_chart(rows, key="shares", title=words["chart"]), words["caption"])


def _list_facts(document: AttackDocument, words: Words) -> list[tuple[str, str]]:
    facts = [
        (words["rows"], format_count(document.rows)),
        (words["attacked"], format_count(document.attacked)),
        (words["changed"], format_count(document.succeeded)),
    ]
    if document.mean_edited is not None:
        facts.append((words["edited"], format_percent(document.mean_edited)))
    if document.mean_queries is not None:
        facts.append((words["queries"], format_count(document.mean_queries)))
    if document.rejected is not None:
        facts.append((words["rejected"], format_count(document.rejected)))
    seconds = format_duration(document.seconds)
    return [*facts, (words["time"], seconds)]


def _format_pair(pair: AttackedText, words: Words, names: Mapping[str, str]) -> dict[str, str]:
    def join(labels: Sequence[str]) -> str:
        return words["comma"].join(names.get(label, label) for label in labels) or words["nothing"]

    cost = words["cost"].format(edits=pair.edits, words=pair.words, queries=format_count(pair.queries))
    if pair.meaning is not None:
        cost += words["comma"] + words["similarity"].format(similarity=f"{pair.meaning:.2f}")
    return {
        "text": pair.text,
        "changed": pair.changed,
        "before": join(pair.before),
        "after": join(pair.after),
        "confidence": f"{format_percent(pair.confidence_before)} → {format_percent(pair.confidence_after)}",
        "cost": cost,
    }


def _format_span(low: float | None, high: float | None, words: Words) -> str:
    if low is None or high is None:
        return ""
    return words["between"].format(low=format_percent(low), high=format_percent(high))
