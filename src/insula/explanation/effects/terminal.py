"""`format_effects`: lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from insula.core.sentences import pluralise
from insula.explanation.effects.effect import Estimate, FeatureEffect, LabelEffect

SHOWN = 6  # labels of a feature, those with the largest effect or correlation


def format_effects(effects: FeatureEffect, *, shown: int | None = SHOWN) -> Iterator[str]:
    """Yield the lines of one feature: the rows, and for each label effect and correlation with their intervals.

    shown  number of labels at most; None for all
    """
    yield effects.feature
    yield f"  {_describe_rows(effects)}"
    order = sorted(effects.labels.items(), key=lambda pair: -_measure_size(pair[1]))[:shown]
    if all(one.effect is None and one.correlation is None for _, one in order):
        return
    width = max(len("label"), *(len(label) for label, _ in order))
    yield f"  {'label':<{width}}  {'effect':<25}  {'correlation':<25}"
    for label, one in order:
        figures = f"{_format(one.effect):<25}  {_format(one.correlation):<25}"
        yield f"  {label:<{width}}  {figures}  {_describe_significance(one)}".rstrip()
    if len(order) < len(effects.labels):
        yield f"  {pluralise(len(effects.labels) - len(order), 'more label')} in --json"


def _describe_rows(effects: FeatureEffect) -> str:
    one = f"{pluralise(effects.having, 'row')} {effects.sides[0]} ({effects.removed:,} edited)"
    other = f"{effects.lacking:,} {effects.sides[1]} ({effects.inserted:,} edited)"
    both = f", {effects.mixed:,} with both" if effects.mixed else ""
    return f"{one}, {other}{both}"


def _format(estimate: Estimate | None) -> str:
    if estimate is None:
        return "no rows"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:+.3f} (few rows)"
    return f"{estimate.value:+.3f} [{estimate.low:+.3f}, {estimate.high:+.3f}]"


def _describe_significance(one: LabelEffect) -> str:
    """Return a remark for the reader; empty if effect and correlation agree."""
    if one.effect is None or one.correlation is None or not one.differs:
        return ""
    if one.effect.value * one.correlation.value < 0 and one.effect.excludes_zero and one.correlation.excludes_zero:
        return "opposite signs"
    if not one.effect.excludes_zero:
        return "correlation without effect"
    return "effect is smaller" if abs(one.effect.value) < abs(one.correlation.value) else "effect is larger"


def _measure_size(one: LabelEffect) -> float:
    return max((abs(estimate.value) for estimate in (one.effect, one.correlation) if estimate is not None), default=0.0)
