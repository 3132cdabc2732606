"""`LabelScheme`: the labels of a task, their kind, and their mappings to coarser schemes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from insula.core.errors import CHOOSE, DataError, suggest

Kind = Literal["binary", "single", "multi", "ordinal", "dimensional"]
KINDS: tuple[Kind, ...] = get_args(Kind)


def uses_softmax(kind: Kind) -> bool:
    """Return whether the labels of a kind are mutually exclusive and share a softmax; else each has its own output."""
    return kind in ("single", "ordinal")


@dataclass(frozen=True)
class LabelScheme:
    """The labels of a task.

    name       the name of the scheme, such as `goemotions`
    kind       binary: two classes, with one sigmoid output for the second; single: one of several; multi: any set,
               including the empty set; ordinal: ordered classes, lowest first; dimensional: real values
    names      label (or dimension) names in output order
    display    language code to {name: display name}; a missing display name falls back to the name
    ranges     dimensional only: {name: (lowest, highest)}
    mappings   name of a coarser scheme to {label: coarser label}; labels without a counterpart may be missing

    Raises `DataError` if kind, names or ranges contradict each other.
    """

    name: str
    kind: Kind
    names: tuple[str, ...]
    display: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    mappings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise DataError(
                f"The kind of scheme {self.name!r} must be one of {', '.join(KINDS)}. Got {self.kind!r}. Choose one "
                "of these."
            )
        if len(set(self.names)) != len(self.names) or not self.names:
            raise DataError(
                f"The names of scheme {self.name!r} must be unique and not empty. Got {self.names}. Rename or remove "
                "some."
            )
        if self.kind == "binary" and len(self.names) != 2:
            raise DataError(
                f"The binary scheme {self.name!r} must have two names. Got {len(self.names)}. Choose the kind single "
                "or multi for other numbers."
            )
        if self.kind == "dimensional" and set(self.ranges) != set(self.names):
            raise DataError(
                f"The ranges of dimensional scheme {self.name!r} must be for {', '.join(self.names)}. "
                f"Got {', '.join(self.ranges) or 'none'}. Add a range for each of them."
            )
        for name, (low, high) in self.ranges.items():
            if not low <= high:
                raise DataError(
                    f"The range of {name!r} in scheme {self.name!r} must be (lowest, highest). Got ({low}, {high}). "
                    "Swap or correct the two."
                )

    @property
    def is_categorical(self) -> bool:
        """Whether the scheme has labels, that is any kind but dimensional."""
        return self.kind != "dimensional"

    @property
    def has_one_label(self) -> bool:
        """Whether every row has exactly one label: binary, single and ordinal schemes."""
        return self.kind in ("binary", "single", "ordinal")

    @property
    def output_count(self) -> int:
        """The number of outputs of a model per row: one for binary, else one per name."""
        return 1 if self.kind == "binary" else len(self.names)

    @property
    def threshold_labels(self) -> tuple[str, ...]:
        """The labels with a threshold: all labels of a multi scheme, the positive label of a binary scheme."""
        return {"multi": self.names, "binary": self.names[1:]}.get(self.kind, ())

    @property
    def summary(self) -> str:
        """The kind, the name and the first labels, for messages."""
        shown = ", ".join(self.names[:8]) + (", ..." if len(self.names) > 8 else "")
        return f"{self.kind} {self.name!r} ({shown})"

    def has_labels_of(self, other: LabelScheme) -> bool:
        """Return whether both schemes have the same kind and the same labels in the same order.

        Ranges are not compared: they come from the training rows and rarely match exactly.
        """
        return (self.kind, self.names) == (other.kind, other.names)

    def display_name(self, name: str, language: str = "en") -> str:
        """Return the display name of a label in a language (`en`, `zh`), or the label itself if there is none."""
        return self.display.get(language, {}).get(name, name)

    def index(self, name: str) -> int:
        """Return the position of a label. Raises `DataError` with the nearest known label."""
        try:
            return self.names.index(name)
        except ValueError:
            raise DataError(
                f"The label {name!r} is not in scheme {self.name!r}: {', '.join(self.names[:40])}."
                f"{suggest(name, self.names, CHOOSE)}"
            ) from None

    def coarsen(self, labels: Iterable[str], target: str) -> tuple[str, ...]:
        """Map labels to the coarser scheme `target`, in order of first appearance, each once."""
        if target not in self.mappings:
            raise DataError(
                f"The scheme {self.name!r} has no mapping to {target!r}. "
                f"Mappings: {', '.join(self.mappings) or 'none'}.{suggest(target, self.mappings, CHOOSE)}"
            )
        table = self.mappings[target]
        return tuple(dict.fromkeys(table[label] for label in labels if label in table))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types for `from_dict`."""
        return {
            "name": self.name,
            "kind": self.kind,
            "names": list(self.names),
            "display": {language: dict(names) for language, names in self.display.items()},
            "ranges": {name: list(limits) for name, limits in self.ranges.items()},
            "mappings": {target: dict(table) for target, table in self.mappings.items()},
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> LabelScheme:
        """Build a scheme from the result of `to_dict`."""
        return cls(
            name=row["name"],
            kind=cast(Kind, row["kind"]),
            names=tuple(row["names"]),
            display=row.get("display", {}),
            ranges={name: (float(low), float(high)) for name, (low, high) in row.get("ranges", {}).items()},
            mappings=row.get("mappings", {}),
        )
