"""`Authenticator`: finds the caller of a call by its headers."""

from __future__ import annotations

from collections.abc import Iterable

from insula.operations.credentials.secret import WORD
from insula.serving.authentication.callers import LOCAL, AccessDeniedError, Caller
from insula.serving.authentication.key_cache import KeyCache
from insula.serving.authentication.local_access import LocalAccess
from insula.serving.authentication.tokens import InvalidTokenError, TokenVerifier
from insula.serving.blocking_pool import BlockingPool

BEARER = "bearer"
MAX_HEADER = 9000  # characters
Headers = Iterable[tuple[bytes, bytes]]


class Authenticator:
    """Finds the caller of a call.

    keys    recognises access keys
    tokens  verifies JSON web tokens; None if the server accepts none
    local   decides about calls without credentials
    pool    runs blocking calls
    """

    def __init__(self, *, keys: KeyCache, tokens: TokenVerifier | None, local: LocalAccess, pool: BlockingPool) -> None:
        self._keys = keys
        self._tokens = tokens
        self._local = local
        self._pool = pool

    async def authenticate(self, headers: Headers, address: str | None) -> Caller:
        """Return the caller with the credentials in `headers`.

        address   the client's, None if it is not known

        Raises `AccessDeniedError` if the credentials are missing or not valid, `StoreError` if they cannot be checked.
        """
        headers = list(headers)
        credentials = find_credentials(headers)
        if credentials is None:
            if await self._local.allows(headers, address):
                return LOCAL
            raise AccessDeniedError("unauthenticated", "nothing")
        if credentials.startswith(f"{WORD}_"):
            return await self._keys.find_caller(credentials)
        is_bearer = any(name.lower() == b"authorization" for name, _ in headers)
        if is_bearer and self._tokens is None and await self._local.allows(headers, address):
            return LOCAL  # clients of other services always send their token, such as one of the Hugging Face hub
        return await self._verify_token(credentials)

    @property
    def needs_credentials(self) -> bool:
        """Whether every call needs credentials, as last known: the first key may have been created since then."""
        return not self._local.is_open

    async def accepts_host(self, headers: Headers) -> bool:
        """Whether a call may use its host name, as defined by `LocalAccess.accepts_host`."""
        return await self._local.accepts_host(list(headers))

    async def authenticate_session(self, key_id: str) -> Caller:
        """Return the caller of a session of the pages, which was opened with the key of this id.

        Raises what `authenticate` does: the key may have been revoked, or may have expired, since.
        """
        return await self._keys.find_cached_caller(key_id)

    async def _verify_token(self, token: str) -> Caller:
        verifier = self._tokens
        if verifier is None:
            raise AccessDeniedError("unauthenticated", "no_key")
        try:
            claims = await self._pool.run(lambda: verifier.verify(token))
        except InvalidTokenError as error:
            raise AccessDeniedError("unauthenticated", f"token_{error.args[0]}") from None
        return Caller(f"token:{claims.subject}", claims.scopes, name=claims.subject)


def find_credentials(headers: Headers) -> str | None:
    """Return the key or token in `Authorization: Bearer` or `X-API-Key`; None without one. Nothing else is read.

    Raises `AccessDeniedError` if one is malformed, or if there are several: which one counts would be a guess.
    """
    found = []
    for name, value in headers:
        lowered = name.lower()
        if lowered == b"authorization":
            found.append(_read_bearer_token(value))
        elif lowered == b"x-api-key":
            found.append(_decode_header(value))
    if len(found) > 1:
        raise AccessDeniedError("unauthenticated", "several_credentials")
    return found[0] if found else None


def _read_bearer_token(value: bytes) -> str:
    scheme, _, rest = _decode_header(value).partition(" ")
    if scheme.lower() != BEARER:
        raise AccessDeniedError("unauthenticated", "scheme")
    return rest.strip(" ")


def _decode_header(value: bytes) -> str:
    if len(value) > MAX_HEADER:
        raise AccessDeniedError("unauthenticated", "malformed")
    try:
        text = value.decode("ascii").strip(" \t")
    except UnicodeDecodeError:
        raise AccessDeniedError("unauthenticated", "malformed") from None
    if not text:
        raise AccessDeniedError("unauthenticated", "malformed")
    return text
