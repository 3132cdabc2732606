"""Turn raw rows into labelled examples."""

from __future__ import annotations

from collections.abc import Sequence

from insula.core.example import Example
from insula.core.sentences import pluralise
from insula.data.labels.plan import LabelPlan, LabelReading
from insula.data.labels.votes import read_votes
from insula.data.sources.raw_rows import RawSplit


def build_labelled_examples(raw: RawSplit, plan: LabelPlan, *, language: str | None = None) -> list[Example]:
    """Return the examples of a split; rows without a usable label are dropped and counted in `raw.dropped`.

    language  language of rows without one of their own
    """
    seen: dict[str | int, LabelReading] = {}  # a few hundred unique_names cells, however many rows
    examples = []
    for row in raw.rows:
        cell = row.label
        if isinstance(cell, str | int) and not isinstance(cell, bool):
            reading = seen.get(cell) or seen.setdefault(cell, plan.read(cell))
        else:
            reading = plan.read(cell)
        if reading.problem is not None:
            raw.dropped[reading.problem] += 1
            continue
        votes = read_votes(row.votes, plan)
        if votes.problem is not None:
            raw.dropped[votes.problem] += 1
            continue
        examples.append(
            Example(
                text=row.text,
                turns=row.turns,
                speaker=row.speaker,
                target=row.target,
                labels=reading.labels,
                values=reading.values,
                votes=votes.votes,
                weight=row.weight,
                language=row.language or language,
                group=row.group,
                subgroup=row.subgroup,
                pair=row.pair,
                augmented_by=row.augmented_by,
                id=row.id,
            )
        )
    return examples


def note_context(split: str, examples: Sequence[Example], raw: RawSplit) -> tuple[str, ...]:
    """Return a note on how many rows have earlier turns or a target; empty if no such column was named."""
    columns = raw.columns.conversation if raw.columns else None
    if columns is None or not columns.has_context:
        return ()
    counts = []
    if columns.context or columns.dialogue:
        lengths = [len(example.turns) for example in examples if example.turns]
        mean = f", {sum(lengths) / len(lengths):.1f} on average" if lengths else ""
        counts.append(f"{len(lengths):,} have earlier turns{mean}")
    if columns.target:
        counts.append(f"{sum(example.target is not None for example in examples):,} have a target")
    return (f"{split}: of {pluralise(len(examples), 'row')}, {' and '.join(counts)}.",)


def note_dropped(split: str, raw: RawSplit) -> tuple[str, ...]:
    """Return a note on how many rows of a split were dropped and why; empty if none were."""
    if not raw.dropped:
        return ()
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in raw.dropped.most_common(8))
    return (f"{pluralise(raw.dropped.total(), 'row')} of {split} dropped: {reasons}.",)
