"""The rows that the risk score is trained on: texts, kinds of risk, and what is left out together."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from risk_sentences.compose import compose
from starter_sentences.made import made_sentences

EACH = 3  # messages of a template for each of its alternatives
COMMENTS, SUPPORT, ESSAYS, SENTENCES = 7000, 3000, 1500, (("zh", 2500), ("en", 800))
# Turns of Chinese support dialogues with these words may be at risk: they are no examples of ordinary talk.
_RISKY = re.compile("死|自杀|自残|伤害自己|打我|家暴|虐待|活着|活不|刀|割|轻生|强奸|性侵|跳楼|结束|消失|打骂|暴力|殴打")
_SPEAKER = re.compile("^(来访者|心理咨询师)[：:]")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
VALIDATION = (
    ("en", "goemotions", "train", 1500),
    ("en", "sst2", "train", 1000),
    ("zh", "smp2020_usual", "train", 2000),
    ("zh", "shopping_zh", "all", 1500),
)


@dataclass(frozen=True)
class RiskRow:
    """A text with its kind of risk or None; rows of a group are left out together in cross-validation."""

    text: str
    language: str
    kind: str | None
    group: str


def composed_rows() -> list[RiskRow]:
    """Return the messages composed from the templates of both languages."""
    return [
        RiskRow(one.text, one.language, None if one.kind == "none" else one.kind, one.group)
        for language in ("en", "zh")
        for one in compose(language, each=EACH)
    ]


def ordinary_rows(data: Path) -> tuple[list[RiskRow], dict[str, list[str]]]:
    """Return ordinary texts, and texts of other sets by name, on which only the thresholds are chosen.

    The first are of sets whose licence allows commercial use, and sentences of the starter model: GoEmotions is
    Apache-2.0, SMILE CC0, CPsyCoun and Empathic Reactions CC BY 4.0.
    """
    source = random.Random(5)
    validation = {name: source.sample(_read(data, name, part), count) for _, name, part, count in VALIDATION}
    texts = [("zh", text) for text in _sample(source, _support_turns(data), SUPPORT)]
    sentences = made_sentences(3000)
    for language, count in SENTENCES:
        own = [one.text for one in sentences if one.language == language]
        texts += [(language, text) for text in _sample(source, own, count)]
    kept = set(validation["goemotions"])
    comments = [text for text in _read(data, "goemotions", "train") if text not in kept]
    texts += [("en", text) for text in _sample(random.Random(6), comments, COMMENTS)]
    texts += [("en", text) for text in _sample(source, _essay_sentences(data), ESSAYS)]
    rows = [RiskRow(text, language, None, f"ordinary:{number}") for number, (language, text) in enumerate(texts)]
    return rows, validation


def feeling_rows() -> dict[str, list[str]]:
    """Return emotional everyday messages by language, on which only the thresholds are chosen; all invented."""
    tests = Path(__file__).parents[1] / "tests"
    found: dict[str, list[str]] = {}
    for file in (tests / "safety" / "signals" / "feelings.jsonl", tests / "empathy" / "messages.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found.setdefault(row["language"], []).append(row["text"])
    return found


def _sample(source: random.Random, texts: list[str], count: int) -> list[str]:
    return source.sample(texts, min(count, len(texts)))


def _read(data: Path, name: str, part: str) -> list[str]:
    with gzip.open(data / "ready" / name / f"{part}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line)["text"] for line in file]


def _support_turns(data: Path) -> list[str]:
    def turns() -> Iterator[str]:
        for line in _lines(data / "smile_zh" / "smile_400.jsonl.gz"):
            yield from (turn["content"] for turn in json.loads(line)["dialog"])
        for line in _lines(data / "cpsycoun_zh" / "CPsyCounD_300.jsonl.gz"):
            yield from (_SPEAKER.sub("", part).strip() for part in json.loads(line)["text"].split("\n"))

    return [text for text in dict.fromkeys(turns()) if 4 < len(text) < 120 and not _RISKY.search(text)]


def _essay_sentences(data: Path) -> list[str]:
    with gzip.open(data / "empathic_reactions" / "messages.csv.gz") as file:
        rows = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8"))
        sentences = [one for row in rows for one in _SENTENCE_END.split(row["essay"])]
    return [text for text in dict.fromkeys(sentences) if 20 < len(text) < 220]


def _lines(file: Path) -> Iterator[str]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield from lines
