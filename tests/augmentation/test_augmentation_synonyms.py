"""Synonyms from WordNet: the same form, only words with one main sense, and a clear error without a dictionary."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from insula.augmentation.attacks.search import SplitText
from insula.augmentation.attacks.words import find_synonym_edits
from insula.augmentation.registry import AugmentationContext, augmenters
from insula.augmentation.wordnet import WIDE, Thesaurus, load_thesaurus
from insula.core.errors import DataError, MissingFileError


@pytest.mark.parametrize(
    ("word", "before", "synonyms"),
    [
        ("phones", "two", ("telephones",)),
        ("Phone", "", ("Telephone",)),
        ("Phone", "the", ()),  # a name
        ("rapid", "a", ("swift",)),
        ("crew", "the", ()),  # two senses are about as frequent
        ("holding", "was", ()),  # a form of "hold", too
        ("starting", "they", ("commencing",)),  # "begin" is a function word
        ("started", "they", ("commenced",)),
        ("chatted", "they", ("gossiped",)),
        ("gossiping", "they", ("chatting",)),
        ("apple", "an", ()),  # a word that the corpus does not have
        ("orchard", "an", ()),  # no "an grove"
        ("orchard", "the", ("grove",)),
        ("begins", "it", ()),
    ],
)
def test_a_synonym_has_the_form_of_the_word(word: str, before: str, synonyms: tuple[str, ...]) -> None:
    assert load_thesaurus().find(word, before) == synonyms


def test_one_of_ten_words_is_replaced_and_intensifiers_stay() -> None:
    text = "they enjoy that the screen and the phone do not chat and the great answer was swift"
    changed = set()
    for seed in range(20):
        found = augmenters["synonyms"](text, AugmentationContext(random.Random(seed), "en", None))
        assert found is not None
        pairs = [(a, b) for a, b in zip(text.split(), found[0].split(), strict=True) if a != b]
        assert len(pairs) == 2
        changed |= set(pairs)
    assert ("phone", "telephone") in changed
    assert ("enjoy", "relish") in changed
    assert "great" not in {word for word, _ in changed}


def test_the_attack_knows_more_synonyms() -> None:
    assert load_thesaurus(WIDE).find("crew", "the") == ("staff",)
    assert load_thesaurus(WIDE).find("apple", "some") == ("pome",)
    assert find_synonym_edits(SplitText.of("the crew"), 1, random.Random(0)) == ["staff"]


def test_the_attack_may_replace_a_feeling() -> None:
    sentence = SplitText.of("they enjoy an answer")
    assert find_synonym_edits(sentence, 1, random.Random(0)) == ["relish"]
    assert find_synonym_edits(sentence, 2, random.Random(0)) == []


def test_without_wordnet_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wordnet: Path
) -> None:
    monkeypatch.setenv("INSULA_WORDNET", str(tmp_path))
    with pytest.raises(MissingFileError, match=r"WordNet with its file 'index.sense'.*wordnet-sense-index"):
        load_thesaurus()
    (wordnet / "verb.exc").unlink()
    with pytest.raises(MissingFileError, match=r"'verb\.exc'"):
        Thesaurus.read(wordnet)
    (tmp_path / "file").touch()
    with pytest.raises(MissingFileError, match="must hold WordNet"):
        Thesaurus.read(tmp_path / "file")
    monkeypatch.delenv("INSULA_WORDNET")
    monkeypatch.setenv("NLTK_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    if not Path("/usr/share/wordnet/index.sense").exists():
        with pytest.raises(MissingFileError, match=r"Synonyms need WordNet.*INSULA_WORDNET"):
            load_thesaurus()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("index.sense", b"happy%5:00:00::\n"),
        ("index.sense", b"half a line\n"),
        ("index.sense", b"a%9 001 1 2\n"),
        ("index.sense", b"caf\xe9%1:00:00:: 001 1 2\n"),
        ("noun.exc", b"caf\xe9s caf\xe9\n"),
        ("noun.exc", b"\n"),
    ],
)
def test_a_damaged_wordnet_is_one_sentence(wordnet: Path, name: str, line: bytes) -> None:
    with (wordnet / name).open("ab") as file:
        file.write(line)
    with pytest.raises(DataError, match="one of them is damaged"):
        Thesaurus.read(wordnet)
