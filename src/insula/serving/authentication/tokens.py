"""JSON web tokens: whose they are and what they allow, once their signature is verified (RFC 7519, RFC 8725)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import jwt

from insula.core.errors import SettingsError
from insula.operations.credentials.keys import SCOPES
from insula.serving.authentication.published_keys import PublishedKeys

# Signatures with a private key alone: with a shared secret, a public key could be passed off as one.
ALGORITHMS = ("RS256", "ES256", "EdDSA")
LONGEST = 8192
MOST_SUBJECT = 150
NEEDED = ("exp", "iss", "aud", "sub")


class TokenError(Exception):
    """A token is refused; `args[0]` says why in one word, for the audit log alone."""


@dataclass(frozen=True)
class Claims:
    """What a verified token says."""

    subject: str
    scopes: tuple[str, ...]
    expires: datetime


class Tokens:
    """Verifies tokens of one issuer for one audience.

    algorithms   some of RS256, ES256 and EdDSA
    scope_claim  the claim with the scopes: words with spaces between, or a list; other scopes than ours are passed over
    prefix       what the issuer writes before our scopes, as `insula:`
    leeway       seconds by which clocks may differ

    Raises `SettingsError` for another algorithm, or an empty issuer or audience.
    """

    def __init__(
        self,
        keys: PublishedKeys,
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
                f"The algorithms of tokens must be some of {', '.join(ALGORITHMS)}. Got {', '.join(wrong) or 'none'}. "
                "A token whose key is public or missing proves nothing."
            )
        if not issuer or not audience:
            raise SettingsError("The issuer and the audience of tokens must be named. Set access.issuer and .audience.")
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._algorithms = tuple(algorithms)
        self._scope_claim = scope_claim
        self._prefix = prefix
        self._leeway = leeway

    def verify(self, token: str) -> Claims:
        """Return what a token says; `TokenError` where it is not to be believed, `StoreUnreachableError` without keys.

        The algorithm must be one of the settings, and the one of the key that the token names. Addresses of keys, and
        keys, that stand in the token itself are never used.
        """
        if len(token) > LONGEST:
            raise TokenError("too_long")
        try:
            header = jwt.get_unverified_header(token)
            algorithm, identity = header.get("alg"), header.get("kid")
            if algorithm not in self._algorithms or "crit" in header or header.get("b64") is not None:
                raise TokenError("algorithm")
            key = self._keys.find(identity, algorithm)
            if key is None:
                raise TokenError("unknown_key")
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=self._leeway,
                options={"require": list(NEEDED)},
            )
            subject = claims["sub"]
            if not isinstance(subject, str) or not 0 < len(subject) <= MOST_SUBJECT:
                raise TokenError("subject")
            return Claims(subject, self._scopes(claims.get(self._scope_claim)), _moment(claims["exp"]))
        except jwt.PyJWTError as error:
            raise TokenError(_reason(error)) from None
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            raise TokenError("malformed") from None

    def _scopes(self, claim: object) -> tuple[str, ...]:
        words = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
        allowed = {
            word.removeprefix(self._prefix) for word in words if isinstance(word, str) and word.startswith(self._prefix)
        }
        return tuple(scope for scope in SCOPES if scope in allowed)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(min(int(seconds), 253402300799), tz=UTC)  # the last second of the year 9999


def _reason(error: jwt.PyJWTError) -> str:
    kinds = {
        jwt.ExpiredSignatureError: "expired",
        jwt.ImmatureSignatureError: "not_yet",
        jwt.InvalidAudienceError: "audience",
        jwt.InvalidIssuerError: "issuer",
        jwt.MissingRequiredClaimError: "incomplete",
        jwt.InvalidSignatureError: "signature",
    }
    return next((word for kind, word in kinds.items() if isinstance(error, kind)), "malformed")
