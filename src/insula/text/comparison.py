"""The key by which the leak guard compares texts: it ignores case, punctuation, links and user names."""

from __future__ import annotations

import re
import unicodedata

from insula.text.clean import remove_html, replace_urls, replace_users
from insula.text.scripts import HAN

_REPOSTED = re.compile(r"\brt\s*(?=@user\b)")
_USER = re.compile(r"(?<![a-z0-9_])@user\b|(?<=\brt)@user\b")
_INSIDE_WORDS = re.compile("['’`\xad\u200b-\u200f\u2060-\u206f\ufe00-\ufe0f\ufeff]")
# Python's \w does not match combining marks, without which Indic and Thai words fall apart.
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u0e00-\u0eff"
_NOT_WORDS = re.compile(rf"(?:[^\w{_MARKS}]|_)+")
_NEXT_TO_HAN = re.compile(f"(?<=[{HAN}]) | (?=[{HAN}])")


def build_comparison_key(text: str) -> str:
    """Return the form in which a text is compared with others; the empty string if nothing remains.

    NFKC, HTML unescaped, case folded; links, user names, `http`, `@user` and the `RT` before a name removed;
    apostrophes removed, other punctuation and symbols replaced by a space; single spaces, none next to Chinese
    characters. A text that consists of emoji keeps them.
    """
    text = remove_html(unicodedata.normalize("NFKC", text))
    text = unicodedata.normalize("NFKC", text).casefold()
    text = replace_users(replace_urls(text))
    text = _USER.sub(" ", _REPOSTED.sub("", text))
    words = _NOT_WORDS.sub(" ", _fold(_INSIDE_WORDS.sub("", text))).split()
    key = _NEXT_TO_HAN.sub("", " ".join(word for word in words if word not in ("http", "https")))
    return key or "".join(character for character in text if unicodedata.category(character) == "So")


def build_shingles(text: str, size: int = 5) -> set[str]:
    """Return all substrings of `size` characters of the comparison key; the key itself if shorter, none if empty."""
    key = build_comparison_key(text)
    if len(key) <= size:
        return {key} if key else set()
    return {key[start : start + size] for start in range(len(key) - size + 1)}


def _fold(text: str) -> str:
    # Case folding can undo composition and vice versa; two rounds are enough (Unicode, D147 NFKC_Casefold).
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
