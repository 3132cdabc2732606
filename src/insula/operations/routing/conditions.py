"""The conditions of routing rules: checks of a message, and overlaps between rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from insula.core.prediction import Prediction
from insula.knowledge.rule_file import Rule, RuleFile
from insula.knowledge.rules import Matcher
from insula.operations.routing.route_file import NEGATIONS, Route
from insula.safety.signals.result import LEVELS, RiskCheck

NO_RISK = RiskCheck(signal=False, level="none")


@dataclass(frozen=True)
class IncomingMessage:
    """A message with everything that routing rules use.

    prediction  the prediction of its text; its language is that of the message
    risk        the check of its text by `safety.signals.detect.check_message`
    attributes  facts about it, such as `{"tier": "gold"}`
    """

    prediction: Prediction
    risk: RiskCheck = NO_RISK
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ConditionCheck:
    """A condition of a rule for a message: the `wanted` value, and the value of the message (`got`)."""

    condition: str
    wanted: str
    got: str
    is_met: bool

    def __str__(self) -> str:
        return f"{self.condition} {self.wanted} (got {self.got})"


def check_conditions(route: Route, message: IncomingMessage) -> list[ConditionCheck]:
    """Return every condition of a rule with the value of the message; the rule applies if all are met."""
    return list(_iterate_checks(route, message))


def _iterate_checks(route: Route, message: IncomingMessage) -> Iterator[ConditionCheck]:
    predicted, attributes = message.prediction, message.attributes
    if route.words:
        said = " or ".join(route.words) + NEGATIONS[route.negated]
        found = _find_words(predicted.text, route.words, route.negated)
        yield ConditionCheck("words", said, found or "none", bool(found))
        if route.without:
            found = _find_words(predicted.text, route.without)
            yield ConditionCheck("words", f"without {' or '.join(route.without)}", found or "none", not found)
    if route.predicted:
        common = [label for label in predicted.labels if label in route.predicted]
        got = ", ".join(predicted.labels) or "no label"
        yield ConditionCheck("predicted", " or ".join(route.predicted), got, bool(common))
    for limits, is_below in ((route.score, False), (route.score_below, True)):
        for label, limit in limits.items():
            yield _check_limit(f"score of {label}", predicted.scores.get(label), limit, is_below)
    if route.confidence is not None:
        yield _check_limit("confidence", predicted.confidence, route.confidence, False)
    if route.confidence_below is not None:
        yield _check_limit("confidence", predicted.confidence, route.confidence_below, True)
    if route.abstained is not None:
        wanted, got = str(route.abstained).lower(), str(predicted.abstained).lower()
        yield ConditionCheck("abstained", wanted, got, predicted.abstained == route.abstained)
    if route.risk is not None:
        priority = message.risk.priority
        yield ConditionCheck("risk", f"{route.risk} or more", LEVELS[priority], priority >= LEVELS.index(route.risk))
    if route.language is not None:
        got = predicted.language or "unknown"
        yield ConditionCheck("language", route.language, got, got == route.language)
    for name, value in route.where.items():
        yield ConditionCheck(f"attribute {name}", value, attributes.get(name, "none"), attributes.get(name) == value)


@lru_cache(maxsize=1000)
def _build_matcher(words: tuple[str, ...], negated: bool | None) -> tuple[Rule, Matcher]:
    """Return a rule that finds words in the same way as the user's own rules, and its matcher."""
    rule = Rule(name="words", words=words, negated=negated, labels=())
    return rule, Matcher(RuleFile(rules=(rule,)))


def _find_words(text: str, words: tuple[str, ...], negated: bool | None = None) -> str:
    rule, matcher = _build_matcher(words, negated)
    return ", ".join(sorted({text[match.start : match.end] for match in matcher.find_matches(rule, text)}))


def _check_limit(name: str, value: float | None, limit: float, is_below: bool) -> ConditionCheck:
    wanted = f"below {limit:g}" if is_below else f"at least {limit:g}"
    if value is None:
        return ConditionCheck(name, wanted, "none", False)
    return ConditionCheck(name, wanted, f"{value:.3g}", value < limit if is_below else value >= limit)
