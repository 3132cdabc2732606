"""Read a `label_names` file: the names of numbered labels."""

from __future__ import annotations

import json
import re
from pathlib import Path

from insula.core.errors import DataError
from insula.data.formats.formats import open_rows

LABEL_NAMES = "label_names.json"  # name of the file in a model folder
_NUMBERED = re.compile(r"([+-]?\d+)[\t ,:=]+(.+)")


def read_label_names(path: str | Path) -> dict[str, str]:
    """Return number (as text) to name, in the order of the file.

    The file holds one name per line, numbered from 0; or `number name` lines; or JSON, a list or {"0": "joy"}. Raises
    `DataError` if it holds no names, or a name twice.
    """
    with open_rows(path, format="lines") as reader:
        lines = [row["text"].strip() for batch in reader for row in batch.rows]
    text = "\n".join(lines).strip()
    lines = [line for line in lines if line]
    if text.startswith(("[", "{")):
        names = _parse_json(text, path)
    elif matches := [match for line in lines if (match := _NUMBERED.fullmatch(line))]:
        if len(matches) < len(lines):
            raise DataError(
                f"Either every line of the label_names file {str(path)!r} must start with a number, or no line. "
                "Add the missing numbers, or remove them all."
            )
        names = {str(int(match[1])): match[2].strip() for match in matches}
    else:
        names = {str(number): line for number, line in enumerate(lines)}
    if not names or len(set(names.values())) < len(names):
        raise DataError(
            f"The label_names file {str(path)!r} must hold different names, one per line or as JSON. Got "
            f"{', '.join(names.values()) or 'none'}. Correct the file."
        )
    return names


def _parse_json(text: str, path: str | Path) -> dict[str, str]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise DataError(f"The label_names file {str(path)!r} is not valid JSON: {error}. Correct the file.") from error
    items = enumerate(value) if isinstance(value, list) else value.items()
    return {str(number).strip(): str(name).strip() for number, name in items}
