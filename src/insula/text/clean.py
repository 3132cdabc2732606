"""Cleaning: markup, links, user names, elongated words, white space.

Every function takes `(text, language)`, the signature of a text step; none of these uses the language.
"""

from __future__ import annotations

import html
import re

_TAG_NAMES = (
    "a|abbr|article|b|big|blockquote|body|br|center|code|dd|del|div|dl|dt|em|font|h[1-6]|head|hr|html|i|iframe|img|ins"
    "|li|ol|p|pre|q|s|section|small|span|strike|strong|sub|sup|table|tbody|td|th|thead|title|tr|tt|u|ul"
)
# Attributes must have a value: `a <b and c> d` is not markup.
_TAG = re.compile(
    rf"</?(?:{_TAG_NAMES})(?:\s+[\w:-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>]+))*\s*/?>", re.IGNORECASE
)
_ESCAPED_AGAIN = re.compile(r"&(?:amp;|#0*38;|#[xX]0*26;)+")
# html.unescape reads `&not` and `&copy` without their semicolon too, and would spoil `this&nothing`.
_ENTITY = re.compile(
    r"&(?:#\d{2,7};?|#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31};|(?:amp|lt|gt|quot|nbsp)(?![A-Za-z]))"
)
_HTML_PASSES = 5


def remove_html(text: str, language: str | None = None) -> str:
    """Return the text with entities unescaped, even if escaped several times, and simple tags replaced by a space.

    Only known tag names are tags, so `<3` and `<user>` stay.
    """
    for _ in range(_HTML_PASSES):  # bounded: a hostile text that is escaped a thousand times must not take a second
        if "&" not in text and "<" not in text:
            break
        before = text
        text = _TAG.sub(" ", _ENTITY.sub(_unescape, _ESCAPED_AGAIN.sub("&", text)))
        if text == before:
            break
    return text


def _unescape(match: re.Match[str]) -> str:
    return html.unescape(match.group())


_IN_URL = r"A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%"
_URL_END = r"[A-Za-z0-9/_=&#%+~\-]"
_DOMAINS = "com|net|org|edu|gov|info|io|co|me|ly|tv|be|gl|gd|us|uk|ca|de|fr|cn|hk|tw|jp|fm|im|it"
_URL = re.compile(
    rf"(?:https?://(?:[{_IN_URL}]*{_URL_END})?|www\.[{_IN_URL}]*{_URL_END}"
    rf"|(?<![\w@.\-])(?:[a-z0-9\-]+\.)+(?:{_DOMAINS})/[{_IN_URL}]*{_URL_END})…?",
    re.IGNORECASE,
)


def replace_urls(text: str, language: str | None = None) -> str:
    """Return the text with each link replaced by the word `http`, as TweetEval does (Barbieri et al. 2020, Section 3).

    A link ends where Chinese begins. A bare domain is a link only with a path (`t.co/x`); `amazon.com` stays a word.
    """
    if "/" not in text and "." not in text:
        return text
    return _URL.sub(_name_url, text)


def _name_url(match: re.Match[str]) -> str:
    return _add_spaces("http", match)


_MAX_NAME = 16
_USER = re.compile(
    # What follows a letter or digit is an e-mail address, but `RT@name` is not.
    r"(?:(?<![A-Za-z0-9_])|(?<=\b[Rr][Tt]))@"
    r"(?!\d{1,2}(?:[ap]m)?\b)(?!_+@)"  # party @8pm; the face @_@
    rf"(?:(?=[A-Za-z0-9_·\-]{{0,{_MAX_NAME}}}[^\WA-Za-z0-9_])[\w·\-]{{1,{_MAX_NAME}}}(?![\w·\-])|[A-Za-z0-9_]+)"
)


def replace_users(text: str, language: str | None = None) -> str:
    """Return the text with user names as `@user`, as TweetEval does; e-mail addresses and `@8pm` stay.

    A Chinese name ends at a space or punctuation mark and has at most 16 characters, close to Weibo's limit of 15
    Chinese characters. In a Weibo text without its spaces, words after a short name are taken as part of the name.
    """
    if "@" not in text:
        return text
    return _USER.sub(_name_user, text)


def _name_user(match: re.Match[str]) -> str:
    following = match.string[match.end() : match.end() + 1]
    # Separated from what follows; otherwise a second pass would take that as part of the name.
    return "@user " if following.isalnum() or following in {"_", "-", "·"} else "@user"


_TONED = "\ufe0f\U0001f3fb-\U0001f3ff"  # variation selector and skin tones, which belong to the emoji before them
_DRAWN_OUT = re.compile(rf"(?!www\.|III(?![A-Za-z]))([^\s\d.{_TONED}][{_TONED}]?)\1{{2,}}(?![{_TONED}])")
_DOTS = re.compile(r"\.{4,}")
_SHORT = 16  # characters: in a word this short, counting distinct characters is faster than searching


def shorten_elongation(text: str, language: str | None = None) -> str:
    """Return the text with characters repeated three times or more shortened to two: sooooo, 哈哈哈哈, !!!!, 😂😂😂.

    Two rather than one keeps the emphasis visible. Digits and the numeral III stay; four dots or more become three.
    """
    if len(text) <= _SHORT and len(set(text)) > len(text) - 2:  # no character three times
        return text
    return _DOTS.sub("...", _DRAWN_OUT.sub(r"\1\1", text))


def collapse_whitespace(text: str, language: str | None = None) -> str:
    """Return the text with each run of white space (line breaks too) as one space, stripped at both ends."""
    return " ".join(text.split())


def lowercase(text: str, language: str | None = None) -> str:
    """Return the text in lower case."""
    return text.lower()


def _add_spaces(word: str, match: re.Match[str]) -> str:
    before, after = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    return (" " if before.isalnum() else "") + word + (" " if after.isalnum() else "")
