"""Features of texts that can be inserted and removed: one registry.

A feature gives every text two versions that differ in it alone: one with it and one without. One of them is mostly the
text itself.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from insula.augmentation.identity import set_gender
from insula.augmentation.names import set_names
from insula.core.errors import DataError
from insula.core.registry import Registry
from insula.explanation.edits import Edit, add_negations, apply_edits, delete_span, remove_negations
from insula.knowledge.cues import find_cues
from insula.knowledge.opposites import EMOTION_WORDS
from insula.text.scripts import contains_han, detect_language_by_script
from insula.text.word_spans import find_word_spans

TOKEN = "token:"


@dataclass(frozen=True, slots=True)
class TextVersions:
    """A text with and without a feature.

    present  whether the text as written has it; None if it has neither side of a feature with two sides, or both
    given    the text with the feature; None if no version with it, or none without it, could be made
    absent   the text without it; None in the same cases
    """

    present: bool | None
    given: str | None = None
    absent: str | None = None


@dataclass(frozen=True)
class Feature:
    """A feature that can be inserted and removed.

    split  a text and a source of chance to its versions
    sides  what rows of either version have, for people: ("with a negation", "without")
    """

    split: Callable[[str, random.Random], TextVersions]
    sides: tuple[str, str]


features: Registry[Feature] = Registry("features")
for _name in ("negation", "intensifier", "emotion-word", "identity", "name"):
    features.register(_name, f"insula.explanation.effects.features:{_name.replace('-', '_').upper()}")


def find_feature(name: str) -> Feature:
    """Return a feature of the registry or, for `token:WORD`, the feature of a word.

    Raises `UnknownNameError`, and `DataError` for a token without a word.
    """
    if not name.startswith(TOKEN):
        return features[name]
    token = name.removeprefix(TOKEN).strip()
    if not token:
        raise DataError(f"A token must have a word, such as {TOKEN}film. Got {name!r}. Add the word.")
    return Feature(lambda text, chance: _split_token(text, token), (f"with {token!r}", "without"))


def _split_negation(text: str, chance: random.Random) -> TextVersions:
    """Remove every negation, or add the first that fits."""
    if _contains_cue(text, "negated"):
        bare = _apply_separately(text, list(remove_negations(text)))
        return TextVersions(True) if _contains_cue(bare, "negated") else _build_versions(True, text, bare)
    edits = sorted(add_negations(text), key=lambda edit: edit.start)
    return _build_versions(False, apply_edits(text, edits[:1]), text)


def _split_intensifier(text: str, chance: random.Random) -> TextVersions:
    """Remove every intensifier, or add one before the first word of feeling that takes one."""
    cues = [cue for cue in find_cues(text) if cue.kind == "intensified"]
    if cues:
        return _build_versions(
            True, text, _apply_separately(text, [delete_span("deletion", text, cue.start, cue.end) for cue in cues])
        )
    if contains_han(text):
        place = _CHINESE_DEGREE_PLACE.search(text)
        return (
            TextVersions(False)
            if place is None
            else _build_versions(False, _insert_word(text, place.start(), "非常"), text)
        )
    place = _ENGLISH_DEGREE_PLACE.search(text)
    if place is None:
        return TextVersions(False)
    if (article := place["article"]) is not None:  # "an awful film" becomes "a really awful film"
        return _build_versions(False, f"{text[: place.start()]}{article[0]} really {text[place.start('noun') :]}", text)
    return _build_versions(False, _insert_word(text, place.start("word"), "really "), text)


def _split_emotion_word(text: str, chance: random.Random) -> TextVersions:
    """Delete every emotion word, or put one before the text, drawn at random for its language."""
    spans = [(start, end) for start, end in find_word_spans(text) if text[start:end].lower() in _EMOTION_WORDS]
    if spans:
        return _build_versions(True, text, apply_edits(text, [delete_span("deletion", text, *span) for span in spans]))
    language = detect_language_by_script(text)
    return _build_versions(False, _prepend(text, chance.choice(_WORDS_OF[language])), text)


def _split_identity(text: str, chance: random.Random) -> TextVersions:
    """Write all pronouns and nouns of the table in the female form, and in the male form."""
    language = detect_language_by_script(text)
    return _compare_sides(text, set_gender(text, language, "female"), set_gender(text, language, "male"))


def _split_name(text: str, chance: random.Random) -> TextVersions:
    """Write all first names of the table as female names, and as male names."""
    return _compare_sides(text, set_names(text, "female"), set_names(text, "male"))


def _split_token(text: str, token: str) -> TextVersions:
    """Remove every occurrence of a word, or put it before the text."""
    whole = "" if contains_han(token) else r"(?<!\w)", "" if contains_han(token) else r"(?!\w)"
    pattern = re.compile(f"{whole[0]}{re.escape(token)}{whole[1]}", re.IGNORECASE)
    spans = [match.span() for match in pattern.finditer(text)]
    if spans:
        return _build_versions(True, text, apply_edits(text, [delete_span("deletion", text, *span) for span in spans]))
    return _build_versions(False, _prepend(text, token), text)


def _build_versions(present: bool, given: str, absent: str) -> TextVersions:
    """Return the versions if they differ and neither is empty, else only whether the feature is present."""
    if given == absent or not given.strip() or not absent.strip():
        return TextVersions(present)
    return TextVersions(present, given, absent)


def _compare_sides(text: str, given: str, absent: str) -> TextVersions:
    if given == absent:
        return TextVersions(None)
    return TextVersions(True if text == given else False if text == absent else None, given, absent)


def _contains_cue(text: str, kind: str) -> bool:
    return any(cue.kind == kind for cue in find_cues(text))


def _apply_separately(text: str, edits: Sequence[Edit]) -> str:
    """Apply the edits from the left that do not overlap with one before them."""
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda one: (one.start, -one.end)):
        if not any(edit.overlaps(one) for one in kept):
            kept.append(edit)
    return apply_edits(text, kept)


def _insert_word(text: str, place: int, word: str) -> str:
    return f"{text[:place]}{word}{text[place:]}"


def _prepend(text: str, word: str) -> str:
    """Return the text with a word put before it, where a model reads it even if the text is long."""
    return f"{word} {text}"


_EMOTION_WORDS = frozenset(EMOTION_WORDS)
_WORDS_OF = {
    "zh": [word for word in EMOTION_WORDS if contains_han(word)],
    "en": [word for word in EMOTION_WORDS if not contains_han(word)],
}
# Words of feeling that take no adverb of degree: nouns, interjections, superlatives.
_NO_DEGREE = frozenset(
    """
    best finest worst poorest better worse happiness joy sadness misery humor wit dullness strength weakness charm
    delight annoyance tedium success triumph failure disaster masterpiece gem mess pleasure pain chore fear anxiety calm
    confidence anger rage disgust hope despair laugh smile tears cry weep laughs smiles
    哈哈 哈哈哈 呜呜 加油 放弃 最好 更好 最差 更差 谢谢 胜利 埋怨 希望
    """.split()
)
_ENGLISH_PLACES = "|".join(word for word in _WORDS_OF["en"] if word not in _NO_DEGREE)
_CHINESE_PLACES = "|".join(
    sorted((word for word in _WORDS_OF["zh"] if len(word) > 1 and word not in _NO_DEGREE), key=len, reverse=True)
)
# After a copula or a pronoun ("is good", "I love"), or between an article and another word ("a good film").
_ENGLISH_DEGREE_PLACE = re.compile(
    rf"\b(?:(?:is|are|was|were|am|be|feel|feels|felt|looks|looked|seems|seemed|i|we|you|they|he|she)\s+|['’](?:s|m|re)\s+)"
    rf"(?P<word>(?:{_ENGLISH_PLACES})\b)|\b(?P<article>an?)\s+(?P<noun>(?:{_ENGLISH_PLACES})\b(?=\s+[a-z]))",
    re.IGNORECASE,
)
_CHINESE_DEGREE_PLACE = re.compile(f"(?<![不没更最真好很太])(?:{_CHINESE_PLACES})")

NEGATION = Feature(_split_negation, ("with a negation", "without"))
INTENSIFIER = Feature(_split_intensifier, ("with an intensifier", "without"))
EMOTION_WORD = Feature(_split_emotion_word, ("with a word of feeling", "without"))
IDENTITY = Feature(_split_identity, ("with female words", "with male words"))
NAME = Feature(_split_name, ("with female names", "with male names"))
