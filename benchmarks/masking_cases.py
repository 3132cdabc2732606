"""Masking cases: reading the marked-up ones, and scoring found spans against marked ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

CASES = Path(__file__).parent.parent / "tests" / "safety" / "cases"
CHECKSUMMED = ("bank_card", "card", "cn_company", "cn_id", "hk_id", "iban", "tw_id")
PATTERNED = (
    "address", "api_key", "birth_date", "cn_plate", "email", "handle", "ip", "macau_id", "name", "passport",
    "password", "phone", "url",
)  # fmt: skip
MARK = re.compile(r"\{\{(?P<kind>[a-z_]+)\|(?P<text>.*?)\}\}", re.DOTALL)
ESCAPE = re.compile(r"\\(n|t|u[0-9a-f]{4})")

Span = tuple[int, int, str]  # start, end (exclusive), kind


@dataclass(frozen=True)
class Case:
    """A text, and where personal data stands in it."""

    text: str
    spans: tuple[Span, ...]
    language: str
    source: str


def from_markup(marked: str, language: str, source: str) -> Case:
    """Read `{{kind|text}}` marks."""
    text, spans, at = "", [], 0
    for mark in MARK.finditer(marked):
        text += marked[at : mark.start()]
        spans.append((len(text), len(text) + len(mark["text"]), mark["kind"]))
        text += mark["text"]
        at = mark.end()
    return Case(text + marked[at:], tuple(spans), language, source)


def hand_made() -> list[Case]:
    """The cases of `tests/safety/cases/*.txt`."""
    cases = []
    for language in ("en", "zh"):
        for line in (CASES / f"{language}.txt").read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("# "):
                cases += [from_markup(ESCAPE.sub(_character, line), language, "hand")]
    return cases


def _character(escape: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t"}.get(escape[1]) or chr(int(escape[1][1:], 16))


def score(cases: Iterable[Case], found: Iterable[Iterable[Span]]) -> dict[str, dict[str, float]]:
    """Count by kind and by group, a span being right only with its exact boundaries and its kind.

    Whether the full stop after "St." belongs to a span nobody can say: it is left out of the comparison.

    `marked`, `found`, `right`, `recall`, `precision`; and `hidden`, the share of marked spans of which no letter or
    digit stays readable, whatever kind it was taken for.
    """
    marked, right, taken, hidden = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for case, spans in zip(cases, found, strict=True):
        spans = list(spans)
        gone = {position for start, end, _ in spans for position in range(start, end)}
        same = {(start, _trimmed(case.text, start, end), kind) for start, end, kind in spans}
        for start, end, kind in case.spans:
            marked[kind] += 1
            right[kind] += (start, _trimmed(case.text, start, end), kind) in same
            hidden[kind] += all(at in gone for at in range(start, end) if case.text[at].isalnum())
        taken.update(kind for _, _, kind in spans)
    kinds = sorted({*marked, *taken})
    groups = {"checksummed": CHECKSUMMED, "patterned": PATTERNED, "all": (*CHECKSUMMED, *PATTERNED)}
    counts = (marked, right, taken, hidden)
    return {kind: _rates(counts, (kind,)) for kind in kinds} | {g: _rates(counts, of) for g, of in groups.items()}


def _trimmed(text: str, start: int, end: int) -> int:
    return start + len(text[start:end].rstrip("."))


def _rates(counts: tuple[Mapping[str, int], ...], kinds: Iterable[str]) -> dict[str, float]:
    marked, right, found, hidden = (sum(count[kind] for kind in kinds) for count in counts)
    return {
        "marked": marked,
        "found": found,
        "right": right,
        "recall": round(right / marked, 4) if marked else 1.0,
        "precision": round(right / found, 4) if found else 1.0,
        "hidden": round(hidden / marked, 4) if marked else 1.0,
    }
