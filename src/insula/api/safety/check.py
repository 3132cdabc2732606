"""`check_message`, `check_reply` and files of either: signals of risk in messages, and what a reply must not say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from insula.core.progress import Progress, choose_progress
from insula.data.check_rows import CheckedFile, check_rows
from insula.data.formats.formats import ReadOptions
from insula.inference.risk.check import check_message, check_messages
from insula.safety.replies.check import check_reply

__all__ = ["check_message", "check_messages", "check_reply", "check_safety_file"]
MESSAGE_COLUMNS = ("risk_level", "risk_kinds", "needs_person", "risk_reasons", "risk_score", "risk_failure")
REPLY_COLUMNS = ("reply_allowed", "reply_faults", "reply_reasons", "reply_failure")


def check_safety_file(
    source: str | Path,
    output: str | Path,
    *,
    outgoing: bool = False,
    text: str | Sequence[str] | None = None,
    input_format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
    progress: Progress | None = None,
) -> CheckedFile:
    """Write every row of a file with the check of its message; `outgoing` checks replies instead.

    text      column with the message; default: detected from common column names
    progress  receives the progress (see `Progress`); default: shown in notebooks, silent elsewhere

    Messages get the columns `risk_level`, `risk_kinds`, `needs_person`, `risk_reasons`, `risk_score`, `risk_failure`,
    replies `reply_allowed`, `reply_faults`, `reply_reasons`, `reply_failure`. Raises `DataError`, `MissingFileError`,
    `OutputError`.
    """
    return check_rows(
        source,
        output,
        _describe_replies if outgoing else _describe_messages,
        added=REPLY_COLUMNS if outgoing else MESSAGE_COLUMNS,
        counted="reply_allowed" if outgoing else "risk_level",
        text=text,
        reading=ReadOptions(input_format, separator, header),
        progress=choose_progress(progress),
    )


def _describe_messages(texts: Sequence[str]) -> list[dict[str, Any]]:
    return [
        dict(
            zip(
                MESSAGE_COLUMNS,
                (one.level, list(one.kinds), one.needs_person, " ".join(one.reasons), one.score, one.failure),
                strict=True,
            )
        )
        for one in check_messages(texts)
    ]


def _describe_replies(texts: Sequence[str]) -> list[dict[str, Any]]:
    return [
        dict(zip(REPLY_COLUMNS, (one.allowed, list(one.faults), " ".join(one.reasons), one.failure), strict=True))
        for one in map(check_reply, texts)
    ]
