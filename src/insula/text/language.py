"""Language detection: by script first, by statistics if the script does not decide."""

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

# Languages of py3langid's 140 that are common online and detected well in short texts. Related languages such as
# Galician, Luxembourgish and Nigerian Pidgin would claim short informal Spanish, German and English.
_LATIN = "cs da de en es fi fr hu id it nl no pl pt ro sv tl tr vi"
_OTHER = "am ar bg bn el fa gu he hi hy ka km kn lo ml mr my ne pa ru si sr ta te th uk ur"
_MIN_WORDS = 3
_MIN_CONFIDENCE = 0.5


def detect_language(text: str) -> str | None:
    """Return the ISO 639-1 code of a text's language; None if it has no letters.

    Hangul is `ko`; kana is `ja`; Chinese characters without kana are `zh` (a lone の, fashionable in Chinese, is not
    kana). If the text has Latin words too, the majority decides, one character counting as one word. For other scripts
    py3langid chooses among the languages written in them. Latin text with fewer than 3 words, or with a confidence
    below 0.5, is `en`, the safest guess for such texts. Links, user names and hashtags are ignored.
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
            return str(_load_identifier(_OTHER).classify(text)[0])
    if words < _MIN_WORDS:
        return "en" if words else None
    language, confidence = _load_identifier(_LATIN).classify(text)
    return str(language) if confidence >= _MIN_CONFIDENCE else "en"


def find_dominant_language(texts: Sequence[str], sample: int = 1000, *, seed: int = 0) -> str | None:
    """Return the most frequent language of the texts, None if none has letters; at most `sample` texts are read."""
    chosen = texts if len(texts) <= sample else random.Random(seed).sample(texts, sample)
    counts = Counter(language for language in map(detect_language, chosen) if language is not None)
    return min(counts, key=lambda language: (-counts[language], language)) if counts else None


@functools.cache
def _load_identifier(languages: str) -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(languages.split())
    return identifier
