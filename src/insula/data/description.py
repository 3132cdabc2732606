"""`Description`: the contents of a data set, as JSON and as text."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from insula.core.sentences import pluralise

BAR_WIDTH = 24
HISTOGRAM_BARS = " ▁▂▃▄▅▆▇█"
SPLIT_WIDTH = 16


@dataclass(frozen=True)
class Description:
    """The contents of a data set, in plain JSON types. Shares are in [0, 1], lengths in characters.

    name, kind         of the data set and its label scheme
    labels             label or dimension names in the scheme's order
    rows               split to number of rows
    languages          ISO 639-1 code (`unknown` if it cannot be detected) to share of `language_rows`
    language_rows      number of rows in which languages were detected
    lengths            min, median, mean, p95, max
    long_texts         number of words to the number of texts with more; a Chinese character counts as a word
    balance            categorical schemes: split to label to {count, share}
    labels_per_row     multi-label: split to {mean, max, none}; `none` counts the rows without any label
    values             dimensional: split to dimension to {min, mean, max, std, histogram}; ten equal bins of the range
    exact_duplicates   rows with the comparison key of an earlier row
    near_duplicates    other rows almost equal to an earlier one, among `compared_rows`
    compared_rows      number of rows compared for near-duplicates
    conflicts          texts with different labels; dimensional: with values that differ by over a quarter of the range
    conflict_examples  up to five of them: {text, labels}, each set of labels once
    missing            empty_texts (no text and no media), incomparable_texts (only punctuation, user names, links),
                       unlabelled
    both_sides         two splits to the number of texts in both
    overlaps           split to the number of its texts that were also training texts
    notes              the notes of the data set: what was inferred, dropped, split
    context            share of rows with earlier turns, their mean_turns and most_turns, the numbers of different
                       speakers and targets, target_share (of rows with a target); empty without any context
    """

    name: str
    kind: str
    labels: Sequence[str]
    rows: Mapping[str, int]
    languages: Mapping[str, float]
    language_rows: int
    lengths: Mapping[str, float]
    balance: Mapping[str, Mapping[str, Mapping[str, float]]]
    labels_per_row: Mapping[str, Mapping[str, float]]
    values: Mapping[str, Mapping[str, Mapping[str, Any]]]
    exact_duplicates: int
    near_duplicates: int
    compared_rows: int
    conflicts: int
    conflict_examples: Sequence[Mapping[str, Any]]
    missing: Mapping[str, int]
    both_sides: Mapping[str, int]
    overlaps: Mapping[str, int]
    notes: Sequence[str]
    context: Mapping[str, float] = field(default_factory=dict)
    long_texts: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return dataclasses.asdict(self)

    def format_lines(self) -> list[str]:
        """Return the description as lines for a terminal."""
        return [*self._iterate_overview(), "", *self._iterate_labels(), "", *self._iterate_findings()]

    def _iterate_overview(self) -> Iterator[str]:
        total = sum(self.rows.values())
        what = "dimension" if self.kind == "dimensional" else "label"
        yield f"{self.name}: {pluralise(total, 'row')}, {self.kind}, {pluralise(len(self.labels), what)}"
        yield "  rows        " + ", ".join(f"{split} {count:,}" for split, count in self.rows.items())
        if self.languages:
            shares = ", ".join(f"{code} {_format_percent(share)}" for code, share in self.languages.items())
            yield f"  languages   {shares} (detected in {pluralise(self.language_rows, 'row')})"
        if self.lengths:
            yield "  characters  " + ", ".join(f"{name} {value:,.0f}" for name, value in self.lengths.items())
        if any(self.long_texts.values()):
            counts = ", ".join(
                f"{pluralise(count, 'text')} ({_format_percent(count / total)}) over {most} words"
                for most, count in self.long_texts.items()
                if count
            )
            yield f"  long texts  {counts} (or Chinese characters); models read a limited number of tokens"
        if self.context:
            yield f"  context     {', '.join(self._iterate_context())}"

    def _iterate_context(self) -> Iterator[str]:
        found = self.context
        if found["share"]:
            yield (
                f"{_format_percent(found['share'])} of rows with earlier turns "
                f"({found['mean_turns']:.1f} on average, at most {found['most_turns']:.0f})"
            )
        if found["speakers"]:
            yield pluralise(int(found["speakers"]), "speaker")
        if found["targets"]:
            yield f"{pluralise(int(found['targets']), 'target')} ({_format_percent(found['target_share'])} of rows)"

    def _iterate_labels(self) -> Iterator[str]:
        if not self.labels:
            yield "  no labels could be read; see the notes"
            return
        width = max(map(_measure_width, ("dimension", *self.labels)))
        if self.kind == "dimensional":
            for split, dimensions in self.values.items():
                for name, value in dimensions.items():
                    figures = ", ".join(f"{what} {value[what]:.2f}" for what in ("min", "mean", "max", "std"))
                    yield f"  {split:<11} {_pad(name, width)} |{_format_histogram(value['histogram'])}| {figures}"
            return
        yield f"  {_pad('label', width)} " + "".join(f"{split:>{SPLIT_WIDTH}}" for split in self.balance)
        first: Mapping[str, Mapping[str, float]] = next(iter(self.balance.values()), {})
        highest = max((entry["share"] for entry in first.values()), default=0.0)
        for label in sorted(first, key=lambda label: -first[label]["count"]):
            cells = "".join(
                f"{entries[label]['count']:,}  {_format_percent(entries[label]['share']):>6}".rjust(SPLIT_WIDTH)
                for entries in self.balance.values()
            )
            bar = "█" * round(BAR_WIDTH * first[label]["share"] / highest) if highest else ""
            yield f"  {_pad(label, width)} {cells}  {bar}".rstrip()
        for split, per_row in self.labels_per_row.items():
            yield (
                f"  {split}: {per_row['mean']:.2f} labels a row, at most {per_row['max']:.0f}; "
                f"{pluralise(int(per_row['none']), 'row')} with none"
            )

    def _iterate_findings(self) -> Iterator[str]:
        yield (
            f"  repeats     {pluralise(self.exact_duplicates, 'exact duplicate')}, "
            f"{pluralise(self.near_duplicates, 'near-duplicate')} (among {pluralise(self.compared_rows, 'row')})"
        )
        for pair, count in self.both_sides.items():
            yield f"  both sides  {pluralise(count, 'text')} in {pair}"
        for split, count in self.overlaps.items():
            if count:
                yield f"  overlap     {pluralise(count, 'text')} of {split} were also training texts; see the notes"
        for what, count in self.missing.items():
            if count:
                yield f"  missing     {pluralise(count, 'row')}: {what.replace('_', ' ')}"
        yield f"  conflicts   {pluralise(self.conflicts, 'text')} with different labels"
        for example in self.conflict_examples:
            yield f"    {example['text']!r}: {' / '.join(map(_format_labels, example['labels']))}"
        yield from (f"  note        {note}" for note in self.notes)


def _format_labels(labels: Sequence[Any]) -> str:
    return ", ".join(map(str, labels)) or "none"


def _format_percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _format_histogram(counts: Sequence[int]) -> str:
    highest = max(counts, default=0)
    # Rounded up, so that a bin with a single row is visible.
    return "".join(HISTOGRAM_BARS[-(-8 * count // highest)] if highest else " " for count in counts)


def _measure_width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _measure_width(text))
