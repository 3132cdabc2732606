"""The training rows of the starter model, and the vocabulary that they and other texts of both languages need."""

from __future__ import annotations

import csv
import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from insula.core.arrays import Int64Array
from insula.core.files import write_text
from insula.models.bilingual.encoder_folder import write_encoder
from insula.models.bilingual.q4_file import Q4File
from insula.models.bilingual.vocabulary import MASK, SPECIAL, WORD_START, select_pieces
from starter_sentences.made import made_sentences
from starter_sentences.parts import Parts
from starter_sentences.traditional import to_traditional

SENTENCES = 7000  # composed ones of each language in the first stage
SECOND_SENTENCES, ONLY_SECOND = 3000, 3500  # in the second stage: of the same kinds, and of kinds that only it has
REPEATED = 15_000  # rows of GoEmotions in the second stage
NEUTRAL_LEFT_OUT = 0.4  # of the rows that are only neutral: everyday texts are neutral less often than comments
NAMED = 0.8  # of the rows with [NAME] get a name
PLACE = re.compile(r"\[NAME\]")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
VERDICT_CHARACTERS = 300
VERDICTS = {  # labels of the verdict of a film review, with the share of reviews that get them
    "Positive": (("admiration", 1.0), ("joy", 0.15), ("love", 0.15)),
    "Negative": (("disappointment", 0.6), ("disapproval", 0.5), ("annoyance", 0.3), ("disgust", 0.1)),
}
LEAST_COUNT = 2  # of a piece, to be kept for it
LATIN = 0x2100  # single characters below are always kept


def write_rows(goemotions: Path, reviews: Path, folder: Path) -> None:
    """Write `train`, `validation` and `test` as JSON lines.

    Training rows: GoEmotions with names in the place of [NAME] and fewer neutral rows, the made sentences, and the last
    two sentences of film reviews of both polarities. Validation and test rows are GoEmotions' own.
    """
    source = random.Random(0)
    parts = Parts("en", random.Random(1))
    rows: list[dict[str, Any]] = []
    for row in _read(goemotions, "train"):
        if row["labels"] == ["neutral"] and source.random() < NEUTRAL_LEFT_OUT:
            continue
        text = row["text"]
        if PLACE.search(text) and source.random() < NAMED:
            text = PLACE.sub(lambda _: parts.pick("names"), text)
        rows.append({"text": text, "labels": row["labels"]})
    rows += ({"text": one.text, "labels": list(one.labels)} for one in made_sentences(SENTENCES))
    rows += _verdicts(reviews, source)
    source.shuffle(rows)
    _write_splits(goemotions, rows, folder)


def write_second_rows(goemotions: Path, reviews: Path, folder: Path) -> None:
    """Write the rows of the second stage: new made sentences, among them kinds that the first stage lacks.

    A part of the other rows is repeated, so that the model does not forget them.
    """
    source = random.Random(2)
    parts = Parts("en", random.Random(3), more=True)
    rows = [
        {"text": PLACE.sub(lambda _: parts.pick("names"), row["text"]), "labels": row["labels"]}
        for row in source.sample(list(_read(goemotions, "train")), REPEATED)
    ]
    reviewed = list(_verdicts(reviews, source))
    rows += reviewed[::2]
    rows += (
        {"text": one.text, "labels": list(one.labels)}
        for one in made_sentences(SECOND_SENTENCES, seed=1, more=True, second=ONLY_SECOND)
    )
    source.shuffle(rows)
    _write_splits(goemotions, rows, folder)


def _write_splits(goemotions: Path, rows: Sequence[dict[str, Any]], folder: Path) -> None:
    _write(folder / "train.jsonl", rows)
    for split in ("validation", "test"):
        _write(
            folder / f"{split}.jsonl",
            [{"text": row["text"], "labels": row["labels"]} for row in _read(goemotions, split)],
        )


def write_student(q4_file: Path, texts: Iterable[str], folder: Path, *, pieces: int, layers: Sequence[int]) -> None:
    """Write the encoder that is trained: some layers, and the `pieces` that are most useful for the texts."""
    whole = folder / "whole"
    whole.mkdir(parents=True, exist_ok=True)
    write_encoder(q4_file, whole)
    file = Q4File(q4_file)
    kept = frequent_pieces(file, Tokenizer.from_file(str(whole / "tokenizer.json")), texts, pieces)
    write_encoder(q4_file, folder, kept=kept, layers=layers)


def frequent_pieces(file: Q4File, tokenizer: Tokenizer, texts: Iterable[str], count: int) -> Int64Array:
    """Return the ids of `count` pieces: special ones and Latin characters, then the most frequent, then the likeliest.

    tokenizer  of all pieces that `select_pieces` keeps, in their order
    """
    kept = select_pieces(file.pieces)
    seen: Counter[int] = Counter()
    for one in tokenizer.encode_batch(list(texts)):
        seen.update(one.ids)

    def rank(place: int) -> tuple[bool, int, float]:
        number = int(kept[place])
        piece = file.pieces[number]
        plain = piece.replace(WORD_START, "")
        needed = piece in (*SPECIAL, MASK, WORD_START) or (len(plain) == 1 and ord(plain) < LATIN)
        return not needed, -seen[place] if seen[place] >= LEAST_COUNT else 0, -float(file.scores[number])

    order = sorted(range(len(kept)), key=rank)
    chosen: Int64Array = np.sort(kept[np.array(order[:count])])
    return chosen


def texts_of_both_languages(rows: Path, chinese: Iterable[Path], english: Iterable[Path]) -> Iterator[str]:
    """Yield training texts, and other texts whose words should be known; Chinese ones in both kinds of characters.

    chinese   JSON lines, of which every string is read
    english   CSV files, of whose rows the longest cell is read
    """
    for line in rows.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)["text"]
    for file in chinese:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                for text in _strings(json.loads(line)):
                    yield text
                    yield to_traditional(text)
    for file in english:
        with gzip.open(file, "rt", encoding="utf-8", errors="replace", newline="") as lines:
            for row in csv.DictReader(lines):
                yield max(row.values(), key=lambda cell: len(cell or ""))


def _verdicts(reviews: Path, source: random.Random) -> Iterator[dict[str, Any]]:
    with gzip.open(reviews, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            sentences = SENTENCE_END.split(re.sub(r"<br\s*/?>", " ", row["Text"]).strip())
            shares = VERDICTS[row["Sentiment"]]
            labels = [label for label, share in shares if source.random() < share] or [shares[0][0]]
            yield {"text": " ".join(sentences[-2:])[-VERDICT_CHARACTERS:], "labels": labels}


def _strings(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict | list):
        for one in content.values() if isinstance(content, dict) else content:
            yield from _strings(one)


def _read(folder: Path, split: str) -> Iterator[dict[str, Any]]:
    with gzip.open(folder / f"{split}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _write(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    write_text(file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
