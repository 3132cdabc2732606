"""The columns of a predicted row: those of the input, renamed if they clash, and those of the prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme
from insula.data.formats.row_reader import Row
from insula.data.renamed_columns import RenamedColumns

PREDICTED = ("label", "labels", "scores", "confidence", "abstained")
RULED = ("rules", "before")  # columns of a model with rules


class PredictedColumns(RenamedColumns):
    """Joins rows and predictions.

    A column of the input with the name of a predicted column (`label`, `labels`, `scores`, `confidence`, `abstained`,
    or `score_LABEL` as in CSV) is renamed to `input_NAME`. With `named_text` the predicted text is also in the column
    `text`, whatever the name of its own column, as in every JSON prediction.

    With `ruled` there are two more: `rules`, the names of the rules that changed a prediction, and `before`, the labels
    before them (of a dimensional model `name=value`); both are empty where nothing changed.
    """

    def __init__(
        self, columns: Sequence[str], scheme: LabelScheme, *, text: str, named_text: bool, ruled: bool = False
    ) -> None:
        self._ruled = RULED if ruled else ()
        self._labels = scheme.names
        self._scores = [f"score_{name}" for name in scheme.names]
        self._adds_text = named_text and text != "text"
        super().__init__(columns, [*PREDICTED, *self._ruled, *self._scores, *(["text"] if self._adds_text else [])])

    def join(self, row: Row, prediction: Prediction) -> Row:
        """Return the output row of an input row and its prediction."""
        joined = self.rename_columns(row)
        if self._adds_text:
            joined["text"] = prediction.text
        predicted = prediction.to_dict()
        joined |= {name: predicted[name] for name in PREDICTED}
        if self._ruled:
            joined["rules"] = list(prediction.rules)
            joined["before"] = None if prediction.before is None else prediction.labels_before
        return joined

    def get_arrow_types(self, types: Mapping[str, Any]) -> dict[str, Any]:
        """Return the Arrow type of each output column; `types` are the known types of the input."""
        import pyarrow as pa

        scores = pa.struct([(name, pa.float64()) for name in self._labels])
        predicted = (pa.string(), pa.list_(pa.string()), scores, pa.float64(), pa.bool_())
        ruled = {name: pa.list_(pa.string()) for name in self._ruled}
        return self.rename_types(types) | dict(zip(PREDICTED, predicted, strict=True)) | ruled

    def list_columns(self, *, flat: bool) -> list[str]:
        """Return all columns of an output; `flat` has one column per score, as in CSV."""
        return [*self.renamed_columns, *self.list_prediction_columns(flat=flat)]

    def list_prediction_columns(self, *, flat: bool) -> list[str]:
        """Return the columns of the prediction."""
        groups = [self._scores if flat and name == "scores" else [name] for name in (*PREDICTED, *self._ruled)]
        return [name for names in groups for name in names]
