"""Sessions of the pages: a signed cookie, and the CSRF tokens of its forms.

A cookie holds a random number, the public id of the key that was typed, and its expiry, but never the key: a stolen
cookie opens the pages for an hour, and nothing else. A CSRF token binds a form to the session it was made for.
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

MIN_SECRET = 32  # bytes
ANONYMOUS_SECONDS = 86_400.0  # how long a session without a key lasts; only its forms need it
MAX_ENDED = 10_000
_COOKIE = re.compile(r"([0-9a-f]{32})\.([a-z2-7]{0,32})\.([0-9]{1,12})\.([0-9a-f]{64})")


@dataclass(frozen=True)
class Session:
    """A session of the pages.

    id       random, and new at each sign-in
    key_id   the public id of the key that was typed, None before a sign-in
    expires  in seconds since 1970
    """

    id: str
    key_id: str | None
    expires: int

    @property
    def signed(self) -> str:
        """The part of the cookie that the signature protects."""
        return f"{self.id}.{self.key_id or ''}.{self.expires}"


class Sessions:
    """Starts and ends sessions, and converts them to and from cookies.

    secret   key of the signatures; another one ends all sessions
    seconds  how long a person stays signed in
    """

    def __init__(self, secret: bytes, seconds: float, *, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._seconds = seconds
        self._clock = clock
        self._ended: dict[str, int] = {}

    def start(self, key_id: str | None = None) -> Session:
        """Return a new session, for the key with this id or without one."""
        lifetime = ANONYMOUS_SECONDS if key_id is None else self._seconds
        return Session(secrets.token_hex(16), key_id, int(self._clock() + lifetime))

    def to_cookie(self, session: Session) -> str:
        """Return a session as the value of a cookie."""
        return f"{session.signed}.{self._compute_mac('session', session)}"

    def from_cookie(self, value: str | None) -> Session | None:
        """Return the session of a cookie; None if its signature is wrong, or the session has expired or was ended."""
        found = _COOKIE.fullmatch(value or "")
        if found is None:
            return None
        session = Session(found[1], found[2] or None, int(found[3]))
        genuine = hmac.compare_digest(self._compute_mac("session", session), found[4])
        return session if genuine and self._clock() < session.expires and session.id not in self._ended else None

    def create_csrf_token(self, session: Session) -> str:
        """Return the token that forms on the pages of a session contain."""
        return self._compute_mac("form", session)

    def has_csrf_token(self, session: Session, token: str) -> bool:
        """Whether a form with this token comes from a page of this session."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self.create_csrf_token(session).encode("ascii"))

    def end(self, session: Session) -> None:
        """End a session on this server, even if its cookie was copied; one without a key has nothing to end."""
        if session.key_id is None:
            return
        now = self._clock()
        if len(self._ended) >= MAX_ENDED:
            self._ended = {one: expires for one, expires in self._ended.items() if expires > now}
        self._ended[session.id] = session.expires

    def _compute_mac(self, purpose: str, session: Session) -> str:
        # With the purpose in it, the token of a form is not accepted as the signature of a cookie.
        message = f"insula {purpose} 1\x00{session.signed}".encode("ascii")
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()


def read_session_secret(file: Path | None) -> bytes:
    """Return the content of a file, or a random secret without one; raise `SettingsError` if the file is too short."""
    if file is None:
        return secrets.token_bytes(MIN_SECRET)
    try:
        secret = file.read_bytes().strip()
    except OSError as error:
        raise SettingsError(
            f"The file pages.session_secret {str(file)!r} cannot be read: {error.strerror}. Choose a readable file."
        ) from None
    if len(secret) < MIN_SECRET:
        raise SettingsError(
            f"The file pages.session_secret {str(file)!r} must have at least {MIN_SECRET} bytes. Got {len(secret)}. "
            "Write one with: openssl rand -hex 32"
        )
    return secret
