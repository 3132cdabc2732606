"""Measured results made safe to print: no missing keys to trip over, no characters that break a page."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from insula.evaluation.record import Document

AnyDocument = TypeVar("AnyDocument", bound=Document)
MOST_CHARACTERS = 200  # names and settings; a label is written many times on a page
MOST_OF_A_TEXT = 1000
TEXTS = ("text", "notes", "command")
# What XML and HTML forbid: control characters, lone surrogates, noncharacters.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def sanitized(document: AnyDocument) -> AnyDocument:
    """Return a copy of a document whose texts are fit for a page, as `sanitize` makes them."""
    return type(document).model_validate(sanitize(document.to_dict()))


def sanitize(value: Any, most: int = MOST_CHARACTERS) -> Any:
    """Return a copy of plain JSON data fit for a page.

    Characters that no page may hold become U+FFFD. Names are cut with an ellipsis after `most` characters, texts,
    notes and the command after 1,000. NaN and infinity become None, and keys whose value is None are left out, so
    that "missing" and "null" are one case.
    """
    if isinstance(value, str):
        return _printable(value, most)
    if isinstance(value, Mapping):
        return {
            _printable(str(key), most): sanitize(item, MOST_OF_A_TEXT if key in TEXTS else most)
            for key, item in value.items()
            if _known(item)
        }
    if isinstance(value, (list, tuple)):
        return [sanitize(item, most) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


def _printable(text: str, most: int) -> str:
    text = text if len(text) <= most else text[:most] + "…"
    return _UNPRINTABLE.sub("\ufffd", text)
