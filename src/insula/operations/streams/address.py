"""`split_address`: the server, the path and the options of a broker's address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from insula.core.errors import SettingsError


@dataclass(frozen=True)
class BrokerAddress:
    """A broker's address, such as `redis://host:port/0/messages?group=care`.

    server   the address without path and options, with its password; `shown` has none
    path     the parts of the path, the stream last
    options  after `?`
    """

    server: str
    shown: str
    path: tuple[str, ...]
    options: dict[str, str]


def split_address(address: str, broker: str, form: str, options: Sequence[str], most_parts: int = 1) -> BrokerAddress:
    """Return the parts of an address.

    broker      its name, for messages
    form        how its addresses look, for messages
    options     what may follow `?`: each name with the name of its value for messages, such as `group=NAME`
    most_parts  of the path, with the stream

    Raises `SettingsError`, without the password, for an address without a host or a stream, and for another option.
    """
    parts = urlsplit(address)
    path = tuple(part for part in parts.path.split("/") if part)
    given = dict(parse_qsl(parts.query))
    if (
        not parts.hostname
        or not 1 <= len(path) <= most_parts
        or set(given) - {one.partition("=")[0] for one in options}
    ):
        raise SettingsError(
            f"The address of a {broker} stream must be {form}, with {' and '.join(f'?{one}' for one in options)} as "
            f"options. Got {address.rpartition('@')[2]!r}. Write the address with the name of the stream."
        )
    server = urlunsplit((parts.scheme, parts.netloc, "", "", ""))
    shown = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
    return BrokerAddress(server, shown, path, given)
