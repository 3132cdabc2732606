"""Messages to give the program, the program as a process, and what its failures must look like."""

from __future__ import annotations

import csv
import random
import sys
from pathlib import Path
from typing import Any

from typer.testing import Result

WORDS = {
    "joy": ["happy", "wonderful", "great", "love", "delighted"],
    "anger": ["furious", "hate", "terrible", "rude", "awful"],
    "sadness": ["sad", "lonely", "cry", "miss", "grief"],
}
FILLERS = [
    "the",
    "a",
    "service",
    "staff",
    "flight",
    "today",
    "really",
    "my",
    "phone",
    "order",
    "line",
    "was",
    "is",
    "very",
    "hour",
    "waiting",
    "agent",
    "told",
]
FAST = ("--set", "evaluation.resamples=100", "--set", "model.name=linear")
PROGRAM = (sys.executable, "-c", "from insula.cli.app import main; main()")


def messages(count: int, *, seed: int = 0) -> list[dict[str, str]]:
    """Return rows with the columns id, message, emotion, all texts different."""
    chosen = random.Random(seed)
    rows = []
    for number in range(count):
        emotion = list(WORDS)[number % 3]
        words = chosen.choices(FILLERS, k=chosen.randint(4, 9)) + chosen.choices(WORDS[emotion], k=2)
        chosen.shuffle(words)
        rows.append({"id": str(number), "message": f"{' '.join(words)} n{seed}x{number}", "emotion": emotion})
    return rows


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def failed(result: Result, *words: str, status: int = 1) -> str:
    """Check that the program ended with one sentence on standard error that holds `words`; return it."""
    assert result.exit_code == status, (result.exit_code, result.output)
    assert "Traceback" not in result.output
    *_, last = result.stderr.strip().splitlines()
    assert last.startswith("insula: ")
    for word in words:
        assert word in last
    return last
