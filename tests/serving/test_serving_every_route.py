"""Every route that has a scope, asked with every wrong key; the document lists them, so that none is missed."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from serving_running import Running, problem, running
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from insula.api.access import create_key, revoke_key
from insula.api.handoff import open_queue
from insula.operations.credentials.keys import SCOPES, KeyStore
from insula.operations.credentials.secret import make_secret
from insula.operations.handoff.cases import NewCase
from insula.operations.store.database import open_database
from insula.serving.routes.reply import CHOICE
from waiting import DEADLINE, eventually

BODIES: dict[str, Any] = {
    "/v1/predict": {"texts": ["So happy!"]},
    "/v1/explain": {"texts": ["So happy!"]},
    "/v1/counterfactual": {"texts": ["So happy!"]},
    "/v1/safety": {"messages": ["So happy!"]},
    "/v1/reply": {"text": "So happy!"},
    "/v1/reply/feedback": {"choice": CHOICE, "action": "sent"},
    "/v1/empathy": {"pairs": [{"message": "I failed.", "reply": "So happy!"}]},
    "/predict": {"inputs": "So happy!"},
    "/": {"inputs": "So happy!"},
    "/models/{name}": {"inputs": "So happy!"},
    "/v1/batches": {"path": "messages.csv"},
    "/v1/feedback": {"text": "So happy!", "labels": []},
    "/v1/route": {"messages": [{"id": "m-2", "text": "So happy!"}]},
    "/v1/predictions/{id}/feedback": {"labels": []},
    "/v1/keys": {"name": "another"},
    "/v1/queue/claim": {},
    "/v1/queue/{case}/claim": {},
    "/v1/queue/{case}/renew": {},
    "/v1/queue/{case}/reassign": {"to": "agent"},
    "/v1/queue/{case}/release": {},
    "/v1/queue/{case}/close": {"outcome": "resolved"},
    "/v1/queue/{case}/reopen": {},
}
STREAM = "/v1/stream"


@dataclass(frozen=True)
class Route:
    """An address that has a scope, with what it takes."""

    method: str
    path: str
    scope: str
    body: Any = None


@dataclass(frozen=True)
class Guarded:
    """A service with keys, and its routes."""

    service: Running
    keys: dict[str, str]
    routes: list[Route]
    client: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=DEADLINE))


@pytest.fixture(scope="module")
def guarded(linear_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A service with keys of all kinds, a finished job, and a place for feedback."""
    data = tmp_path_factory.mktemp("routes") / "data"
    keys = {scope: create_key(scope, scopes=(scope,), store=data).secret for scope in SCOPES}
    revoked, expired = create_key("revoked", store=data), create_key("expired", store=data)
    revoke_key(revoked.record.id, store=data)
    database = open_database(data)
    KeyStore(database).rotate(expired.record.id, grace=-1)
    database.close()
    keys |= {"revoked": revoked.secret, "expired": expired.secret, "guessed": make_secret()}
    (data / "routes.toml").write_text('[[routes]]\nname = "all"\nignore = true\n', encoding="utf-8")
    (data / "messages.csv").write_text("text\nso happy\n", encoding="utf-8")
    options = {
        "store": {"address": str(data)},
        "jobs": {"sources": [str(data)]},
        "reply": {"outcomes": str(data / "outcomes.jsonl")},
        "retention": {"days": 1},
        "access": {"manage_keys": True},
        "handoff": {"routes": str(data / "routes.toml")},
    }
    with open_queue(data) as queue:
        queue.open(NewCase(message="m-1", text="So happy!"))
    with running(linear_model, **options) as service:
        BODIES["/v1/batches"]["path"] = str(data / "messages.csv")
        headers = {"X-API-Key": keys["predict"]}
        job = service.post("/v1/batches", BODIES["/v1/batches"], headers=headers).json()["id"]
        eventually(lambda: service.get(f"/v1/batches/{job}", headers=headers).json()["status"], "done")
        guarded = Guarded(service, keys, list(_routes(service, job)))
        with guarded.client:
            yield guarded


