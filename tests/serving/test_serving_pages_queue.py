"""The agents' page of the hand-off queue: steps without JavaScript, signing in, and what a case shows."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from serving_running import Running, running
from serving_visiting import Visitor

from in_chromium import IN_CHROMIUM, Watched, await_focus, barriers
from insula.api.access import create_key
from insula.api.handoff import open_queue
from insula.core.model_input import Turn
from insula.operations.handoff.cases import Case, NewCase
from insula.serving.pages.words import TAGS, WORDS
from waiting import eventually

EVIL = "<script>alert(1)</script>"
ANGRY = NewCase(
    message="m-1",
    source="mail",
    text=f"Nobody called me back, write to anna@example.org {EVIL}",
    speaker="customer",
    turns=(Turn("It will be two weeks late.", "agent"),),
    risk="high",
    deadline=1,
    queue="care",
    rule="angry",
    reason="Rule 'angry': predicted negative (got negative).",
    tags=("gold",),
    customer={"tier": "gold"},
    answer={"labels": ["negative"], "label": "negative", "scores": {"negative": 0.9}, "confidence": 0.9},
    words=("nobody", "back", "no"),
)
CALM = NewCase(message="m-2", text="在哪里可以找到发票？", queue="billing", deadline=3600)


class Desk:
    """A service with the page, and its queue."""

    def __init__(self, service: Running, store: Path) -> None:
        self.service = service
        self.store = store

    def fill(self, *cases: NewCase) -> list[int]:
        """Close what is open, and open cases; return their numbers."""
        with open_queue(self.store) as queue:
            for case in queue.list_cases():
                queue.reassign(case.id, actor="test", agent="test")
                queue.close(case.id, "test", outcome="cleared")
            again = [f"{case.message}-{queue.stats().opened}" for case in cases]
            new = [NewCase(**{**vars(case), "message": id}) for case, id in zip(cases, again, strict=True)]
            return [case.id for case in queue.open(*new)]

    def find(self, case: int) -> Case:
        with open_queue(self.store) as queue:
            return queue.find(case)


@pytest.fixture(scope="module")
def desk(linear_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A service without keys that has a queue."""
    store = tmp_path_factory.mktemp("page") / "data"
    with running(linear_model, store={"address": str(store)}, handoff={"enabled": True}) as service:
        yield Desk(service, store)


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def test_a_case_is_handled_without_javascript(desk: Desk) -> None:
    angry, calm = desk.fill(ANGRY, CALM)
    visitor = Visitor(desk.service)
    listed = visitor.get("/queue").text
    assert listed.index(f'id="case-{angry}"') < listed.index(f'id="case-{calm}"')
    assert "high risk" in _words(listed)
    taken = visitor.send("/pages/queue/next", page="/queue")
    assert (taken.status_code, taken.headers["location"]) == (303, f"/queue/{angry}?lang=en")
    page = visitor.get(f"/queue/{angry}").text
    assert EVIL not in page
    said = _words(page)
    assert "write to [EMAIL]" in said
    assert "agent: It will be two weeks late." in said
    assert "Rule 'angry': predicted negative" in said
    assert "customer: Nobody called me back" in said
    assert re.findall(r"<mark>([^<]*)</mark>", page) == ["Nobody", "back"]
    assert "held by local, for another 15 minutes" in said
    path = f"/pages/queue/{angry}"
    assert visitor.send(f"{path}/renew", page=f"/queue/{angry}").status_code == 303
    empty = visitor.send(f"{path}/done", page=f"/queue/{angry}", outcome=" ")
    assert (empty.status_code, "Something is missing" in empty.text) == (422, True)
    done = visitor.send(f"{path}/done", page=f"/queue/{angry}", outcome="called", note="ask ben@example.org")
    assert (done.status_code, done.headers["location"]) == (303, "/queue?lang=en")
    case = desk.find(angry)
    assert (case.state, case.outcome, case.note, case.agent) == ("closed", "called", "ask [EMAIL]", "local")
    assert f'id="case-{angry}"' in visitor.get("/queue?show=closed").text
    assert visitor.send(f"{path}/reopen", page=f"/queue/{angry}").status_code == 303
    moved = visitor.send(f"{path}/move", page=f"/queue/{angry}", to="ben")
    assert (moved.status_code, desk.find(angry).agent) == (303, "ben")
    held = visitor.send(f"{path}/release", page=f"/queue/{angry}")
    assert (held.status_code, "Another agent holds this case" in held.text) == (409, True)
    assert visitor.send(f"{path}/lose", page=f"/queue/{angry}").status_code == 404
    assert visitor.get("/queue/999999").status_code == 404


