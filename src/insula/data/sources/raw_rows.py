"""Read the text, the label cell and the attributes of each row of a source; count the rows that are not usable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

from insula.core.errors import DataError
from insula.core.model_input import Turn
from insula.core.sentences import pluralise
from insula.data.cell_paths import build_cell_getter, get_cell, is_path
from insula.data.columns import Columns, find_columns
from insula.data.conversations.row_context import ContextReader
from insula.data.conversations.turn_cells import MAX_TURNS
from insula.data.formats.row_reader import Row, RowReader
from insula.data.labels.cells import as_attribute, as_name, as_score, is_missing, is_not_text
from insula.data.options import DataOptions

UNLABELLED = -1  # in columns of numbered labels, as in the test splits of public data sets
MAX_WEIGHT = 1e9  # sums and squares of greater weights overflow


class RawRow(NamedTuple):
    """Text, label cell (a tuple for several label columns) and attributes of a row."""

    text: str
    label: Any
    weight: float
    language: str | None
    group: str | None
    id: str | None
    votes: Any = None
    turns: tuple[Turn, ...] = ()
    speaker: str | None = None
    target: str | None = None
    subgroup: str | None = None
    pair: str | None = None
    augmented_by: str | None = None


@dataclass
class RawSplit:
    """The usable rows of one split, the dropped rows by reason, and the names of numbered labels by column."""

    rows: list[RawRow] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    columns: Columns | None = None
    notes: list[str] = field(default_factory=list)
    value_names: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def extend(
        self, reader: RowReader, options: DataOptions, *, names: Sequence[str] = (), labelled: bool = True
    ) -> None:
        """Add the rows of an open source.

        names     labels of a known scheme
        labelled  False if no labels are needed; the label of every row is then `()`
        """
        where = f"{reader.path!r}"
        columns = find_columns(reader.columns, options, where, names=names, labelled=labelled)
        if self.columns is not None and len(columns.labels) != len(self.columns.labels):
            raise DataError(
                f"The files of one split must have the same label columns: {', '.join(self.columns.labels)}. Got "
                f"{', '.join(columns.labels)} in {where}. Select them with `label`."
            )
        self.columns = self.columns or columns
        self.value_names.update(reader.value_names)
        is_numbered = len(columns.labels) == 1 and columns.labels[0] in reader.value_names
        text_of = build_cell_getter(columns.texts, reader.columns)
        has_paths = any(is_path(name, reader.columns) for name in columns.labels)
        label_of = itemgetter(*columns.labels) if columns.labels and not has_paths else None
        contexts = ContextReader(columns.conversation, options.max_text_length)
        numbers: list[tuple[int, int]] = []  # position in `rows` and number among the rows of dialogues
        truncated = 0
        for batch in reader:
            for row in batch.rows:
                text = text_of(row)
                if is_missing(text):
                    self.dropped["with empty text"] += 1
                    continue
                if is_not_text(text):
                    self.dropped["with a list, an object or bytes in place of a text"] += 1
                    continue
                text = text if isinstance(text, str) else as_name(text)
                if len(text) > options.max_text_length:
                    text = text[: options.max_text_length]
                    truncated += 1
                found = contexts.read(row, text)
                if found.problem is not None:
                    self.dropped[found.problem] += 1
                    continue
                weight = _read_weight(_read_cell(row, columns.weight)) if columns.weight else 1.0
                if weight is None:
                    self.dropped["with a weight that is not a number from 0 to 1e9"] += 1
                    continue
                try:
                    label = label_of(row) if label_of is not None else _read_label(row, columns.labels)
                except KeyError:  # a JSON object may lack a key
                    label = _read_label(row, columns.labels)
                if is_numbered and label == UNLABELLED:
                    label = None
                if found.number >= 0:
                    numbers.append((len(self.rows), found.number))
                self.rows.append(
                    RawRow(
                        text,
                        label,
                        weight,
                        _read_attribute(row, columns.language),
                        _read_group(row, columns),
                        _read_attribute(row, columns.id),
                        _read_cell(row, columns.votes) if columns.votes else None,
                        found.turns,
                        found.speaker,
                        found.target,
                        _read_attribute(row, columns.subgroup),
                        _read_attribute(row, columns.pair),
                        _read_attribute(row, columns.augmented_by),
                    )
                )
        if numbers:
            earlier = contexts.collect_earlier_turns()
            for position, number in numbers:
                self.rows[position] = self.rows[position]._replace(turns=earlier[number])
        if truncated:
            self.notes.append(
                f"{pluralise(truncated, 'text')} of {where} truncated to {options.max_text_length:,} characters."
            )
        if contexts.long:
            rows = pluralise(contexts.long, "row")
            self.notes.append(
                f"{rows} of {where} had more than {MAX_TURNS} earlier turns; the last {MAX_TURNS} are used."
            )
        if reader.reject_count:
            first = reader.rejects[0]
            count = pluralise(reader.reject_count, "row")
            self.notes.append(f"{count} of {where} could not be read, the first in line {first.line}: {first.reason}.")
        self.notes.extend(f"{where}: {warning}" for warning in reader.warnings)


def _read_weight(cell: Any) -> float | None:
    if is_missing(cell):
        return 1.0
    number = as_score(cell)  # with a decimal comma, too
    return number if number is not None and 0 <= number <= MAX_WEIGHT else None


def _read_attribute(row: Row, column: str | None) -> str | None:
    return None if column is None else as_attribute(_read_cell(row, column))


def _read_group(row: Row, columns: Columns) -> str | None:
    """Return the group; without one, a name that a row of an augmented file shares with its copies."""
    group = _read_attribute(row, columns.group)
    if group is None and (source := _read_attribute(row, columns.source_row)) is not None:
        return f"{columns.source_row} {source}"
    return group


def _read_label(row: Row, columns: Sequence[str]) -> Any:
    cells = tuple(_read_cell(row, name) for name in columns)
    return cells[0] if len(cells) == 1 else cells


def _read_cell(row: Row, name: str) -> Any:
    return row[name] if name in row else get_cell(row, name)
