"""Unicode normalisation: one form for characters that look the same, no invisible characters."""

from __future__ import annotations

import re
import unicodedata

_SPACES = re.compile(r"[\x0b\x0c\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb]"
)
# Joiners build emoji and shape Indic and Arabic letters; elsewhere they are left over from copying.
_IDLE_JOINERS = re.compile(r"(?<=[\x00-\u052f\u1e00-\u1fff\u3000-\u9fff\uff00-\uffef])[\u200c\u200d]+")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
# Full-width ASCII except Chinese punctuation, and the "fonts" of 𝓼𝓸𝓬𝓲𝓪𝓵 𝐦𝐞𝐝𝐢𝐚.
_STYLED = re.compile(r"[＂-＇＊＋－-９＜-＞＠-｝\U0001d400-\U0001d7ff]")
_APOSTROPHE = re.compile(r"(?<=[A-Za-z])[’ʼ](?=[A-Za-z])")


def normalize_unicode(text: str, language: str | None = None) -> str:
    """Return the text in NFC, without control and invisible characters, with plain spaces.

    Full-width letters, digits and symbols become ASCII; ！（），：；？～ stay, since they are Chinese punctuation.
    Mathematical letters become plain letters, ’ between letters an apostrophe. Tabs and line breaks stay, other white
    space becomes a space. Surrogate pairs are joined; a lone surrogate becomes U+FFFD.
    """
    if text.isascii():
        if text.isprintable():
            return text
    else:
        if _SURROGATES.search(text):
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        text = _STYLED.sub(_replace_character, text)
    text = _INVISIBLE.sub("", _SPACES.sub(" ", text))
    if text.isascii():
        return text
    text = _IDLE_JOINERS.sub("", unicodedata.normalize("NFC", text))
    text = unicodedata.normalize("NFC", text)  # a removed joiner may have separated a letter from its accent
    return _APOSTROPHE.sub("'", text)


def _replace_character(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match.group())
