"""`ReportFile`: the settings of a report on messages, with its advice; read from TOML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from insula.core.durations import parse_duration
from insula.knowledge.rule_toml import TomlTable, parse_tables, read_rule_text
from insula.operations.monitoring.settings import Name, Share
from insula.operations.streams.message import MessageFields

Words = Annotated[str, Field(min_length=1, max_length=500)]


class Advice(TomlTable):
    """A sentence that the report shows for a group if enough of its messages have one of some labels."""

    name: Name
    labels: tuple[Name, ...] = Field(
        min_length=1,
        description="Labels of the model, or of its coarser levels; a message counts if it has one of them.",
    )
    above: Share = Field(
        description="Share of messages, 0 to 1. The advice is shown if the whole 95% interval of the measured share is "
        "above it."
    )
    text: Words = Field(description="The advice.")
    text_zh: Words | None = Field(None, description="The advice in Chinese. [default: text]")

    def say(self, language: str) -> str:
        """Return the advice in a language."""
        return self.text_zh if language == "zh" and self.text_zh else self.text


class ReportFile(TomlTable):
    """The content of a report's file."""

    title: Words | None = Field(None, description="Title of the report. [default: the name of the file of messages]")
    title_zh: Words | None = Field(None, description="The title in Chinese. [default: title]")
    source: Words | None = Field(None, description="Path of the file of messages, absolute or relative to this file.")
    model: Words | None = Field(None, description="Model that predicts the messages, as in --model.")
    by: Name | None = Field(None, description="Attribute whose values are the groups, such as `film`.")
    window: str | None = Field(
        None, description="Length of a window of time, such as 7d. [default: one with at most 24 windows]"
    )
    fields: MessageFields = MessageFields()
    advice: tuple[Advice, ...] = ()

    @field_validator("window")
    @classmethod
    def _check_window(cls, span: str | None) -> str | None:
        if span is not None:
            parse_duration(span)
        return span

    def get_title(self, language: str) -> str | None:
        """Return the title in a language."""
        return self.title_zh if language == "zh" and self.title_zh else self.title


def read_report_file(file: str | Path) -> ReportFile:
    """Return the settings of a file; its `source` becomes a path that can be opened from anywhere.

    Raises `MissingFileError`, and `DataError` for what is not valid.
    """
    found = parse_report_file(read_rule_text(file, "report"), repr(str(file)))
    if found.source is None:
        return found
    return found.model_copy(update={"source": str(Path(file).parent / found.source)})


def parse_report_file(text: str, origin: str) -> ReportFile:
    """Return the settings of a TOML text; `origin` names it in messages."""
    return parse_tables(text, ReportFile, {"advice": Advice}, kind="advice", origin=origin, called="report")
