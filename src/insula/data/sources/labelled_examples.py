"""Raw rows to labelled examples."""

from __future__ import annotations

from collections.abc import Sequence

from insula.core.example import Example
from insula.core.sentences import counted
from insula.data.labels.plan import LabelPlan, LabelReading
from insula.data.labels.votes import read_votes
from insula.data.sources.raw_rows import RawPart


def labelled_examples(part: RawPart, plan: LabelPlan, *, language: str | None = None) -> list[Example]:
    """Return the examples of a part; rows without a usable label are dropped and counted in `part.dropped`.

    language  of rows that name none themselves
    """
    seen: dict[str | int, LabelReading] = {}  # a few hundred different cells, however many rows
    examples = []
    for row in part.rows:
        cell = row.label
        if isinstance(cell, str | int) and not isinstance(cell, bool):
            reading = seen.get(cell) or seen.setdefault(cell, plan.read(cell))
        else:
            reading = plan.read(cell)
        if reading.problem is not None:
            part.dropped[reading.problem] += 1
            continue
        votes = read_votes(row.votes, plan)
        if votes.problem is not None:
            part.dropped[votes.problem] += 1
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
                id=row.id,
            )
        )
    return examples


def context_note(split: str, examples: Sequence[Example], part: RawPart) -> tuple[str, ...]:
    """Say how many rows of a split have earlier turns or a target; nothing where no column of these was named."""
    columns = part.columns.conversation if part.columns else None
    if columns is None or not columns.add_context:
        return ()
    said = []
    if columns.context or columns.dialogue:
        lengths = [len(example.turns) for example in examples if example.turns]
        mean = f", {sum(lengths) / len(lengths):.1f} on average" if lengths else ""
        said.append(f"{len(lengths):,} have earlier turns{mean}")
    if columns.target:
        said.append(f"{sum(example.target is not None for example in examples):,} have a target")
    return (f"Of the {counted(len(examples), 'row')} of {split}, {' and '.join(said)}.",)


def dropped_note(split: str, part: RawPart) -> tuple[str, ...]:
    """Say how many rows of a split were dropped and why; nothing where none were."""
    if not part.dropped:
        return ()
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in part.dropped.most_common(8))
    return (f"{counted(part.dropped.total(), 'row')} of {split} dropped: {reasons}.",)
