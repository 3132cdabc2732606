"""`check_message`, `check_reply` and files of either: signals of risk in messages, and what a reply must not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from insula.core.progress import Progress, choose_progress
from insula.data.check_rows import CheckedFile, check_rows
from insula.data.formats.formats import ReadOptions
from insula.safety.replies.check import check_reply
from insula.safety.signals.detect import SECONDS
from insula.safety.signals.detect import check_message as check_by_rules
from insula.safety.signals.result import RiskCheck, RiskScore

__all__ = ["check_message", "check_messages", "check_reply", "check_safety_file"]
MESSAGE_COLUMNS = ("risk_level", "risk_kinds", "needs_person", "risk_reasons", "risk_score", "risk_failure")
REPLY_COLUMNS = ("reply_allowed", "reply_faults", "reply_reasons", "reply_failure")


def check_message(text: str, *, language: str | None = None, seconds: float = SECONDS) -> RiskCheck:
    """Return whether a message shows a risk of suicide, self-harm, violence, abuse or a medical emergency.

    Experimental, and not clinically validated: it misses messages of people at risk, above all those that do not name
    the danger. Rules and a learned score each can find a risk, and neither hides what the other found.

    language  ISO 639-1 code, if known; English and Chinese are read, and `needs_person` is set for any other
    seconds   time limit of the rules; a check that takes longer has failed

    Never raises for a text: a check that fails, in whole or in part, says so in `failure` and sets `needs_person`.
    """
    return check_messages([text], language=language, seconds=seconds)[0]


def check_messages(texts: Sequence[str], *, language: str | None = None, seconds: float = SECONDS) -> list[RiskCheck]:
    """Return the check of each message, as `check_message` does."""
    scores = _score(texts)
    if isinstance(scores, str):
        return [_unscored(check_by_rules(text, language=language, seconds=seconds), scores) for text in texts]
    return [
        check_by_rules(text, score=score, language=language, seconds=seconds)
        for text, score in zip(texts, scores, strict=True)
    ]


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

    text      column with the message; default: found by its usual names
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


def _score(texts: Sequence[str]) -> list[RiskScore] | str:
    """Return the learned scores, or why there are none."""
    try:
        from insula.inference.risk.scorer import load_risk_scorer

        return load_risk_scorer().score(texts)
    except Exception as error:  # noqa: BLE001 - without the score a person must see the message, whatever the cause
        return f"The learned score failed ({type(error).__name__})."


def _unscored(check: RiskCheck, failure: str) -> RiskCheck:
    """Return a check by rules alone as one that failed."""
    return replace(
        check,
        needs_person=True,
        failure=check.failure or failure,
        reasons=(*check.reasons, f"{failure} A person must read the message."),
    )


def _describe_messages(texts: Sequence[str]) -> list[Mapping[str, Any]]:
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


def _describe_replies(texts: Sequence[str]) -> list[Mapping[str, Any]]:
    return [
        dict(zip(REPLY_COLUMNS, (one.allowed, list(one.faults), " ".join(one.reasons), one.failure), strict=True))
        for one in map(check_reply, texts)
    ]
