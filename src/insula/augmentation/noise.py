"""Surface noise that leaves the meaning: typos, misread letters, casing, width, elongation, punctuation."""

from __future__ import annotations

import re

from insula.augmentation.registry import AugmentationContext, Augmenter
from insula.text.protected_words import NEGATIONS

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_OFFSETS = (0.0, 0.25, 0.75)  # of the rows of a QWERTY keyboard, in widths of a key
_PLACES = {
    key: (column + _OFFSETS[row], row) for row, keys in enumerate(_ROWS) for column, key in enumerate(keys)
}  # fmt: skip
NEIGHBOURS = {
    key: "".join(
        other for other, (x, y) in _PLACES.items() if other != key and abs(x - at_x) <= 1 and abs(y - at_y) <= 1
    )
    for key, (at_x, at_y) in _PLACES.items()
}
"""Each key of a QWERTY keyboard to the keys that touch it."""

SHAPES = {
    "rn": ("m",), "m": ("rn", "nn"), "cl": ("d",), "d": ("cl",), "vv": ("w",), "w": ("vv",), "l": ("1", "I"),
    "I": ("l", "1"), "i": ("l", "j"), "o": ("0", "c"), "O": ("0", "Q"), "e": ("c",), "c": ("e",), "h": ("b",),
    "b": ("h", "6"), "g": ("9", "q"), "q": ("g",), "s": ("5",), "S": ("5", "8"), "B": ("8",), "Z": ("2",), "t": ("f",),
    "f": ("t",), "u": ("v",), "n": ("ri",),
}  # fmt: skip
"""Letters and what scanners read in their place."""
_SHAPE = re.compile("|".join(sorted(SHAPES, key=len, reverse=True)))

MIN_LETTERS = 4
# Not in placeholders ([NAME]), tags, user names, links and file names.
_WORD = r"(?<![\w\[#@/.:])[A-Za-z]+(?![\w\]/@]|[.:][\w/])"
_LONG_WORD = re.compile(rf"(?=[A-Za-z]{{{MIN_LETTERS}}}){_WORD}")
_VOWEL = re.compile("[aeiou](?=[a-z]{0,2}$)", re.IGNORECASE)  # near the end, not the first letter
_ENGLISH_WORD = re.compile(_WORD)
_PARTICLE = re.compile(r"[啊呀哈嘻呜哦嗯啦哇唉哎嘿](?![^\[\]]*\])")  # not in [打哈欠]
_END = re.compile(r"[.!?。！？~～]+\s*$")
_FULL = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_HALF = {full: half for half, full in _FULL.items()}
_WIDE = re.compile("[\uff01-\uff5e]")
_NARROW = re.compile("[!?,:;()A-Za-z0-9]")


def add_keyboard_typos(text: str, context: AugmentationContext) -> str | None:
    """Make one typo in one of ten long words: a neighbouring key, a missing, a doubled or two swapped letters."""
    words = [match.span() for match in _LONG_WORD.finditer(text)]
    if not words:
        return None
    random = context.random
    for start, end in sorted(random.sample(words, max(1, len(words) // 10)), reverse=True):
        place = random.randrange(start + 1, end - 1)  # the first and the last letter carry most of a word
        letter = text[place]
        kind = random.randrange(4)
        if kind == 0:
            near = random.choice(NEIGHBOURS[letter.lower()])
            new = near.upper() if letter.isupper() else near
            text = text[:place] + new + text[place + 1 :]
        elif kind == 1:
            text = text[:place] + text[place + 1 :]
        elif kind == 2:
            text = text[:place] + letter + text[place:]
        else:
            text = text[:place] + text[place + 1] + letter + text[place + 2 :]
    return text


def add_ocr_errors(text: str, context: AugmentationContext) -> str | None:
    """Misread one in ten long words as a scanner does: rn as m, l as 1, e as c."""
    random = context.random
    words = [match for match in _LONG_WORD.finditer(text) if _SHAPE.search(match[0])]
    if not words:
        return None
    for word in sorted(random.sample(words, max(1, len(words) // 10)), key=lambda match: match.start(), reverse=True):
        shape = random.choice(list(_SHAPE.finditer(word[0])))
        start, end = word.start() + shape.start(), word.start() + shape.end()
        text = text[:start] + random.choice(SHAPES[shape[0]]) + text[end:]
    return text


def change_case(text: str, context: AugmentationContext) -> str | None:
    """Write the text in lower case, in upper case, or with a capital at its start, but not as it is."""
    forms = [form for form in (text.lower(), text.upper(), text[:1].upper() + text[1:].lower()) if form != text]
    return context.random.choice(forms) if forms else None


def change_width(text: str, context: AugmentationContext) -> str | None:
    """Write fullwidth characters in half width, or marks, digits and letters in full width."""
    if _WIDE.search(text):
        return text.translate(_HALF)
    return _NARROW.sub(lambda match: chr(_FULL[ord(match[0])]), text) if _NARROW.search(text) else None


def elongate(text: str, context: AugmentationContext) -> str | None:
    """Repeat one vowel near the end of an English word ("sooo"), or one Chinese interjection (哈哈哈)."""
    if context.language == "zh":
        places = [match.start() for match in _PARTICLE.finditer(text)]
    else:
        places = [
            word.start() + match.start()
            for word in _ENGLISH_WORD.finditer(text)
            if word[0].lower() not in NEGATIONS
            for match in _VOWEL.finditer(word[0])
            if match.start()
        ]
    if not places:
        return None
    place = context.random.choice(places)
    return text[:place] + text[place] * context.random.randint(2, 4) + text[place:]


def change_punctuation(text: str, context: AugmentationContext) -> str | None:
    """Remove or double the full stop at the end, or add one; questions and exclamations stay what they are."""
    end = _END.search(text)
    if end is None:
        text = text.rstrip()  # no full stop after emoji and emoticons
        return text + ("。" if context.language == "zh" else ".") if text[-1:].isalnum() else None
    marks = end[0].strip()
    if not {*marks}.isdisjoint("?？!！"):
        return text[: end.start()] + marks + marks[-1]
    return text[: end.start()] + context.random.choice(["", marks + marks[-1]])


KEYBOARD = Augmenter(add_keyboard_typos, languages=("en",))
OCR = Augmenter(add_ocr_errors, languages=("en",))
CASING = Augmenter(change_case, languages=("en",))
WIDTH = Augmenter(change_width, languages=("zh",))
ELONGATION = Augmenter(elongate, is_soft=True)
PUNCTUATION = Augmenter(change_punctuation)