def _routes(service: Running, job: str) -> Iterator[Route]:
    name = service.service.models.default.name
    for path, methods in service.get("/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            scope = operation.get("x-insula-scope")
            if scope is not None:
                place = path.replace("{id}", job).replace("{name}", name).replace("{case}", "1")
                yield Route(method.upper(), place, scope, BODIES.get(path) if method == "post" else None)
    yield Route("WS", STREAM, "predict")


def _ask(
    guarded: Guarded, route: Route, headers: dict[str, str] | None = None, query: str = "", body: Any = None
) -> Any:
    """Return the answer of a route; of a stream the answer to its opening."""
    address = f"{guarded.service.address}{route.path}{query}"
    if route.method != "WS":
        content = route.body if body is None else body
        return guarded.client.request(route.method, address, json=content, headers=headers)
    try:
        with connect(address.replace("http", "ws", 1), additional_headers=headers) as stream:
            stream.send('{"text": "So happy!"}')
            return httpx2.Response(200, json=json.loads(stream.recv(timeout=DEADLINE)))
    except InvalidStatus as refused:
        answer = refused.response
        return httpx2.Response(
            answer.status_code, content=bytes(answer.body or b""), headers=dict(answer.headers.raw_items())
        )


def _predicted_texts(guarded: Guarded) -> float:
    counter = guarded.service.service.telemetry._predicted
    return sum(one.value for metric in counter.collect() for one in metric.samples if one.name.endswith("_total"))


def _wrong(keys: dict[str, str], right: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what is wrong, and how to ask so."""
    for name in ("revoked", "expired", "guessed"):
        yield name, {"headers": {"Authorization": f"Bearer {keys[name]}"}}
        yield f"{name} in the other header", {"headers": {"X-API-Key": keys[name]}}
    yield "missing", {}
    yield "empty", {"headers": {"X-API-Key": ""}}
    yield "cut", {"headers": {"X-API-Key": right[:-1]}}
    yield "basic", {"headers": {"Authorization": f"Basic {right}"}}
    yield "twice", {"headers": {"Authorization": f"Bearer {right}", "X-API-Key": right}}
    yield "cookie", {"headers": {"Cookie": f"key={right}; X-API-Key={right}; Authorization=Bearer {right}"}}
    yield "another header", {"headers": {"X-Key": right, "Proxy-Authorization": f"Bearer {right}"}}
    yield "protocol of a stream", {"headers": {"Sec-WebSocket-Protocol": f"bearer, {right}"}}
    for name in ("key", "X-API-Key", "access_token", "Authorization"):
        yield f"query {name}", {"query": f"?{name}={right}"}
        yield f"body {name}", {"body": {name: right}}


def test_the_list_of_routes_is_whole(guarded: Guarded) -> None:
    known = {(route.method, route.path.split("/")[1]) for route in guarded.routes}
    assert {
        ("POST", "predict"),
        ("POST", ""),
        ("POST", "models"),
        ("GET", "metrics"),
        ("DELETE", "v1"),
        ("WS", "v1"),
    } <= known
    assert len(guarded.routes) >= 15
    for route in guarded.routes:
        if route.method != "DELETE":
            answer = _ask(guarded, route, {"X-API-Key": guarded.keys[route.scope]})
            # What is refused below would else be answered (404: a job without rejected rows; 409: nobody holds a case).
            assert answer.status_code in (200, 201, 202, 404, 409), (route, answer.text)


def test_no_route_answers_to_a_wrong_key(guarded: Guarded) -> None:
    before = _predicted_texts(guarded)
    for route in guarded.routes:
        for case, how in _wrong(guarded.keys, guarded.keys[route.scope]):
            answer = _ask(guarded, route, **how)
            assert answer.status_code == 401, (route, case, answer.text)
            problem(answer, 401, "unauthenticated")
            assert guarded.keys[route.scope] not in answer.text
    assert _predicted_texts(guarded) == before


def test_no_route_answers_to_a_key_of_another_scope(guarded: Guarded) -> None:
    before = _predicted_texts(guarded)
    for route in guarded.routes:
        for scope in SCOPES.keys() - {route.scope}:
            problem(_ask(guarded, route, {"X-API-Key": guarded.keys[scope]}), 403, "forbidden")
    assert _predicted_texts(guarded) == before


FOREIGN_HOSTS = (
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil.example:127.0.0.1",
    "localhost:80.evil.example",
    "localhost:80@evil.example",
    "localhost@evil.example",
    "localhost,evil.example",
    "testserver",
    "0.0.0.0",
    "[::1].evil.example",
    "[evil.example]",
    "192.168.1.7",
    "",
)


OPEN = (
    "/healthz",
    "/readyz",
    "/version",
    "/health",
    "/openapi.json",
    "/docs",
    "/login",
    "/pages/assets/page.js",
    "/none",
)


def test_dns_rebinding_gets_nothing(linear_model: Path) -> None:
    """DNS rebinding: the browser says the name of the page, and the address is this machine's own."""
    with running(linear_model) as service:
        opened = Guarded(service, {}, list(_routes(service, "none")))
        pages = ("/", "/files", "/models", f"/models/{service.service.models.default.name}/report")
        unguarded = [Route("GET", path, "predict") for path in (*OPEN, *pages)]
        for route in (*opened.routes, *unguarded):
            for host in FOREIGN_HOSTS:
                assert _status(opened, route, host) == 421, (route, host)
        problem(service.get("/version", headers={"Host": "evil.example"}), 421, "misdirected")
        assert _predicted_texts(opened) == 0
        port = service.address.rsplit(":", 1)[1]
        for host in ("localhost", f"LOCALHOST:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", "127.0.0.2"):
            assert _status(opened, Route("POST", "/v1/predict", "predict", BODIES["/v1/predict"]), host) == 200, host
            assert _status(opened, Route("GET", "/healthz", "predict"), host) == 200, host
        assert _predicted_texts(opened) == 5


def test_a_server_with_keys_has_any_name(guarded: Guarded, linear_model: Path) -> None:
    for path in ("/healthz", "/docs", "/openapi.json"):
        assert _status(guarded, Route("GET", path, "predict"), "insula.example") == 200
    with running(linear_model, access={"insecure": True}) as service:
        assert _status(Guarded(service, {}, []), Route("GET", "/healthz", "predict"), "insula.example") == 200


def _status(guarded: Guarded, route: Route, host: str) -> int:
    """Return the status of an answer to a request that names a host, which clients write themselves."""
    connection = http.client.HTTPConnection(guarded.service.address.removeprefix("http://"), timeout=DEADLINE)
    headers = {"Host": host, "Content-Type": "application/json"}
    if route.method == "WS":
        headers |= {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": f"http://{host}"}  # fmt: skip
    try:
        method = "GET" if route.method == "WS" else route.method
        connection.request(method, route.path, json.dumps(route.body) if route.body else None, headers)
        with connection.getresponse() as response:
            return response.status
    finally:
        connection.close()
