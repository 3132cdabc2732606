"""TokenVerifier: only what the issuer signed, for us, now; and none of the known ways around that."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from insula.core.errors import SettingsError, StoreUnreachableError
from insula.serving.authentication import jwks as jwks_module
from insula.serving.authentication.jwks import KeySet
from insula.serving.authentication.tokens import InvalidTokenError, TokenVerifier

RSA = rsa.generate_private_key(65537, 2048)
OTHER_RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
KINDS = {"RS256": RSA, "ES256": EC, "EdDSA": ED}


def _public(key: Any, identity: str, **more: str) -> dict[str, Any]:
    algorithm = {rsa.RSAPrivateKey: "RS256", ec.EllipticCurvePrivateKey: "ES256"}
    name = next((name for kind, name in algorithm.items() if isinstance(key, kind)), "EdDSA")
    made = jwt.get_algorithm_by_name(name).to_jwk(key.public_key(), as_dict=True)
    return {**made, "kid": identity, **more}


JWKS = {"keys": [_public(RSA, "r"), _public(EC, "e"), _public(ED, "d")]}


def _claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {"iss": "https://issuer", "aud": "insula", "sub": "anna", "exp": now + 300, "scope": "predict openid admin"}
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def _token(
    algorithm: str = "RS256", *, key: Any = None, kid: str | None = None, headers: Any = None, **changes: Any
) -> str:
    identity = {"RS256": "r", "ES256": "e", "EdDSA": "d"}.get(algorithm, "r") if kid is None else kid
    return jwt.encode(_claims(**changes), key or KINDS[algorithm], algorithm, {"kid": identity, **(headers or {})})


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(JWKS))
    return file


@pytest.fixture
def tokens(jwks: Path) -> TokenVerifier:
    return TokenVerifier(KeySet(jwks), issuer="https://issuer", audience="insula")


def _parts(**parts: Any) -> str:
    header = {"alg": "RS256", "kid": "r", "typ": "JWT", **parts.pop("header", {})}
    pieces = [json.dumps(header).encode(), json.dumps(_claims(**parts)).encode()]
    return ".".join(base64.urlsafe_b64encode(piece).rstrip(b"=").decode() for piece in pieces)


@pytest.mark.parametrize("algorithm", KINDS)
def test_a_token_of_the_issuer_is_believed(tokens: TokenVerifier, algorithm: str) -> None:
    expires = int(time.time()) + 300
    found = tokens.verify(_token(algorithm, exp=expires))
    assert (found.subject, found.scopes) == ("anna", ("predict", "admin"))
    assert found.expires.timestamp() == expires


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": 1}, "expired"),
        ({"exp": None}, "incomplete"),
        ({"exp": "soon"}, "malformed"),
        ({"nbf": 4102444800}, "not_yet"),
        ({"iat": 4102444800}, "not_yet"),
        ({"iss": "https://other"}, "issuer"),
        ({"iss": None}, "incomplete"),
        ({"aud": "another-service"}, "audience"),
        ({"aud": None}, "incomplete"),
        ({"sub": None}, "incomplete"),
        ({"sub": ""}, "subject"),
        ({"sub": "x" * 151}, "subject"),
        ({"kid": "unknown"}, "unknown_key"),
        ({"kid": "e"}, "unknown_key"),  # a key of another algorithm
        ({"key": OTHER_RSA}, "signature"),
        ({"headers": {"crit": ["exp"]}}, "malformed"),
        ({"scope": "x" * 9000}, "too_long"),
    ],
)
def test_a_token_that_does_not_hold_is_refused(tokens: TokenVerifier, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidTokenError) as refused:
        tokens.verify(_token(**changes))
    assert refused.value.args == (reason,)


@pytest.mark.parametrize("name", ["none", "None", "NONE", "", None, "HS256", "RS512", ["RS256"], 7])
def test_an_unsigned_token_is_refused(tokens: TokenVerifier, name: Any) -> None:
    for signature in ("", "AAAA"):
        with pytest.raises(InvalidTokenError):
            tokens.verify(f"{_parts(header={'alg': name})}.{signature}")


@pytest.mark.parametrize("kid", ["r", "e", "d", None])
def test_a_public_key_is_no_shared_secret(tokens: TokenVerifier, kid: str | None) -> None:
    """Algorithm confusion: an HMAC made with what everybody can read."""
    pem = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, pem.strip(), json.dumps(JWKS["keys"][0]).encode()):
        for algorithm in ("HS256", "RS256"):
            signed = _parts(header={"alg": algorithm, "kid": kid})
            made = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
            with pytest.raises(InvalidTokenError):
                tokens.verify(f"{signed}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}")


def test_a_key_in_the_token_itself_is_not_used(tokens: TokenVerifier) -> None:
    more = {"jwk": _public(OTHER_RSA, "r"), "jku": "http://evil/jwks", "x5u": "http://evil/cert"}
    with pytest.raises(InvalidTokenError, match="signature"):
        tokens.verify(_token(key=OTHER_RSA, headers=more))


def test_keys_that_must_not_verify_are_passed_over(tmp_path: Path) -> None:
    weak = json.loads(json.dumps(_public(RSA, "weak")))
    weak["n"] = weak["n"][:170]  # about 1,020 bits
    shared = {"kty": "oct", "k": base64.urlsafe_b64encode(b"secret" * 8).decode(), "kid": "s", "alg": "HS256"}
    entries = [weak, shared, _public(RSA, "enc", use="enc"), {"kty": "RSA", "kid": "half"}, "text", None, {"kty": 7}]
    (tmp_path / "jwks").write_text(json.dumps({"keys": entries}))
    keys = KeySet(tmp_path / "jwks")
    for identity in ("weak", "s", "enc", "half", None):
        for algorithm in ("RS256", "HS256"):
            assert keys.find(identity, algorithm) is None


def test_without_an_id_the_only_key_is_meant(tokens: TokenVerifier, jwks: Path) -> None:
    token = jwt.encode(_claims(), RSA, "RS256")
    assert tokens.verify(token).subject == "anna"
    jwks.write_text(json.dumps({"keys": [_public(RSA, "r"), _public(OTHER_RSA, "r2")]}))
    two = TokenVerifier(KeySet(jwks), issuer="https://issuer", audience="insula")
    with pytest.raises(InvalidTokenError, match="unknown_key"):
        two.verify(token)


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("insula:predict insula:review predict", ("predict", "review")),
        (["insula:predict", 7, None, ["insula:admin"]], ("predict",)),
        ("", ()),
        (7, ()),
        ({"insula:admin": True}, ()),
    ],
)
def test_scopes_are_those_of_the_claim(jwks: Path, claim: Any, expected: tuple[str, ...]) -> None:
    made = TokenVerifier(
        KeySet(jwks), issuer="https://issuer", audience="insula", scope_claim="rights", prefix="insula:"
    )
    assert made.verify(_token(rights=claim)).scopes == expected


@pytest.mark.parametrize("algorithms", [["HS256"], ["none"], ["RS256", "HS512"], []])
def test_other_algorithms_cannot_be_set(jwks: Path, algorithms: list[str]) -> None:
    with pytest.raises(SettingsError, match="RS256"):
        TokenVerifier(KeySet(jwks), issuer="i", audience="a", algorithms=algorithms)
    with pytest.raises(SettingsError, match="audience"):
        TokenVerifier(KeySet(jwks), issuer="i", audience="")


def test_only_what_is_allowed_is_verified(jwks: Path) -> None:
    narrow = TokenVerifier(KeySet(jwks), issuer="https://issuer", audience="insula", algorithms=["ES256"])
    assert narrow.verify(_token("ES256")).subject == "anna"
    with pytest.raises(InvalidTokenError, match="algorithm"):
        narrow.verify(_token("RS256"))


@given(
    st.one_of(
        st.text(max_size=200), st.binary(max_size=60).map(lambda data: base64.b64encode(data).decode() + ".e30.AA")
    )
)
def test_nonsense_is_refused(text: str) -> None:
    made = TokenVerifier(_Fixed(), issuer="i", audience="a")
    with pytest.raises(InvalidTokenError):
        made.verify(text)


@pytest.mark.parametrize(
    "claims",
    ['{"exp":1e999}', '{"exp":' + "9" * 400 + "}", "[" * 3000 + "]" * 3000, "[]", "null", '{"exp":NaN}', '"text"'],
)
def test_signed_nonsense_is_refused(tokens: TokenVerifier, claims: str) -> None:
    usual = '"iss":"https://issuer","aud":"insula","sub":"anna",'
    content = claims.replace("{", "{" + usual, 1) if claims.startswith("{") else claims
    header = base64.urlsafe_b64encode(b'{"alg":"EdDSA","kid":"d"}').rstrip(b"=")
    signed = header + b"." + base64.urlsafe_b64encode(content.encode()).rstrip(b"=")
    token = signed + b"." + base64.urlsafe_b64encode(ED.sign(signed)).rstrip(b"=")
    try:
        tokens.verify(token.decode())
    except InvalidTokenError:
        return
    assert "9" * 400 in claims  # a very far end is an end


class _Fixed(KeySet):
    def __init__(self) -> None:
        super().__init__("unused", fetch=lambda _: json.dumps(JWKS).encode())


class _Source:
    """A JWKS that a test changes and takes away; counts how often it is asked."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.document: object = {"keys": [_public(RSA, "r")]}
        self.keys = KeySet("https://issuer/jwks", clock=lambda: self.now, fetch=self._fetch)

    def _fetch(self, _: str) -> bytes:
        self.asked += 1
        if self.document is None:
            raise OSError("away")
        return json.dumps(self.document).encode()


