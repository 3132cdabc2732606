"""Identity numbers: mainland China, Hong Kong, Macau and Taiwan; passports and travel permits."""

from __future__ import annotations

import re
from collections.abc import Iterator

from insula.safety.checksums import (
    is_chinese_number,
    is_hong_kong_number,
    is_machine_readable_passport,
    is_province,
    is_taiwanese_number,
)
from insula.safety.recognisers.cues import build_cue_pattern
from insula.safety.recognisers.digit_groups import find_numbers
from insula.safety.spans import Span

_CHINESE_LENGTH = (18,)
_REACH = 40  # characters between a cue and its number
_HONG_KONG = re.compile(
    r"(?<![0-9A-Za-z])([A-Z]{1,2}[0-9]{6})(?: ?[(（]([0-9A])[)）]|([0-9A])(?![0-9A-Za-z]))", re.IGNORECASE
)
_HONG_KONG_CUE = re.compile(build_cue_pattern("hkid|hk id|hong kong", "香港|身份[证證]"), re.IGNORECASE)
_TAIWAN = re.compile(r"(?<![0-9A-Za-z])[A-Z][A-D1289][0-9]{8}(?![0-9A-Za-z])", re.IGNORECASE)
_TAIWAN_CUE = re.compile(
    build_cue_pattern(
        "taiwan|taiwanese|national id|id number|arc|resident certificate",
        "台[湾灣]|身[份分][证證]|居留[证證]|字[号號]|[证證][号號]",
    ),
    re.IGNORECASE,
)
_MACAU = re.compile(r"(?<![0-9/])[157](?:/[0-9]{6}/[0-9]|[0-9]{6} ?[(（][0-9][)）]|[0-9]{7})(?![0-9/])")
_MACAU_CUE = re.compile(
    build_cue_pattern("maca[uo]")
    + rf"[^\n]{{0,{_REACH}}}?"
    + build_cue_pattern("id|identity|card|bir")
    + "|澳[门門][^\n]{0,12}?[证證]|"
    + build_cue_pattern("bir"),
    re.IGNORECASE,
)
_PASSPORT = re.compile(
    build_cue_pattern(
        "passport|travel document|travel permit|home return permit",
        "护照|護照|通行[证證]|台胞[证證]|回[乡鄉][证證]|旅行[证證]",
    )
    + r"(?:(?: ?(?:numbers?|num|no|nr|card|is|was)(?![A-Za-z])\.?)|号码?|號碼?|编号|編號|是|为|為|[:：#=(（,，]| ){0,5}"
    r"(?P<number>(?=[A-Z]{0,3}[0-9])[0-9A-Z]{6,11})(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_PASSPORT_DIGITS = 5  # at least
_MACHINE_READABLE = re.compile(
    r"(?<![A-Z0-9<])(?:[A-Z0-9<]{9}[0-9][A-Z<]{3}[0-9]{7}[MFX<][0-9]{7}[A-Z0-9<]{14}[0-9<][0-9]|(?P<names>P[A-Z<][A-Z<]{42}))"
    r"(?![A-Z0-9<])"
)


def find_chinese_numbers(text: str) -> Iterator[Span]:
    """Yield `cn_id` spans (GB 11643): a known province, a possible date of birth, a valid check character."""
    for start, end, number in find_numbers(text, _find_chinese_lengths, last="Xx"):
        if is_chinese_number(number.upper()):
            yield Span(start, end, "cn_id", checked=True)


def _find_chinese_lengths(prefix: str) -> tuple[int, ...]:
    return _CHINESE_LENGTH if is_province(prefix[:2]) else ()


def find_hong_kong_numbers(text: str) -> Iterator[Span]:
    """Yield `hk_id` spans: a valid check character in brackets, or without brackets after a cue."""
    for found in _HONG_KONG.finditer(text):
        body, bracketed, plain = found.groups()
        if is_hong_kong_number((body + (bracketed or plain)).upper()) and (
            bracketed or _is_near_cue(_HONG_KONG_CUE, found)
        ):
            yield Span(*found.span(), "hk_id", checked=True)


def find_taiwanese_numbers(text: str) -> Iterator[Span]:
    """Yield `tw_id` spans: a valid check digit, and a cue or nothing else in the line: other codes look the same."""
    for found in _TAIWAN.finditer(text):
        if is_taiwanese_number(found[0].upper()) and (_is_near_cue(_TAIWAN_CUE, found) or _is_line(found)):
            yield Span(*found.span(), "tw_id", checked=True)


def find_macau_numbers(text: str) -> Iterator[Span]:
    """Yield `macau_id` spans after a cue. The algorithm of the check digit is not published."""
    for found in _MACAU.finditer(text):
        if _is_near_cue(_MACAU_CUE, found):
            yield Span(*found.span(), "macau_id")


def find_passports(text: str) -> Iterator[Span]:
    """Yield `passport` spans: numbers after a cue, and the machine-readable lines of a passport."""
    for found in _PASSPORT.finditer(text):
        if sum(character.isdigit() for character in found["number"]) >= _PASSPORT_DIGITS:
            yield Span(*found.span("number"), "passport")
    if "<" in text:
        for found in _MACHINE_READABLE.finditer(text):
            if (found["names"] and "<<" in found[0]) or (not found["names"] and is_machine_readable_passport(found[0])):
                yield Span(*found.span(), "passport", checked=not found["names"])


def _is_near_cue(pattern: re.Pattern[str], found: re.Match[str]) -> bool:
    return bool(pattern.search(found.string, max(0, found.start() - _REACH), found.start()))


def _is_line(found: re.Match[str]) -> bool:
    before, after = found.string[: found.start()][-1:], found.string[found.end() :][:1]
    return before in ("", "\n") and after in ("", "\n")
