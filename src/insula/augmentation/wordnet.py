"""Synonyms from WordNet: words of one synset, each of which mostly has this meaning.

WordNet (Princeton) lists the senses of a word with their counts in a tagged corpus. A word has synonyms here if one
sense makes up most of its counts over all parts of speech; a synonym is a word of the same synset of which the same is
true. So context decides rarely, and words such as "like" or "run" have no synonyms. Inflected words keep their form.

The files `index.sense`, `noun.exc` and `verb.exc` are read from the user's own WordNet; insula does not ship it.
"""

from __future__ import annotations

import functools
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from insula.core.errors import DataError, MissingFileError
from insula.text.stopwords import get_stop_words

WORDNET = "INSULA_WORDNET"
"""The environment variable with the folder of WordNet."""


@dataclass(frozen=True)
class SynonymLimits:
    """Limits on which words have synonyms, and on which synonyms they have.

    dominant  least share of a word's counts in its most frequent sense
    rarer     least count of a synonym, as a share of the word's count; 0 allows words that the corpus does not have
    """

    dominant: float
    rarer: float


COMMON = SynonymLimits(0.7, 0.2)
"""For texts that read well."""
WIDE = SynonymLimits(0.4, 0.0)
"""For attacks, which need more candidates."""
_SMOOTHING = 0.5  # added to each count: senses that the corpus does not have
_POS = {"1": "noun", "2": "verb", "3": "adjective", "4": "adverb", "5": "adjective"}
_FORMS = {"noun": ("", "s"), "verb": ("", "s", "ed", "ing"), "adjective": ("",), "adverb": ("",)}
_VOWELS = frozenset("aeiou")
_UNUSUAL_PLURAL = ("man", "um", "us", "is", "o", "as", "ds", "ks")  # of compounds and Latin words, and of plurals
_MIN_LETTERS = 4


@dataclass(frozen=True)
class Thesaurus:
    """Synonyms of lower-case words in the same form: `phones` to `telephones`."""

    synonyms: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, folder: Path, strictness: SynonymLimits = COMMON) -> Thesaurus:
        """Read the WordNet of a folder; raises `MissingFileError` without its files, `DataError` for damaged ones."""
        try:
            senses, members = _read_senses(folder / "index.sense")
            irregular = {pos: _read_exceptions(folder / f"{pos}.exc") for pos in ("noun", "verb")}
        except (FileNotFoundError, NotADirectoryError) as error:
            raise MissingFileError(
                f"The folder {str(folder)!r} must hold WordNet with its file {Path(error.filename).name!r}, which is "
                "missing. Install wordnet-base and wordnet-sense-index (Debian), or choose another folder in "
                f"{WORDNET}."
            ) from error
        except (ValueError, KeyError) as error:
            raise DataError(
                f"The folder {str(folder)!r} must hold the files of WordNet, but one of them is damaged ({error}). "
                f"Install wordnet-base and wordnet-sense-index (Debian) again, or choose another folder in {WORDNET}."
            ) from error
        function_words = get_stop_words("en")
        dominant = {
            word: _find_dominant(several, strictness.dominant)
            for word, several in senses.items()
            if len(word) >= _MIN_LETTERS and word not in function_words
        }
        meaning = {word: one for word, one in dominant.items() if one is not None}
        ambiguous = set(_iterate_forms(senses, irregular))  # "holding" is a noun and a form of a verb
        table: dict[str, tuple[str, ...]] = {}
        for word, (sense, count) in meaning.items():
            # A synonym that is much rarer in this sense is odd: "infirmary" for "hospital".
            least = max(1, strictness.rarer * count) if strictness.rarer else 0
            others = [
                other for other in members[sense] if other != word and other in meaning and meaning[other][0] == sense
                and meaning[other][1] >= least
            ]  # fmt: skip
            for suffix in _FORMS[sense[0]] if others else ():
                form = _inflect(word, suffix, irregular.get(sense[0], {}))
                if form is None or (form in senses if suffix else form in ambiguous):
                    continue
                same = (_inflect(other, suffix, irregular.get(sense[0], {})) for other in others)
                if known := tuple(sorted(one for one in same if one is not None)):
                    table.setdefault(form, known)
        return cls(table)

    def find(self, word: str, before: str = "") -> tuple[str, ...]:
        """Return the synonyms of a word in its spelling; none for a word inside a text that begins with a capital.

        before  the word before, so that "a" and "an" stay right; empty at the start of a text
        """
        low = word.lower()
        if word != low and (word != low.capitalize() or before):
            return ()
        found = self.synonyms.get(low, ())
        if before.lower() in ("a", "an"):
            found = tuple(one for one in found if (one[0] in _VOWELS) == (low[0] in _VOWELS))
        return found if word == low else tuple(one.capitalize() for one in found)


