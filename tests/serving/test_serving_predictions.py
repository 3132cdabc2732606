"""Stored predictions over HTTP and on their page: search, correct, export, and a trail of who read what."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from serving_running import Running, problem, running
from serving_visiting import Visitor

from in_chromium import IN_CHROMIUM, Watched, barriers, sign_in
from insula.api.access import create_key
from insula.core.errors import OutputError
from insula.operations.audit.log import AuditLog, list_log_files
from insula.serving.pages.words import TAGS, WORDS, Translator
from insula.serving.review import stored_predictions
from waiting import wait_until

TEXTS = ("Call me: anna@example.org, so happy!", "=awful, day", "服务很好", "so happy again")
WIDTH = "document.documentElement.scrollWidth"
SECRET = "anna@example.org"


class Reviewed:
    """A service that stores predictions for two keys."""

    def __init__(self, service: Running, folder: Path, keys: dict[str, str]) -> None:
        self.service, self.folder, self.keys = service, folder, keys

    def get(self, path: str, **query: Any) -> httpx2.Response:
        return self.service.get(path, params=query, headers={"X-API-Key": self.keys["review"]})

    def find(self, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/v1/predictions", **query).json()["predictions"]
        return found

    def correct(self, id: str, labels: Any) -> httpx2.Response:
        headers = {"X-API-Key": self.keys["review"]}
        return self.service.post(f"/v1/predictions/{id}/feedback", {"labels": labels}, headers=headers)

    def read_trail(self) -> list[dict[str, Any]]:
        files = list_log_files(self.folder / "data" / "audit")
        return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def reviewed(linear_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reviewed]:
    """A service with four predictions, two for each of two callers."""
    folder = tmp_path_factory.mktemp("reviewed")
    names = {"care": "predict", "shop": "predict", "review": "review"}
    keys = {name: create_key(name, scopes=(scope,), store=folder / "data").secret for name, scope in names.items()}
    options = {
        "store": {"address": str(folder / "data")},
        "retention": {"days": 1},
        "feedback": {"file": str(folder / "feedback.jsonl")},
    }
    with running(linear_model, **options) as service:
        for name, texts in (("care", TEXTS[:2]), ("shop", TEXTS[2:])):
            for text in texts:
                body = {"texts": [text], "language": "zh" if text == TEXTS[2] else "en"}
                assert service.post("/v1/predict", body, headers={"X-API-Key": keys[name]}).status_code == 200
        yield Reviewed(service, folder, keys)


def test_predictions_are_found_and_read(reviewed: Reviewed) -> None:
    found = reviewed.find()
    assert [one["text"] for one in found][:3] == [TEXTS[3], TEXTS[2], TEXTS[1]]
    assert SECRET not in found[3]["text"]
    assert [one["text"] for one in reviewed.find(text="AWFUL")] == [TEXTS[1]]
    assert [one["text"] for one in reviewed.find(caller=found[3]["caller"])] == [found[2]["text"], found[3]["text"]]
    label = found[0]["labels"][0]
    assert [one["id"] for one in reviewed.find(label=label)] == [one["id"] for one in found if one["labels"] == [label]]
    assert reviewed.find(until="2020-01-01") == []
    assert len(reviewed.find(since="2020-01-01", min_confidence=0, abstained=found[0]["abstained"])) >= 1
    one = reviewed.get(f"/v1/predictions/{found[0]['id']}").json()
    assert one == found[0]
    assert set(one["scores"]) == {"negative", "neutral", "positive"}


def test_a_long_list_comes_in_parts(reviewed: Reviewed) -> None:
    first = reviewed.get("/v1/predictions", limit=3).json()
    second = reviewed.get("/v1/predictions", limit=3, after=first["after"]).json()
    assert second["after"] is None
    assert first["predictions"] + second["predictions"] == reviewed.find()


@pytest.mark.parametrize(
    "query",
    [
        {"after": "x"},
        {"limit": 0},
        {"min_confidence": 2},
        {"since": "yesterday"},
        {"since": "1764532800"},
        {"until": "2026-02-30"},
        {"until": "9999-12-31T23:59:59-23:00"},
        {"text": ""},
        {"text": "a\x00"},
        {"abstained": "maybe"},
    ],
)
def test_a_wrong_condition_is_a_problem(reviewed: Reviewed, query: dict[str, Any]) -> None:
    problem(reviewed.get("/v1/predictions", **query), 422, "validation")


def test_a_correction_is_feedback_for_the_next_training(reviewed: Reviewed) -> None:
    one = reviewed.find(text="awful")[0]
    corrected = reviewed.correct(one["id"], ["negative"])
    assert corrected.status_code == 201
    assert [said["labels"] for said in corrected.json()["feedback"]] == [["negative"]]
    assert reviewed.find(text="awful")[0]["feedback"] == corrected.json()["feedback"]
    (line,) = (reviewed.folder / "feedback.jsonl").read_text(encoding="utf-8").splitlines()
    row = json.loads(line)
    assert (row["text"], row["labels"], row["predicted"]) == (TEXTS[1], ["negative"], one["labels"])
    problem(reviewed.correct(one["id"], ["fury"]), 422, "validation")
    problem(reviewed.correct(one["id"], "negative"), 422, "validation")
    problem(reviewed.correct("0" * 36, []), 404, "not_found")
    assert len(reviewed.find(text="awful")[0]["feedback"]) == 1


@pytest.mark.parametrize("bom", [False, True])
def test_an_export_is_a_table(reviewed: Reviewed, monkeypatch: pytest.MonkeyPatch, bom: bool) -> None:
    monkeypatch.setattr(stored_predictions, "ROWS_PER_PAGE", 3)
    answer = reviewed.get("/v1/predictions/export", bom=bom)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="predictions-20')
    assert answer.content.startswith("\ufeff".encode()) == bom
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    texts = [one["text"] for one in reviewed.find()]
    assert [row["text"] for row in rows] == [f"'{text}" if bom and text.startswith("=") else text for text in texts]
    assert [row["id"] for row in rows] == [one["id"] for one in reviewed.find()]
    assert reviewed.get("/v1/predictions/export", text="nothing like that").text.splitlines() == [",".join(rows[0])]


@pytest.mark.parametrize(
    "text", ['=HYPERLINK("http://x.example","so happy")', "+1 so happy", "-so sad", "@SUM(A1)", "\tso"]
)
def test_excel_runs_no_formula_of_a_stranger(text: str) -> None:
    row = {"text": text, "speaker": None, "target": "battery", "confidence": -1.5, "id": "-x"}
    assert stored_predictions._quote_formulas(row) == {**row, "text": f"'{text}"}


def test_an_export_as_json_lines_has_everything(reviewed: Reviewed) -> None:
    answer = reviewed.get("/v1/predictions/export", format="jsonl", language="zh")
    assert [json.loads(line) for line in answer.text.splitlines()] == reviewed.find(language="zh")
    head = httpx2.head(
        f"{reviewed.service.address}/v1/predictions/export", headers={"X-API-Key": reviewed.keys["review"]}
    )
    assert (head.status_code, head.content) == (200, b"")


def test_each_read_is_in_the_audit_log(reviewed: Reviewed) -> None:
    before = len(reviewed.read_trail())
    reviewed.find(text="awful", language="en")
    reviewed.get("/v1/predictions/export", format="jsonl", text="happy")
    ids = [row["id"] for row in reviewed.find(text="happy")]
    reviewed.get(f"/v1/predictions/{ids[0]}")
    reviewed.correct(ids[0], [])
    wait_until(lambda: len(reviewed.read_trail()) >= before + 6, "the end of the export is in the log")
    trail = {entry["event"]: entry["facts"] for entry in reviewed.read_trail()[before:]}
    assert trail["prediction.read"]["caller"].startswith("key:")
    assert trail["prediction.read"] == trail["prediction.corrected"]
    assert trail["prediction.read"]["prediction"] == ids[0]
    assert trail["predictions.export_started"]["conditions"] == ["text"]
    assert trail["predictions.exported"]["rows"] == len(ids)
    said = json.dumps(reviewed.read_trail())
    assert "awful" not in said
    assert "happy" not in said


def test_what_the_audit_log_misses_is_not_shown(reviewed: Reviewed, monkeypatch: pytest.MonkeyPatch) -> None:
    id = reviewed.find()[0]["id"]

    def full(*_: Any, **__: Any) -> None:
        raise OutputError("The disk is full.")

    monkeypatch.setattr(AuditLog, "record", full)
    for path in ("/v1/predictions", f"/v1/predictions/{id}", "/v1/predictions/export"):
        answer = reviewed.get(path)
        problem(answer, 503, "unavailable")
        assert "happy" not in answer.text


@pytest.fixture
def reviewer(reviewed: Reviewed) -> Visitor:
    """A visitor who is signed in with the key of the reviewer."""
    visitor = Visitor(reviewed.service)
    sent = visitor.send("/login", page="/login?next=/predictions", key=reviewed.keys["review"], next="/predictions")
    assert sent.headers["location"] == "/predictions?lang=en"
    return visitor


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_finds_what_the_form_asks_for(reviewed: Reviewed, reviewer: Visitor, language: str) -> None:
    words = WORDS[language]
    everything = reviewer.get(f"/predictions?lang={language}").text
    assert [everything.count(f'href="/predictions/{one["id"]}?') for one in reviewed.find()] == [1] * len(TEXTS)
    assert SECRET not in everything
    today = datetime.now(Translator(language).zone).date()
    query = f"text=AWFUL&low=1&high=100&since={today}&until={today}&language=en&label=&decision="
    page = reviewer.get(f"/predictions?{query}&lang={language}").text
    (one,) = reviewed.find(text="awful")
    assert re.findall(r'href="/predictions/([0-9a-f-]{36})\?', page) == [one["id"]]
    assert f'value="{today}"' in page
    for name in ("review_csv", "review_csv_bom", "review_jsonl"):
        assert words[name] in _words(page)
    other = next(code for code in WORDS if code != language)
    assert f"since={today}" in next(link for link in re.findall(r'href="([^"]*)"', page) if f"lang={other}" in link)
    nothing = reviewer.get(f"/predictions?text=none-such&lang={language}").text
    assert words["review_none"] in _words(nothing)
    for wrong in ("low=x", "low=200", "since=never", "after=x", "low=nan"):
        answer = reviewer.get(f"/predictions?{wrong}&lang={language}")
        assert (answer.status_code, words["review_wrong"] in _words(answer.text)) == (422, True), wrong


def test_a_correction_is_made_with_the_page(reviewed: Reviewed, reviewer: Visitor) -> None:
    (one,) = reviewed.find(text="服务")
    address = f"/predictions/{one['id']}?language=zh&lang=en"
    page = reviewer.get(address).text
    assert TEXTS[2] in page
    assert "predictions?lang=en&amp;language=zh" in page, "the way back keeps the conditions"
    fields = {"lang": "en", "search": "language=zh", "several": "no"}
    empty = reviewer.send(f"/pages/predictions/{one['id']}", page=address, verdict="wrong", **fields)
    assert (empty.status_code, WORDS["en"]["problem_no_label"] in empty.text) == (422, True)
    stale = reviewer.post(f"/pages/predictions/{one['id']}", data={"verdict": "right", **fields})
    assert (stale.status_code, WORDS["en"]["stale_review"] in stale.text) == (403, True)
    assert reviewed.find(text="服务")[0]["feedback"] == []
    right = reviewer.send(f"/pages/predictions/{one['id']}", page=address, verdict="right", **fields)
    assert right.headers["location"] == f"/predictions/{one['id']}?lang=en&language=zh&said=thanks"
    chosen = {"verdict": "wrong", "label-1": "positive", **fields}
    reviewer.send(f"/pages/predictions/{one['id']}", page=address, **chosen)
    assert [said["labels"] for said in reviewed.find(text="服务")[0]["feedback"]] == [["positive"], one["labels"]]
    after = _words(reviewer.get(right.headers["location"]).text)
    assert WORDS["en"]["thanks"] in after
    assert "review)" in after, "the name of the key"
    assert "corrected: positive" in _words(reviewer.get("/predictions?language=zh").text)


def test_a_search_is_downloaded_from_the_page(reviewed: Reviewed, reviewer: Visitor) -> None:
    page = reviewer.get("/predictions?text=awful").text
    links = [html.unescape(link) for link in re.findall(r'href="(/predictions/export[^"]*)"', page)]
    table, marked, lines = (reviewer.get(link).content for link in links)
    assert marked == "\ufeff".encode() + table.replace(b'"=awful', b"\"'=awful")
    assert [json.loads(line) for line in lines.splitlines()] == reviewed.find(text="awful")
    assert reviewer.get("/predictions/export?format=exe").status_code == 400


def test_an_id_leads_to_its_prediction(reviewed: Reviewed, reviewer: Visitor) -> None:
    id = reviewed.find()[0]["id"]
    assert reviewer.get(f"/predictions?id=+{id}&lang=en").headers["location"] == f"/predictions/{id}?lang=en"
    assert reviewer.get("/predictions/none").status_code == 404
    assert reviewer.get("/predictions?id=../x").status_code == 404


def test_the_page_is_for_reviewers(reviewed: Reviewed) -> None:
    visitor = Visitor(reviewed.service)
    assert visitor.get("/predictions").headers["location"] == "/login?next=%2Fpredictions"
    visitor.send("/login", page="/login", key=reviewed.keys["care"])
    for path in ("/predictions", "/predictions/export", f"/predictions/{reviewed.find()[0]['id']}"):
        assert visitor.get(path).status_code == 403


def test_without_retention_there_is_nothing_to_read(linear_model: Path, tmp_path: Path) -> None:
    with running(linear_model, store={"address": str(tmp_path / "data")}) as service:
        for path in ("/v1/predictions", "/v1/predictions/export"):
            assert "retention.days" in problem(service.get(path), 501, "disabled")["detail"]
        page = Visitor(service).get("/predictions?lang=zh")
        assert (page.status_code, "days = 30" in page.text, WORDS["zh"]["review_off"] in page.text) == (200, True, True)


def test_without_texts_there_are_answers_only(linear_model: Path, tmp_path: Path) -> None:
    options = {"store": {"address": str(tmp_path / "data")}, "retention": {"days": 1, "texts": "none"}}
    with running(linear_model, **options, feedback={"file": str(tmp_path / "feedback.jsonl")}) as service:
        service.post("/v1/predict", {"texts": [TEXTS[3]]})
        (one,) = service.get("/v1/predictions").json()["predictions"]
        assert (one["text"], len(one["labels"])) == (None, 1)
        assert service.post(f"/v1/predictions/{one['id']}/feedback", {"labels": []}).status_code == 201
        assert not (tmp_path / "feedback.jsonl").exists()
        page = _words(Visitor(service).get("/predictions").text)
        assert WORDS["en"]["review_no_text"] in page
        assert WORDS["en"]["review_text"] not in page


class TestInABrowser:
    """With a real browser: sizes, schemes, a keyboard alone, and what axe finds."""

    pytestmark = IN_CHROMIUM

    @pytest.mark.parametrize(
        ("width", "language", "locale", "scheme"),
        [(390, "zh", "zh-CN", "dark"), pytest.param(1280, "en", "en-GB", "light", marks=pytest.mark.slow)],
    )
    def test_a_prediction_is_corrected_with_the_keyboard_alone(
        self,
        reviewed: Reviewed,
        watched: Callable[..., Watched],
        width: int,
        language: str,
        locale: str,
        scheme: str,
    ) -> None:
        seen = watched(viewport={"width": width, "height": 900}, locale=locale, color_scheme=scheme)
        page, words = seen.page, WORDS[language]
        page.goto(f"{reviewed.service.address}/predictions")
        sign_in(page, reviewed.keys["review"])
        page.locator(".cases").wait_for()
        assert page.evaluate("document.documentElement.lang") == TAGS[language]
        assert barriers(page) == []
        assert page.evaluate(WIDTH) <= width
        page.locator("#text").focus()
        page.keyboard.type("happy again")
        page.keyboard.press("Enter")
        page.wait_for_url("**text=happy+again**")
        assert page.locator(".cases a").count() == 1
        page.locator(".cases a").focus()
        page.keyboard.press("Enter")
        page.locator("#verdict-title").wait_for()
        assert barriers(page) == []
        assert page.evaluate(WIDTH) <= width
        page.locator(".verdict fieldset input").first.focus()
        page.keyboard.press("Space")
        page.locator(".verdict fieldset button").focus()
        page.keyboard.press("Enter")
        page.get_by_role("status").get_by_text(words["thanks"]).wait_for()
        page.get_by_role("link", name=words["review_back"]).click()
        page.wait_for_url("**text=happy+again**")
        (one,) = reviewed.find(text="happy again")
        assert one["feedback"][0]["labels"] == ["negative"]
        with page.expect_download() as started:
            page.get_by_role("link", name=words["review_csv"], exact=True).click()
        assert one["id"] in Path(started.value.path()).read_text(encoding="utf-8")
        assert seen.asked_only(f"{reviewed.service.address}/")
