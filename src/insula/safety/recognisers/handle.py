"""WeChat and QQ accounts after a cue."""

from __future__ import annotations

import re
from collections.abc import Iterator

from insula.safety.spans import Span

_WECHAT = re.compile(
    r"(?:(?:加|我|的|个人)?(?:微信|薇信|威信|徽信|微❤|V信|卫星号)(?:号码?|ID|帐号|账号)?"
    r"|(?<![0-9A-Za-z/_.@])(?:we ?chat|weixin|vx|wx)(?: ?(?:id|account|name|number))?(?![0-9A-Za-z_])"
    r"|加(?:我)?(?:微|V|v|薇))"
    r"(?P<link> ?(?:[:：=]|是|为|叫| is )? {0,2})(?P<account>[A-Za-z][A-Za-z0-9_\-]{5,19})(?![A-Za-z0-9_@])",
    re.IGNORECASE,
)
_QQ = re.compile(
    r"(?:(?<![0-9A-Za-z/_.@])QQ|扣扣|企鹅号|(?<![A-Za-z])Q(?=[:：群]))(?:群号|群|号码|号| ?number| ?id)?"
    r"(?: ?(?:[:：=]|是|为| is )? {0,2})"
    r"(?P<account>[1-9][0-9]{4,10})(?![0-9A-Za-z@.])",
    re.IGNORECASE,
)
_NO_LETTER = re.compile(r"[0-9_\-]")
_STATED = re.compile(r"[:：=是为]|is", re.IGNORECASE)


def handles(text: str) -> Iterator[Span]:
    """Yield `handle` spans, without the cue.

    A word of letters alone is an account only after a colon or "is": "wechat people" is none.
    """
    for found in _WECHAT.finditer(text):
        if _NO_LETTER.search(found["account"]) or (
            _STATED.search(found["link"]) and not _is_common_word(found["account"])
        ):
            account = found["account"].rstrip("_-")
            yield Span(found.start("account"), found.start("account") + len(account), "handle")
    for found in _QQ.finditer(text):
        yield Span(*found.span("account"), "handle")


def _is_common_word(account: str) -> bool:
    return account.lower() in _COMMON_WORDS


_COMMON_WORDS = frozenset(
    ("amazing android awesome banned better blocked broken cancel deleted google iphone please really tencent").split()
)
