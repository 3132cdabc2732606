"""Messages with a signal of risk, and look-alikes without one: the reader of `tests/safety/signals`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).parent.parent / "tests" / "safety" / "signals"
SIGNALS = ("abuse", "medical_emergency", "self_harm", "suicide", "violence")
WORDINGS = ("explicit", "oblique")
FRAMES = ("first_person", "third_person", "joking", "quoted", "past")
LOOKALIKES = (
    "feeling", "history", "idiom", "medical", "nature", "other", "plot", "song", "sport", "technical", "work",
)  # fmt: skip

Part = Literal["development", "held_out"]


@dataclass(frozen=True)
class SignalCase:
    """A message. Either `signal`, `wording` and `frame` are set, or `lookalike` says what it only looks like."""

    id: str
    language: str
    text: str
    signal: str | None = None
    wording: str | None = None
    frame: str | None = None
    lookalike: str | None = None


def signal_cases(part: Part) -> list[SignalCase]:
    """The cases of a part; `held_out` is spent (see the README of the cases)."""
    lines = (FOLDER / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    return [SignalCase(**json.loads(line)) for line in lines]


def is_held_out(case_id: str) -> bool:
    """Whether a case is held out: the first 8 hexadecimal digits of the SHA-256 of its id are divisible by 3."""
    return int(hashlib.sha256(case_id.encode()).hexdigest()[:8], 16) % 3 == 0
