"""A model card as safe HTML: its Markdown is read, no HTML in it is, and nothing in it loads anything."""

from __future__ import annotations

import re
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

LEVELS = 2  # the page has its own title, and the card is under one of its sections
MOST = 200_000  # characters
_FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_NUMBER = "text-align:right"


def card_html(card: str) -> Markup:
    """Return a Markdown card as HTML, headings two levels lower; its front matter is left out.

    HTML in it is shown as text, links to scripts stay text, images become links: the card may be a stranger's.
    """
    reader = _reader()
    tokens = reader.parse(_FRONT.sub("", card[:MOST], count=1))
    for token in tokens:
        _settle(token)
    rendered: str = reader.renderer.render(tokens, reader.options, {})
    return Markup(rendered)  # made by the reader, which escapes


def _settle(token: Token) -> None:
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(6, int(token.tag[1:]) + LEVELS)}"
    # The policy of the page allows no styles in attributes.
    style = token.attrs.pop("style", None)
    if style == _NUMBER:
        token.attrs["class"] = "number"
    for inner in token.children or ():
        if inner.type == "link_open":
            inner.attrs["rel"] = "noreferrer noopener"


@cache
def _reader() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
