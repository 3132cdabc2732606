"""Sanitize documents for printing: no null values, no characters that break a page."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from insula.evaluation.record import Document

AnyDocument = TypeVar("AnyDocument", bound=Document)
MAX_CHARACTERS = 200  # of names and settings; a label occurs many times on a page
MAX_TEXT_CHARACTERS = 1000
TEXTS = ("text", "notes", "command")
# Not allowed in XML and HTML: control characters, lone surrogates, noncharacters.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def sanitize_document(document: AnyDocument) -> AnyDocument:
    """Return a sanitized copy of a document."""
    return type(document).model_validate(sanitize_value(document.to_dict()))


def sanitize_value(value: Any, limit: int = MAX_CHARACTERS) -> Any:
    """Return a sanitized copy of plain JSON data.

    Characters that are not allowed on a page become U+FFFD. Names are cut after `limit` characters, texts, notes and
    the command after 1,000. NaN and infinity become None, and keys with the value None are removed.
    """
    if isinstance(value, float):  # first: a document is mostly numbers
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return _clean_text(value, limit)
    if isinstance(value, (list, tuple)):
        return [sanitize_value(item, limit) for item in value]
    if isinstance(value, Mapping):
        return {
            _clean_text(str(key), limit): sanitize_value(item, MAX_TEXT_CHARACTERS if key in TEXTS else limit)
            for key, item in value.items()
            if _is_known(item)
        }
    return value


def _is_known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


def _clean_text(text: str, limit: int) -> str:
    text = text if len(text) <= limit else text[:limit] + "…"
    return _UNPRINTABLE.sub("\ufffd", text)
