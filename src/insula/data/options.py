"""`DataOptions`: how rows are read; the `[data]` section of a recipe and the options of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from insula.core.scheme import Kind

Fraction = Annotated[float, Field(gt=0, lt=1)]


class DataOptions(BaseModel):
    """How the rows of a source become examples. Every column is found by its usual names where it is not given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str | None = Field(None, description="column with the text (usual names: text, message, content, review ...)")
    label: str | tuple[str, ...] | None = Field(
        None, description="column with the label or labels; several columns are one-hot labels or scores"
    )
    kind: Kind | None = Field(
        None, description="binary, single, multi, ordinal or dimensional; inferred where not given"
    )
    scheme: str | None = Field(None, description="name of a built-in label scheme; inferred where not given")
    delimiter: str | None = Field(None, description="what separates several labels in one cell; inferred from | ; ,")
    label_names: str | None = Field(None, description="file that names numbered labels: one name a line, or JSON")
    weight: str | None = Field(None, description="column with the example weight (>= 0)")
    votes: str | None = Field(None, description="column with the annotators' votes, for objective.soft_labels")
    group: str | None = Field(None, description="column whose rows stay on one side of a split: author, thread")
    id: str | None = Field(None, description="column with the row's own name")
    language: str | None = Field(None, description="column with the ISO 639-1 language code")
    validation_fraction: Fraction = Field(0.1, description="share of rows held out for choices")
    test_fraction: Fraction = Field(0.1, description="share of rows held out for the final figures")
    max_text_length: int = Field(20_000, ge=1, description="characters kept of one text; the rest is cut and counted")

    @model_validator(mode="after")
    def _leaves_rows_to_train(self) -> DataOptions:
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError("validation_fraction and test_fraction must leave rows to train on: sum below 1")
        return self

    def with_columns(
        self,
        *,
        text: str | None = None,
        label: str | Sequence[str] | None = None,
        label_names: str | None = None,
    ) -> DataOptions:
        """Return the options with those columns changed that are given."""
        labels = label if label is None or isinstance(label, str) else tuple(label)
        given = {"text": text, "label": labels, "label_names": label_names}
        return self.model_copy(update={name: value for name, value in given.items() if value is not None})
