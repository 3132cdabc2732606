"""Read one label cell: empty, a number, a name, several names."""

from __future__ import annotations

import ast
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
# Separators of labels, with the share of the pieces that must recur as labels: hardly any label name contains a
# bar, a number sign or a Chinese mark.
SEPARATORS = {"|": 0.5, ";": 0.8, ",": 0.8, "#": 0.5, "、": 0.5, "，": 0.5, "；": 0.5, "/": 1.0, " ": 1.0}
# Names contain these marks ("very good", "anger/disgust"): each piece must also be the only label of some cell.
_WITHIN_NAMES = frozenset("/ ")
_MAX_LABEL_CHARACTERS = 60
# How tables spell a missing cell. `none` may be a label (an intensity of none), and so may `None` (`null_words`).
_WRITTEN_MISSING = frozenset(("nan", "<na>", "#n/a", "n/a", "na", "null", "\\n"))
NONE = "None"
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_BRACKETS = frozenset(("[]", "()", "{}"))
# How numpy prints a list, and so pandas writes lists of Parquet to CSV: ['joy' 'fear'], [2 27]. Python would join two
# strings separated by a space.
_ITEM = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[+-]?\d+\.?\d*|True|False"""
_SPACED_ITEMS = re.compile(_ITEM)
_SPACED_LIST = re.compile(rf"\[\s*(?:{_ITEM})(?:\s+(?:{_ITEM}))+\s*\]")


def is_missing(cell: Any) -> bool:
    """Whether a cell is null, NaN or blank text."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return True
    return isinstance(cell, str) and not cell.strip()


def is_not_text(cell: Any) -> bool:
    """Whether a cell cannot be a text: a list, an object, bytes."""
    return isinstance(cell, list | dict | bytes)


def has_object(cell: Any) -> bool:
    """Whether a cell is an object, a list of objects or lists, or text that spells one: labels are names, not spans."""
    if isinstance(cell, str):
        text = cell.strip()
        cell = parse_literal(text) if text[:1] == "{" or text[:2] in ("[{", "[[") else None
    if isinstance(cell, list | tuple):
        return any(isinstance(one, dict | list) for one in cell)
    return isinstance(cell, dict) and _find_choices(cell) is None


def is_unlabelled(cell: Any) -> bool:
    """Whether a label cell is missing or spells a missing value (`NaN`, `<NA>`, `N/A`, `NULL`, `\\N`)."""
    return is_missing(cell) or is_spelled_missing(cell)


def is_spelled_missing(cell: Any) -> bool:
    """Whether a text spells a missing value."""
    return isinstance(cell, str) and cell.strip().lower() in _WRITTEN_MISSING


def as_number(cell: Any) -> float | None:
    """Return the number in a cell, None if there is none; `true` and `false` are names."""
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int | float | Decimal) or (isinstance(cell, str) and _NUMBER.fullmatch(cell.strip())):
        try:
            number = float(cell)
        except OverflowError:  # an integer in JSON may have thousands of digits
            return None
        return number if math.isfinite(number) else None
    return None


def as_score(cell: Any) -> float | None:
    """Return the number in a cell; true and false, as in one-hot columns, are 1 and 0; `3,5` is 3.5."""
    if isinstance(cell, bool):
        return float(cell)
    if isinstance(cell, str):
        text = cell.strip().lower()
        if text in ("true", "false"):
            return float(text == "true")
        if has_decimal_comma(text):
            return float(text.replace(",", "."))
    return as_number(cell)


def has_decimal_comma(cell: Any) -> bool:
    """Whether a text is a number with a decimal comma, such as `3,5`."""
    return isinstance(cell, str) and _DECIMAL_COMMA.fullmatch(cell.strip()) is not None


