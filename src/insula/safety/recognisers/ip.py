"""IPv4 and IPv6 addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from insula.safety.recognisers.cues import build_cue_pattern
from insula.safety.spans import Span

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_V4 = re.compile(rf"(?<![0-9A-Za-z_.])(?:{_OCTET}\.){{3}}{_OCTET}(?![0-9]|\.[0-9]|[A-Za-z_])")
_V6 = re.compile(r"(?<![0-9A-Za-z:.])(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:.]{3,}+")
# Versions and chapters are written as four numbers with dots, too.
_VERSION_CUE = re.compile(
    build_cue_pattern(
        "versions?|ver|releases?|build|firmware|chapter|section|article|clause|update|v|iOS|Android|Windows",
        "版本号?|版|第|章|节|升级到|更新到|系统|固件",
    )
    + r"[ :：.]{0,2}\Z",
    re.IGNORECASE,
)
_MAX_CHARACTERS = 45
_V6_START = re.compile(r"(?:[23][0-9a-f]{3}|f[cd][0-9a-f]{2}|fe[89a-f][0-9a-f]):", re.IGNORECASE)


def find_ip_addresses(text: str) -> Iterator[Span]:
    """Yield `ip` spans, without port and prefix length; loopback and unspecified addresses identify nobody."""
    if text.count(".") >= 3:
        for found in _V4.finditer(text):
            is_version = _VERSION_CUE.search(text, max(0, found.start() - 12), found.start())
            if not is_version and _identifies_a_machine(found[0]):
                yield Span(*found.span(), "ip")
    if text.count(":") >= 2:
        for found in _V6.finditer(text):
            written = found[0].rstrip(".") if found[0].endswith(".") else found[0]
            written = written[:-1] if written.endswith(":") and not written.endswith("::") else written
            if 4 <= len(written) <= _MAX_CHARACTERS and written.count(":") >= 2 and _is_v6(written):
                yield Span(found.start(), found.start() + len(written), "ip")


def _is_v6(written: str) -> bool:
    # `10::00` and `c::b` occur as times and code: without the start of a common address all eight groups are required.
    is_clear = written.count(":") == 7 or written.lower().startswith("::ffff:") or _V6_START.match(written)
    return bool(is_clear) and _identifies_a_machine(written)


def _identifies_a_machine(written: str) -> bool:
    """Return whether this is a valid address other than one that every machine has."""
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)
