"""`append_feedback`: the JSON Lines file of corrections, on which `insula train` can train."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from insula.core.files import convert_output_errors

_writing = threading.Lock()


def append_feedback(file: Path, row: Mapping[str, Any]) -> None:
    """Append a row to a file of feedback; raise `OutputError` if it cannot be written."""
    line = json.dumps(row, ensure_ascii=False) + "\n"
    with _writing, convert_output_errors(file), file.open("a", encoding="utf-8") as out:
        out.write(line)
