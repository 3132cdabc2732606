"""The registry of recognisers: what finds personal data of a kind.

A recogniser is a function from readable text to `Span`s of it. It never raises, takes time in proportion to the text,
and prefers to miss what only may be personal data where no checksum tells. Installed packages add recognisers through
the entry-point group `insula.recognisers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from insula.core.registry import Registry
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
    "url": "secret_url:urls",
}.items():
    RECOGNISERS.register(_name, f"insula.safety.{_reference}")
