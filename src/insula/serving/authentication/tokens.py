"""`TokenVerifier`: subject and scopes of JSON web tokens with a valid signature (RFC 7519, RFC 8725)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import jwt

from insula.core.errors import SettingsError
from insula.operations.credentials.keys import SCOPES
from insula.serving.authentication.jwks import KeySet

# Only signatures with a private key: a server that accepts shared secrets could mistake a public key for one.
ALGORITHMS = ("RS256", "ES256", "EdDSA")
MAX_TOKEN = 8192  # characters
MAX_SUBJECT = 150
REQUIRED = ("exp", "iss", "aud", "sub")


class InvalidTokenError(Exception):
    """A token is not valid; `args[0]` is the reason in one word, for the audit log alone."""


@dataclass(frozen=True)
class Claims:
    """The claims of a verified token."""

    subject: str
    scopes: tuple[str, ...]
    expires: datetime


class TokenVerifier:
    """Verifies tokens of one issuer for one audience.

    algorithms   some of RS256, ES256 and EdDSA
    scope_claim  the claim with the scopes, a space-separated string or a list; unknown scopes are ignored
    prefix       prefix of the scopes of insula in that claim, such as `insula:`
    leeway       seconds of allowed clock difference

    Raises `SettingsError` for another algorithm, or for an empty issuer or audience.
    """

    def __init__(
        self,
        keys: KeySet,
        *,
        issuer: str,
        audience: str,
        algorithms: Sequence[str] = ALGORITHMS,
        scope_claim: str = "scope",
        prefix: str = "",
        leeway: float = 30.0,
    ) -> None:
        wrong = sorted(set(algorithms) - set(ALGORITHMS))
        if wrong or not algorithms:
            raise SettingsError(
                f"The setting tokens.algorithms must have some of {', '.join(ALGORITHMS)}. Got "
                f"{', '.join(wrong) or 'none'}. Choose from these; they sign with a private key."
            )
        for name, value in (("issuer", issuer), ("audience", audience)):
            if not value:
                raise SettingsError(
                    f"The setting tokens.{name} must not be empty if tokens.keys is given. Set it to the value in the "
                    f"identity provider's tokens."
                )
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._algorithms = tuple(algorithms)
        self._scope_claim = scope_claim
        self._prefix = prefix
        self._leeway = leeway

    def verify(self, token: str) -> Claims:
        """Return the claims of a token.

        The algorithm must be allowed by the settings, and fit the key that the token names. Keys and addresses of keys
        in the token itself are never used.

        Raises `InvalidTokenError` if the token is not valid, `StoreUnreachableError` if no keys can be read.
        """
        if len(token) > MAX_TOKEN:
            raise InvalidTokenError("too_long")
        try:
            header = jwt.get_unverified_header(token)
            algorithm, key_id = header.get("alg"), header.get("kid")
            if algorithm not in self._algorithms or "crit" in header or header.get("b64") is not None:
                raise InvalidTokenError("algorithm")
            key = self._keys.find(key_id, algorithm)
            if key is None:
                raise InvalidTokenError("unknown_key")
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=self._leeway,
                options={"require": list(REQUIRED)},
            )
            subject = claims["sub"]
            if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
                raise InvalidTokenError("subject")
            return Claims(subject, self._read_scopes(claims.get(self._scope_claim)), _to_datetime(claims["exp"]))
        except jwt.PyJWTError as error:
            raise InvalidTokenError(_name_reason(error)) from None
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            raise InvalidTokenError("malformed") from None

    def _read_scopes(self, claim: object) -> tuple[str, ...]:
        words = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
        allowed = {
            word.removeprefix(self._prefix) for word in words if isinstance(word, str) and word.startswith(self._prefix)
        }
        return tuple(scope for scope in SCOPES if scope in allowed)


def _to_datetime(seconds: float) -> datetime:
    return datetime.fromtimestamp(min(int(seconds), 253402300799), tz=UTC)  # the last second of the year 9999


def _name_reason(error: jwt.PyJWTError) -> str:
    reasons = {
        jwt.ExpiredSignatureError: "expired",
        jwt.ImmatureSignatureError: "not_yet",
        jwt.InvalidAudienceError: "audience",
        jwt.InvalidIssuerError: "issuer",
        jwt.MissingRequiredClaimError: "incomplete",
        jwt.InvalidSignatureError: "signature",
    }
    return next((word for kind, word in reasons.items() if isinstance(error, kind)), "malformed")
