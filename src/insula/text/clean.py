"""Cleaning: markup, links, user names, drawn-out letters, white space.

Every function takes `(text, language)` like each text step; none of these needs the language.
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
    """Return the text with entities unescaped, however often they were escaped, and simple tags as a space.

    Only known tag names are tags, so `<3` and `<user>` stay.
    """
    for _ in range(_HTML_PASSES):  # bounded: a text built to be escaped a thousand times must not cost a second
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
    return _URL.sub(_url_word, text)


def _url_word(match: re.Match[str]) -> str:
    return _spaced("http", match)


_MAX_NAME = 16
_USER = re.compile(
    # What follows a letter or digit is an e-mail address, but `RT@name` is not.
    r"(?:(?<![A-Za-z0-9_])|(?<=\b[Rr][Tt]))@"
    r"(?!\d{1,2}(?:[ap]m)?\b)(?!_+@)"  # party @8pm; the face @_@
    rf"(?:(?=[A-Za-z0-9_·\-]{{0,{_MAX_NAME}}}[^\WA-Za-z0-9_])[\w·\-]{{1,{_MAX_NAME}}}(?![\w·\-])|[A-Za-z0-9_]+)"
)


def replace_users(text: str, language: str | None = None) -> str:
    """Return the text with user names as `@user`, as TweetEval does; e-mail addresses and `@8pm` stay.

    Chinese names go up to a space or punctuation mark and have at most 16 characters, close to Weibo's limit of 15
    Chinese ones. Where a text of Weibo has lost its spaces, words after a short name cannot be told from the name.
    """
    if "@" not in text:
        return text
    return _USER.sub(_user_word, text)


def _user_word(match: re.Match[str]) -> str:
    following = match.string[match.end() : match.end() + 1]
    # Apart from what follows, else the next reading would take it for a part of the name.
    return "@user " if following.isalnum() or following in {"_", "-", "·"} else "@user"


_TONED = "\ufe0f\U0001f3fb-\U0001f3ff"  # what may stand behind an emoji and belongs to it
_DRAWN_OUT = re.compile(rf"(?!www\.|III(?![A-Za-z]))([^\s\d.{_TONED}][{_TONED}]?)\1{{2,}}(?![{_TONED}])")
_DOTS = re.compile(r"\.{4,}")
_SHORT = 16  # characters: a word, told faster than by a search


def shorten_elongation(text: str, language: str | None = None) -> str:
    """Return the text with what stands three times or more written twice: sooooo, 哈哈哈哈, !!!!, 😂😂😂.

    Twice and not once, so that the emphasis stays visible. Digits and the numeral III stay; dots become three.
    """
    if len(text) <= _SHORT and len(set(text)) > len(text) - 2:  # no character three times
        return text
    return _DOTS.sub("...", _DRAWN_OUT.sub(r"\1\1", text))


def collapse_whitespace(text: str, language: str | None = None) -> str:
    """Return the text with each run of white space, line ends too, as one space, and none around it."""
    return " ".join(text.split())


def lowercase(text: str, language: str | None = None) -> str:
    """Return the text in lower case."""
    return text.lower()


def _spaced(word: str, match: re.Match[str]) -> str:
    before, after = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    return (" " if before.isalnum() else "") + word + (" " if after.isalnum() else "")
