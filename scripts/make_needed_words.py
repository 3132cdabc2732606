"""Make `needed_words.json`: sets of words; every match of a rule for signals of risk has one word of each of its sets.

    python scripts/make_needed_words.py

Run it again whenever `english.toml` or `chinese.toml` in `src/insula/safety/signals` changes: without it, the check of
a message searches for every rule, which gives the same result, more slowly. Where a pattern offers more sets than are
kept, these are the ones whose words fewest ordinary sentences (`starter_sentences`) have.
"""

from __future__ import annotations

import functools
import json
import random
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from re import _constants as code  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "scripts")]

from insula.core.files import write_text  # noqa: E402
from insula.safety.signals.needed_words import FILE, digest_table  # noqa: E402
from insula.safety.signals.patterns import LANGUAGES  # noqa: E402
from insula.safety.signals.plain_text import FoldedText  # noqa: E402
from insula.safety.signals.rules import load_rule_set  # noqa: E402
from starter_sentences.made import made_sentences  # noqa: E402

SENTENCES = 2000  # of each language
MOST = 400  # words of a pattern
LETTERS = 8  # of a character class that counts as words
SETS = 2  # of a pattern

Words = frozenset[str]
Rank = Callable[[Words], tuple[int, int]]


def main() -> int:
    """Write the file and return the exit status."""
    made = made_sentences(SENTENCES)
    found: dict[str, dict[str, Any]] = {}
    for language in LANGUAGES:
        own = [FoldedText(one.text).text for one in made if one.language == language]
        rank = rank_by_texts(random.Random(0).sample(own, SENTENCES))
        words = {
            rule.name: find_needed_words(rule.pattern.pattern.pattern, rank) for rule in load_rule_set(language).rules
        }
        found[language] = {
            "sha256": digest_table(language),
            "words": {name: [sorted(some) for some in sets] for name, sets in words.items() if sets},
        }
    target = ROOT / "src" / "insula" / "safety" / "signals" / FILE
    write_text(target, "{\n" + ",\n".join(_lines(found)) + "\n}\n")
    return 0


def _lines(found: dict[str, dict[str, Any]]) -> Iterable[str]:
    for language, content in found.items():
        rows = ",\n".join(
            f"   {json.dumps(name)}: {json.dumps(words, ensure_ascii=False)}"
            for name, words in content["words"].items()
        )
        yield f' "{language}": {{\n  "sha256": "{content["sha256"]}",\n  "words": {{\n{rows}\n  }}\n }}'


def rank_by_texts(texts: list[str]) -> Rank:
    """Return how many of the texts have one of some words; of sets that as many have, the smaller one is lower."""

    @functools.cache
    def having(word: str) -> int:
        return sum(1 << place for place, text in enumerate(texts) if word in text)

    def rank(words: Words) -> tuple[int, int]:
        return functools.reduce(int.__or__, map(having, words), 0).bit_count(), len(words)

    return rank


def find_needed_words(pattern: str, rank: Rank) -> list[Words]:
    """Return up to `SETS` sets of words, the lowest rank first: each match of a pattern has a word of each."""
    return _of_sequence(parser.parse(pattern), rank)


def _of_sequence(parts: Iterable[tuple[Any, Any]], rank: Rank) -> list[Words]:
    """Return the best sets of a sequence: every match has the words of all of its parts."""
    candidates: list[Words] = []
    letters = ""
    for operation, value in parts:
        if operation is code.LITERAL:
            letters += chr(value)
            continue
        candidates += [frozenset([letters])] if letters else []
        letters = ""
        candidates += _of_part(operation, value, rank)
    candidates += [frozenset([letters])] if letters else []
    return sorted(dict.fromkeys(candidates), key=rank)[:SETS]


def _of_part(operation: Any, value: Any, rank: Rank) -> list[Words]:
    if operation is code.SUBPATTERN:
        return _of_sequence(value[-1], rank)
    if operation in (code.MAX_REPEAT, code.MIN_REPEAT) and value[0] > 0:
        return _of_sequence(value[-1], rank)
    if operation is code.BRANCH:
        return _of_branches([_of_sequence(branch, rank) for branch in value[1]])
    if operation is code.IN and len(value) <= LETTERS and all(kind is code.LITERAL for kind, _ in value):
        return [frozenset(chr(letter) for _, letter in value)]
    return []


def _of_branches(branches: list[list[Words]]) -> list[Words]:
    """Return sets with words of every branch: the best ones of all, then the next ones where a branch has more."""
    if not all(branches):
        return []
    joined: list[Words] = [
        frozenset(word for sets in branches for word in sets[min(place, len(sets) - 1)])
        for place in range(max(map(len, branches)))
    ]
    return [words for words in joined if len(words) <= MOST]


if __name__ == "__main__":
    sys.exit(main())
