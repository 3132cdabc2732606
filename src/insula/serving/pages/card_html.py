"""A model card as safe HTML: Markdown is rendered, HTML in it is escaped, and nothing is loaded."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

HEADING_OFFSET = 2  # the card is inside a section of a page with a title
MAX_OPEN_ROWS = 12  # of a table that is not folded
_FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_NUMBER = "text-align:right"


class RenderedCards:
    """Cards as HTML, each rendered once, in a thread: rendering a hostile card can take a second."""

    def __init__(self) -> None:
        self._rendering: dict[str, asyncio.Task[Markup]] = {}

    async def html(self, name: str, card: str) -> Markup:
        """Return the card of the model with this name as HTML."""
        if name not in self._rendering:
            self._rendering[name] = asyncio.create_task(asyncio.to_thread(render_card, card))
        return await asyncio.shield(self._rendering[name])


def render_card(card: str) -> Markup:
    """Return a Markdown card as HTML, headings two levels lower; its front matter is left out.

    HTML is shown as text, links to scripts stay text, images become links: the card may be written by a stranger.
    Tables and code scroll by keyboard, and tables of more than `MAX_OPEN_ROWS` rows are folded.
    Its words are English, as cards are.
    """
    reader = _create_parser()
    tokens = reader.parse(_FRONT.sub("", card, count=1))
    for token in tokens:
        _sanitise(token)
    rendered: str = reader.renderer.render(_add_boxes(tokens), reader.options, {})
    return Markup(rendered)  # safe: the renderer escapes all HTML


def _add_boxes(tokens: Sequence[Token]) -> list[Token]:
    """Put every table, and the heading above it as a name, into a box that the keyboard can scroll."""
    boxed: list[Token] = []
    heading, fold = "Model card", ""
    for place, token in enumerate(tokens):
        if token.type == "inline" and tokens[place - 1].type == "heading_open":
            heading = token.content
        if token.type in ("fence", "code_block"):
            token.type, token.content = "html_block", _render_code(token.content)
        if token.type == "th_open" and not tokens[place + 1].content:  # a heading that says nothing is none
            token.tag = tokens[place + 2].tag = "td"
        if token.type == "table_open":
            columns, rows = _read_columns(tokens[place:]) or heading, _count_rows(tokens[place:])
            fold = f"<details><summary>{escape(columns)}: {rows} rows</summary>" if rows > MAX_OPEN_ROWS else ""
            boxed.append(
                _build_html_token(
                    f'{fold}<div class="scroll" tabindex="0" role="group" aria-label="{escape(heading)}">'
                )
            )
        boxed.append(token)
        if token.type == "table_close":
            boxed.append(_build_html_token("</div></details>" if fold else "</div>"))
    return boxed


def _read_columns(tokens: Sequence[Token]) -> str:
    """Return the columns of the table that begins here: by them a folded table is found."""
    head = tokens[: [token.type for token in tokens].index("thead_close")]
    return ", ".join(token.content for token in head if token.type == "inline" and token.content)


def _count_rows(tokens: Sequence[Token]) -> int:
    types = [token.type for token in tokens]
    return types[: types.index("table_close")].count("tr_open") - 1  # the first one is the head


def _render_code(code: str) -> str:
    return f'<pre tabindex="0" role="group" aria-label="Code"><code>{escape(code)}</code></pre>\n'


def _build_html_token(text: str) -> Token:
    return Token("html_block", "", 0, content=f"{text}\n")


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
def _create_parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
