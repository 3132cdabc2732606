"""`report_messages`, `write_report`: the emotions in messages by group and over time, with the words behind them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from insula.core.durations import parse_duration
from insula.core.errors import DataError
from insula.core.outputs import require_result_file
from insula.core.progress import Progress
from insula.core.starter import STARTER
from insula.data.formats.formats import ReadOptions

if TYPE_CHECKING:
    from insula.inference.predictor import Predictor
    from insula.operations.reporting.report import MessageReport
    from insula.operations.reporting.settings import ReportFile


def report_messages(
    source: str | Path | None = None,
    model: str | Path | Predictor | None = None,
    *,
    by: str | None = None,
    window: str | None = None,
    settings: str | Path | ReportFile | None = None,
    text: str | None = None,
    time: str | None = None,
    input_format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
    output: str | Path | None = None,
    language: str = "en",
    progress: Progress | None = None,
) -> MessageReport:
    """Return the emotions in a file of messages: shares with 95% intervals, trend, words behind them, quotes, advice.

    source    rows with texts, preferably also ids and times (default: that of the settings)
    model     a run, a model folder, or the name of a run (default: that of the settings, else the starter)
    by        attribute whose values are the groups, such as `film`
    window    length of a window of time, such as `7d` (default: one with at most 24 windows)
    settings  titles, columns and advice, or the TOML file that has them
    text, time, input_format, separator, header   how the rows are read
    output    `.html` for a page, `.json` for the result as JSON; None writes nothing
    language  of the page: `en` or `zh`

    Personal data in quotes is masked; messages with signs of risk are counted, named by their ids, and not quoted.
    Raises `DataError` as `operations.reporting.build.build_report` does, `MissingFileError`, `OutputError`.
    """
    from insula.inference.predictor import Predictor
    from insula.operations.reporting.build import build_report
    from insula.operations.reporting.settings import ReportFile, read_report_file

    if isinstance(settings, str | Path):
        settings = read_report_file(settings)
    settings = settings or ReportFile()
    if window is not None:
        parse_duration(window, name="window")
    named = str(model.folder or "") if isinstance(model, Predictor) else None if model is None else str(model)
    given = {"by": by, "window": window, "model": named}
    columns = settings.fields.model_copy(update=_drop_none_values(text=text, time=time))
    settings = settings.model_copy(update={**_drop_none_values(**given), "fields": columns})
    source = source or settings.source
    if source is None:
        raise DataError("A report needs messages. Pass a file of messages, or set `source` in the settings.")
    if output is not None:
        require_result_file(output, source, overwrite=True)
    if not isinstance(model, Predictor):
        settings = settings.model_copy(update={"model": settings.model or STARTER})
        model = Predictor.load(settings.model or STARTER)
    reading = ReadOptions(input_format, separator, header)
    found = build_report(model, source, settings, reading=reading, progress=progress)
    if output is not None:
        write_report(output, found, language=language)
    return found


def write_report(path: str | Path, report: MessageReport, *, language: str = "en") -> None:
    """Write a report as a page (`.html`, in English or Chinese: `en`, `zh`), else as JSON; raises `OutputError`."""
    import json

    from insula.core.files import write_text
    from insula.operations.reporting.report_page import render_report

    if Path(path).suffix == ".html":
        write_text(path, render_report(report, language="zh" if language == "zh" else "en"))
    else:
        write_text(path, json.dumps(report.to_dict(), ensure_ascii=False, indent=2) + "\n")


def _drop_none_values(**given: str | None) -> dict[str, str]:
    return {name: value for name, value in given.items() if value is not None}
