"""A model card as safe HTML: Markdown is rendered, HTML in it is escaped, and nothing is loaded."""

from __future__ import annotations

import re
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

HEADING_OFFSET = 2  # the card is inside a section of a page with a title
MAX_CHARACTERS = 200_000  # characters
_FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_NUMBER = "text-align:right"


def card_html(card: str) -> Markup:
    """Return a Markdown card as HTML, headings two levels lower; its front matter is left out.

    HTML is shown as text, links to scripts stay text, images become links: the card may be written by a stranger.
    """
    reader = _reader()
    tokens = reader.parse(_FRONT.sub("", card[:MAX_CHARACTERS], count=1))
    for token in tokens:
        _sanitise(token)
    rendered: str = reader.renderer.render(tokens, reader.options, {})
    return Markup(rendered)  # safe: the renderer escapes all HTML


def _sanitise(token: Token) -> None:
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(6, int(token.tag[1:]) + HEADING_OFFSET)}"
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
