"""Schemas of prediction jobs: files to predict in the background."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Column = Annotated[str, Field(max_length=200)]


class JobColumns(BaseModel):
    """The columns and the format of a file; other columns are detected from common column names."""

    text: Column | None = Field(None, description="The column with the text.")
    context: list[Column] | None = Field(
        None, description="The column with the earlier turns as a list, or columns with one turn each, oldest first."
    )
    dialogue: Column | None = Field(
        None,
        description="The column with the dialogue id; earlier rows with the same id are the earlier turns of a row.",
    )
    turn: Column | None = Field(None, description="The column with the number of the turn in its dialogue.")
    speaker: Column | None = Field(None, description="The column with the speaker of the text.")
    target: Column | None = Field(None, description="The column with the target of the emotion.")
    format: Literal["csv", "tsv", "jsonl", "lines"] | None = Field(
        None, description="The format of the file (default: by its media type or name)."
    )
    separator: Annotated[str, Field(min_length=1, max_length=10)] | None = Field(
        None, description="The character between the cells of CSV, or `tab` (default: detected)."
    )
    header: bool | None = Field(
        None,
        description="Whether the first line of CSV names the columns (default: yes). If not, name them by number.",
    )

    @property
    def given_columns(self) -> dict[str, Any]:
        """The given columns and the format, as options of `predict_file`."""
        given = {name: value for name in JobColumns.model_fields if (value := getattr(self, name)) is not None}
        return {("input_format" if name == "format" else name): value for name, value in given.items()}


class JobOptions(JobColumns):
    """The model and the columns of an uploaded file."""

    model: str | None = Field(None, max_length=200, description="Name of a served model (default: the first one).")


class JobRequest(JobOptions):
    """A file on the server to predict in the background."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    path: str = Field(min_length=1, max_length=1000, description="A file in one of the folders of jobs.sources.")


class JobStatus(BaseModel):
    """The progress of a job."""

    id: str
    status: str = Field(description="`waiting`, `running`, `done` or `failed`.")
    model: str
    rows: int = Field(description="Rows predicted so far.")
    rejected: int = Field(description="Rows that could not be read or have no text; they are in the rejects file.")
    detail: str | None = Field(None, description="Reason for the failure; null unless the job failed.")
    warnings: list[str] = Field(
        [], description="Warnings about a finished file, such as rows whose earlier turns the model does not read."
    )


class JobList(BaseModel):
    """The jobs of the caller, the newest first."""

    jobs: list[JobStatus]
