"""API keys, access tokens and private keys by their form or after a cue; passwords after a cue."""

from __future__ import annotations

import re
from collections.abc import Iterator

from insula.safety.normalized_text import BLANK
from insula.safety.recognisers.cues import build_cue_pattern
from insula.safety.spans import Span

# Prefixes that issuers give their keys so that scanners can find them.
_FORMS = re.compile(
    r"(?<![0-9A-Za-z_\-])(?:"
    r"(?:AKIA|ASIA)[0-9A-Z]{16}|LTAI[0-9A-Za-z]{12,26}|AKID[0-9A-Za-z]{32}"  # Amazon, Alibaba, Tencent
    r"|gh[oprsu]_[0-9A-Za-z]{36,}+|github_pat_[0-9A-Za-z_]{22,}+|glpat-[0-9A-Za-z_\-]{18,}+"
    r"|sk-(?:proj-|ant-|or-)?[0-9A-Za-z_\-]{20,}+|(?:sk|rk|pk)_(?:live|test)_[0-9A-Za-z]{16,}+"
    r"|hf_[0-9A-Za-z]{30,}+|npm_[0-9A-Za-z]{36}|pypi-[0-9A-Za-z_\-]{50,}+|AIza[0-9A-Za-z_\-]{35}"
    r"|xox[abeoprs]-[0-9A-Za-z\-]{10,}+|SG\.[0-9A-Za-z_\-]{16,}+\.[0-9A-Za-z_\-]{16,}+|[0-9]{8,10}:AA[0-9A-Za-z_\-]{30,}+"
    r"|eyJ[0-9A-Za-z_\-]{5,}+\.eyJ[0-9A-Za-z_\-]{5,}+\.[0-9A-Za-z_\-]*+"  # JSON Web Token
    r")(?![0-9A-Za-z])"
    r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[0-9A-Za-z+/=\s]{0,8000}+(?:-----END [A-Z ]{0,20}PRIVATE KEY-----)?"
)
_KEY = re.compile(
    r"(?:(?<![A-Za-z])(?:(?:x-)?api[ _\-]?key|(?:access|secret|private|account)[ _\-]?key(?: ?(?:id|secret))?"
    r"|(?:\w{1,20}[ _\-])?(?:token|secret)|bearer|authorization: ?basic)|密钥|秘钥|令牌)"
    r"[\"']?(?: is | ?[:：=]{1,2} ?|是|为| )[\"']?(?P<value>[0-9A-Za-z_\-./+~]{16,200}+={0,2})",
    re.IGNORECASE,
)
_LETTER_AND_DIGIT = re.compile(r"(?=[^0-9]*[0-9])[^A-Za-z]*[A-Za-z]")
_VALUE = (
    rf"(?:\"(?P<double>[^\"\n{BLANK}]{{1,64}})\"|'(?P<single>[^'\n{BLANK}]{{1,64}})'|[“「](?P<curly>[^”」\n{BLANK}]{{1,64}})[”」]"
    r"|(?P<value>[!-~]{4,64}))"
)
_PASSWORD = re.compile(
    build_cue_pattern(r"(?:password|passwd|pwd|pw|passcode|passphrase)", "密[码碼]|口令|[验驗][证證][码碼]")
    + r"(?P<link>\"?(?:(?: (?:for|of|to|on)(?: [\w']{1,12}){1,4}?)?(?: is| was)(?: ?[:：])?"
    + r"|我?(?:改成|改为|设为|设置为|是|为|為)了?| ?[:：=]{1,2})? ?)"
    + _VALUE
    + r"|"
    + build_cue_pattern("pass")
    + r" ?[:：=] ?(?P<pass>[!-~]{4,64})|"
    + build_cue_pattern(
        "pin(?: code| number)?|otp|(?:verification|security|login|access|one[ -]time|2fa) (?:code|pin|password)"
    )
    + r"(?: is|[:：=])? ?(?P<pin>[0-9]{4,8})(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_STRONG_LINK = re.compile(r"[:：=是为為]")
_ENDING = ".,;:?)]}>\"'"
_NO_PASSWORDS = frozenset(
    (
        "wrong incorrect invalid required reset forgotten missing expired none unknown null true false "
        "yes changed empty please string hidden secret"
    ).split()
)


def find_api_keys(text: str) -> Iterator[Span]:
    """Yield `api_key` spans: the form of a known issuer, or a long value with letters and digits after a cue."""
    for found in _FORMS.finditer(text):
        yield Span(*found.span(), "api_key")
    for found in _KEY.finditer(text):
        value = found["value"].rstrip(".")
        if _LETTER_AND_DIGIT.match(value):
            yield Span(found.start("value"), found.start("value") + len(value), "api_key")


def find_passwords(text: str) -> Iterator[Span]:
    """Yield `password` spans: a word after a cue that is quoted, has a digit, or ends the line after a colon."""
    for found in _PASSWORD.finditer(text):
        quoted = next((name for name in ("double", "single", "curly") if found[name]), None)
        if quoted or found["pin"]:
            yield Span(*found.span(quoted or "pin"), "password")
            continue
        name = "pass" if found["pass"] else "value"
        value = found[name].rstrip(_ENDING)
        end = found.start(name) + len(value)
        if len(value) >= 4 and _is_password(value, found["link"] or ":", text[end : end + 2].lstrip(_ENDING)):
            yield Span(found.start(name), end, "password")


def _is_password(value: str, link: str, after: str) -> bool:
    has_digit = any(character.isdigit() for character in value)
    if not _STRONG_LINK.search(link):
        return has_digit and (bool(link.strip()) or any(character.isalpha() for character in value))
    if has_digit:
        return True
    return value.lower() not in _NO_PASSWORDS and not after.strip(" ") and not (after and value.isalpha())
