"""Who visits, from one page to the next: a cookie that the server signed, and the tokens of its forms.

A cookie holds a random number, the public id of a key that was typed, and until when it counts: never the key, so that
whoever finds a cookie has an hour of pages, not the key. A token binds a form to the cookie it was made for.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from insula.core.errors import SettingsError

LEAST_SECRET = 32
VISIT = 86_400.0  # seconds for which the forms of somebody who did not sign in count
MOST_ENDED = 10_000
_FORM = re.compile(r"([0-9a-f]{32})\.([a-z2-7]{0,32})\.([0-9]{1,12})\.([0-9a-f]{64})")


@dataclass(frozen=True)
class Session:
    """A visit.

    id     random; new at each sign-in
    key    the id of the key that was typed, None for somebody who did not sign in
    until  when it ends, in seconds since 1970
    """

    id: str
    key: str | None
    until: int

    @property
    def signed(self) -> str:
        """What the signature is over."""
        return f"{self.id}.{self.key or ''}.{self.until}"


class Sessions:
    """Makes, writes and reads sessions.

    secret   what they are signed with; another one ends them all
    seconds  how long a sign-in counts
    """

    def __init__(self, secret: bytes, seconds: float, *, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._seconds = seconds
        self._clock = clock
        self._ended: dict[str, int] = {}

    def begin(self, key: str | None = None) -> Session:
        """Return a new session, for the key of this id or for nobody."""
        life = VISIT if key is None else self._seconds
        return Session(secrets.token_hex(16), key, int(self._clock() + life))

    def write(self, session: Session) -> str:
        """Return a session as the value of a cookie."""
        return f"{session.signed}.{self._mac('session', session)}"

    def read(self, value: str | None) -> Session | None:
        """Return the session of a cookie; None where it is not ours, has ended, or was signed out of."""
        found = _FORM.fullmatch(value or "")
        if found is None:
            return None
        session = Session(found[1], found[2] or None, int(found[3]))
        right = hmac.compare_digest(self._mac("session", session), found[4])
        return session if right and self._clock() < session.until and session.id not in self._ended else None

    def form_token(self, session: Session) -> str:
        """Return what the forms of a session's pages bear."""
        return self._mac("form", session)

    def is_form_of(self, token: str, session: Session) -> bool:
        """Whether a form came from a page of this session."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self.form_token(session).encode("ascii"))

    def end(self, session: Session) -> None:
        """Let a session count no more, on this server; its cookie is taken away, too."""
        if session.key is None:
            return  # it opened nothing
        now = self._clock()
        if len(self._ended) >= MOST_ENDED:
            self._ended = {one: until for one, until in self._ended.items() if until > now}
        self._ended[session.id] = session.until

    def _mac(self, purpose: str, session: Session) -> str:
        # The purpose keeps a form's token from passing as a cookie's signature.
        said = f"insula {purpose} 1\x00{session.signed}".encode("ascii")
        return hmac.new(self._secret, said, hashlib.sha256).hexdigest()


def session_secret(file: Path | None) -> bytes:
    """Return the content of the file, a random secret where none is given; `SettingsError` where it is too short."""
    if file is None:
        return secrets.token_bytes(LEAST_SECRET)
    try:
        secret = file.read_bytes().strip()
    except OSError as error:
        raise SettingsError(
            f"The file pages.session_secret {str(file)!r} cannot be read: {error.strerror}. Name another one."
        ) from None
    if len(secret) < LEAST_SECRET:
        raise SettingsError(
            f"The file pages.session_secret must have at least {LEAST_SECRET} bytes. Got {len(secret)}. "
            "Write one with: openssl rand -hex 32"
        )
    return secret
