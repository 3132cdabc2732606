"""`identity`: swaps the gender of pronouns and nouns. The emotion of a text does not depend on it.

All words of a text are swapped together ("he told her" becomes "she told him"). English "her" becomes "his" before a
word that it may belong to, else "him"; "his" becomes "her" or "hers".
"""

from __future__ import annotations

import re
from typing import Literal

from insula.augmentation.registry import AugmentationContext, Augmenter

ENGLISH_PAIRS = (
    ("he", "she"), ("himself", "herself"), ("man", "woman"), ("men", "women"), ("boy", "girl"), ("boys", "girls"),
    ("father", "mother"), ("dad", "mom"), ("son", "daughter"), ("brother", "sister"), ("brothers", "sisters"),
    ("husband", "wife"), ("boyfriend", "girlfriend"), ("uncle", "aunt"), ("nephew", "niece"), ("king", "queen"),
    ("grandfather", "grandmother"), ("grandpa", "grandma"), ("male", "female"), ("mr", "mrs"), ("sir", "madam"),
    ("actor", "actress"), ("waiter", "waitress"), ("gentleman", "lady"), ("gentlemen", "ladies"),
)  # fmt: skip
CHINESE_PAIRS = (
    ("他", "她"), ("男人", "女人"), ("男孩", "女孩"), ("男生", "女生"), ("男士", "女士"), ("男朋友", "女朋友"),
    ("男友", "女友"), ("爸爸", "妈妈"), ("父亲", "母亲"), ("爷爷", "奶奶"), ("外公", "外婆"), ("哥哥", "姐姐"),
    ("弟弟", "妹妹"), ("儿子", "女儿"), ("丈夫", "妻子"), ("老公", "老婆"), ("叔叔", "阿姨"), ("先生", "女士"),
    ("小伙子", "小姑娘"), ("男", "女"),
)  # fmt: skip
_ENGLISH = {a: b for pair in ENGLISH_PAIRS for a, b in (pair, pair[::-1])} | {"him": "her", "his": "her", "hers": "his"}
_CHINESE = {b: a for a, b in reversed(CHINESE_PAIRS)} | dict(CHINESE_PAIRS)
_MALE = {male for male, _ in (*ENGLISH_PAIRS, *CHINESE_PAIRS)} | {"him", "his"}
_FEMALE = {female for _, female in (*ENGLISH_PAIRS, *CHINESE_PAIRS)} | {"her", "hers"}
_ENGLISH_WORD = re.compile(rf"\b(?:{'|'.join([*_ENGLISH, 'her'])})\b", re.IGNORECASE)
# Words that name no gender, or have no other one.
_KEPT = "其他|他人|他乡|吉他|他妈的|男女|妇女|子女|儿女|处女|仙女|修女|淑女|少女|美女|闺女|女汉子|女性主义|女权"
_CHINESE_WORD = re.compile(f"{_KEPT}|{'|'.join(sorted(_CHINESE, key=len, reverse=True))}")
_POSSESSIVE_OR_NOUN = re.compile(
    r"\s+(?!(?:and|or|but|to|in|on|at|for|with|from|about|by|that|when|because|so|again|yesterday|today|now|is|was|the|a|"
    r"an|very|too)\b)[a-z]",
    re.IGNORECASE,
)


def swap_gender(text: str, context: AugmentationContext) -> str | None:
    """Swap the gender of all pronouns and nouns of the table."""
    if context.language == "zh":
        return _CHINESE_WORD.sub(lambda match: _CHINESE.get(match[0], match[0]), text)
    return _ENGLISH_WORD.sub(_swap_word, text)


def set_gender(text: str, language: str, gender: Literal["female", "male"]) -> str:
    """Return the text with all pronouns and nouns of the table in one gender; unchanged if they are."""
    kept = _FEMALE if gender == "female" else _MALE
    if language == "zh":
        return _CHINESE_WORD.sub(lambda match: match[0] if match[0] in kept else _CHINESE.get(match[0], match[0]), text)
    return _ENGLISH_WORD.sub(lambda match: match[0] if match[0].lower() in kept else _swap_word(match), text)


def _swap_word(match: re.Match[str]) -> str:
    word = match[0]
    low, possesses = word.lower(), _POSSESSIVE_OR_NOUN.match(match.string, match.end())
    if low in ("man", "boy") and _is_exclamation(match):
        return word
    if low == "her":
        new = "his" if possesses else "him"
    elif low == "his":
        new = "her" if possesses else "hers"
    else:
        new = _ENGLISH[low]
    if word.isupper() and len(word) > 1:
        return new.upper()
    return new.capitalize() if word[0].isupper() else new


def _is_exclamation(match: re.Match[str]) -> bool:
    """Return whether a word stands alone between punctuation: "Man, that was close", "oh boy!"."""
    before, after = match.string[: match.start()].rstrip(), match.string[match.end() :].lstrip()
    starts = not before or before[-1] in ",.!?…" or before.lower().endswith(("oh", "hey", "damn"))
    return starts and (not after or not after[0].isalnum())


IDENTITY = Augmenter(swap_gender)
