"""English postal addresses: house number and street, with unit, town, state and postal code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from insula.safety.spans import Span

_LONG_ENDS = (
    "Street Avenue Road Lane Drive Boulevard Court Way Place Terrace Crescent Close Square Parkway Highway "
    "Trail Loop Circle Alley Row Mews Walk Plaza Hill Grove Gardens Park"
).split()
_SHORT_ENDS = "St Ave Rd Ln Dr Blvd Ct Pl Ter Cres Sq Pkwy Hwy Cir".split()
_STATES = (
    "A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]"
    "|Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho|Illinois|Indiana"
    "|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada"
    "|(?:New|North|South) [A-Z][a-z]+|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|Tennessee|Texas|Utah"
    "|Vermont|Virginia|Washington|West Virginia|Wisconsin|Wyoming|AB|BC|MB|NB|NL|NS|ON|PE|QC|SK|NSW|QLD|TAS|VIC"
)
_NUMBER = r"[1-9][0-9]{0,4}[A-Za-z]?(?:[\-/][0-9]{1,4})?"
_DIRECTION = r"(?:(?:(?:North|South)(?:east|west)?|East|West|NE|NW|SE|SW)\b|[NSEW]\b\.?)"
# A full stop is part of a name only after an abbreviation: elsewhere it ends the sentence.
_NAME = r"(?:[A-Z][A-Za-z'’\-]{0,20}|[A-Z][a-z]{0,2}\.|[0-9]{1,3}(?:st|nd|rd|th))"
_UNIT = r"(?:(?:Apt|Apartment|Unit|Suite|Ste|Flat|Floor|Room|Rm)\b\.? ?#?[0-9A-Za-z\-]{1,6}|# ?[0-9A-Za-z\-]{1,6})"
_TOWN = r"[A-Z][A-Za-z.'\-]{1,20}(?: [A-Z][A-Za-z.'\-]{1,20}){0,2}"
_ZIP = r"[0-9]{5}(?:-[0-9]{4})?"
_POSTCODE = r"(?:[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9])(?![0-9A-Za-z])"
_LOCALITY = (
    rf"(?:,? {_DIRECTION}(?![A-Za-z]))?(?:,? ?{_UNIT})?"
    rf"(?:,? {_TOWN},? (?:{_STATES}),? (?:{_ZIP}|{_POSTCODE})|,? {_TOWN},? {_POSTCODE}"
    rf"|, {_TOWN}, (?:{_STATES})(?![A-Za-z])|,? {_POSTCODE})?"
)
_START = r"(?<![0-9A-Za-z_#$€£.,:/\-])"
_END = rf"(?:(?:{'|'.join(_LONG_ENDS)})|(?:{'|'.join(_SHORT_ENDS)})\b\.?)(?![A-Za-z])"
_STREET = re.compile(
    rf"{_START}(?:{_UNIT}, ?)?{_NUMBER} (?!South Park\b)(?:{_DIRECTION} )?"
    rf"(?:{_NAME} ){{1,5}}?{_END}(?: {_END})?{_LOCALITY}"
)
_NO_UNIT = rf"(?!(?:Apt|Apartment|Unit|Suite|Ste|Flat|Floor|Room|Rm)\b){_NAME}"
# After "lives at", any capitalised words after a number are a street.
_CUED = re.compile(
    r"(?<![A-Za-z])(?i:(?:resid(?:es?|ed|ing)|li(?:ves?|ved|ving)) at|address(?: is|:)) "
    rf"(?P<address>(?:{_UNIT}, ?)?{_NUMBER} {_NO_UNIT}(?: {_NO_UNIT}){{0,4}}{_LOCALITY})(?![A-Za-z])"
)
_BOX = re.compile(rf"(?<![A-Za-z])P\.? ?O\.? ?Box [0-9]{{1,7}}(?![0-9]){_LOCALITY}", re.IGNORECASE)
# A street in lower case needs a cue such as "lives at", or an ending that is no other word.
_LOWER_CASE = re.compile(
    rf"{_START}(?P<number>{_NUMBER}) (?P<street>(?:[a-z][a-z'\-]{{1,15}} ){{1,3}}?)"
    rf"(?P<end>rd|ave|blvd|{'|'.join(end.lower() for end in _LONG_ENDS[:8])})\b\.?(?![A-Za-z])"
)
_CUE = re.compile(
    r"(?<![A-Za-z])(?:live[sd]?|living|address(?: is|:)?|ship(?: it)? to|deliver(?: it)? to"
    r"|moved to|house|home(?: is|:)?)(?: at)? ?\Z",
    re.IGNORECASE,
)
_NO_STREET_WORDS = frozenset(
    (
        "a an and are at blocks but by court days down feet for from hour hours in is it long minute minutes "
        "miles my no of off on one or people per shows the their this to way ways were with years your"
    ).split()
)


def find_addresses(text: str) -> Iterator[Span]:
    """Yield `address` spans."""
    for pattern in (_STREET, _BOX):
        for found in pattern.finditer(text):
            yield Span(*found.span(), "address")
    for found in _CUED.finditer(text):
        yield Span(*found.span("address"), "address")
    for found in _LOWER_CASE.finditer(text):
        is_street = not _NO_STREET_WORDS & set(found["street"].split())
        if is_street and (
            found["end"] in ("rd", "ave", "blvd") or _CUE.search(text, max(0, found.start() - 30), found.start())
        ):
            yield Span(*found.span(), "address")