def as_name(cell: Any) -> str:
    """Return a cell as a label name: trimmed text; integers without decimals, so that 1, "1" and 1.0 are equal."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    number = as_number(cell)
    if number is not None and number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    return str(cell).strip()


def as_attribute(cell: Any) -> str | None:
    """Return a cell with an attribute of its row (an id, a group, a speaker), None if it is missing."""
    if is_missing(cell):
        return None
    return cell.strip() if isinstance(cell, str) else as_name(cell)  # "007" is a name, not a number


def as_list(cell: Any) -> tuple[str, ...] | None:
    """Return the names in a list, or in text that spells a list; None for other cells.

    Text may spell it as JSON, as a Python list, tuple or set, or as numpy prints it (`['joy' 'fear']`). The object
    `{"choices": [...]}` of Label Studio is a list, too.
    """
    if isinstance(cell, str):
        cell = parse_list(cell.strip())
    elif isinstance(cell, dict):
        cell = _find_choices(cell)
    if not isinstance(cell, list | tuple):
        return None
    return tuple(dict.fromkeys(as_name(item) for item in cell if not is_missing(item)))


def parse_list(text: str) -> Any:
    """Return the list that text spells, as `as_list` reads it; None if it spells none."""
    if text == "set()":
        return ()
    if text[:1] + text[-1:] not in _BRACKETS:
        return None
    if _SPACED_LIST.fullmatch(text):
        return [parse_literal(item) if item[0] in "'\"" else item for item in _SPACED_ITEMS.findall(text)]
    value = parse_literal(text)
    if isinstance(value, dict):
        return _find_choices(value)
    return sorted(value, key=str) if isinstance(value, set) else value


def _find_choices(cell: dict[Any, Any]) -> list[Any] | None:
    found = cell.get("choices") if len(cell) == 1 else None
    return found if isinstance(found, list) else None


def split_cell(cell: Any, delimiter: str) -> tuple[str, ...]:
    """Return the names in a delimited cell, in order, each once."""
    return tuple(dict.fromkeys(as_name(piece) for piece in as_name(cell).split(delimiter) if piece.strip()))


def guess_delimiter(cells: Mapping[str, int]) -> str | None:
    """Return the separator of labels in cells (text to count), None if there is none.

    A separator is accepted only if the pieces recur as labels in other cells, so that "New York, NY" stays whole.
    """
    for mark, share in SEPARATORS.items():
        holders, pieces = _count_pieces(cells, mark)
        recurring = sum(holders[piece] > 1 and len(piece) <= _MAX_LABEL_CHARACTERS for piece in pieces)
        if pieces and recurring >= share * len(pieces):
            return mark
    return None


def find_unsplit_mark(names: Iterable[str]) -> str | None:
    """Return a mark in names that may separate labels, although their pieces do not recur; None if there is none."""
    counts = dict.fromkeys(names, 1)
    for mark in SEPARATORS:
        holders, pieces = _count_pieces(counts, mark)
        if pieces and (mark not in _WITHIN_NAMES or sum(holders[piece] > 1 for piece in pieces) >= len(pieces) / 2):
            return mark
    return None


def _count_pieces(cells: Mapping[str, int], mark: str) -> tuple[Counter[str], set[str]]:
    """Return how many cells hold each piece (one that must be alone counts only with a cell of its own), and the pieces
    of the cells with several."""
    split = {cell: split_cell(cell, mark) for cell in cells if mark in cell}
    holders = Counter(piece for several in split.values() for piece in several)
    holders.update(cell for cell in cells if cell not in split)
    pieces = {piece for several in split.values() if len(several) > 1 for piece in several}
    if mark in _WITHIN_NAMES:
        holders = Counter({piece: count for piece, count in holders.items() if piece in cells})
    return holders, pieces


def count_names(cells: Iterable[Any]) -> Counter[str]:
    """Count the label names in cells; each name of a list counts."""
    return Counter(name for cell in cells if not is_unlabelled(cell) for name in list_cell_names(cell))


def find_distinct_numbers(cells: Sequence[Any]) -> list[float] | None:
    """Return the unique_names numbers, sorted; None if a cell is not a number."""
    found: set[float] = set()
    for cell in set(cells) if all(isinstance(cell, str | int | float) for cell in cells) else cells:
        number = as_number(cell)
        if number is None:
            return None
        found.add(number)
    return sorted(found)


def list_cell_names(cell: Any) -> tuple[str, ...]:
    """Return the names of a list, or the one name in a cell."""
    found = as_list(cell)
    return (as_name(cell),) if found is None else found


def parse_literal(text: str) -> Any:
    """Return the value that text spells in JSON or as a Python literal; None if it spells none."""
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return None
