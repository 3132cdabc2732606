"""Sentences of film reviews, without labels, to distil on: from the training part of IMDB (Maas et al. 2011)."""

from __future__ import annotations

import gzip
import json
import random
import re
from pathlib import Path

from insula.core.files import write_text
from insula.text.clean import collapse_whitespace, remove_html
from sets import READY

FILE = Path(__file__).parent / "runs" / "imdb_sentences.txt"
ROWS = 15_000
LEAST_WORDS, MAX_WORDS = 4, 40
_END = re.compile(r"(?<=[.!?])\s+")


def film_sentences(file: Path = FILE) -> Path:
    """Write `ROWS` different sentences of 4 to 40 words, drawn with seed 0, one a line; return the file."""
    if not file.exists():
        found: dict[str, None] = {}
        with gzip.open(READY / "imdb" / "train.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                for sentence in _END.split(collapse_whitespace(remove_html(json.loads(line)["text"]))):
                    if LEAST_WORDS <= len(sentence.split()) <= MAX_WORDS:
                        found[sentence] = None
        write_text(file, "\n".join(random.Random(0).sample(sorted(found), ROWS)) + "\n")
    return file
