"""Who may call the running service: keys missing, expired, of the wrong scope, guessed, in the wrong place."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from serving_running import Running, problem, running
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from insula.api.access import create_key, revoke_key, rotate_key
from insula.api.stored import verify_audit
from insula.core.errors import SettingsError, StoreError
from insula.operations.credentials.keys import KeyStore
from insula.operations.credentials.quota import Quota
from insula.operations.credentials.secret import make_secret
from insula.operations.store.database import open_database
from insula.serving.app import create_app
from insula.serving.authentication.denial_log import ENTRIES
from insula.serving.settings.settings import load_settings
from waiting import DEADLINE, wait_until

BODY = {"texts": ["So happy!", "Oh no."]}
ISSUER = ed25519.Ed25519PrivateKey.generate()
PREDICTING: dict[str, Any] = {
    "/v1/predict": BODY,
    "/predict": {"inputs": "So happy!"},
    "/v1/batches": {"path": "/etc/passwd"},
    "/v1/feedback": {"text": "So happy!", "labels": []},
}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with keys."""
    return tmp_path_factory.mktemp("access") / "data"


@pytest.fixture(scope="module")
def keys(data: Path) -> dict[str, str]:
    """Keys by what is special about them."""
    made = {
        "good": create_key("good", store=data),
        "every": create_key("every", scopes=("predict", "review", "admin"), store=data),
        "admin": create_key("admin", scopes=("admin",), store=data),
        "review": create_key("review", scopes=("review",), store=data),
        "few": create_key("few", texts_per_day=5, store=data),
        "slow": create_key("slow", calls_per_second=0.01, burst=3, store=data),
        "revoked": create_key("revoked", store=data),
        "expired": create_key("expired", store=data),
    }
    revoke_key(made["revoked"].record.id, store=data)
    database = open_database(data)
    KeyStore(database).rotate(made["expired"].record.id, grace=-1)
    database.close()
    return {name: key.secret for name, key in made.items()}


@pytest.fixture(scope="module")
def locked(linear_model: Path, data: Path, keys: dict[str, str]) -> Iterator[Running]:
    """A service that has keys and takes tokens."""
    public = jwt.get_algorithm_by_name("EdDSA").to_jwk(ISSUER.public_key(), as_dict=True)
    (data / "jwks.json").write_text(json.dumps({"keys": [{**public, "kid": "k"}]}))
    tokens = {"keys": str(data / "jwks.json"), "issuer": "https://issuer", "audience": "insula"}
    with running(linear_model, store={"address": str(data)}, tokens=tokens) as service:
        yield service


def token(**changes: Any) -> str:
    claims = {"iss": "https://issuer", "aud": "insula", "sub": "anna", "exp": int(time.time()) + 60, "scope": "predict"}
    return jwt.encode({**claims, **changes}, ISSUER, "EdDSA", {"kid": "k"})


def nothing_predicted(served: Running) -> Callable[[], bool]:
    """Return what says whether no text was judged since."""

    def judged() -> float:
        return sum(
            sample.value
            for metric in served.service.telemetry._predicted.collect()
            for sample in metric.samples
            if sample.name.endswith("_total")
        )

    before = judged()
    return lambda: judged() == before


def test_a_key_and_a_token_open_the_service(locked: Running, keys: dict[str, str]) -> None:
    for headers in (
        bearer(keys["good"]),
        {"X-API-Key": keys["good"]},
        {"authorization": f"bEaReR  {keys['good']}"},
        bearer(token()),
        bearer(token(scope="openid predict admin")),
    ):
        for path in ("/v1/predict", "/predict"):
            assert locked.post(path, PREDICTING[path], headers=headers).status_code == 200
    assert locked.get("/v1/models", headers=bearer(keys["good"])).status_code == 200
    assert locked.get("/metrics", headers=bearer(keys["admin"])).status_code == 200


def test_what_watches_the_service_needs_no_key(locked: Running) -> None:
    for path in ("/healthz", "/readyz", "/version", "/openapi.json"):
        assert locked.get(path).status_code == 200