def test_keys_are_remembered_and_rotated() -> None:
    source = _Source()
    for _ in range(100):
        assert source.keys.find("r", "RS256") is not None
    assert source.asked == 1
    source.document = {"keys": [_public(RSA, "r"), _public(OTHER_RSA, "new")]}
    source.now = 11
    assert source.keys.find("new", "RS256") is not None  # an unknown id is asked for
    for number in range(100):
        assert source.keys.find(f"guess{number}", "RS256") is None
    assert source.asked == 2  # and guessing does not make us ask
    source.document = {"keys": [_public(OTHER_RSA, "new")]}
    source.now = 11 + jwks_module.MAX_AGE
    assert source.keys.find("r", "RS256") is None  # what was withdrawn is forgotten


def test_a_source_that_is_away_is_bridged_for_a_while() -> None:
    source = _Source()
    assert source.keys.find("r", "RS256") is not None
    for broken in (None, [], {"keys": 7}):
        source.document = broken
        source.now += jwks_module.MAX_AGE
        assert source.keys.find("r", "RS256") is not None
    source.now = jwks_module.MAX_AGE + jwks_module.STALE
    with pytest.raises(StoreUnreachableError):
        source.keys.find("r", "RS256")
    source.document = {"keys": [_public(RSA, "r")]}
    source.now += jwks_module.COOLDOWN
    assert source.keys.find("r", "RS256") is not None
    with pytest.raises(StoreUnreachableError):
        KeySet("https://issuer/jwks", fetch=_Source.__dict__["_fetch"].__get__(_away())).find("r", "RS256")


def _away() -> _Source:
    source = _Source()
    source.document = None
    return source


@pytest.mark.parametrize("place", ["http://issuer.example/jwks", "ftp://issuer/jwks", "file:///etc/passwd"])
def test_keys_come_by_a_safe_way(place: str) -> None:
    with pytest.raises(SettingsError, match="https://"):
        KeySet(place)


@pytest.fixture
def issuer(jwks: Path) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", f"http://127.0.0.1:{self.server.server_address[1]}/jwks")
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b" " * (1 << 21) if self.path == "/large" else jwks.read_bytes())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_keys_are_read_from_an_address_and_nowhere_else(issuer: str) -> None:
    assert KeySet(f"{issuer}/jwks").find("e", "ES256") is not None
    for path in ("moved", "large"):
        with pytest.raises(StoreUnreachableError):
            KeySet(f"{issuer}/{path}").find("e", "ES256")
