"""The trials of a search in their order: the score of each, and the best so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from insula.evaluation.charts.axes import Plot, Scale, frame, tick_labels, ticks
from insula.evaluation.charts.svg import WIDTH, element, figure, polyline, text, text_width

HEIGHT = 270.0


@dataclass(frozen=True)
class Trial:
    """A trial: its number, its score (None if it failed), and whether it was pruned."""

    number: int
    value: float | None
    pruned: bool = False


def trials_chart(trials: Sequence[Trial], *, key: str, y_title: str) -> Markup:
    """Return a dot per trial, hollow if it was pruned, and a line for the best complete one so far."""
    known = [trial for trial in trials if trial.value is not None]
    values = [trial.value for trial in known if trial.value is not None]
    y_ticks = ticks(min(values, default=0.0), max(values, default=1.0))
    last = max((trial.number for trial in trials), default=1)
    x_ticks = [tick for tick in ticks(0, max(1, last)) if float(tick).is_integer() and tick <= last]
    left = 20 + max(text_width(label) for label in tick_labels(y_ticks))
    plot = Plot(Scale(0, max(1, last), left, WIDTH - 16), Scale(y_ticks[0], y_ticks[-1], HEIGHT - 42, 36))
    parts = [frame(plot, x_ticks, y_ticks, x_title="trial", y_title=y_title), _legend()]
    best: list[tuple[float, float]] = []
    highest = -1.0
    for trial in known:
        if trial.value is not None and not trial.pruned and (not best or trial.value > highest):
            if best:
                best.append((float(trial.number), highest))
            highest = trial.value
            best.append((float(trial.number), highest))
    if best:
        best.append((float(last), highest))
    parts.append(polyline(plot.points(best), class_="line first"))
    for trial in known:
        ((x, y),) = plot.points([(trial.number, trial.value or 0.0)])
        summary = f"trial {trial.number}: {trial.value:.4f}" + (", pruned" if trial.pruned else "")
        winner = not trial.pruned and trial.value == highest
        shape = "mark hollow" if trial.pruned else "dot strong" if winner else "dot plain"
        parts.append(
            element(
                "circle",
                element("title", summary),
                cx=x,
                cy=y,
                r=5 if winner else 2.8 if trial.pruned else 3.5,
                class_=shape,
            )
        )
    summary = (
        f"{len(trials)} trials; the best score is {highest:.4f}" if best else f"{len(trials)} trials, none complete"
    )
    return figure(WIDTH, HEIGHT, *parts, key=key, title="Trials", description=summary)


def _legend() -> Markup:
    end, y = WIDTH - 16, 20.0
    early, best = end - text_width("pruned"), end - text_width("pruned") - 34 - text_width("best so far")
    return element(
        "g",
        text("pruned", end, y + 4, text_anchor="end", class_="label"),
        element("circle", cx=early - 10, cy=y, r=2.8, class_="mark hollow"),
        text("best so far", best, y + 4, class_="label"),
        element("line", x1=best - 24, x2=best - 6, y1=y, y2=y, class_="line first"),
    )
