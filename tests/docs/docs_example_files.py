"""The files that the docs speak of, small, and small stand-ins for the built-in data sets."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import toy_data

NAMES = ("negative", "neutral", "positive")


def rows(count: int, *, seed: int) -> list[tuple[str, str]]:
    """Return texts and their labels."""
    data = toy_data.toy_dataset("single", train=count, validation=0, test=0, seed=seed)
    return [(example.text, (example.labels or ("",))[0]) for example in data.split("train")]


def write_files(folder: Path) -> None:
    """Write every file that a command or a code block of the docs reads."""
    known = rows(240, seed=1)
    _write_csv(folder / "messages.csv", ("message", "emotion"), known)
    _write_csv(folder / "test.csv", ("message", "emotion"), rows(60, seed=2))
    _write_csv(folder / "several.csv", ("message", "emotions"), _with_sets(known))
    _write_csv(folder / "november.csv", ("message", "emotion"), rows(80, seed=3))
    flags = [(text, int(label == "positive"), int(label == "negative")) for text, label in known]
    _write_csv(folder / "onehot.csv", ("message", "joy", "fear"), flags)
    _write_csv(folder / "numbered.csv", ("text", "label"), [(text, NAMES.index(label)) for text, label in known])
    unnamed = "".join(f"{label}\t{text}\n" for text, label in known)
    (folder / "unnamed.tsv").write_text(unnamed, encoding="utf-8")
    (folder / "names.txt").write_text("\n".join(NAMES) + "\n", encoding="utf-8")
    scores = [(text, 1.5 + NAMES.index(label), 0.1 * (row % 9)) for row, (text, label) in enumerate(known)]
    _write_csv(folder / "scores.csv", ("message", "valence", "arousal"), scores)
    (folder / "lines.txt").write_text("".join(f"{text}\n" for text, _ in known[:20]), encoding="utf-8")
    pq.write_table(pa.table({"message": [text for text, _ in known]}), folder / "big.parquet")
    feed = [
        {"id": f"m-{row}", "time": f"2026-11-30T{row // 20:02}:00:00Z", "text": text, "topic": "billing"}
        for row, (text, _) in enumerate(known)
    ]
    (folder / "feed.jsonl").write_text("".join(json.dumps(row) + "\n" for row in feed), encoding="utf-8")
    _write_conversations(folder)
    _write_tickets(folder)
    foreign = {"text": "a lovely day", "words": ["a", "lovely", "day"], "weights": [0.0, 0.9, 0.1]}
    (folder / "explanations.jsonl").write_text(json.dumps(foreign), encoding="utf-8")
    broken = 'message,place\n"a lovely day",Leeds\nthree,cells,here\n,no text\n"an awful day",York\n'
    (folder / "broken.csv").write_text(broken, encoding="utf-8")
    (folder / "goemotions").mkdir()
    for split, count in (("train", 200), ("validation", 40), ("test", 40)):
        several = [
            {"text": text, "labels": labels.split("|") if labels else []}
            for text, labels in _with_sets(rows(count, seed=len(split)))
        ]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in several)
        (folder / "goemotions" / f"{split}.jsonl").write_text(lines, encoding="utf-8")
        if split != "validation":
            (folder / f"{split}.jsonl").write_text(lines, encoding="utf-8")


def _write_conversations(folder: Path) -> None:
    """Write dialogues as rows, as turns in a column, and as one turn a column."""
    said = rows(360, seed=4)
    dialogues = [
        (f"c{row // 6}", row % 6 + 1, ("Ann", "Bo")[row % 2], text, label) for row, (text, label) in enumerate(said)
    ]
    _write_csv(folder / "chats.csv", ("chat_id", "number", "who", "utterance", "emotion"), dialogues)
    new = [
        (f"n{row // 6}", row % 6 + 1, ("Ann", "Bo")[row % 2], text) for row, (text, _) in enumerate(rows(60, seed=5))
    ]
    _write_csv(folder / "new-chats.csv", ("chat_id", "number", "who", "utterance"), new)
    turns = [
        {
            "text": text,
            "label": label,
            "speaker": who,
            "history": [{"speaker": one[2], "text": one[3]} for one in dialogues[row - number + 1 : row]],
            "product": ("phone", "case")[row % 2],
        }
        for row, (_, number, who, text, label) in enumerate(dialogues)
    ]
    (folder / "turns.jsonl").write_text("".join(json.dumps(row) + "\n" for row in turns), encoding="utf-8")
    threes = [(said[row - 2][0], said[row - 1][0], *said[row]) for row in range(2, len(said))]
    _write_csv(folder / "exchanges.csv", ("turn1", "turn2", "turn3", "emotion"), threes)


def _write_tickets(folder: Path) -> None:
    """Write a few messages to reply to, good answers to others, and a conversation."""
    tickets = [{"message": "I failed the exam again."}, {"message": "等了两个小时，还是没人回电话。"}]
    answers = [{"message": "Where is my order?", "reply": "Sorry for the wait. What is the number of your order?"}]
    for name, lines in (("tickets", tickets), ("our-best-answers", answers)):
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in lines)
        (folder / f"{name}.jsonl").write_text(content, encoding="utf-8")
    chat = [{"speaker": "customer", "text": "Where is my parcel?"}, {"speaker": "agent", "text": "On its way."}]
    (folder / "chat.json").write_text(json.dumps(chat), encoding="utf-8")


def _with_sets(known: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    sets = {"negative": "anger|sadness", "neutral": "", "positive": "joy"}
    return [(text, sets[label] if row % 5 else "anger") for row, (text, label) in enumerate(known)]


def _write_csv(file: Path, columns: Sequence[str], content: Sequence[Sequence[Any]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(content)
