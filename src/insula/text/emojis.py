"""Emoji as words, by their names in Unicode's CLDR: 😂 is "face with tears of joy", in Chinese 笑哭了."""

from __future__ import annotations

import functools
import re

import emoji

from insula.text.emoticons import emoticons_to_emoji, find_emoticons
from insula.text.scripts import detect_language_by_script

COMMON_EMOJI: tuple[str, ...] = tuple("😂❤😭😍😊🙏💕😘👍😅🥰😁🔥🤣😔💔🙄😢😩🎉😡😱🤔😳😴💀👏😒🤗😉")
"""Thirty of the most used emoji, for checking whether a tokenizer knows emoji."""

# Arrows, squares, © and ™ are typography in most texts and express no feeling.
_CHARACTERS = sorted(
    {character for sequence in emoji.EMOJI_DATA for character in sequence if "\u2300" <= character < "\ufe00"}
    - {chr(code) for code in range(0x25A0, 0x2600)}
    | {character for sequence in emoji.EMOJI_DATA for character in sequence if "\U0001f000" <= character < "\U000e0000"}
)
_CLASS = "".join(_CHARACTERS)
_TAGS = "\U000e0020-\U000e007f"
_FLAG, _KEY = "\U0001f1e6-\U0001f1ff", "0-9#*"
# A flag; an emoji with its variants and the emoji joined to it (bounded: real sequences are shorter); a keycap. A
# pattern that starts with one character class is many times faster than alternatives.
_EMOJI = re.compile(
    f"[{_CLASS}{_KEY}](?:(?<=[{_FLAG}])[{_FLAG}]|(?<=[{_CLASS}])(?:[\ufe0f\U0001f3fb-\U0001f3ff{_TAGS}]"
    f"|\u200d[{_CLASS}↔↕]){{0,12}}|(?<=[{_KEY}])\ufe0f?\u20e3)"
)
_PERHAPS = re.compile("[\u20e3\u2300-\u2bff\u3030-\u303d\u3297-\u3299\U0001f000-\U0001ffff]")
_SKIN_TONES = re.compile("[\U0001f3fb-\U0001f3ff]")
_LEFT_OVER = re.compile(f"[\ufe0f\u200d{_TAGS}]")


def contains_emoji(text: str) -> bool:
    """Return whether the text has at least one emoji; emoticons are not emoji."""
    # A few wide ranges are searched many times faster than the sequences, and most texts have none.
    return not text.isascii() and _PERHAPS.search(text) is not None and _EMOJI.search(text) is not None


def find_emoji(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of every emoji and emoticon of a text."""
    emoji_spans = [match.span() for match in _EMOJI.finditer(text)] if contains_emoji(text) else []
    return emoji_spans + find_emoticons(text)


def emoji_to_words(text: str, language: str | None = None) -> str:
    """Return the text with emoji and emoticons replaced by their names, each between spaces.

    `language` is the language of the names: `zh`, `en` or another one of the `emoji` package, else English. None:
    Chinese if the text has a Chinese character. Skin tones are removed, so that no prediction depends on them.
    Bracket emoticons of Weibo such as `[泪]` are words already and stay.
    """
    text = emoticons_to_emoji(text)
    if not contains_emoji(text):
        return text
    spoken = detect_language_by_script(text, language)
    spoken = spoken if spoken in emoji.LANGUAGES else "en"
    return _EMOJI.sub(lambda match: _name_emoji(match.group(), spoken), text)


def load_emoji_names(language: str) -> dict[str, str]:
    """Return a mapping of every emoji that `emoji_to_words` replaces to its words; skin tones have none."""
    return {
        sequence: _name_emoji(sequence, language).strip()
        for sequence in emoji.EMOJI_DATA
        if contains_emoji(sequence) and not _SKIN_TONES.search(sequence)
    }


@functools.lru_cache(maxsize=16384)
def _name_emoji(sequence: str, language: str) -> str:
    named = emoji.demojize(_SKIN_TONES.sub("", sequence), delimiters=(" ", " "), language=language)
    if _EMOJI.search(named):
        named = emoji.demojize(named, delimiters=(" ", " "))
    return _LEFT_OVER.sub("", named).replace("_", " ").replace("’", "'")
