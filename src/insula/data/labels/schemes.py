"""Choose the scheme for a set of labels or numbers, and say why."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from insula.core.builtin_schemes import BUILTIN_SCHEMES, find_chinese_names, find_matching_scheme
from insula.core.errors import DataError
from insula.core.scheme import Kind, LabelScheme
from insula.data.labels.cells import as_number

_POSITIVE = frozenset(("positive", "pos", "1", "true", "yes", "y", "good", "正面", "积极", "正向", "是", "好评"))
_NEGATIVE = frozenset(("negative", "neg", "0", "-1", "false", "no", "n", "bad", "负面", "消极", "负向", "否", "差评"))
_NEGATIONS = ("not", "non", "no")
# A built-in scheme replaces an incomplete set of labels only if one label more or less does not change the task.
_EXTENDABLE_LABELS = 10
_EXTENDABLE_SHARE = 0.8
_MAX_SCALE_STEPS = 20
_MAX_SCALE_STEP = 10  # of a scale with steps that do not occur, as 2, 8, 9, 10 of a scale from 0 to 10


def build_categorical_scheme(title: str, names: Sequence[str], kind: Kind, *, ordered: bool = False) -> LabelScheme:
    """Return the built-in scheme with these names, else a new one called `title`.

    names    the labels; in this order if `ordered`, else sorted, the positive one of two last
    """
    found = find_matching_scheme(frozenset(names), kind) or _extend_builtin(frozenset(names), kind)
    if found is not None and not (ordered and kind == "ordinal" and found.names != tuple(names)):
        return found
    order = tuple(names) if ordered else tuple(sorted(names))
    if kind == "binary":
        order = _order_binary(names)
    return LabelScheme(name=title, kind=kind, names=order, display=find_chinese_names(order))


def build_dimensional_scheme(
    title: str, names: Sequence[str], ranges: Mapping[str, tuple[float, float]]
) -> LabelScheme:
    """Return the built-in scheme with these dimensions if its ranges include `ranges`, else a new one."""
    for name, (low, high) in ranges.items():
        if not low < high:
            raise DataError(
                f"The scores {name!r} must differ between rows. Got {low:g} in every row. Leave that column out."
            )
    found = find_matching_scheme(frozenset(names), "dimensional")
    if found is not None and all(
        found.ranges[name][0] <= low and high <= found.ranges[name][1] for name, (low, high) in ranges.items()
    ):
        return found
    order = tuple(names)
    return LabelScheme(
        name=title, kind="dimensional", names=order, display=find_chinese_names(order), ranges=dict(ranges)
    )


def infer_kind_of_names(names: frozenset[str]) -> Kind:
    """Return the kind for label names, one per row: binary, single, or ordinal if a built-in scheme orders them."""
    if len(names) == 2:
        return "binary"
    return "ordinal" if find_matching_scheme(names, "ordinal") else "single"


def infer_kind_of_numbers(numbers: Sequence[float]) -> tuple[Kind, str]:
    """Return the kind for unique_names numbers, sorted, and the reason as part of a sentence."""
    if not all(number.is_integer() for number in numbers):
        return "dimensional", f"numbers with decimals from {numbers[0]:g} to {numbers[-1]:g}"
    if len(numbers) == 2:
        return "binary", f"the two numbers {numbers[0]:g} and {numbers[1]:g}"
    if numbers == [-1, 0, 1]:
        return "single", "-1, 0, 1 are negative, neutral, positive"
    if len(numbers) > _MAX_SCALE_STEPS:
        return "dimensional", f"{len(numbers)} different whole numbers from {numbers[0]:g} to {numbers[-1]:g}"
    if _is_scale(numbers):
        return "ordinal", f"whole numbers from {numbers[0]:g} to {numbers[-1]:g}, read as steps of a scale"
    shown = ", ".join(f"{number:g}" for number in numbers[:5]) + (", ..." if len(numbers) > 5 else "")
    return "single", f"whole numbers with gaps ({shown}), read as codes of classes"


def _is_scale(numbers: Sequence[float]) -> bool:
    """Whether numbers look like steps of a scale and not like codes: small or equally spaced."""
    steps = {after - before for before, after in itertools.pairwise(numbers)}
    return len(steps) == 1 or (numbers[0] >= -_MAX_SCALE_STEP and numbers[-1] <= _MAX_SCALE_STEP)


def describe_kind(scheme: LabelScheme) -> str:
    """Return a scheme as part of a sentence, for the notes."""
    shown = ", ".join(scheme.names[:12]) + (", ..." if len(scheme.names) > 12 else "")
    builtin = " (built-in scheme)" if BUILTIN_SCHEMES.get(scheme.name) == scheme else ""
    if scheme.kind == "binary":
        return f"binary, positive class {scheme.names[1]!r}, other class {scheme.names[0]!r}{builtin}"
    if scheme.kind == "dimensional":
        ranges = ", ".join(f"{name} {low:g} to {high:g}" for name, (low, high) in scheme.ranges.items())
        return f"dimensional: {ranges}{builtin}"
    meaning = {"single": "one of", "multi": "any of", "ordinal": "one step of"}[scheme.kind]
    return f"{scheme.kind}, {meaning} {len(scheme.names)} labels: {shown}{builtin}"


def _order_binary(names: Sequence[str]) -> tuple[str, str]:
    """Return (other, positive): numbers by size, names by polarity, negation (`not-hate`, `hate`), else sorted."""
    first, second = sorted(names)
    if (one := as_number(first)) is not None and (two := as_number(second)) is not None:
        return (first, second) if one < two else (second, first)
    for other, positive in ((first, second), (second, first)):
        if positive.lower() in _POSITIVE or other.lower() in _NEGATIVE:
            return other, positive
        if any(other.lower() == f"{no}{mark}{positive.lower()}" for no in _NEGATIONS for mark in ("-", "_", " ", "")):
            return other, positive
    return first, second


def _extend_builtin(names: frozenset[str], kind: Kind) -> LabelScheme | None:
    return next(
        (
            scheme
            for scheme in BUILTIN_SCHEMES.values()
            if scheme.kind == kind
            and len(scheme.names) >= _EXTENDABLE_LABELS
            and names <= set(scheme.names)
            and len(names) >= _EXTENDABLE_SHARE * len(scheme.names)
        ),
        None,
    )
