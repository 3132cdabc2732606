"""Access keys over HTTP and on a page: a secret is shown once, changes are in the audit log, nobody is locked out."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from serving_running import Running, problem, running
from serving_visiting import Visitor

from in_chromium import IN_CHROMIUM, Watched, await_focus, barriers, sign_in
from insula.api.access import create_key, list_keys
from insula.core.errors import OutputError
from insula.operations.audit.log import AuditLog, list_log_files
from insula.serving.key_management.schemas import KeyRequest
from insula.serving.pages.words import WORDS
from waiting import DEADLINE, eventually, wait_until

EVIL = "<b>Anna"


class Managed:
    """A service whose administrators manage keys."""

    def __init__(self, service: Running, folder: Path, keys: dict[str, str]) -> None:
        self.service, self.folder, self.keys = service, folder, keys

    def ask(self, method: str, path: str, body: Any = None, key: str = "admin") -> httpx2.Response:
        headers = {"X-API-Key": self.keys.get(key, key)}
        return httpx2.request(method, f"{self.service.address}{path}", json=body, headers=headers, timeout=DEADLINE)

    def list_keys(self) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in self.ask("GET", "/v1/keys").json()["keys"]}

    def read_trail(self) -> list[dict[str, Any]]:
        files = list_log_files(self.folder / "audit")
        return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def managed(linear_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    """A service with the key of an administrator, and one that only predicts."""
    folder = tmp_path_factory.mktemp("managed") / "data"
    keys = {name: create_key(name, scopes=(name,), store=folder).secret for name in ("admin", "predict")}
    access = {"manage_keys": True, "remembered_seconds": 0}
    with running(linear_model, store={"address": str(folder)}, access=access) as service:
        yield Managed(service, folder, keys)


def test_a_created_key_works_until_it_is_revoked(managed: Managed) -> None:
    wanted = {"name": "care", "scopes": ["review", "predict"], "expires": "90d", "texts_per_day": 5}
    answer = managed.ask("POST", "/v1/keys", wanted)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["scopes"], made["texts_per_day"], made["state"]) == (["predict", "review"], 5, "active")
    assert managed.ask("POST", "/v1/predict", {"texts": ["so happy"]}, key=made["key"]).status_code == 200
    listed = managed.list_keys()["care"]
    assert listed == {name: value for name, value in made.items() if name != "key"} | {"last_used": listed["last_used"]}
    assert managed.ask("DELETE", f"/v1/keys/{made['id']}").json()["state"] == "revoked"
    problem(managed.ask("POST", "/v1/predict", {"texts": ["so happy"]}, key=made["key"]), 401, "unauthenticated")
    trail = [one for one in managed.read_trail() if one["facts"].get("key") == made["id"]]
    admin = f"key:{managed.list_keys()['admin']['lineage']}"
    assert [(one["event"], one["actor"]) for one in trail] == [("key.created", admin), ("key.revoked", admin)]
    assert made["key"].split("_")[2] not in json.dumps(managed.read_trail())


def test_the_last_use_of_a_key_is_stored(managed: Managed) -> None:
    made = managed.ask("POST", "/v1/keys", {"name": "used"}).json()
    assert managed.list_keys()["used"]["last_used"] is None
    before = datetime.now(UTC).replace(microsecond=0)
    managed.ask("GET", "/v1/models", key=made["key"])
    wait_until(lambda: managed.list_keys()["used"]["last_used"] is not None, "the use of the key is stored")
    assert before <= datetime.fromisoformat(managed.list_keys()["used"]["last_used"]) <= datetime.now(UTC)
    assert {one.name: one.last_used is None for one in list_keys(store=managed.folder)}["used"] is False


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"name": " "},
        {"name": "x" * 201},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["all"]},
        {"name": "x", "expires": "soon"},
        {"name": "x", "expires": "9999w"},
        {"name": "x", "texts_per_day": 0},
        {"name": "x", "calls_per_second": -1},
        {"name": "x", "key": "insula_mine"},
    ],
)
def test_an_impossible_key_is_a_problem(managed: Managed, wanted: dict[str, Any]) -> None:
    problem(managed.ask("POST", "/v1/keys", wanted), 422, "validation")


def test_a_key_does_not_revoke_itself(managed: Managed) -> None:
    own = managed.list_keys()["admin"]["id"]
    assert problem(managed.ask("DELETE", f"/v1/keys/{own}"), 409, "conflict")["reason"] == "own_key"
    assert managed.list_keys()["admin"]["state"] == "active"
    problem(managed.ask("DELETE", "/v1/keys/none"), 404, "not_found")


def test_what_the_audit_log_cannot_record_is_not_done(managed: Managed, monkeypatch: pytest.MonkeyPatch) -> None:
    before = managed.list_keys()

    def full(*_: Any, **__: Any) -> None:
        raise OutputError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(AuditLog, "record", full)
        problem(managed.ask("POST", "/v1/keys", {"name": "unrecorded"}), 503, "unavailable")
        problem(managed.ask("DELETE", f"/v1/keys/{before['predict']['id']}"), 503, "unavailable")
    after = managed.list_keys()
    assert [(one["name"], one["state"]) for one in after.values()] == [
        (one["name"], one["state"]) for one in before.values()
    ]


@pytest.fixture
def administrator(managed: Managed) -> Visitor:
    """A visitor who is signed in with the key of the administrator."""
    visitor = Visitor(managed.service)
    sent = visitor.send("/login", page="/login", key=managed.keys["admin"])
    assert sent.headers["location"] == "/keys?lang=en", "the page that the key opens"
    return visitor


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_creates_a_key_and_shows_it_once(managed: Managed, administrator: Visitor, language: str) -> None:
    words, name = WORDS[language], f"{EVIL} {language}"
    fields = {"lang": language, "name": name, "scope-agent": "yes", "expires": "", "texts_per_day": "1000"}
    made = administrator.send("/pages/keys", page="/keys", **fields, calls_per_second="2.5")
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    found = re.search(r'id="secret"[^>]* value="(insula_[^"]+)"', made.text)
    assert found is not None
    assert EVIL not in made.text
    listed = managed.list_keys()[name]
    assert (listed["scopes"], listed["texts_per_day"], listed["calls_per_second"]) == (["agent"], 1000, 2.5)
    page = administrator.get(f"/keys?lang={language}").text
    assert found[1].split("_")[2] not in page
    assert words["keys_revoke_now"].format(name=html.escape(name)) in page
    problem(managed.ask("GET", "/v1/models", key=found[1]), 403, "forbidden")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"scope-predict": None}, "scopes"),
        ({"expires": "soon"}, "expires"),
        ({"texts_per_day": "1.5"}, "texts_per_day"),
        ({"calls_per_second": "0"}, "calls_per_second"),
    ],
)
def test_a_wrong_field_is_named(administrator: Visitor, fields: dict[str, str | None], field: str) -> None:
    sent = {
        name: value for name, value in ({"name": "typed", "scope-predict": "yes"} | fields).items() if value is not None
    }
    answer = administrator.send("/pages/keys", page="/keys", lang="zh", **sent)
    assert (answer.status_code, WORDS["zh"][f"keys_wrong_{field}"] in answer.text) == (422, True)
    assert ('value="typed"' in answer.text) == (field != "name"), "what was typed is still there"


def test_the_page_revokes_a_key(managed: Managed, administrator: Visitor) -> None:
    made = managed.ask("POST", "/v1/keys", {"name": "short"}).json()
    stale = administrator.post(f"/pages/keys/{made['id']}/revoke", data={"lang": "en"})
    assert (stale.status_code, WORDS["en"]["stale_keys"] in stale.text) == (403, True)
    other_site = administrator.send(
        f"/pages/keys/{made['id']}/revoke", page="/keys", headers={"origin": "https://evil.example"}
    )
    assert other_site.status_code == 403
    assert managed.list_keys()["short"]["state"] == "active"
    assert administrator.send(f"/pages/keys/{made['id']}/revoke", page="/keys", lang="zh").status_code == 303
    assert managed.list_keys()["short"]["state"] == "revoked"
    page = administrator.get("/keys?lang=zh").text
    assert f'action="/pages/keys/{made["id"]}/revoke"' not in page
    own = managed.list_keys()["admin"]["id"]
    refused = administrator.send(f"/pages/keys/{own}/revoke", page="/keys", lang="en")
    assert (refused.status_code, WORDS["en"]["keys_own"] in refused.text) == (409, True)


def test_the_page_is_for_administrators(managed: Managed) -> None:
    visitor = Visitor(managed.service)
    assert visitor.get("/keys").headers["location"] == "/login?next=%2Fkeys"
    visitor.send("/login", page="/login", key=managed.keys["predict"])
    assert visitor.get("/keys").status_code == 403
    before = managed.list_keys()
    assert visitor.send("/pages/keys", page="/", name="mine", **{"scope-admin": "yes"}).status_code == 403
    assert managed.list_keys().keys() == before.keys()


def test_the_first_key_closes_the_service(linear_model: Path, tmp_path: Path) -> None:
    access = {"manage_keys": True, "remembered_seconds": 0}
    with running(linear_model, store={"address": str(tmp_path / "data")}, access=access) as service:
        visitor = Visitor(service)
        page = visitor.get("/keys?lang=en").text
        assert WORDS["en"]["keys_open"] in html.unescape(page)
        assert re.search(r'name="scope-admin" value="yes" checked', page)
        made = visitor.send("/pages/keys", page="/keys", name="first", **{"scope-admin": "yes"})
        assert made.status_code == 201
        assert visitor.get("/keys").headers["location"].startswith("/login")


def test_keys_are_managed_only_where_the_operator_says_so(linear_model: Path, tmp_path: Path) -> None:
    admin = create_key("admin", scopes=("admin",), store=tmp_path).secret
    with running(linear_model, store={"address": str(tmp_path)}) as service:
        for method, path in (("GET", "/v1/keys"), ("POST", "/v1/keys"), ("GET", "/keys")):
            answer = httpx2.request(method, f"{service.address}{path}", headers={"X-API-Key": admin}, timeout=DEADLINE)
            assert answer.status_code == 404, path
        assert "/v1/keys" not in service.get("/openapi.json").json()["paths"]
        assert 'href="/keys' not in Visitor(service).get("/login").text


class TestInABrowser:
    """With a real browser: sizes, schemes, a keyboard alone, and what axe finds."""

    pytestmark = IN_CHROMIUM

    @pytest.mark.parametrize(
        ("width", "language", "locale", "scheme"),
        [(390, "en", "en-GB", "dark"), pytest.param(1280, "zh", "zh-CN", "light", marks=pytest.mark.slow)],
    )
    def test_a_key_is_made_and_revoked_with_the_keyboard_alone(
        self, managed: Managed, watched: Callable[..., Watched], width: int, language: str, locale: str, scheme: str
    ) -> None:
        seen = watched(viewport={"width": width, "height": 900}, locale=locale, color_scheme=scheme)
        seen.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page, words, name = seen.page, WORDS[language], f"browser {language}"
        page.goto(f"{managed.service.address}/keys")
        sign_in(page, managed.keys["admin"])
        page.get_by_role("heading", name=words["keys_title"]).wait_for()
        assert barriers(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator("#name").focus()
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        page.locator("#secret").wait_for()
        assert barriers(page) == []
        await_focus(page, "secret")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_role("status").get_by_text(words["keys_copied"]).wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert managed.ask("GET", "/v1/models", key=copied).status_code == 200
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.goto(f"{managed.service.address}/keys")  # nothing is unfolded
        page.get_by_label(words["keys_revoke_now"].format(name=name)).focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        eventually(lambda: managed.list_keys()[name]["state"], "revoked")
        page.wait_for_url(f"**/keys?lang={language}")
        assert seen.asked_only(f"{managed.service.address}/")


def test_old_names_of_limits() -> None:
    wanted = KeyRequest.model_validate({"name": "care", "texts_a_day": 5, "calls_a_second": 2.5})
    assert (wanted.texts_per_day, wanted.calls_per_second) == (5, 2.5)
