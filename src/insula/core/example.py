"""`Example`: one row to train on, evaluate or predict, and its conversion to and from Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from insula.core.model_input import Media, ModelInput, Turn

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One row of a data set.

    text      the text to classify
    turns     the earlier turns of its dialogue, oldest first, without `text` itself; empty for a single message
    speaker   the speaker of the text
    target    the target of the emotion (an aspect, a product); None for the text as a whole
    media     the recording or picture of the text
    labels    names from the scheme; None if unlabelled, () if labelled with the empty set
    values    scores in the order of the scheme's names (dimensional schemes); None if unlabelled
    votes     annotators' votes: label to count, or in multi-label schemes to the share of annotators who chose it
    weight    the weight of the row in training, >= 0
    language  ISO 639-1 code; None if unknown
    group     author, thread or speaker: a split never separates the rows of one group
    subgroup  the subgroup by which training balances the row, such as a dialect
    pair      a name that a row and its counterfactual share
    augmented_by  the augmenter that made the row from another; None for an original row
    id        the identifier of the row in its source
    """

    text: str = ""
    turns: tuple[Turn, ...] = ()
    speaker: str | None = None
    target: str | None = None
    media: Media | None = None
    labels: tuple[str, ...] | None = None
    values: tuple[float, ...] | None = None
    votes: Mapping[str, float] | None = None
    weight: float = 1.0
    language: str | None = None
    group: str | None = None
    subgroup: str | None = None
    pair: str | None = None
    augmented_by: str | None = None
    id: str | None = None

    @property
    def input(self) -> ModelInput:
        """The row as a model input, without its labels."""
        return ModelInput(
            self.text,
            turns=self.turns,
            speaker=self.speaker,
            target=self.target,
            media=self.media,
            language=self.language,
            id=self.id,
        )


def build_arrow_schema() -> pa.Schema:
    """Return the Arrow schema of examples: one column per field of `Example`, with the same names."""
    import pyarrow as pa

    return pa.schema(
        [
            ("id", pa.string()),
            ("text", pa.large_string()),
            ("turns", pa.list_(pa.struct([("text", pa.string()), ("speaker", pa.string())]))),
            ("speaker", pa.string()),
            ("target", pa.string()),
            (
                "media",
                pa.struct(
                    [
                        ("uri", pa.string()),
                        ("kind", pa.string()),
                        ("start", pa.float64()),
                        ("end", pa.float64()),
                    ]
                ),
            ),
            ("labels", pa.list_(pa.string())),
            ("values", pa.list_(pa.float64())),
            ("votes", pa.map_(pa.string(), pa.float64())),
            ("weight", pa.float64()),
            ("language", pa.string()),
            ("group", pa.string()),
            ("subgroup", pa.string()),
            ("pair", pa.string()),
            ("augmented_by", pa.string()),
        ]
    )


def to_arrow(examples: Iterable[Example]) -> pa.Table:
    """Return the examples as an Arrow table with `build_arrow_schema()`."""
    import pyarrow as pa

    rows = [
        {
            "id": e.id,
            "text": e.text,
            "turns": [{"text": t.text, "speaker": t.speaker} for t in e.turns],
            "speaker": e.speaker,
            "target": e.target,
            "media": None
            if e.media is None
            else {"uri": e.media.uri, "kind": e.media.kind, "start": e.media.start, "end": e.media.end},
            "labels": None if e.labels is None else list(e.labels),
            "values": None if e.values is None else list(e.values),
            "votes": None if e.votes is None else list(e.votes.items()),
            "weight": e.weight,
            "language": e.language,
            "group": e.group,
            "subgroup": e.subgroup,
            "pair": e.pair,
            "augmented_by": e.augmented_by,
        }
        for e in examples
    ]
    return pa.Table.from_pylist(rows, schema=build_arrow_schema())


def from_arrow(table: pa.Table) -> Iterator[Example]:
    """Yield the examples of an Arrow table made by `to_arrow`."""
    for batch in table.to_batches(max_chunksize=8192):
        for row in batch.to_pylist():
            yield _from_row(row)


def _from_row(row: dict[str, Any]) -> Example:
    return Example(
        text=row["text"] or "",
        turns=tuple(Turn(text=t["text"], speaker=t["speaker"]) for t in row["turns"] or ()),
        speaker=row.get("speaker"),
        target=row.get("target"),
        media=None if row["media"] is None else Media(**row["media"]),
        labels=None if row["labels"] is None else tuple(row["labels"]),
        values=None if row["values"] is None else tuple(row["values"]),
        votes=None if row["votes"] is None else dict(row["votes"]),
        weight=row["weight"],
        language=row["language"],
        group=row["group"],
        subgroup=row.get("subgroup"),
        pair=row.get("pair"),
        augmented_by=row.get("augmented_by"),
        id=row["id"],
    )
