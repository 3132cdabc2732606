"""The key by which splits and the leak guard compare rows: the text and, in a dialogue, the turn before it.

"Yes, I did." occurs in many dialogues and means something else in each: in dialogues two rows are equal only if they
follow the same turn. The target is ignored: a text that a model was trained on with one target is known with another.
"""

from __future__ import annotations

import hashlib

from insula.core.example import Example
from insula.core.model_input import ModelInput
from insula.text.comparison import build_comparison_key

Compared = str | ModelInput | Example
_BETWEEN = "\n"  # occurs in no comparison key


def hash_text(text: str) -> int:
    """Return 64 bits of the text's comparison key; the same on every machine and in every version."""
    return _hash_key(build_comparison_key(text))


def hash_row(row: Compared) -> int:
    """Return 64 bits of the key of a row; without earlier turns the same as its `hash_text`."""
    if isinstance(row, str) or not row.turns:
        return hash_text(get_row_text(row))
    key = build_comparison_key(row.text)
    return _hash_key(f"{build_comparison_key(row.turns[-1].text)}{_BETWEEN}{key}") if key else EMPTY


def hash_dialogue_text(text: str) -> int:
    """Return 64 bits of the text of a row with earlier turns, whatever these are."""
    key = build_comparison_key(text)
    return _hash_key(f"{_BETWEEN}{_BETWEEN}{key}") if key else EMPTY


def get_row_text(row: Compared) -> str:
    """Return the text of a row."""
    return row if isinstance(row, str) else row.text


def has_turns(row: Compared) -> bool:
    """Whether a row has earlier turns."""
    return not isinstance(row, str) and bool(row.turns)


def join_last_turn(row: Example) -> str:
    """Return the turn before a row followed by its text, to compare near-duplicates."""
    return f"{row.turns[-1].text}{_BETWEEN}{row.text}" if row.turns else row.text


def _hash_key(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


EMPTY = _hash_key("")  # hash of texts with nothing to compare, which never count as seen
DIALOGUES = _hash_key(_BETWEEN)  # in the fingerprint of rows with earlier turns
