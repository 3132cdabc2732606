"""Checksums of cards, bank accounts, identity numbers and company codes."""

from __future__ import annotations

import datetime
from functools import cache
from itertools import cycle

COMPANY_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK_CHARACTERS = "10X98765432"
_COMPANY_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_NO_LETTER = 36  # value of the missing first letter of a Hong Kong number
_TAIWANESE_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"  # in the order of their values, from 10 on
_TAIWANESE_WEIGHTS = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
# The first two digits of an area code (GB/T 2260) are its province.
_PROVINCES = frozenset(
    (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83)
)


def has_luhn_digit(digits: str) -> bool:
    """Return whether the last digit is the check digit of ISO/IEC 7812-1, Annex B."""
    odd = sum(map(int, digits[-1::-2]))
    return (odd + sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])) % 10 == 0


def is_iban(account: str) -> bool:
    """Return whether an IBAN without separators has valid check digits (ISO 13616, ISO 7064 MOD 97-10)."""
    rotated = account[4:] + account[:4]
    return int("".join(str(int(character, 36)) for character in rotated)) % 97 == 1


def is_chinese_number(number: str) -> bool:
    """Return whether 18 characters are a number of GB 11643: province, date of birth, ISO 7064 MOD 11-2."""
    if not is_province(number[:2]) or not _is_birth_date(number[6:14]):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _ID_WEIGHTS, strict=False))
    return number[17] == _ID_CHECK_CHARACTERS[total % 11]


def is_credit_code(code: str) -> bool:
    """Return whether 18 characters end in the check character of GB 32100 (MOD 31)."""
    try:
        values = [COMPANY_ALPHABET.index(character) for character in code]
    except ValueError:
        return False
    total = sum(value * weight for value, weight in zip(values, _COMPANY_WEIGHTS, strict=False))
    return values[17] == -total % 31


def is_hong_kong_number(number: str) -> bool:
    """Return whether one or two letters, 6 digits and a check character are a Hong Kong number (MOD 11)."""
    values = [_NO_LETTER if character == " " else int(character, 36) for character in number.rjust(9)]
    return sum(value * weight for value, weight in zip(values, range(9, 0, -1), strict=True)) % 11 == 0


def is_taiwanese_number(number: str) -> bool:
    """Return whether one or two letters, digits and a check digit are a Taiwanese identity number (MOD 10)."""
    area = _TAIWANESE_LETTERS.index(number[0]) + 10
    second = number[1] if number[1].isdigit() else str((_TAIWANESE_LETTERS.index(number[1]) + 10) % 10)
    digits = f"{area}{second}{number[2:]}"
    return sum(int(digit) * weight for digit, weight in zip(digits, _TAIWANESE_WEIGHTS, strict=True)) % 10 == 0


def is_machine_readable_passport(line: str) -> bool:
    """Return whether 44 characters are the second line of a passport with valid check digits (ICAO 9303, part 4)."""
    parts = (line[:9], line[9]), (line[13:19], line[19]), (line[21:27], line[27])
    composite = line[:10] + line[13:20] + line[21:43]
    return all(_compute_icao_digit(field) == digit for field, digit in (*parts, (composite, line[43])))


def _compute_icao_digit(field: str) -> str:
    values = (0 if character == "<" else int(character, 36) for character in field)
    return str(sum(value * weight for value, weight in zip(values, cycle((7, 3, 1)), strict=False)) % 10)


def is_province(digits: str) -> bool:
    """Return whether two digits are the code of a Chinese province."""
    return int(digits) in _PROVINCES


def is_plausible_birth_year(year: int) -> bool:
    """Return whether the year is between 1900 and the current one: a person who was born in it may be alive."""
    return 1900 <= year <= _get_this_year()


def _is_birth_date(digits: str) -> bool:
    """Return whether yyyymmdd is a date between 1900 and the end of the current year."""
    try:
        born = datetime.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return is_plausible_birth_year(born.year)


@cache
def _get_this_year() -> int:
    return datetime.datetime.now(datetime.UTC).year
