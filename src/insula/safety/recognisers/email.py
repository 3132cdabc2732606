"""E-mail addresses, plain or spelled out: `name (at) host dot com`, `name艾特host点com`."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from insula.safety.recognisers.cues import build_cue_pattern
from insula.safety.spans import Span

_LETTERS = "".join(chr(code) for code in range(0xC0, 0x250))
_LOCAL = string.ascii_letters + string.digits + "._%+-'" + _LETTERS
_LABEL = rf"[0-9A-Za-z{_LETTERS}](?:[0-9A-Za-z{_LETTERS}\-]{{0,61}}[0-9A-Za-z{_LETTERS}])?+"
_HOST = re.compile(rf"(?:{_LABEL}\.){{1,8}}[A-Za-z]{{2,24}}(?![A-Za-z])")
_AT_SIGN = re.compile(rf"(?<=[0-9A-Za-z_%+\-{_LETTERS}])@(?=[0-9A-Za-z{_LETTERS}])")
_DOT = r"(?:\.| ?[(\[{（【<] ?(?:dot|\.|点) ?[)\]}）】>] ?| dot | ?点 ?)"
_SPELLED_HOST = re.compile(rf"(?:{_LABEL}{_DOT}){{1,5}}[A-Za-z]{{2,24}}(?![A-Za-z])", re.IGNORECASE)
_SPELLED_AT = re.compile(
    r"(?P<plain> @ )|(?P<bracketed> ?[(\[{（【<] ?(?:at|@|艾特) ?[)\]}）】>] ?| ?艾特 ?)|(?P<word> at )|(?P<sign>#)",
    re.IGNORECASE,
)
_MAX_LOCAL_CHARACTERS = 64
# "look at google dot com" is no address; "mail me: jo at gmail dot com" is.
_CUE = re.compile(
    build_cue_pattern(
        "e-?mail(?:s|ed)?|mail(?:s|ed)?|reach(?:ed)?|writ(?:e|es|ing)|wrote|contact(?:s|ed)?|line|address|forward(?:ed)?|sen[dt]|ping|cc",
        "邮箱|邮件|联系",
    ),
    re.IGNORECASE,
)
_KNOWN_HOSTS = re.compile(
    r"(?:gmail|googlemail|hotmail|outlook|live|yahoo|icloud|qq|foxmail|163|126|139|sina|sohu|aliyun|yeah|proton|gmx|mail)\b",
    re.IGNORECASE,
)
# `git@github.com:org/repository` is the address of a repository.
_VERSION_CONTROL = frozenset(("git", "hg", "svn"))
_NO_LOCAL_PARTS = frozenset(
    (
        "am and are arrive arrived be buy call here is it live look looking me meet not or shop stare us was work "
        "working"
    ).split()
)


def find_email_addresses(text: str) -> Iterator[Span]:
    """Yield `email` spans."""
    for sign in _AT_SIGN.finditer(text):
        at = sign.start()
        host = _HOST.match(text, at + 1)
        start = _find_local_start(text, at)
        if host and start < at and text[start:at].lower() not in _VERSION_CONTROL:
            yield Span(start, host.end(), "email")
    for mark in _SPELLED_AT.finditer(text):
        host = _SPELLED_HOST.match(text, mark.end())
        if host is None:
            continue
        local = _find_spelled_local(text, mark.start())
        if local is not None and _is_address(mark, local, host[0], text):
            yield Span(mark.start() - len(local), host.end(), "email")


def _find_local_start(text: str, at: int) -> int:
    window = text[max(0, at - _MAX_LOCAL_CHARACTERS) : at]
    local = window[len(window.rstrip(_LOCAL)) :].lstrip(".-%+'")
    return at - len(local)


def _find_spelled_local(text: str, at: int) -> str | None:
    window = text[max(0, at - _MAX_LOCAL_CHARACTERS) : at]
    local = window[len(window.rstrip(_LOCAL)) :].lstrip(".-%+'")
    while local:
        head = window[: len(window) - len(local)]
        if not head.lower().endswith(" dot "):
            break
        head = head[:-5]
        more = head[len(head.rstrip(_LOCAL)) :]
        if not more:
            break
        local = window[len(head) - len(more) :]
    return local or None


def _is_address(mark: re.Match[str], local: str, host: str, text: str) -> bool:
    if mark["bracketed"]:
        return True
    if mark["sign"]:
        return bool(_KNOWN_HOSTS.match(host))
    if local.lower() in _NO_LOCAL_PARTS:
        return False
    if mark["plain"]:
        return "." in host or " dot " in host.lower()
    if mark[0] == " AT " and not local.isupper():
        return True
    spelled_out = " dot " in host.lower()
    is_specific = _KNOWN_HOSTS.match(host) or " dot " in local.lower() or re.search(r"[0-9._]", local)
    return spelled_out and bool(is_specific or _CUE.search(text, max(0, mark.start() - len(local) - 30), mark.start()))