def test_a_form_without_its_token_changes_nothing(desk: Desk) -> None:
    (case,) = desk.fill(CALM)
    visitor = Visitor(desk.service)
    for path in (f"/pages/queue/{case}/claim", "/pages/queue/next"):
        answer = visitor.post(path, data={"token": "0" * 64})
        assert (answer.status_code, "Nothing was changed" in answer.text) == (403, True)
    assert desk.find(case).state == "waiting"


def test_an_agent_signs_in_and_acts_under_the_name_of_the_key(linear_model: Path, tmp_path: Path) -> None:
    keys = {scope: create_key(f"the {scope}", scopes=(scope,), store=tmp_path).secret for scope in ("agent", "predict")}
    with running(linear_model, store={"address": str(tmp_path)}, handoff={"enabled": True}) as service:
        desk = Desk(service, tmp_path)
        (case,) = desk.fill(CALM)
        visitor = Visitor(service)
        assert visitor.get("/queue").headers["location"] == "/login?next=%2Fqueue"
        entered = visitor.send("/login", page="/login", key=keys["agent"])
        assert (entered.status_code, entered.headers["location"]) == (303, "/queue?lang=en")
        assert visitor.send(f"/pages/queue/{case}/claim", page=f"/queue/{case}").status_code == 303
        assert desk.find(case).agent == "the agent"
        assert visitor.get("/").status_code == 403
        other = Visitor(service)
        assert other.send("/login", page="/login", key=keys["predict"]).headers["location"] == "/?lang=en"
        assert other.get("/queue").status_code == 403


def test_a_service_without_a_queue_has_no_such_page(served: Running) -> None:
    visitor = Visitor(served)
    assert visitor.get("/queue").status_code == 501
    assert "/queue" not in visitor.get("/").text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_word_of_the_page_has_both_languages(desk: Desk, language: str) -> None:
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    (case,) = desk.fill(ANGRY)
    for path in ("/queue", f"/queue/{case}", "/queue?show=mine", "/queue?show=late"):
        page = Visitor(desk.service).get(f"{path}{'&' if '?' in path else '?'}lang={language}")
        assert page.status_code == 200
        assert WORDS[language]["shortcuts"] in page.text


class TestInABrowser:
    """With a real browser: keys, sizes, schemes, and what axe finds."""

    pytestmark = IN_CHROMIUM

    def test_cases_are_handled_with_single_keys(self, desk: Desk, watched: Callable[..., Watched]) -> None:
        angry, calm = desk.fill(ANGRY, CALM)
        seen = watched(locale="en-GB")
        page = seen.page
        page.goto(f"{desk.service.address}/queue")
        for key, wanted in (("j", angry), ("j", calm), ("j", calm), ("k", angry)):
            page.keyboard.press(key)
            await_focus(page, f"case-{wanted}")
        page.keyboard.press("Enter")
        page.wait_for_selector("#step-claim")
        page.keyboard.press("c")
        page.wait_for_selector("#outcome")
        page.keyboard.press("d")
        await_focus(page, "outcome")
        page.keyboard.type("rung")  # its letters are no keys
        page.keyboard.press("Enter")
        page.wait_for_selector("#cases")
        assert (desk.find(angry).outcome, desk.find(angry).agent) == ("rung", "local")
        page.keyboard.press("n")
        page.wait_for_selector("#step-release")
        assert desk.find(calm).state == "claimed"
        page.keyboard.press("r")
        page.wait_for_selector("#cases")
        assert desk.find(calm).state == "waiting"
        page.locator(".shortcuts summary").click()
        page.locator("#shortcuts-on").uncheck()
        page.reload()
        page.keyboard.press("n")
        page.locator(f"#case-{calm}").click()
        page.wait_for_selector("#step-claim")
        assert desk.find(calm).state == "waiting"
        assert seen.asked_only(f"{desk.service.address}/")

    @pytest.mark.parametrize(
        ("width", "language", "locale", "scheme"),
        [(390, "zh", "zh-CN", "dark"), (1280, "en", "en-GB", "light")],
    )
    def test_the_page_fits_and_axe_finds_nothing(
        self, desk: Desk, watched: Callable[..., Watched], width: int, language: str, locale: str, scheme: str
    ) -> None:
        (angry, _) = desk.fill(ANGRY, CALM)
        seen = watched(viewport={"width": width, "height": 900}, locale=locale, color_scheme=scheme)
        page: Any = seen.page
        for path in ("/queue", f"/queue/{angry}"):
            page.goto(f"{desk.service.address}{path}")
            if path != "/queue":
                page.locator("#step-claim").click()
                page.wait_for_selector("#outcome")
            assert page.evaluate("document.documentElement.lang") == TAGS[language]
            assert barriers(page) == []
            eventually(lambda: max(width, page.evaluate("document.documentElement.scrollWidth")), width)
        assert seen.asked_only(f"{desk.service.address}/")
