"""Accounts of messengers and social networks after a cue."""

from __future__ import annotations

import re
from collections.abc import Iterator

from insula.safety.recognisers.cues import build_cue_pattern
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
_NETWORK = re.compile(
    r"(?P<network>"
    + build_cue_pattern(
        "instagram|insta|ig|telegram|tg|twitter|snapchat|snap|discord|skype|tiktok|facebook|fb|messenger|linkedin|reddit|twitch"
        "|mastodon|bluesky|kakao(?:talk)?|threads|whats ?app|signal|line(?= ?id)",
        "微博|抖音|小红书|快手|[BbＢ]站|知乎|支付宝|钉钉|陌陌|探探|贴吧|豆瓣|推特",
    )
    + r")(?P<noun> ?(?:user ?name|handle|account|tag|id|name)(?![A-Za-z])|号码?|ID|UID|账号|帐号|昵称|用户名|名)?"
    r"(?P<link>(?: is| ?[:：=]|是|叫|为)? {0,2})"
    r"(?P<account>@[\w.\-]{2,32}|(?:live:)?[A-Za-z0-9_][A-Za-z0-9_.\-]{2,31}(?:#[0-9]{4})?)",
    re.IGNORECASE,
)
_PROFILE = re.compile(
    r"(?<![A-Za-z0-9\-])(?:(?:instagram|twitter|x|tiktok|facebook|twitch|weibo|github)\.com/@?|linkedin\.com/in/|t\.me/|reddit\.com/u(?:ser)?/)"
    r"(?P<account>[A-Za-z0-9_][A-Za-z0-9_.\-]{2,38})(?![A-Za-z0-9_\-])(?!/(?!status/)[A-Za-z0-9])",
    re.IGNORECASE,
)
_COMMON_NETWORKS = frozenset("line messenger signal snap threads".split())  # common words, too
_NO_PROFILES = frozenset(
    "about accounts blog developer download explore hashtag help home intent joinchat legal login "
    "messages notifications pricing privacy search settings share signup stories terms watch".split()
)
_NO_LETTER = re.compile(r"[0-9_\-]")
_STATED = re.compile(r"[:：=是为]|is", re.IGNORECASE)


def find_handles(text: str) -> Iterator[Span]:
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
    for found in _NETWORK.finditer(text):
        account = found["account"].rstrip("-.")
        end = found.start("account") + len(account)
        if _is_account(account, found, text[end : end + 2]):
            yield Span(found.start("account"), end, "handle")
    for found in _PROFILE.finditer(text) if "." in text else ():
        account = found["account"].rstrip(".")
        if account.lower() not in _NO_PROFILES:
            yield Span(found.start("account"), found.start("account") + len(account), "handle")


def _is_account(account: str, found: re.Match[str], after: str) -> bool:
    """Return whether this is an account and no word: "Instagram: the worst app" has none."""
    if account.startswith("@") or "#" in account:
        return True
    link = found["link"].strip()
    if link in ("is", "") and not (found["noun"] or (link and _NO_LETTER.search(account))):
        return False
    if _NO_LETTER.search(account) or "." in account:
        return bool(link or found["noun"])
    if found["network"].lower() in _COMMON_NETWORKS:
        return False
    ends = not after.strip(".,;!?。，！\n")
    return ends and bool(link) and link != "is" and not _is_common_word(account)


def _is_common_word(account: str) -> bool:
    return account.lower() in _COMMON_WORDS


_COMMON_WORDS = frozenset(
    (
        "amazing android awesome awful bad banned better blocked boring broken cancel deleted down "
        "google gone good great hacked iphone never none nothing please really same sucks tencent yes"
    ).split()
)
