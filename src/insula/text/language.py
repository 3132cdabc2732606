"""Which language a text is in: the script first, statistics only where the script leaves it open."""

from __future__ import annotations

import functools
import random
import re
from collections import Counter
from collections.abc import Sequence

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from insula.text.clean import replace_urls, replace_users
from insula.text.scripts import HAN

_HAN = re.compile(f"[{HAN}]")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa\uff66-\uff9d]")
_HANGUL = re.compile("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")
_LATIN_WORD = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]+(?:['’][A-Za-z]+)*")
_OTHER_LETTER = re.compile("[^\\W\\d_A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
_NOT_PROSE = re.compile(r"\bhttp\b|@user\b|#\w+|<[^<>]*>")

# Of the 140 languages of py3langid, those that are written much on line and told well on short texts. Neighbours such
# as Galician, Luxembourgish and Nigerian Pidgin would take away short informal English, Spanish and German.
_LATIN = "cs da de en es fi fr hu id it nl no pl pt ro sv tl tr vi"
_OTHER = "am ar bg bn el fa gu he hi hy ka km kn lo ml mr my ne pa ru si sr ta te th uk ur"
_FEWEST_WORDS = 3
_LEAST_CONFIDENCE = 0.5


def tell(text: str) -> str | None:
    """Return the ISO 639-1 code of a text's language; None where it has no letters.

    Hangul is `ko`; kana is `ja`; Chinese characters without kana are `zh` (a lone の, fashionable in Chinese, is not
    kana); where Latin words stand beside them, the more numerous win, a character counting like a word. Other scripts
    are told by py3langid among the languages written in them. Latin text of fewer than 3 words, or told with a
    confidence below 0.5, is `en`: on such texts English is the safer guess than a wild one. Links, user names and hash
    tags do not count.
    """
    text = _NOT_PROSE.sub(" ", replace_users(replace_urls(text)))
    words = len(_LATIN_WORD.findall(text))
    if not text.isascii():
        han, kana, hangul = (len(script.findall(text)) for script in (_HAN, _KANA, _HANGUL))
        if han and kana == text.count("の"):
            kana = 0
        others = len(_OTHER_LETTER.findall(text)) - han - kana - hangul
        if max(han + kana, hangul) >= max(words, 1) and max(han + kana, hangul) >= others:
            if hangul > han + kana:
                return "ko"
            return "ja" if kana * 5 >= han and kana else "zh"
        if others > words:
            return str(_identifier(_OTHER).classify(text)[0])
    if words < _FEWEST_WORDS:
        return "en" if words else None
    language, confidence = _identifier(_LATIN).classify(text)
    return str(language) if confidence >= _LEAST_CONFIDENCE else "en"


def dominant(texts: Sequence[str], sample: int = 1000, *, seed: int = 0) -> str | None:
    """Return the language of most of the texts, None where none has letters; at most `sample` are read."""
    chosen = texts if len(texts) <= sample else random.Random(seed).sample(texts, sample)
    counts = Counter(language for language in map(tell, chosen) if language is not None)
    return min(counts, key=lambda language: (-counts[language], language)) if counts else None


@functools.cache
def _identifier(languages: str) -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(languages.split())
    return identifier
