"""What stands in a predicted row: the input's columns, renamed where they clash, and the answer's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme
from insula.data.formats.row_reader import Row

PREDICTED = ("label", "labels", "scores", "confidence", "abstained")


class PredictedColumns:
    """Joins rows and predictions.

    A column of the input that bears the name of a predicted one (`label`, `labels`, `scores`, `confidence`,
    `abstained`, and `score_LABEL`, as CSV spells the scores) is kept as `input_NAME`. With `named_text` the judged
    text stands under `text` too, whatever its column is called, as every JSON prediction has it.
    """

    def __init__(self, columns: Sequence[str], scheme: LabelScheme, *, text: str, named_text: bool) -> None:
        self._labels = scheme.names
        self._scores = [f"score_{name}" for name in scheme.names]
        self._adds_text = named_text and text != "text"
        self._taken = {*PREDICTED, *self._scores, *(["text"] if self._adds_text else [])}
        self._names: dict[str, str] = {}
        for column in columns:
            self._name(column)

    def add_columns(self, rows: Sequence[Row]) -> None:
        """Name the columns of rows that are joined already, so that later ones get the names they would have got."""
        for name in dict.fromkeys(name for row in rows for name in row):
            if name not in self._names:
                self._name(name)

    def join(self, row: Row, prediction: Prediction) -> Row:
        """Return the row of the output."""
        kept = self.renamed(row)
        if self._adds_text:
            kept["text"] = prediction.text
        answer = prediction.to_dict()
        return kept | {name: answer[name] for name in PREDICTED}

    def renamed(self, row: Row) -> Row:
        """Return a row of the input with the names that it has in the output."""
        return {self._names.get(name) or self._name(name): value for name, value in row.items()}

    def arrow_types(self, types: Mapping[str, Any]) -> dict[str, Any]:
        """Return the Arrow type of each column of the output; `types` are those known of the input."""
        import pyarrow as pa

        scores = pa.struct([(name, pa.float64()) for name in self._labels])
        answer = (pa.string(), pa.list_(pa.string()), scores, pa.float64(), pa.bool_())
        kept = {self._names[name]: kind for name, kind in types.items() if name in self._names}
        return kept | dict(zip(PREDICTED, answer, strict=True))

    def names(self, *, flat: bool) -> list[str]:
        """Return the columns of an output; `flat` with a column a score, as in CSV."""
        return [*self._names.values(), *self.prediction_columns(flat=flat)]

    def prediction_columns(self, *, flat: bool) -> list[str]:
        """Return the columns that a prediction fills."""
        parts = [self._scores if flat and name == "scores" else [name] for name in PREDICTED]
        return [name for names in parts for name in names]

    def _name(self, column: str) -> str:
        name = column
        while name in self._taken:
            name = f"input_{name}"
        self._taken.add(name)
        self._names[column] = name
        return name