WRONG = {
    "none": {},
    "empty": {"Authorization": ""},
    "scheme alone": {"Authorization": "Bearer"},
    "no scheme": {"Authorization": "KEY"},
    "another scheme": {"Authorization": "Basic KEY"},
    "token scheme": {"Authorization": "Token KEY"},
    "key as token scheme": {"Authorization": "ApiKey KEY"},
    "quoted": {"Authorization": 'Bearer "KEY"'},
    "two words": {"Authorization": "Bearer KEY KEY"},
    "cut": {"Authorization": "Bearer CUT"},
    "longer": {"Authorization": "Bearer KEYa"},
    "upper case": {"Authorization": "Bearer UPPER"},
    "guessed": {"Authorization": "Bearer GUESSED"},
    "id alone": {"Authorization": "Bearer ID"},
    "id of one, secret of another": {"Authorization": "Bearer MIXED"},
    "not ascii": {"Authorization": "Bearer ключ".encode()},
    "very long": {"Authorization": "Bearer " + "a" * 20_000},
    "both": {"Authorization": "Bearer KEY", "X-API-Key": "KEY"},
    "cookie": {"Cookie": "Authorization=Bearer KEY; X-API-Key=KEY; key=KEY"},
    "another header": {"X-Authorization": "Bearer KEY", "Api-Key": "KEY", "Proxy-Authorization": "Bearer KEY"},
    "forwarded as local": {"X-Forwarded-For": "127.0.0.1", "Host": "localhost"},
    "revoked": {"Authorization": "Bearer REVOKED"},
    "expired": {"Authorization": "Bearer EXPIRED"},
    "token without a signature": {"Authorization": "Bearer NONE"},
    "expired token": {"Authorization": "Bearer OLD"},
    "token for others": {"Authorization": "Bearer OTHERS"},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_key_never_gets_a_prediction(locked: Running, keys: dict[str, str], case: str) -> None:
    good, other = keys["good"], keys["every"]
    unsigned = jwt.encode({"sub": "a", "scope": "predict"}, None, "none")
    words = {
        "KEY": good, "CUT": good[:-1], "UPPER": good.upper(), "GUESSED": make_secret(), "REVOKED": keys["revoked"],
        "EXPIRED": keys["expired"], "ID": good.split("_")[1], "NONE": unsigned, "OLD": token(exp=1),
        "MIXED": "_".join((*good.split("_")[:2], other.split("_")[2])), "OTHERS": token(aud="others"),
    }  # fmt: skip
    headers: dict[str, Any] = {}
    for name, value in WRONG[case].items():
        for word, meant in words.items():
            value = value.replace(word, meant) if isinstance(value, str) else value
        headers[name] = value
    unchanged = nothing_predicted(locked)
    for path, body in PREDICTING.items():
        refused = locked.post(path, body, headers=headers)
        said = problem(refused, 401, "unauthenticated")
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert good not in json.dumps(said)
        assert "predictions" not in said
    assert unchanged()


def test_a_key_in_the_wrong_place_never_gets_a_prediction(locked: Running, keys: dict[str, str]) -> None:
    key, unchanged = keys["good"], nothing_predicted(locked)
    for name in ("key", "api_key", "access_token", "token", "Authorization", "X-API-Key"):
        query = locked.post(f"/v1/predict?{name}={key}", BODY)
        problem(query, 401, "unauthenticated")
        problem(locked.post("/v1/predict", {**BODY, name: key}), 401, "unauthenticated")
        problem(locked.post("/v1/predict", BODY, cookies={name: key}), 401, "unauthenticated")
    address = locked.address.replace("http://", f"http://user:{key}@")
    problem(httpx2.post(f"{address}/v1/predict", json=BODY), 401, "unauthenticated")
    assert unchanged()


def test_a_stream_asks_for_the_key_at_every_message(linear_model: Path, tmp_path: Path) -> None:
    made = create_key("care", texts_per_day=2, store=tmp_path)
    with running(linear_model, store={"address": str(tmp_path)}, access={"remembered_seconds": 0}) as service:
        address = service.address.replace("http", "ws") + "/v1/stream"
        for headers in ({}, bearer(make_secret()), {"Cookie": f"key={made.secret}"}):
            with pytest.raises(InvalidStatus) as refused:
                connect(address, additional_headers=headers)
            assert refused.value.response.status_code == 401
            assert json.loads(refused.value.response.body)["code"] == "unauthenticated"
        with pytest.raises(InvalidStatus):
            connect(f"{address}?key={made.secret}")
        with connect(address, additional_headers=bearer(made.secret)) as stream:
            codes = []
            for number in range(4):
                if number == 3:
                    revoke_key(made.record.id, store=tmp_path)
                stream.send('{"text": "So happy!"}')
                codes.append(json.loads(stream.recv(timeout=DEADLINE)).get("error", {}).get("code"))
        assert codes == [None, None, "quota", "unauthenticated"]


def test_a_file_counts_against_the_quota(linear_model: Path, tmp_path: Path) -> None:
    few, enough = (create_key("care", texts_per_day=quota, store=tmp_path) for quota in (5, 50))
    rows = "text\n" + "".join(f"message {number}\n" for number in range(10))
    with running(linear_model, store={"address": str(tmp_path)}) as service:
        for key, status in ((few, "failed"), (enough, "done")):
            headers = bearer(key.secret) | {"Content-Type": "text/csv"}
            job = httpx2.post(f"{service.address}/v1/batches", content=rows, headers=headers).json()

            def said() -> dict[str, Any]:
                found: dict[str, Any] = service.get(f"/v1/batches/{job['id']}", headers=bearer(key.secret)).json()  # noqa: B023
                return found

            wait_until(lambda: said()["status"] in ("failed", "done"), "the job did not end")
            assert said()["status"] == status
            assert ("quota" in (said()["detail"] or "")) == (status == "failed")
            assert "caller" not in said()
    database = open_database(tmp_path)
    assert Quota(database).count_used(f"key:{enough.record.id}") == 10
    database.close()


def test_a_key_does_what_its_scopes_say_and_no_more(locked: Running, keys: dict[str, str]) -> None:
    unchanged = nothing_predicted(locked)
    for headers in (
        bearer(keys["admin"]),
        bearer(keys["review"]),
        bearer(token(scope="admin review")),
        bearer(token(scope="")),
    ):
        for path, body in PREDICTING.items():
            problem(locked.post(path, body, headers=headers), 403, "forbidden")
    problem(locked.get("/metrics", headers=bearer(keys["good"])), 403, "forbidden")
    problem(locked.get("/metrics"), 401, "unauthenticated")
    assert unchanged()


def test_a_quota_counts_texts_but_not_refused_ones(locked: Running, keys: dict[str, str]) -> None:
    headers = bearer(keys["few"])
    assert locked.post("/v1/predict", {"texts": ["a", "b", "c"]}, headers=headers).status_code == 200
    assert locked.post("/v1/predict", {"texts": ["a"], "model": "none"}, headers=headers).status_code == 404
    refused = locked.post("/v1/predict", {"texts": ["a", "b", "c"]}, headers=headers)
    problem(refused, 429, "quota")
    assert 0 < int(refused.headers["retry-after"]) <= 86400
    assert locked.post("/predict", {"inputs": [["a"], ["b"]]}, headers=headers).status_code == 200
    problem(locked.post("/v1/predict", {"texts": ["a"]}, headers=headers), 429, "quota")


def test_a_rate_allows_a_burst_and_then_says_the_wait(locked: Running, keys: dict[str, str]) -> None:
    answers = [locked.get("/v1/models", headers=bearer(keys["slow"])) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    problem(answers[-1], 429, "too_many_calls")
    assert 90 <= int(answers[-1].headers["retry-after"]) <= 100
    assert locked.get("/v1/models", headers=bearer(keys["good"])).status_code == 200


def test_openapi_says_how_to_send_a_key(locked: Running) -> None:
    document = locked.get("/openapi.json").json()
    assert _security(locked) == [{"bearer": []}, {"key": []}]
    assert {"401", "403", "429"} <= document["paths"]["/v1/predict"]["post"]["responses"].keys()
    assert "security" not in document["paths"]["/healthz"]["get"]
    assert set(document["components"]["securitySchemes"]) == {"bearer", "key"}


def test_denied_calls_are_in_the_audit_log_but_not_without_end(
    linear_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = create_key("care", store=tmp_path)
    canary = "kanarienvogel"
    start = time.monotonic()
    with running(linear_model, store={"address": str(tmp_path)}) as service:
        for _ in range(40):
            problem(service.post("/v1/predict", {"texts": [canary]}, headers=bearer(canary)), 401, "unauthenticated")
        assert service.post("/v1/predict", {"texts": [canary]}, headers=bearer(made.secret)).status_code == 200
    (file,) = (tmp_path / "audit").glob("*.jsonl")
    entries = [json.loads(line) for line in file.read_text().splitlines()]
    denied = [entry["facts"] for entry in entries if entry["event"] == "call.denied"]
    assert 11 <= len(denied) <= 11 + (time.monotonic() - start) * ENTRIES.rate  # ten, those of the time, a last count
    assert len(denied) < 40
    assert sum(1 + entry["more"] for entry in denied[:-1]) + denied[-1]["more"] == 40
    assert denied[0] == {"reason": "no_key", "caller": None, "network": "127.0.0.0/24", "more": 0}
    assert [entry["event"] for entry in entries[:2]] == ["key.created", "model.loaded"]
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert canary.encode() not in everything
    assert made.secret.split("_")[2].encode() not in everything
    assert verify_audit(tmp_path / "audit").intact


def _security(service: Running) -> Any:
    """Return the ways to send a key that the document names; `{}` is none."""
    return service.get("/openapi.json").json()["paths"]["/v1/predict"]["post"]["security"]


def test_without_any_key_this_machine_alone_may_call(
    linear_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with running(linear_model, access={"remembered_seconds": 0}) as service:
        assert service.post("/v1/predict", BODY).status_code == 200
        assert list(tmp_path.iterdir()) == []  # nothing is made that nobody asked for
        # a page whose name was turned to this address
        problem(service.post("/v1/predict", BODY, headers={"Host": "evil.example"}), 421, "misdirected")
        for headers in (
            {"X-Forwarded-For": "203.0.113.7"},  # a proxy that others reach
            {"Forwarded": "for=203.0.113.7"},
            {"X-API-Key": "anything"},
        ):
            problem(service.post("/v1/predict", BODY, headers=headers), 401, "unauthenticated")
        assert {} in _security(service), "keys are optional"
        made = create_key("first", store="insula-data")
        problem(service.post("/v1/predict", BODY), 401, "unauthenticated")
        assert _security(service) == [{"bearer": []}, {"key": []}]
        assert service.post("/v1/predict", BODY, headers=bearer(made.secret)).status_code == 200
        revoke_key(made.record.id, store="insula-data")
        problem(service.post("/v1/predict", BODY, headers=bearer(made.secret)), 401, "unauthenticated")
        problem(service.post("/v1/predict", BODY), 401, "unauthenticated")  # it does not open again


class InTwoHours(datetime):
    """A clock that is ahead."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(hours=2)


def test_a_rotated_key_works_beside_the_new_one_for_a_while(
    linear_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = create_key("care", texts_per_day=3, store=tmp_path)
    with running(linear_model, store={"address": str(tmp_path)}, access={"remembered_seconds": 0}) as service:
        assert service.post("/v1/predict", BODY, headers=bearer(old.secret)).status_code == 200
        new = rotate_key(old.record.id, grace="1h", store=tmp_path)
        assert service.get("/v1/models", headers=bearer(old.secret)).status_code == 200
        problem(service.post("/v1/predict", BODY, headers=bearer(new.secret)), 429, "quota")  # one quota for both
        monkeypatch.setattr("insula.serving.authentication.key_cache.datetime", InTwoHours)
        problem(service.get("/v1/models", headers=bearer(old.secret)), 401, "unauthenticated")
        assert service.get("/v1/models", headers=bearer(new.secret)).status_code == 200


def _start(linear_model: Path, **given: Any) -> None:
    create_app(load_settings(environment={}, given={"models": [str(linear_model)], **given}))


def test_an_open_server_does_not_start_where_others_reach_it(
    linear_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org", ""):
        with pytest.raises(SettingsError):
            _start(linear_model, host=host)
    with pytest.raises(SettingsError, match="insula keys create"):
        _start(linear_model, host="0.0.0.0")
    _start(linear_model, host="0.0.0.0", access={"insecure": True})
    made = create_key("care")
    _start(linear_model, host="0.0.0.0")
    revoke_key(made.record.id)
    with pytest.raises(SettingsError, match="insula keys create"):
        _start(linear_model, host="0.0.0.0")
    with pytest.raises(SettingsError, match="audience"):
        _start(linear_model, host="0.0.0.0", tokens={"keys": "jwks.json", "issuer": "i"})
    _start(linear_model, host="0.0.0.0", tokens={"keys": "jwks.json", "issuer": "i", "audience": "a"})
    with pytest.raises(StoreError):
        _start(linear_model, store={"address": "mysql://h/d"})