def load_thesaurus(strictness: SynonymLimits = COMMON) -> Thesaurus:
    """Return the synonyms of the user's WordNet, read once; `MissingFileError` if there is none."""
    return _load(_find_folder(), strictness)


@functools.cache
def _load(folder: Path, strictness: SynonymLimits) -> Thesaurus:
    return Thesaurus.read(folder, strictness)


def _find_folder() -> Path:
    given = os.environ.get(WORDNET)
    if given:
        return Path(given)
    nltk = [Path(one) for one in (os.environ.get("NLTK_DATA", ""), Path.home() / "nltk_data") if one]
    places = [Path("/usr/share/wordnet"), *(one / "corpora" / "wordnet" for one in nltk)]
    found = next((one for one in places if (one / "index.sense").exists()), None)
    if found is None:
        raise MissingFileError(
            f"Synonyms need WordNet, and none of {', '.join(map(str, places))} holds it. Install the packages "
            f"wordnet-base and wordnet-sense-index (Debian), or set {WORDNET} to the folder of index.sense."
        )
    return found


_Sense = tuple[str, str]  # part of speech, offset of the synset
_Senses = Mapping[str, list[tuple[_Sense, int]]]
_Irregular = Mapping[str, Mapping[str, list[str]]]  # by part of speech: word to forms


def _read_senses(file: Path) -> tuple[dict[str, list[tuple[_Sense, int]]], dict[_Sense, list[str]]]:
    """Return the senses of each word with counts, and the words of each synset; only single words without digits."""
    senses: dict[str, list[tuple[_Sense, int]]] = defaultdict(list)
    members: dict[_Sense, list[str]] = defaultdict(list)
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            key, offset, _, count = line.split()
            word, _, rest = key.partition("%")
            if word.isalpha():
                sense = (_POS[rest[0]], offset)
                senses[word].append((sense, int(count)))
                members[sense].append(word)
    return senses, members


def _read_exceptions(file: Path) -> dict[str, list[str]]:
    """Return the irregular forms of each word, including those with a doubled consonant."""
    forms: dict[str, list[str]] = defaultdict(list)
    for line in file.read_text(encoding="utf-8").splitlines():
        form, *words = line.split()
        for word in words:
            forms[word].append(form)
    return forms


def _iterate_forms(senses: _Senses, irregular: _Irregular) -> Iterator[str]:
    """Yield every inflected form of every noun and verb."""
    for word, several in senses.items():
        for pos in {pos for (pos, _), _ in several} & irregular.keys():
            yield from irregular[pos].get(word, ())
            for suffix in _FORMS[pos][1:]:
                form = _inflect(word, suffix, irregular[pos])
                if form is not None:
                    yield form


def _find_dominant(senses: list[tuple[_Sense, int]], least: float) -> tuple[_Sense, int] | None:
    """Return the most frequent sense with its count; None if its share of all counts is too small."""
    sense, count = max(senses, key=lambda one: one[1])
    total = sum(count + _SMOOTHING for _, count in senses)
    return (sense, count) if count + _SMOOTHING >= least * total else None


def _inflect(word: str, suffix: str, irregular: Mapping[str, list[str]]) -> str | None:
    """Return a form of a word, such as `stopped` for `stop` and `ed`; None if it is irregular."""
    if not suffix:
        return word
    known = irregular.get(word, [])
    if suffix == "s":
        if any(not form.endswith(("ed", "ing")) for form in known) or word.endswith(_UNUSUAL_PLURAL):
            return None
        if word.endswith("y") and word[-2:-1] not in _VOWELS:
            return f"{word[:-1]}ies"
        return f"{word}es" if word.endswith(("s", "x", "z", "ch", "sh")) else f"{word}s"
    listed = [form for form in known if form.endswith("ing") == (suffix == "ing")]
    if listed:  # irregular, or with a doubled consonant
        return listed[0] if len(listed) == 1 and listed[0].endswith(suffix) else None
    if word.endswith("e"):
        return None if word.endswith(("ee", "ye", "oe")) or (suffix == "ing" and word.endswith("ie")) else (
            f"{word}d" if suffix == "ed" else f"{word[:-1]}ing"
        )  # fmt: skip
    if word.endswith("y") and word[-2:-1] not in _VOWELS and suffix == "ed":
        return f"{word[:-1]}ied"
    return word + suffix


def iterate_synonyms(words: list[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the position and the synonyms of each word of a text that has synonyms."""
    thesaurus = load_thesaurus()
    for place, word in enumerate(words):
        if found := thesaurus.find(word, words[place - 1] if place else ""):
            yield place, found
