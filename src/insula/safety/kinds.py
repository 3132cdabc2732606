"""The kinds of personal data, and the tokens that stand for what was masked."""

from __future__ import annotations

import re

from insula.safety.presidio_kinds import PRESIDIO_KINDS

KINDS: dict[str, str] = {
    "address": "postal address with a house number, English or Chinese",
    "bank_card": "Chinese bank card: UnionPay, Luhn digit",
    "card": "payment card of an international scheme, Luhn digit",
    "cn_company": "unified social credit code, GB 32100",
    "cn_id": "Chinese resident identity number, GB 11643",
    "cn_plate": "Chinese number plate",
    "email": "e-mail address, also written out",
    "handle": "WeChat or QQ account, after a word that says so",
    "iban": "international bank account number, ISO 13616",
    "ip": "internet address, version 4 or 6",
    "name": "name of a person whom the sentence introduces",
    "phone": "phone number: international, North American, British, Chinese",
    "url": "URL with a password, token or key in it",
}
GROUPS: dict[str, frozenset[str]] = {"all": frozenset(KINDS), "presidio": frozenset(PRESIDIO_KINDS)}
_EVERY = "|".join(kind.upper() for kind in (*KINDS, *PRESIDIO_KINDS))
# [EMAIL], or with a key [EMAIL:Q2hp...]: kind and pseudonym.
TOKEN = re.compile(rf"\[(?P<kind>{_EVERY})(?::(?P<hidden>[A-Za-z0-9_\-]{{22,}}))?\]")


def token(kind: str, hidden: str | None = None) -> str:
    """Return what stands for something of a kind."""
    return f"[{kind.upper()}]" if hidden is None else f"[{kind.upper()}:{hidden}]"
