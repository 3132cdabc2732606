"""`RuleWordIndex`: the rules that may match a message, by sets of words: every match has a word of each set.

Most messages contain none of the words of most rules, and need not be searched for these; nor are their patterns
compiled, which would take a second. `scripts/make_needed_words.py` makes the words from the tables of the rules.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files

from insula.safety.signals.patterns import LANGUAGES

FILE = "needed_words.json"
WordSets = Mapping[str, Sequence[Sequence[str]]]
SHORT = 3  # characters by which a word is looked up


class RuleWordIndex:
    """Finds the rules whose words are in a text.

    names  of all rules, in order
    words  sets of words of each rule; a rule without any may match any text
    """

    def __init__(self, names: Sequence[str], words: WordSets) -> None:
        rules: dict[str, list[int]] = {}
        self._always = [place for place, name in enumerate(names) if not words.get(name)]
        self._others = {place: words[name][1:] for place, name in enumerate(names) if len(words.get(name, ())) > 1}
        for place, name in enumerate(names):
            for word in words[name][0] if words.get(name) else ():
                rules.setdefault(word, []).append(place)
        # Each word is looked up by the part of it that fewest words have.
        counts = Counter(part for word in rules for part in _parts(word))
        self._by_part: dict[str, list[tuple[str, list[int]]]] = {}
        for word, places in rules.items():
            rarest = min(_parts(word), key=lambda part: (counts[part], part))
            self._by_part.setdefault(rarest, []).append((word, places))
        self._sizes = sorted({len(part) for part in self._by_part})

    def find(self, text: str) -> list[int]:
        """Return the indices of the rules that may match a plain text, in order."""
        found = set(self._always)
        parts = {text[at : at + size] for size in self._sizes for at in range(len(text) - size + 1)}
        for part in parts & self._by_part.keys():
            for word, places in self._by_part[part]:
                if word in text:
                    found.update(places)
        return sorted(place for place in found if self._matches_other_sets(place, text))

    def _matches_other_sets(self, place: int, text: str) -> bool:
        """Return whether a text has words of all sets of a rule but the first."""
        return all(any(word in text for word in words) for words in self._others.get(place, ()))


def _parts(word: str) -> list[str]:
    return [word[at : at + SHORT] for at in range(max(1, len(word) - SHORT + 1))]


def read_needed_words(language: str) -> WordSets:
    """Return the sets of words of each rule of `en` or `zh`; none if the table of the rules has changed since."""
    content = json.loads((files(__package__) / FILE).read_text(encoding="utf-8"))[language]
    words: WordSets = content["words"]
    return words if content["sha256"] == digest_table(language) else {}


@functools.cache
def digest_table(language: str) -> str:
    """Return the SHA-256 of the table of the rules."""
    return hashlib.sha256((files(__package__) / f"{LANGUAGES[language]}.toml").read_bytes()).hexdigest()
