"""Keys on the pages: typed once, never in a cookie, with the scopes, limits and end that they have on the API."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving_running import Running, problem, running
from serving_visiting import Visitor, form_token

from insula.api.access import create_key, revoke_key
from insula.operations.credentials.secret import make_secret
from insula.operations.store.database import open_database
from insula.operations.store.tables import PREDICTIONS
from insula.serving.pages.sessions import Sessions
from insula.serving.pages.visits import Visitors
from insula.serving.pages.words import WORDS
from insula.serving.settings.sections import Pages

TEXT = "the day was wonderful and happy"
NAME = "insula_session"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages") / "data"


@pytest.fixture(scope="module")
def keys(data: Path) -> dict[str, str]:
    made = {
        "good": create_key("good", store=data),
        "lost": create_key("lost", store=data),
        "review": create_key("review", scopes=("review",), store=data),
        "admin": create_key("admin", scopes=("admin",), store=data),
        "few": create_key("few", texts_per_day=2, store=data),
        "slow": create_key("slow", calls_per_second=0.01, burst=4, store=data),
    }
    return {name: key.secret for name, key in made.items()} | {"lost id": made["lost"].record.id}


@pytest.fixture(scope="module")
def locked(linear_model: Path, data: Path, keys: dict[str, str]) -> Iterator[Running]:
    """A service that has keys, forgets them at once, and keeps what it says."""
    options = {"store": {"address": str(data)}, "access": {"remembered_seconds": 0}, "retention": {"days": 1}}
    with running(linear_model, **options) as service:
        yield service


def signed_in(service: Running, key: str) -> Visitor:
    visitor = Visitor(service)
    answer = visitor.send("/login", page="/login", key=key)
    assert answer.status_code == 303, answer.text
    return visitor


def test_without_a_key_every_page_leads_to_the_login(locked: Running) -> None:
    for path in ("/", "/models", "/models/linear-single", "/models/linear-single/report", "/models/x?lang=zh"):
        answer = Visitor(locked).get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")
    assert Visitor(locked).get("/models/x?lang=zh").headers["location"] == "/login?lang=zh&next=%2Fmodels%2Fx"
    part = Visitor(locked).send("/pages/predict", page="/login", text=TEXT, headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["hx-redirect"]) == (204, "/login")
    assert Visitor(locked).get("/login?lang=zh").status_code == 200
    assert Visitor(locked).get("/pages/assets/page.css").status_code == 200


def test_a_typed_key_opens_the_pages_and_is_in_no_cookie(locked: Running, keys: dict[str, str]) -> None:
    visitor = Visitor(locked)
    before = visitor.get("/login?next=/models") and dict(visitor.cookies)
    answer = visitor.send("/login", page="/login", key=f" {keys['good']} ", next="/models", lang="zh")
    assert (answer.status_code, answer.headers["location"]) == (303, "/models?lang=zh")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{NAME}=")
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
    assert visitor.cookies != before, "a sign-in begins a new session"
    secret = keys["good"].split("_")[2]
    assert not any(secret[i : i + 8] in cookie for i in range(len(secret) - 8))
    predicted = visitor.send("/pages/predict", text=TEXT)
    assert predicted.status_code == 200
    assert WORDS["en"]["sign_out"] in predicted.text
    assert keys["good"] not in predicted.text


def test_predictions_of_pages_are_kept_for_whoever_signed_in(locked: Running, keys: dict[str, str], data: Path) -> None:
    answer = signed_in(locked, keys["good"]).send("/pages/predict", text="mail me: anna@example.org", lang="zh")
    database = open_database(data)
    with database.begin_read() as connection:
        rows = [row for row in connection.execute(PREDICTIONS.select()).mappings() if row["id"] in answer.text]
    database.close()
    assert len(rows) == 1
    assert rows[0]["caller"].startswith("key:")
    assert "anna@example.org" not in str(dict(rows[0]))


@pytest.mark.parametrize(
    "key",
    ["", "x", "insula_a_b", "é" * 50, "a" * 20_000, make_secret()],
    ids=["empty", "short", "shaped", "accents", "long", "unknown"],
)
def test_a_wrong_key_opens_nothing(locked: Running, key: str) -> None:
    visitor = Visitor(locked)
    answer = visitor.send("/login", page="/login", key=key)
    assert answer.status_code == 401
    assert WORDS["en"]["wrong_key"] in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert not key or len(key) < 5 or key not in answer.text
    assert visitor.get("/").status_code == 303


def test_scopes_quotas_and_rates_are_those_of_the_key(locked: Running, keys: dict[str, str]) -> None:
    refused = Visitor(locked).send("/login", page="/login", key=keys["admin"])
    assert refused.status_code == 403
    reviewer = Visitor(locked)
    assert reviewer.send("/login", page="/login", key=keys["review"]).headers["location"] == "/dashboard?lang=en"
    assert reviewer.get("/").status_code == 403
    few = signed_in(locked, keys["few"])
    told = [few.send("/pages/predict", text=TEXT) for _ in range(3)]
    assert [answer.status_code for answer in told] == [200, 200, 429]
    assert WORDS["en"]["problem_quota"] in told[2].text
    assert TEXT in told[2].text
    slow = signed_in(locked, keys["slow"])
    codes = [slow.get("/models").status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
    assert int(slow.get("/models").headers["retry-after"]) > 1


def test_a_revoked_key_ends_its_session(locked: Running, keys: dict[str, str], data: Path) -> None:
    visitor = signed_in(locked, keys["lost"])
    assert visitor.get("/").status_code == 200
    revoke_key(keys["lost id"], store=data)
    assert visitor.get("/").status_code == 303


def test_signing_out_ends_the_session_on_the_server(locked: Running, keys: dict[str, str]) -> None:
    visitor = signed_in(locked, keys["good"])
    stolen = visitor.cookies[NAME]
    other = Visitor(locked)
    other.cookies = {NAME: stolen}
    assert other.get("/").status_code == 200
    elsewhere = visitor.post(
        "/logout", data={"token": form_token(visitor.get("/").text)}, headers={"origin": "https://e.org"}
    )
    assert elsewhere.status_code == 403
    assert visitor.get("/").status_code == 200
    assert visitor.send("/logout").status_code == 303
    assert visitor.get("/").status_code == 303
    other.cookies = {NAME: stolen}
    assert other.get("/").status_code == 303


def test_neither_cookie_nor_key_in_a_cookie_opens_the_api(locked: Running, keys: dict[str, str]) -> None:
    session = signed_in(locked, keys["good"]).cookies[NAME]
    for cookie in (f"{NAME}={session}", f"{NAME}={keys['good']}", f"Authorization=Bearer {keys['good']}"):
        for path in ("/v1/predict", "/predict"):
            problem(locked.post(path, {"texts": [TEXT]}, headers={"cookie": cookie}), 401, "unauthenticated")
        problem(locked.get("/v1/models", headers={"cookie": cookie}), 401, "unauthenticated")
    assert locked.get("/", headers={"cookie": f"{NAME}={keys['good']}"}).status_code == 303


def test_a_forged_cookie_is_nobody_s(locked: Running, keys: dict[str, str]) -> None:
    good = signed_in(locked, keys["good"]).cookies[NAME]
    identity, key, until, mac = good.split(".")
    token = form_token(signed_in(locked, keys["good"]).get("/").text)
    for forged in (
        f"{identity}.{key}.{int(until) + 1}.{mac}",
        f"{identity}.{keys['lost id']}.{until}.{mac}",
        f"{identity}..{until}.{mac}",
        f"{identity}.{key}.{until}.{token}",
        f"{identity}.{key}.{until}.{'0' * 64}",
        f"{good}x",
        "x" * 3000,
        Sessions(b"another secret of thirty-two byte", 60).to_cookie(Sessions(b"x", 60).start(key)),
    ):
        visitor = Visitor(locked)
        visitor.cookies = {NAME: forged}
        assert visitor.get("/").status_code == 303, forged
    assert locked.get("/", headers={"cookie": f"{NAME}={good}"}).status_code == 200


def test_a_login_from_elsewhere_is_refused(locked: Running, keys: dict[str, str]) -> None:
    visitor = Visitor(locked)
    assert visitor.post("/login", data={"key": keys["good"]}).status_code == 403
    elsewhere = visitor.send("/login", page="/login", key=keys["good"], headers={"origin": "https://evil.example"})
    assert elsewhere.status_code == 403
    assert visitor.get("/").status_code == 303


@pytest.mark.parametrize(
    "wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "/models//evil.example/x/y"]
)
def test_after_the_login_one_stays_here(locked: Running, keys: dict[str, str], wanted: str) -> None:
    answer = Visitor(locked).send("/login", page="/login", key=keys["good"], next=wanted)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?lang=en")


def test_a_session_expires_and_servers_may_share_a_secret(tmp_path: Path) -> None:
    now = time.time()
    clock = [now]
    sessions = Sessions(b"s" * 32, 60, clock=lambda: clock[0])
    cookie = sessions.to_cookie(sessions.start("abcdefghabcdefgh"))
    assert (
        Sessions(b"s" * 32, 5, clock=lambda: clock[0]).from_cookie(cookie) == sessions.from_cookie(cookie) is not None
    )
    assert Sessions(b"t" * 32, 60, clock=lambda: clock[0]).from_cookie(cookie) is None
    clock[0] = now + 61
    assert sessions.from_cookie(cookie) is None
    file = tmp_path / "secret"
    file.write_text("0123456789abcdef0123456789abcdef\n")
    visitors = [Visitors(Pages(session_secret=file)).sessions for _ in range(2)]
    assert visitors[0].from_cookie(visitors[1].to_cookie(visitors[1].start())) is not None
    strangers = [Visitors(Pages()).sessions for _ in range(2)]
    assert strangers[0].from_cookie(strangers[1].to_cookie(strangers[1].start())) is None


def test_behind_tls_the_cookie_is_for_https_alone(linear_model: Path) -> None:
    with running(linear_model, pages={"secure_cookies": True}) as service:
        cookie = service.get("/").headers["set-cookie"]
    assert cookie.startswith("__Host-insula=")
    assert "Secure" in cookie
