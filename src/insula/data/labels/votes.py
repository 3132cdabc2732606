"""Read cells with annotators' votes: how many annotators chose each label of a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from insula.data.labels.cells import as_name, as_number, is_missing, is_unlabelled, parse_literal
from insula.data.labels.plan import LabelPlan


class VoteReading(NamedTuple):
    """Label to votes (None if the cell is empty), or the reason why they cannot be used."""

    votes: dict[str, float] | None = None
    problem: str | None = None


def read_votes(cell: Any, plan: LabelPlan) -> VoteReading:
    """Read a cell: an object with counts by label, or a list with each annotator's label (or list of labels).

    In multi-label schemes an object holds the share of annotators who chose each label; a list is converted to such
    shares. Text is read as JSON or as a Python literal.
    """
    if is_missing(cell) or is_unlabelled(cell):
        return VoteReading()
    value = parse_literal(cell.strip()) if isinstance(cell, str) else cell
    several = plan.scheme.kind == "multi"
    counts: dict[str, float] = {}
    # A map of Arrow is a list of pairs.
    if isinstance(value, list) and value and all(isinstance(one, tuple) and len(one) == 2 for one in value):
        value = dict(value)
    if isinstance(value, Mapping):
        for name, count in value.items():
            number = as_number(count)
            if number is None or number < 0 or (several and number > 1):
                return VoteReading(problem=f"with votes that are not {'shares' if several else 'counts'}")
            counts[as_name(name)] = number
    elif isinstance(value, list):
        annotators = [one if isinstance(one, list | tuple) else [one] for one in value]
        if not several and any(len(one) != 1 for one in annotators):
            return VoteReading(problem="with annotators who gave several labels or none")
        given = Counter(name for one in annotators for name in {as_name(label) for label in one})
        counts = {name: count / len(annotators) if several else float(count) for name, count in given.items()}
    else:
        return VoteReading(problem="with votes that are neither an object nor a list")
    votes: dict[str, float] = {}
    for name, count in counts.items():
        label = plan.renames.get(name, name)
        if label not in plan.scheme.names:
            return VoteReading(problem=f"with a vote for the unknown label {label!r}")
        votes[label] = votes.get(label, 0.0) + count
    return VoteReading(votes)
