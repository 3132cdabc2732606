"""Numbers with their checksums, for generated masking cases: written from the standards, apart from the recognisers."""

from __future__ import annotations

import datetime
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def words(listed: str) -> list[str]:
    """The words of a text."""
    return listed.split()


COMPANY_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100: no I, O, S, V, Z
ID_WEIGHTS = [2 ** (17 - place) % 11 for place in range(17)]  # GB 11643, ISO 7064 MOD 11-2
# First six digits of real identity numbers, from north to south.
AREAS = words(
    "110101 110105 110108 120103 130102 140105 150102 210202 220104 230103 310101 310115 320102 320505 330106 "
    "330203 340104 350203 360102 370202 410105 420111 430104 440106 440305 450103 460105 500112 510107 520102 "
    "530102 610113 620102 630104 640104 650102"
)
# Country, length of the part after the check digits, and its shape: d digits, A capital letters.
IBANS = (
    "DE dddddddddddddddddd", "GB AAAAdddddddddddddd", "FR ddddddddddddddddddddddd", "NL AAAAdddddddddd",
    "CH ddddddddddddddddd", "ES dddddddddddddddddddd", "IT Adddddddddddddddddddddd", "BE dddddddddddd",
    "AT dddddddddddddddd", "PL dddddddddddddddddddddddd", "NO ddddddddddd", "SE dddddddddddddddddddd",
    "DK dddddddddddddd", "FI dddddddddddddd", "IE AAAAdddddddddddddd", "PT ddddddddddddddddddddd",
    "LU dddddddddddddddd", "CZ dddddddddddddddddddd", "GR ddddddddddddddddddddddd", "AE ddddddddddddddddddd",
    "SA dddddddddddddddddddd", "TR dddddddddddddddddddddd", "HU dddddddddddddddddddddddd", "LT dddddddddddddddd",
)  # fmt: skip
CARDS = (("4", 16), ("4", 16), ("51", 16), ("53", 16), ("55", 16), ("2221", 16), ("2720", 16), ("34", 15), ("37", 15),
         ("6011", 16), ("65", 16), ("3528", 16), ("3589", 16), ("36", 14), ("300", 14))  # fmt: skip
BANK_CARDS = (("622202", 19), ("621226", 19), ("622848", 19), ("621700", 19), ("623058", 19), ("621661", 19),
              ("622588", 16), ("625956", 16), ("622155", 16), ("622700", 19), ("955880", 19))  # fmt: skip


def pick(rng: random.Random, items: Sequence[T]) -> T:
    """One of `items`, by `random()` alone, whose sequence Python promises to keep between versions."""
    return items[int(rng.random() * len(items))]


def digits(rng: random.Random, count: int) -> str:
    return "".join(pick(rng, "0123456789") for _ in range(count))


def luhn_digit(body: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled // 10 + doubled % 10
    return str(-total % 10)


def by_luhn(rng: random.Random, prefix: str, length: int) -> str:
    body = prefix + digits(rng, length - len(prefix) - 1)
    return body + luhn_digit(body)


def card(rng: random.Random) -> str:
    return by_luhn(rng, *pick(rng, CARDS))


def bank_card(rng: random.Random) -> str:
    return by_luhn(rng, *pick(rng, BANK_CARDS))


def id_check(body: str) -> str:
    return "10X98765432"[sum(int(d) * w for d, w in zip(body, ID_WEIGHTS, strict=True)) % 11]


def cn_id(rng: random.Random) -> str:
    born = datetime.date(1940, 1, 1) + datetime.timedelta(days=int(rng.random() * 27000))
    body = f"{pick(rng, AREAS)}{born:%Y%m%d}{digits(rng, 3)}"
    return body + id_check(body)


def company_check(body: str) -> str:
    total = sum(COMPANY_ALPHABET.index(sign) * 3**place for place, sign in enumerate(body))
    return COMPANY_ALPHABET[-total % 31]


def cn_company(rng: random.Random) -> str:
    head = pick(rng, ["91", "91", "91", "92", "93", "52", "12", "51"]) + pick(rng, AREAS)
    tail = pick(rng, ["MA" + "".join(pick(rng, COMPANY_ALPHABET) for _ in range(7)), digits(rng, 9)])
    return head + tail + company_check(head + tail)


def iban_check(country: str, account: str) -> str:
    moved = account + country + "00"
    return f"{98 - int(''.join(str(int(sign, 36)) for sign in moved)) % 97:02d}"


def iban(rng: random.Random) -> str:
    country, shape = pick(rng, IBANS).split()
    account = "".join(pick(rng, "ABCDEFGHKLMNPRSTW" if sign == "A" else "0123456789") for sign in shape)
    return country + iban_check(country, account) + account


def hong_kong_check(body: str) -> str:
    letters, figures = body[:-6], body[-6:]
    total = sum((ord(letter) - 55) * weight for letter, weight in zip(letters[::-1], (8, 9), strict=False))
    total += 0 if len(letters) == 2 else 36 * 9
    total += sum(int(digit) * (7 - place) for place, digit in enumerate(figures))
    return "0123456789A"[(11 - total % 11) % 11]


def hong_kong_id(rng: random.Random) -> str:
    body = "".join(pick(rng, "ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(pick(rng, (1, 1, 1, 2)))) + digits(rng, 6)
    form = pick(rng, ("{}({})", "{}({})", "{}{}", "{} ({})", "{}（{}）"))
    return form.format(body, hong_kong_check(body))


TAIWAN_CODES = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21, 22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30, 31, 33),
        strict=True,
    )
)


def taiwan_check(body: str) -> str:
    tens, ones = divmod(TAIWAN_CODES[body[0]], 10)
    second = int(body[1]) if body[1].isdigit() else TAIWAN_CODES[body[1]] % 10
    total = tens + 9 * ones + 8 * second + sum(int(digit) * (7 - place) for place, digit in enumerate(body[2:]))
    return str((10 - total % 10) % 10)


def taiwan_id(rng: random.Random) -> str:
    body = (
        pick(rng, "ABCDEFGHJKLMNPQRSTUVXYWZIO") + pick(rng, ("1", "1", "2", "2", "8", "9", "C", "D")) + digits(rng, 7)
    )
    return body + taiwan_check(body)


def macau_id(rng: random.Random) -> str:
    first, body, last = pick(rng, "157"), digits(rng, 6), digits(rng, 1)
    return pick(rng, (f"{first}{body}({last})", f"{first}/{body}/{last}", f"{first}{body}{last}"))


def passport(rng: random.Random) -> str:
    form = pick(
        rng, ("E########", "EA#######", "G########", "#########", "C########", "P#######", "AB#######", "X####A###")
    )
    return "".join(pick(rng, "0123456789") if sign == "#" else sign for sign in form)


def spoilt(rng: random.Random, number: str) -> str:
    """The same number with its last digit changed, so that no checksum fits."""
    wrong = "0123456789".replace(number[-1], "") if number[-1].isdigit() else "0123456789"
    return number[:-1] + pick(rng, wrong)
