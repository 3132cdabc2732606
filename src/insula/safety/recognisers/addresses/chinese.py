"""Chinese postal addresses, from the largest unit to the smallest: province, city, district, street, room."""

from __future__ import annotations

import re
from collections.abc import Iterator

from insula.safety.recognisers.addresses.places_cn import CITIES, PROVINCES
from insula.safety.spans import Span

_HAN = r"[\u4e00-\u9fff]"
_PLACE = "|".join(sorted({*PROVINCES, *CITIES}, key=len, reverse=True))
# A district, county or street starts an address after a cue such as 住在, after punctuation, or at the start of a line.
_CUED = (
    rf"(?:(?<=[住在到往于是了址寄送放：:，,。；;、\s\"“(（])|^)(?![住在到往于是了址寄送放家])"
    rf"(?!{_HAN}{{0,2}}?(?:{_PLACE}))(?={_HAN}{{1,4}}?(?:区|县|旗|市|镇|乡|街道))"
)
_NUMBER = r"(?:[0-9]{1,5}(?:-[0-9]{1,4})?|[一二三四五六七八九十百零]{1,5})"
_ROAD = r"(?:(?<=[路街道巷弄里村庄屯组段园区镇乡院坊苑条桥塘坝东西南北中内外])|(?<=胡同))"
_UNIT = r"(?:号楼|号院|号|栋|幢|座|单元|层|楼|室|弄|院|组|户|门)"
_TAIL = (
    rf"(?:院|(?:{_HAN}|[A-Za-z]){{2,10}}?(?:广场|大厦|小区|公寓|花园|中心|现代城|家园|苑|大楼|写字楼|城|里|新村)"
    r"(?=[A-Za-z0-9]|座)"
    rf"|[ ,，]?[A-Za-z]?[0-9]{{1,5}}(?:-[0-9]{{1,5}})*{_UNIT}|[A-Za-z](?:座|栋|区|单元)"
    r"|(?<=[座楼栋元幢层苑园])[0-9]{2,4}(?![0-9])){0,6}"
)
_ADDRESS = re.compile(rf"(?:(?:{_PLACE})|{_CUED}){_HAN}{{1,32}}?{_ROAD}{_NUMBER}(?:号|弄){_TAIL}", re.MULTILINE)
_ROAD_OR_PLACE = re.compile(r"[路街道巷弄村庄屯镇乡里园区县市]")


def find_addresses(text: str) -> Iterator[Span]:
    """Yield `address` spans; a house number is required."""
    if "号" not in text and "弄" not in text:
        return
    for found in _ADDRESS.finditer(text):
        if _ROAD_OR_PLACE.search(found[0]):
            yield Span(*found.span(), "address")
