"""The language of a page: the one in its address, else the one that the browser prefers."""

from __future__ import annotations

from starlette.requests import Request

from insula.serving.pages.words import WORDS

DEFAULT = "en"
MAX_PREFERENCES = 20  # of an Accept-Language header


def get_language(request: Request, asked: str | None = None) -> str:
    """Return the language of a request; `asked` is the language in its form, if it has one."""
    for named in (asked, request.query_params.get("lang")):
        if named in WORDS:
            return str(named)
    return _choose_language(request.headers.get("accept-language", ""))


def _choose_language(header: str) -> str:
    """Return the first language of an Accept-Language header that the pages have (RFC 9110, section 12.5.4)."""
    wanted: list[tuple[float, str]] = []
    for part in header.split(",")[:MAX_PREFERENCES]:
        tag, _, weight = part.strip().partition(";")
        code = tag.partition("-")[0].strip().lower()
        if code in WORDS:
            wanted.append((-_parse_weight(weight), code))
    best = min(wanted, key=lambda one: one[0], default=(0.0, DEFAULT))
    return best[1] if best[0] < 0 else DEFAULT


def _parse_weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    try:
        return float(value) if name == "q" else 1.0
    except ValueError:
        return 0.0
