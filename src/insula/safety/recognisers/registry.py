"""The registry of recognisers.

A recogniser is a function from readable text to `Span`s. It never raises, and its time is linear in the length of the
text. Without a checksum it prefers a miss to a false alarm. Installed packages add recognisers through the entry-point
group `insula.recognisers`. All of them run; `presidio` runs only if one of its kinds is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from functools import cache
from typing import TypeAlias

from insula.core.registry import Registry
from insula.safety.presidio_kinds import PRESIDIO_KINDS
from insula.safety.recognisers.lookalikes import blank_lookalikes
from insula.safety.recognisers.names.models import find_names, is_name_model
from insula.safety.spans import Span

Recogniser: TypeAlias = Callable[[str], Iterator[Span]]

RECOGNISERS: Registry[Recogniser] = Registry("recognisers")
for _name, _reference in {
    "address_en": "addresses.english:find_addresses",
    "address_zh": "addresses.chinese:find_addresses",
    "api_key": "credentials:find_api_keys",
    "bank_account": "bank_account:find_accounts",
    "birth_date": "birth_date:find_birth_dates",
    "card": "cards:find_cards",
    "cn_company": "company_cn:find_credit_codes",
    "cn_id": "identity_numbers:find_chinese_numbers",
    "cn_plate": "plate_cn:find_plates",
    "email": "email:find_email_addresses",
    "handle": "handle:find_handles",
    "hk_id": "identity_numbers:find_hong_kong_numbers",
    "ip": "ip:find_ip_addresses",
    "macau_id": "identity_numbers:find_macau_numbers",
    "name_en": "names.english:find_names",
    "name_zh": "names.chinese:find_names",
    "passport": "identity_numbers:find_passports",
    "password": "credentials:find_passwords",
    "phone": "phone:find_phone_numbers",
    "phone_zh": "phone_zh:find_phone_numbers",
    "presidio": "presidio:find_presidio_numbers",
    "tw_id": "identity_numbers:find_taiwanese_numbers",
    "url": "secret_url:find_secret_urls",
}.items():
    RECOGNISERS.register(_name, f"insula.safety.recognisers.{_reference}")

# A built-in recogniser runs only on texts with this pattern. Most messages have neither digits nor 号.
_REQUIRED: dict[str, re.Pattern[str]] = {
    **dict.fromkeys(
        ("address_en bank_account card cn_company cn_id cn_plate hk_id macau_id phone phone_zh presidio tw_id").split(),
        re.compile(r"[0-9]"),
    ),
    "passport": re.compile(r"[0-9]|<<"),
    "address_zh": re.compile(r"[号弄]"),
    "email": re.compile(r"@|艾特|#| [Aa][Tt] |[(\[{（【<] ?[Aa][Tt]"),
    "handle": re.compile(
        r"微信|薇信|威信|徽信|微❤|[Vv]信|卫星号|加我?[微Vv薇]|[Qq][Qq]|扣扣|企鹅号|Q[:：群]|q[:：群]|[Cc][Hh][Aa][Tt]"
        r"|[Ww][Ee][Ii][Xx][Ii][Nn]|[VvWw][Xx]|微博|抖音|小红书|快手|[Bb]站|知乎|支付宝|钉钉|陌陌|探探|贴吧|豆瓣|推特"
        r"|(?i:insta|\big\b|telegram|\btg\b|twitter|snap|discord|skype|tiktok|facebook|\bfb\b|messenger|linkedin|reddit|twitch|mastodon"
        r"|bluesky|kakao|threads|signal|line ?id|github|x\.com|t\.me)"
    ),
    "api_key": re.compile(r"(?i:key|token|secret|bearer)|密钥|秘钥|令牌|[-_:.]|AKI|ASIA|LTAI|AIza"),
    "birth_date": re.compile(r"(?i:born|b(?:irth)?day|birth|d\.?o\.?b)|[出日号]生|生日|[日号] ?生|生[于於]"),
    "password": re.compile(r"(?i:pass|pwd|\bpw\b|\bpin\b|\botp\b|code)|密[码碼]|口令|[验驗]"),
    "ip": re.compile(r"[0-9:]"),
    "name_zh": re.compile(r"[\u4e00-\u9fff]"),
    "url": re.compile(r"://"),
}


# These do not see the numbers of tickets and orders, decimals and UUIDs.
_WITHOUT_LOOKALIKES = frozenset(("card", "cn_id", "phone", "phone_zh", "presidio"))


def find_spans(text: str, kinds: Collection[str]) -> Iterator[Span]:
    """Yield all spans in readable text, overlaps included; Presidio and name models run only if `kinds` has them."""
    numbers: str | None = None
    for name, recognise in _list_members(len(RECOGNISERS), any(kind in PRESIDIO_KINDS for kind in kinds)):
        required = _REQUIRED.get(name)
        if required is not None and not required.search(text):
            continue
        if name not in _WITHOUT_LOOKALIKES:
            yield from recognise(text)
            continue
        if numbers is None:
            numbers = blank_lookalikes(text)
        yield from recognise(numbers)
    for kind in sorted(filter(is_name_model, kinds)):
        yield from find_names(text, kind)


@cache
def _list_members(_count: int, presidio: bool) -> tuple[tuple[str, Recogniser], ...]:
    return tuple((name, RECOGNISERS[name]) for name in RECOGNISERS if presidio or name != "presidio")
