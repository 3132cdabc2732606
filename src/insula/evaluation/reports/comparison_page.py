"""The page of a comparison: who is better, by how much, where, and on which texts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from insula.core.files import write_text
from insula.evaluation.charts.intervals import Interval, interval_chart
from insula.evaluation.metrics.metric_names import in_order, metric_meaning, metric_title
from insula.evaluation.reports.figures import Figure
from insula.evaluation.reports.page import render_page
from insula.evaluation.reports.readable import count, language, percent, plain, score, signed, span
from insula.evaluation.reports.sanitize import sanitize

MOST_NAMES = 60
HALVED_ABOVE = 10


def write_comparison(path: str | Path, result: Mapping[str, Any]) -> None:
    """Write the page of a `compare.json` as a single HTML file that needs no network; `OutputError` where it cannot."""
    write_text(path, render_comparison(result))


def render_comparison(result: Mapping[str, Any]) -> str:
    """Return the page that `write_comparison` writes."""
    result = sanitize(result)
    headline = result["headline"]
    main, title = result["metrics"][headline], metric_title(result["headline"])
    return render_page(
        "comparison.html.j2",
        created=str(result.get("created", ""))[:10],
        a=result["a"],
        b=result["b"],
        headline=title,
        meaning=metric_meaning(headline),
        value=signed(main["difference"].get("value")),
        interval=span(main["difference"], signed),
        verdict=verdict(result),
        rows=count(result["rows"]),
        sides=_sides_figure(result, title),
        notes=result.get("data", {}).get("notes", []),
        facts=_facts(result),
        metrics=[_row(metric_title(name), result["metrics"][name]) for name in in_order(list(result["metrics"]))],
        names=_name_figures(result),
        name_rows=[_row(name, found) for name, found in result["by_name"].items()],
        dimensional=result["scheme"]["kind"] == "dimensional",
        slices=_slice_figures(result, title),
        examples={side: [_example(one) for one in rows] for side, rows in result["examples"].items()},
        models=[(side, one) for side in ("a", "b") for one in result[side]["models"]],
        command=str(result.get("command", "")),
    )


def verdict(result: Mapping[str, Any]) -> str:
    """Return one sentence: which side is better by the headline, or that these rows cannot tell."""
    name = result["headline"]
    found = result["metrics"][name]
    difference, title = found["difference"], metric_title(name)
    value, low, high = (difference.get(key) for key in ("value", "low", "high"))
    if value is None:
        return f"{title} is not defined on these rows."
    rows = "This row" if result["rows"] == 1 else f"These {count(result['rows'])} rows"
    reached = f"{score(found.get('a'))} for A, {score(found.get('b'))} for B"
    if low is None or high is None or low <= 0 <= high:
        return f"{rows} cannot tell which is better: {title} is {reached}."
    better = "B" if value > 0 else "A"
    return f"{better} is better: {title} is {reached} on the same {count(result['rows'])} rows."


def _facts(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = [("rows judged on", count(result["rows"]))]
    if left_out := result.get("data", {}).get("left_out"):
        facts.append(("rows left out, seen in training", count(left_out)))
    test = result.get("mcnemar")
    if test:
        facts += [("only A right", count(test["only_a"])), ("only B right", count(test["only_b"]))]
        facts.append(("McNemar p", "below 0.001" if test["p"] < 0.001 else score(test["p"])))
    for side in ("a", "b"):
        values = [one["headline"] for one in result[side]["models"] if one.get("headline") is not None]
        if len(values) > 1:
            facts.append((f"seeds of {side.upper()}", ", ".join(score(value) for value in values)))
    return facts


def _sides_figure(result: Mapping[str, Any], title: str) -> Figure:
    rows = [
        Interval(f"{side.upper()}: {result[side]['name']}", number.get("value"), number.get("low"), number.get("high"),
                 note=_seeds(result[side]), strong=side == "b")
        for side in ("a", "b") for number in [result[side].get("headline", {})]
    ]  # fmt: skip
    svg = interval_chart(rows, key="sides", title=f"{title} of both sides")
    caption = f"{title[:1].upper()}{title[1:]}, 95% intervals of each side alone."
    return Figure("Each side alone", svg, f"{caption} The difference on the same rows, at the left, is known better.")


def _seeds(side: Mapping[str, Any]) -> str:
    return f"mean of {len(side['models'])} models" if len(side["models"]) > 1 else ""


def _name_figures(result: Mapping[str, Any]) -> list[Figure]:
    """Each label's (dimension's) difference on axes of one scale, most gained by B first."""
    rows = [_difference(name, found) for name, found in list(result["by_name"].items())[:MOST_NAMES]]
    rows.sort(key=lambda row: -math.inf if row.value is None else row.value, reverse=True)
    if not rows:
        return []
    what = "Pearson r" if result["scheme"]["kind"] == "dimensional" else "F1"
    half = math.ceil(len(rows) / 2) if len(rows) > HALVED_ABOVE else len(rows)
    titles = ("B gains most", "B gains least or loses") if half < len(rows) else (f"{what}, B minus A", "")
    caption = f"{what} of B minus that of A with 95% interval; the dashed line is no difference."
    return [
        Figure(title, interval_chart(part, key=f"names-{title}", title=f"{what}: {title}", reference=0.0), caption)
        for part, title in zip((rows[:half], rows[half:]), titles, strict=True)
        if part
    ]


def _slice_figures(result: Mapping[str, Any], title: str) -> list[Figure]:
    figures = []
    for name, parts in result["slices"].items():
        rows = [
            _difference(language(part["name"]) if name == "language" else part["name"], part, count(part["rows"]))
            for part in parts
        ]
        if rows:
            svg = interval_chart(rows, key=f"slice-{name}", title=f"{title} by {name}, B minus A", reference=0.0)
            figures.append(
                Figure(f"By {name}", svg, f"{title[:1].upper()}{title[1:]}, B minus A; in brackets how many rows.")
            )
    return figures


def _difference(name: str, found: Mapping[str, Any], rows: str = "") -> Interval:
    difference = found["difference"]
    note = f"{score(found.get('a'))} → {score(found.get('b'))}" + (f" ({rows})" if rows else "")
    low, high = difference.get("low"), difference.get("high")
    clear = low is not None and high is not None and not low <= 0 <= high
    return Interval(name, difference.get("value"), low, high, note=note, strong=clear)


def _row(title: str, found: Mapping[str, Any]) -> tuple[str, str, str, str, str, str]:
    difference = found["difference"]
    support = count(found["support"]) if "support" in found else ""
    return (title, score(found.get("a")), score(found.get("b")), signed(difference.get("value")),
            span(difference, signed), support)  # fmt: skip


def _example(row: Mapping[str, Any]) -> dict[str, Any]:
    def said(answer: Sequence[Any]) -> str:
        return ", ".join(plain(item) for item in answer) or "nothing"

    sure = f"{percent(row['confidence'])} sure" if "confidence" in row else ""
    return {"text": row["text"], "gold": said(row["gold"]), "a": said(row["a"]), "b": said(row["b"]), "sure": sure}
