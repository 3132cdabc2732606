"""The kinds of personal data, and the tokens that replace masked values."""

from __future__ import annotations

import re

from insula.safety.presidio_kinds import PRESIDIO_KINDS

KINDS: dict[str, str] = {
    "address": "postal address with a house number, English or Chinese",
    "api_key": "API key, access token or private key",
    "bank_card": "Chinese bank card (UnionPay) with a valid Luhn digit",
    "birth_date": "date of birth after a cue",
    "card": "payment card of an international scheme with a valid Luhn digit",
    "cn_company": "unified social credit code, GB 32100",
    "cn_id": "Chinese resident identity number, GB 11643",
    "cn_plate": "Chinese number plate",
    "email": "e-mail address, also spelled out",
    "handle": "account name or number of a messenger or social network after a cue",
    "hk_id": "Hong Kong identity card number",
    "iban": "international bank account number, ISO 13616",
    "ip": "IPv4 or IPv6 address",
    "macau_id": "Macau identity card number after a cue",
    "name": "name of a person after an introduction or a title",
    "passport": "number of a passport or travel permit after a cue; machine-readable line of a passport",
    "password": "password, PIN or one-time code after a cue",
    "phone": "phone number: international, North American, British, Chinese",
    "tw_id": "Taiwanese identity number, check digit and a cue",
    "url": "URL that contains a password, token or key",
}
GROUPS: dict[str, frozenset[str]] = {"all": frozenset(KINDS), "presidio": frozenset(PRESIDIO_KINDS)}
_NAMES = "|".join(kind.upper() for kind in (*KINDS, *PRESIDIO_KINDS))
# [EMAIL], or [EMAIL:Q2hp...] with a pseudonym.
TOKEN = re.compile(rf"\[(?P<kind>{_NAMES})(?::(?P<pseudonym>[A-Za-z0-9_\-]{{22,}}))?\]")


def make_token(kind: str, pseudonym: str | None = None) -> str:
    """Return the token that replaces a value of a kind."""
    return f"[{kind.upper()}]" if pseudonym is None else f"[{kind.upper()}:{pseudonym}]"
