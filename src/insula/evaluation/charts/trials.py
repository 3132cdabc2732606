"""The trials of a search in their order: the score of each, and the best so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from insula.evaluation.charts.axes import Plot, Scale, choose_ticks, draw_frame, format_ticks
from insula.evaluation.charts.svg import (
    WIDTH,
    build_element,
    draw_figure,
    draw_polyline,
    draw_text,
    estimate_text_width,
)

HEIGHT = 270.0


@dataclass(frozen=True)
class TrialPoint:
    """A trial: its number, its score (None if it failed), and whether it was pruned."""

    number: int
    value: float | None
    pruned: bool = False


def draw_trials_chart(trials: Sequence[TrialPoint], *, key: str, y_title: str) -> Markup:
    """Return a dot per trial, hollow if it was pruned, and a line for the best complete one so far."""
    known = [trial for trial in trials if trial.value is not None]
    values = [trial.value for trial in known if trial.value is not None]
    y_ticks = choose_ticks(min(values, default=0.0), max(values, default=1.0))
    last = max((trial.number for trial in trials), default=1)
    x_ticks = [tick for tick in choose_ticks(0, max(1, last)) if float(tick).is_integer() and tick <= last]
    left = 20 + max(estimate_text_width(label) for label in format_ticks(y_ticks))
    plot = Plot(Scale(0, max(1, last), left, WIDTH - 16), Scale(y_ticks[0], y_ticks[-1], HEIGHT - 42, 36))
    parts = [draw_frame(plot, x_ticks, y_ticks, x_title="trial", y_title=y_title), _draw_legend()]
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
    parts.append(draw_polyline(plot.map_points(best), class_="line first"))
    for trial in known:
        ((x, y),) = plot.map_points([(trial.number, trial.value or 0.0)])
        summary = f"trial {trial.number}: {trial.value:.4f}" + (", pruned" if trial.pruned else "")
        winner = not trial.pruned and trial.value == highest
        shape = "mark hollow" if trial.pruned else "dot strong" if winner else "dot plain"
        parts.append(
            build_element(
                "circle",
                build_element("title", summary),
                cx=x,
                cy=y,
                r=5 if winner else 2.8 if trial.pruned else 3.5,
                class_=shape,
            )
        )
    summary = (
        f"{len(trials)} trials; the best score is {highest:.4f}" if best else f"{len(trials)} trials, none complete"
    )
    return draw_figure(WIDTH, HEIGHT, *parts, key=key, title="Trials", description=summary)


def _draw_legend() -> Markup:
    end, y = WIDTH - 16, 20.0
    early, best = (
        end - estimate_text_width("pruned"),
        end - estimate_text_width("pruned") - 34 - estimate_text_width("best so far"),
    )
    return build_element(
        "g",
        draw_text("pruned", end, y + 4, text_anchor="end", class_="label"),
        build_element("circle", cx=early - 10, cy=y, r=2.8, class_="mark hollow"),
        draw_text("best so far", best, y + 4, class_="label"),
        build_element("line", x1=best - 24, x2=best - 6, y1=y, y2=y, class_="line first"),
    )
