"""`DataOptions`: the options for reading rows. Used by `[data]` in recipes and the column options of commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from insula.core.errors import DataError, suggest
from insula.core.scheme import Kind
from insula.core.sentences import describe_invalid_value

Fraction = Annotated[float, Field(gt=0, lt=1)]


class DataOptions(BaseModel):
    """Options for reading rows as examples. If you do not name a column, insula looks for common column names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str | tuple[str, ...] | None = Field(
        None,
        description="column with the text (common names: text, message, content, review ...); several columns are "
        "joined with line breaks; `data.text` is the key `text` of the objects in column `data`",
    )
    label: str | tuple[str, ...] | None = Field(
        None, description="column with the label or labels; several columns are one-hot labels or scores"
    )
    kind: Kind | None = Field(
        None, description="kind of the labels: binary, single, multi, ordinal or dimensional; inferred if not given"
    )
    scheme: str | None = Field(None, description="name of a built-in label scheme; inferred if not given")
    delimiter: str | None = Field(None, description="separator between labels in one cell; inferred if not given")
    label_names: str | None = Field(None, description="file with the names of numbered labels: one per line, or JSON")
    weight: str | None = Field(None, description="column with the example weight (>= 0)")
    votes: str | None = Field(None, description="column with the annotators' votes, for objective.soft_labels")
    group: str | None = Field(
        None, description="column, such as author or thread, whose equal values stay in the same split"
    )
    subgroup: str | None = Field(None, description="column with a subgroup such as a dialect, for robust.group_dro")
    pair: str | None = Field(
        None,
        description="column whose equal values mark counterfactual pairs, for robust.pairs; pairs stay in the same "
        "split",
    )
    id: str | None = Field(None, description="column with the id of the row")
    language: str | None = Field(None, description="column with the ISO 639-1 language code")
    context: str | tuple[str, ...] | None = Field(
        None,
        description="column with the earlier turns: a JSON list of texts or of objects with text and speaker, or one "
        "earlier text; several columns are one turn each, the oldest first",
    )
    dialogue: str | None = Field(
        None, description="column with the dialogue id; earlier rows with the same id are the context of a row"
    )
    turn: str | None = Field(
        None, description="column with the number of the turn in its dialogue; file order if not given"
    )
    speaker: str | None = Field(None, description="column with the speaker of the text")
    target: str | None = Field(None, description="column with the target of the emotion, such as a product")
    format: str | None = Field(
        None,
        description="file format: csv, tsv, jsonl, json, parquet, arrow, lines or fasttext; inferred from the "
        "file name if not given",
    )
    separator: str | None = Field(None, description="separator of the cells in CSV and TSV; detected if not given")
    header: bool | None = Field(
        None,
        description="whether CSV and TSV have a header line; without one, columns are numbered from 1; detected if "
        "not given",
    )
    validation_fraction: Fraction = Field(0.1, description="share of rows held out for validation")
    test_fraction: Fraction = Field(0.1, description="share of rows held out for the test")
    keep_leaks: bool = Field(
        False,
        description="keep training rows whose text is also in validation or test, such as short replies in chats; "
        "scores then include memorised texts, and the report shows them with and without these rows",
    )
    max_text_length: int = Field(
        20_000, ge=1, description="maximum characters of a text; longer texts are truncated and counted"
    )

    @model_validator(mode="after")
    def _check_context(self) -> DataOptions:
        if self.context is not None and self.dialogue is not None:
            raise ValueError(
                "`context` and `dialogue` cannot be combined: earlier turns come either from a column or from "
                f"earlier rows. Got both ({self.context!r} and {self.dialogue!r}). Choose one of them"
            )
        if self.turn is not None and self.dialogue is None:
            raise ValueError(f"`turn` orders the rows of a dialogue. Got {self.turn!r} without `dialogue`. Pass both")
        return self

    @model_validator(mode="after")
    def _check_fractions(self) -> DataOptions:
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError(
                "validation_fraction and test_fraction must leave rows to train on, so their sum must be below 1. "
                "Lower one of them"
            )
        return self

    @classmethod
    def checked(cls, **fields: Any) -> DataOptions:
        """Return the options; raise `DataError` if they are not valid."""
        try:
            return cls(**fields)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = str(first["loc"][0]) if first["loc"] else ""
            hint = suggest(name, cls.model_fields, " Remove it.") if first["type"] == "extra_forbidden" else ""
            raise DataError(
                f"The options of the data are not valid: {describe_invalid_value(name, first)}.{hint}"
            ) from error

    def with_columns(
        self,
        *,
        text: str | Sequence[str] | None = None,
        label: str | Sequence[str] | None = None,
        label_names: str | None = None,
        context: str | Sequence[str] | None = None,
        dialogue: str | None = None,
        turn: str | None = None,
        speaker: str | None = None,
        target: str | None = None,
        format: str | None = None,
        separator: str | None = None,
        header: bool | None = None,
    ) -> DataOptions:
        """Return the options with the given ones changed; `context` and `dialogue` replace each other."""
        given = {
            "text": _join_names(text), "label": _join_names(label), "label_names": label_names,
            "context": _join_names(context), "dialogue": dialogue, "turn": turn, "speaker": speaker, "target": target,
            "format": format, "separator": separator, "header": header,
        }  # fmt: skip
        changed = {name: value for name, value in given.items() if value is not None}
        if not changed:
            return self
        replaced: dict[str, None] = {}
        if "context" in changed:
            replaced = {"dialogue": None, "turn": None}
        elif "dialogue" in changed:
            replaced = {"context": None, "turn": None}
        return self.checked(**{**self.model_dump(), **replaced, **changed})


def _join_names(given: str | Sequence[str] | None) -> str | tuple[str, ...] | None:
    return given if given is None or isinstance(given, str) else tuple(given)
