"""URLs that contain a password, token or key."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from insula.safety.spans import Span

_SCHEME = string.ascii_letters + string.digits + "+-."
_REST = re.compile(r"[!#-;=?-\[\]_a-z~%]{1,4096}+")
_USER = re.compile(r"[^/?#@\s]*:[^/?#@\s]+@")
_PARAMETER = re.compile(
    r"[?&#;](?:[a-z0-9]{1,20}[_\-.]){0,4}"
    r"(?:token|jwt|api[_\-]?key|secret|passw(?:or)?d|pass|pwd|auth(?:orization)?|sig(?:nature)?|session[_\-]?id|credentials?"
    r"|(?:access|private|secret|account|shared)[_\-]?key|otp)=[^&#\s]{3,}"
    r"|[?&#;](?:key|session|sid|code|ticket)=(?=[^&#]*[0-9])[^&#\s]{6,}",
    re.IGNORECASE,
)
_CLOSING = {")": "(", "]": "["}


def find_secret_urls(text: str) -> Iterator[Span]:
    """Yield `url` spans: URLs with a password before the host, or with a parameter that is named like a secret."""
    at = text.find("://")
    while at >= 0:
        rest = _REST.match(text, at + 3)
        end = rest.end() if rest else at + 3
        head = text[max(0, at - 20) : at]
        scheme = head[len(head.rstrip(_SCHEME)) :].lstrip(string.digits + "+-.")
        if rest and scheme:
            url = _trim(rest[0])
            if _USER.match(url) or _PARAMETER.search(url):
                yield Span(at - len(scheme), at + 3 + len(url), "url")
        at = text.find("://", end)


def _trim(url: str) -> str:
    """Return the URL without the punctuation of the sentence around it."""
    while url and (url[-1] in ".,;:!?'" or (url[-1] in _CLOSING and url.count(url[-1]) > url.count(_CLOSING[url[-1]]))):
        url = url[:-1]
    return url
