"""`find_problems`: rules that never decide, contradict each other, or leave messages without a decision.

A rule is a conjunction of conditions, each of which allows some values of one quantity: the risk, the confidence, the
score of a label, a field. The values of a quantity that no rule tells apart form one cell, so each quantity has few
cells, and a search over them answers whether a message exists that one rule applies to and others do not. Quantities
count as independent (in truth, few labels have a high score at a time): what is found unreachable is so, and what is
found uncovered may not occur in practice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from insula.operations.routing.route_file import NEGATIONS, Route, RouteFile
from insula.safety.signals.result import LEVELS

MAX_STEPS = 200_000  # of the search for one message
OTHER = "other"
Cells = frozenset[str]
Conditions = Mapping[str, Cells]
Kind = Literal["impossible", "unreachable", "contradictory", "uncovered", "undecided"]


@dataclass(frozen=True)
class RouteProblem:
    """A problem of a routes file.

    kind     `impossible`: no message fulfils the conditions of the rule; `unreachable`: rules before it decide about
             all messages that it applies to; `contradictory`: a rule before it has the same conditions and does
             something else; `uncovered`: no rule decides about some messages; `undecided`: too many rules to check
    rules    the rules that it concerns
    message  a sentence
    """

    kind: Kind
    rules: tuple[str, ...]
    message: str

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return asdict(self)


class _TooManyStepsError(Exception):
    pass


def find_problems(file: RouteFile) -> list[RouteProblem]:
    """Return the problems of a file, in the order of its rules; `uncovered` comes last."""
    space = _ConditionSpace(file)
    conditions = {route.name: space.conditions(route) for route in file.routes}
    problems: list[RouteProblem] = []
    for place, route in enumerate(file.routes):
        before = [other for other in file.routes[:place] if other.decides]
        found = _check_route(route, before, conditions, space.cells, is_first=file.match == "first")
        if found is not None:
            problems.append(found)
    deciding = [route for route in file.routes if route.decides]
    try:
        message = _find_message(space.cells, [conditions[route.name] for route in deciding])
    except _TooManyStepsError:
        return [
            *problems,
            RouteProblem("undecided", (), "Too many rules to find out whether some messages match none."),
        ]
    if message is not None:
        sentence = f"No rule decides about some messages, such as one with {space.describe(message)}. "
        problems.append(
            RouteProblem("uncovered", (), sentence + "Add a last rule without conditions, with queue or ignore.")
        )
    return problems


def _check_route(
    route: Route, before: Sequence[Route], conditions: Mapping[str, Conditions], cells: Conditions, *, is_first: bool
) -> RouteProblem | None:
    own, name = conditions[route.name], route.name
    if not all(own.values()):
        broken = ", ".join(key for key, allowed in own.items() if not allowed)
        return RouteProblem("impossible", (name,), f"No message fulfils the conditions of {name!r} on {broken}.")
    if not is_first and not route.ignore:
        before = [other for other in before if other.ignore]
    same = next((other for other in before if conditions[other.name] == own), None)
    if same is not None and route.decides and _get_action(same) != _get_action(route):
        if is_first:
            rest = f"{same.name!r} comes first, so {name!r} never decides. Change the conditions of one, or remove one."
        else:
            rest = "Change the conditions of one, or remove one."
        return RouteProblem(
            "contradictory",
            (same.name, name),
            f"{same.name!r} and {name!r} have the same conditions and do different things. {rest}",
        )
    if not is_first:
        return None
    try:
        reached = _find_message({**cells, **own}, [conditions[other.name] for other in before])
    except _TooManyStepsError:
        return RouteProblem("undecided", (name,), f"There are too many rules to find out whether {name!r} applies.")
    if reached is not None:
        return None
    covering = next((other for other in before if _covers(conditions[other.name], own)), None)
    if covering is not None:
        which, rules = f"{covering.name!r} decides", [name, covering.name]
    else:
        which, rules = "the rules before it together decide", [name]
    sentence = f"{name!r} never applies: {which} about every message that it is for. Move it up, or remove it."
    return RouteProblem("unreachable", tuple(rules), sentence)


def _get_action(route: Route) -> tuple[object, ...]:
    return (route.queue, route.seconds if route.queue else None, route.priority, route.ignore, route.acknowledge)


def _covers(wide: Conditions, narrow: Conditions) -> bool:
    return all(key in narrow and narrow[key] <= allowed for key, allowed in wide.items())


def _find_message(allowed: Conditions, avoided: Sequence[Conditions]) -> Conditions | None:
    """Return values of a message, within those allowed, that no avoided rule applies to; None if there is none."""
    steps = 0
    waiting = [(allowed, 0)]  # a stack, since there may be more rules than Python lets calls be nested
    while waiting:
        now, place = waiting.pop()
        steps += 1
        if steps > MAX_STEPS:
            raise _TooManyStepsError
        while place < len(avoided) and any(not now[key] & cells for key, cells in avoided[place].items()):
            place += 1  # does not apply anyway
        if place == len(avoided):
            return now
        for key, cells in reversed(list(avoided[place].items())):
            if rest := now[key] - cells:
                waiting.append(({**now, key: rest}, place + 1))
    return None


class _ConditionSpace:
    """The quantities that rules look at, with their cells: `=value` and `other`, or the numbers of intervals."""

    def __init__(self, file: RouteFile) -> None:
        limits: dict[str, set[float]] = {}
        values: dict[str, set[str]] = {}
        for route in file.routes:
            for key, limit, _ in _iterate_limits(route):
                limits.setdefault(key, set()).add(limit)
            for key, allowed in _iterate_values(route):
                values.setdefault(key, set()).update(allowed)
        self._limits = {key: sorted(found) for key, found in limits.items()}
        self.cells: dict[str, Cells] = {key: frozenset((*found, OTHER)) for key, found in values.items()}
        self.cells |= {
            key: frozenset(map(str, range(key == "confidence" and found[0] <= 0, len(found) + 1)))
            for key, found in self._limits.items()
        }
        for key, every in (("abstained", ("=true", "=false")), ("risk", tuple(f"={level}" for level in LEVELS))):
            if key in self.cells:
                self.cells[key] = frozenset(every)

    def conditions(self, route: Route) -> Conditions:
        """Return the cells that a rule allows, for each quantity that it looks at."""
        allowed: dict[str, Cells] = {}
        for key, values in _iterate_values(route):
            allowed[key] = frozenset(values)
        for key, limit, is_below in _iterate_limits(route):
            place = self._limits[key].index(limit) + 1  # of the interval that starts at the limit
            inside = range(place) if is_below else range(place, len(self._limits[key]) + 1)
            allowed[key] = allowed.get(key, self.cells[key]) & frozenset(map(str, inside))
        return allowed

    def describe(self, message: Conditions) -> str:
        """Return an example of a message in words."""
        shown = [self._describe(key, sorted(cells)) for key, cells in message.items() if cells != self.cells[key]]
        return ", ".join(shown) or "any values"

    def _describe(self, key: str, cells: Sequence[str]) -> str:
        if key in self._limits:
            place = int(cells[0])
            return f"{key} below {self._limits[key][0]:g}" if not place else f"{key} {self._limits[key][place - 1]:g}"
        if key.startswith("words "):
            return f"{'no ' if OTHER in cells else ''}{key}"
        named = next((cell[1:] for cell in cells if cell != OTHER), None)
        if OTHER in cells:
            return "no label of the rules" if key == "predicted" else f"no {key} of the rules"
        return f"{key} {named}"


def _iterate_limits(route: Route) -> Iterator[tuple[str, float, bool]]:
    """Yield each quantity with a limit of the rule, and whether the rule wants it below."""
    for label, limit in route.score.items():
        yield f"score of {label}", limit, False
    for label, limit in route.score_below.items():
        yield f"score of {label}", limit, True
    if route.confidence is not None:
        yield "confidence", route.confidence, False
    if route.confidence_below is not None:
        yield "confidence", route.confidence_below, True


def _iterate_values(route: Route) -> Iterator[tuple[str, list[str]]]:
    """Yield each quantity with the values that the rule allows."""
    if route.words:  # told apart as a whole: which texts have which words is not known
        yield f"words {', '.join(sorted(route.words))}{_describe_rest(route)}", ["=yes"]
    if route.predicted:
        # A rule wants one of some labels, so one predicted label is enough to tell messages apart.
        yield "predicted", [f"={label}" for label in route.predicted]
    if route.abstained is not None:
        yield "abstained", [f"={str(route.abstained).lower()}"]
    if route.risk is not None:
        yield "risk", [f"={level}" for level in LEVELS[LEVELS.index(route.risk) :]]
    if route.language is not None:
        yield "language", [f"={route.language}"]
    for name, value in route.where.items():
        yield f"attribute {name}", [f"={value}"]


def _describe_rest(route: Route) -> str:
    without = f" without {', '.join(sorted(route.without))}" if route.without else ""
    return without + NEGATIONS[route.negated]
