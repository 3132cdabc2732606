"""The registry of recognisers: what finds personal data of a kind.

A recogniser is a function from readable text to `Span`s of it. It never raises, takes time in proportion to the text,
and prefers to miss what only may be personal data where no checksum tells. Installed packages add recognisers through
the entry-point group `insula.recognisers`. All are asked, but for `presidio`, which is asked for its kinds alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from functools import cache
from typing import TypeAlias

from insula.core.registry import Registry
from insula.safety.presidio_kinds import PRESIDIO_KINDS
from insula.safety.spans import Span

Recogniser: TypeAlias = Callable[[str], Iterator[Span]]

RECOGNISERS: Registry[Recogniser] = Registry("recognisers")
for _name, _reference in {
    "address_en": "address_en:addresses",
    "address_zh": "address_zh:addresses",
    "bank_account": "bank_account:accounts",
    "card": "cards:cards",
    "cn_company": "company_cn:credit_codes",
    "cn_id": "identity_cn:identity_numbers",
    "cn_plate": "plate_cn:plates",
    "email": "email:addresses",
    "handle": "handle:handles",
    "ip": "ip:addresses",
    "name_en": "name_en:names",
    "name_zh": "name_zh:names",
    "phone": "phone:numbers",
    "phone_zh": "phone_zh:numbers",
    "presidio": "presidio:numbers",
    "url": "secret_url:urls",
}.items():
    RECOGNISERS.register(_name, f"insula.safety.recognisers.{_reference}")

# What a text must hold before the built-in one can find anything; most messages have neither digit nor address sign.
_NEEDS: dict[str, re.Pattern[str]] = {
    **dict.fromkeys(
        ("address_en", "bank_account", "card", "cn_company", "cn_id", "cn_plate", "phone", "phone_zh", "presidio"),
        re.compile(r"[0-9]"),
    ),
    "address_zh": re.compile(r"[号弄]"),
    "email": re.compile(r"@|艾特|#| [Aa][Tt] |[(\[{（【<] ?[Aa][Tt]"),
    "handle": re.compile(
        r"微信|薇信|威信|徽信|微❤|[Vv]信|卫星号|加我?[微Vv薇]|[Qq][Qq]|扣扣|企鹅号|Q[:：群]|q[:：群]|[Cc][Hh][Aa][Tt]"
        r"|[Ww][Ee][Ii][Xx][Ii][Nn]|[VvWw][Xx]"
    ),
    "ip": re.compile(r"[0-9:]"),
    "name_zh": re.compile(r"[\u4e00-\u9fff]"),
    "url": re.compile(r"://"),
}


def spans_of(text: str, kinds: Collection[str]) -> Iterator[Span]:
    """Yield what recognisers find in readable text, overlaps included; `presidio` only for its own `kinds`."""
    for needed, recognise in _at_hand(len(RECOGNISERS), any(kind in PRESIDIO_KINDS for kind in kinds)):
        if needed is None or needed.search(text):
            yield from recognise(text)


@cache
def _at_hand(_count: int, presidio: bool) -> tuple[tuple[re.Pattern[str] | None, Recogniser], ...]:
    return tuple((_NEEDS.get(name), RECOGNISERS[name]) for name in RECOGNISERS if presidio or name != "presidio")
