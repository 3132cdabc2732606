"""Files on the pages: uploaded, predicted in the background, downloaded and deleted by their owner alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from serving_running import Running, running
from serving_visiting import Visitor, form_token

import insula
from in_chromium import IN_CHROMIUM, Watched, barriers
from insula.api.access import create_key
from insula.core.errors import DataError, OutputError
from insula.serving.http.problems import CODES, ProblemError
from insula.serving.jobs import QuotaError
from insula.serving.pages.words import WORDS
from waiting import eventually

CSV = "text,id\nthe day was wonderful,1\nan awful train,2\n"
ADDRESS = "/pages/files"


@pytest.fixture(scope="module")
def filing(linear_model: Path) -> Iterator[Running]:
    """A service whose uploads are small."""
    with running(linear_model, jobs={"upload_bytes": 2000}) as service:
        yield service


def upload(visitor: Visitor, content: str | bytes = CSV, query: str = "", **headers: str) -> httpx2.Response:
    """Send a file as the script of the page does."""
    token = form_token(visitor.get("/files").text)
    return visitor.post(
        f"{ADDRESS}{query}", content=content, headers={"content-type": "text/csv", "x-csrf-token": token, **headers}
    )


def finished(visitor: Visitor) -> str:
    """Return the list of jobs once none is left to do."""
    eventually(lambda: "hx-trigger" in visitor.get(f"{ADDRESS}/jobs").text, False)
    return visitor.get(f"{ADDRESS}/jobs").text


def test_a_file_is_predicted_and_downloaded(filing: Running) -> None:
    visitor = Visitor(filing)
    job = upload(visitor).json()["id"]
    listed = finished(visitor)
    assert f"/files/{job}/result" in listed
    answer = visitor.get(f"/files/{job}/result")
    assert answer.headers["content-disposition"] == 'attachment; filename="predictions.jsonl"'
    assert answer.text == filing.get(f"/v1/batches/{job}/result").text
    assert [json.loads(line)["id"] for line in answer.text.splitlines()] == ["1", "2"]
    assert visitor.get(f"/files/{job}/rejects").status_code == 404
    token = form_token(visitor.get("/files").text)
    assert visitor.post(f"{ADDRESS}/{job}/delete", data={"token": "0" * 64}).status_code == 403
    gone = visitor.post(f"{ADDRESS}/{job}/delete", data={"token": token, "lang": "zh"})
    assert (gone.status_code, gone.headers["location"]) == (303, "/files?lang=zh")
    assert job not in visitor.get(f"{ADDRESS}/jobs").text
    assert visitor.get(f"/files/{job}/result").status_code == 404


@pytest.mark.parametrize(
    ("content", "query", "headers", "status", "word"),
    [
        (CSV, "", {"x-csrf-token": "0" * 64}, 403, "stale_file"),
        (CSV, "", {"content-type": "application/json"}, 415, "problem_file_kind"),
        (CSV, "?model=nothing", {}, 404, "problem_not_found"),
        (b"\x1f\x8b\x08packed", "", {}, 415, "problem_file_kind"),
    ],
)
def test_a_file_that_is_rejected_is_explained(
    filing: Running, content: str | bytes, query: str, headers: dict[str, str], status: int, word: str
) -> None:
    answer = upload(Visitor(filing), content, query, **{"accept-language": "zh"}, **headers)
    assert answer.status_code == status
    assert answer.json() == {"message": WORDS["zh"][word]}


def test_a_file_of_another_site_is_rejected(filing: Running) -> None:
    assert upload(Visitor(filing), origin="https://evil.example").status_code == 403


def test_a_failed_file_says_why(filing: Running) -> None:
    visitor = Visitor(filing)
    job = upload(visitor, "a,b\n1,2\n").json()["id"]
    listed = finished(visitor)
    assert WORDS["en"]["job_failed"] in listed
    assert WORDS["en"]["reason_no_text_column"].format(columns="“a”, “b”") in listed
    assert "No column of the file has a common name" in filing.get(f"/v1/batches/{job}").json()["detail"]
    assert f"/files/{job}/result" not in listed


DATA = "3,1\n" + "5,2\n4,3\n" * 20
# Files that fail, with what is sent with them, and the code and the values of the reason.
FAILED: dict[str, tuple[str | bytes, str, dict[str, object]]] = {
    "empty": ("", "", {}),
    "not_rows": (b"%PDF-1.7\n\x00\x01", "", {}),
    "long_line": ("text\n" + "a" * 1_500, "", {"most": "1,000"}),
    "many_columns": (
        ",".join(f"c{number}" for number in range(12)) + ",text\n" + "1," * 12 + "a\n",
        "",
        {"most": "10"},
    ),
    "many_unreadable_rows": ('{"text": "a"}\n' + "nonsense\n" * 20, "?format=jsonl", {"most": "5"}),
    "no_readable_row": ("nonsense\n", "?format=jsonl", {}),
    "header_is_data": (DATA, "", {"cell": "“3”"}),
    "short_header": ("id\n" + "a,so happy,1\nb,so sad,1\n" * 20, "", {"names": "1", "cells": "3"}),
    "no_header": ("\n\n\n", "", {}),
    "no_text_column": ("a,b\n1,2\n", "", {"columns": ("“a”", "“b”")}),
    "unknown_column": ("a,b\n1,2\n", "?text=<i>", {"column": "“&lt;i&gt;”", "columns": ("“a”", "“b”")}),
    "ambiguous_column": ("text,Text\n1,2\n", "", {"columns": ("“text”", "“Text”")}),
}


@pytest.fixture(scope="module")
def strict(linear_model: Path) -> Iterator[Running]:
    """A service with low limits of files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("insula.serving.jobs.COLUMNS", 10)
        patch.setattr("insula.serving.jobs.UNREADABLE_ROWS", 5)
        with running(linear_model, jobs={"line_bytes": 1_000}) as service:
            yield service


def _reason(service: Running, language: str) -> str:
    """Return why the newest file of a visitor failed, as its page says it."""
    visitor = Visitor(service)
    finished(visitor)
    (said, *_) = re.findall(r'<p class="wrong">(.*?)</p>', visitor.get(f"{ADDRESS}/jobs?lang={language}").text)
    return str(said)


@pytest.mark.parametrize("code", FAILED)
def test_a_failed_file_says_why_in_both_languages(strict: Running, code: str) -> None:
    content, query, values = FAILED[code]
    upload(Visitor(strict), content, query)
    for language in WORDS:
        joined = {name: WORDS[language]["comma"].join(value) if isinstance(value, tuple) else value
                  for name, value in values.items()}  # fmt: skip
        assert _reason(strict, language) == WORDS[language][f"reason_{code}"].format(**joined)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (QuotaError(), "quota"),
        (ProblemError("overloaded", "Too large."), "overloaded"),
        (ProblemError("not_found", "No such model."), "not_found"),
        (OutputError("The disk is full."), "unavailable"),
        (RuntimeError("never seen before"), "internal"),
        (DataError("Something new is wrong."), "other"),
    ],
)
def test_a_job_that_fails_says_why_in_both_languages(
    strict: Running, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("insula.serving.jobs.predict_file", fail)
    upload(Visitor(strict))
    for language in WORDS:
        said = _reason(strict, language)
        assert said.startswith(WORDS[language][f"reason_{code}"])
        assert ("Something new is wrong." in said) == (code == "other")


def test_every_reason_has_words_in_both_languages() -> None:
    """Every code of an error about data, as the code names it, and no word without one."""
    root = Path(insula.__file__).parent
    codes = {code for file in (root / "data").rglob("*.py") for code in re.findall(r'code="(\w+)"', file.read_text())}
    assert codes == set(FAILED)
    for words in WORDS.values():
        named = {name.removeprefix("reason_") for name in words if name.startswith("reason_")}
        assert named == codes | {"quota", "overloaded", "unavailable", "not_found", "internal", "other"}


def test_every_problem_has_words_in_both_languages() -> None:
    for language, words in WORDS.items():
        assert [code for code in CODES if f"problem_{code}" not in words] == [], language


def test_files_belong_to_whoever_signed_in(linear_model: Path, tmp_path: Path) -> None:
    store = tmp_path / "data"
    keys = [create_key(name, store=store).secret for name in ("one", "two")]
    with running(linear_model, store={"address": str(store)}) as service:
        assert Visitor(service).get("/files").status_code == 303
        visitors = [Visitor(service), Visitor(service)]
        for visitor, key in zip(visitors, keys, strict=True):
            visitor.send("/login", page="/login", key=key, next="/files")
        job = upload(visitors[0]).json()["id"]
        assert job in finished(visitors[0])
        assert job not in finished(visitors[1])
        assert visitors[1].get(f"/files/{job}/result").status_code == 404
        assert visitors[0].get(f"/files/{job}/result").status_code == 200


class TestInABrowser:
    pytestmark = IN_CHROMIUM

    @pytest.mark.parametrize(
        ("width", "language", "locale", "scheme"),
        [(390, "zh", "zh-CN", "dark"), pytest.param(1280, "en", "en-GB", "light", marks=pytest.mark.slow)],
    )
    def test_a_file_is_uploaded_by_keyboard(
        self, linear_model: Path, tmp_path: Path, watched: Callable[..., Watched], width: int, language: str,
        locale: str, scheme: str,
    ) -> None:  # fmt: skip
        table = tmp_path / "mine <b>.csv"
        table.write_text(CSV, encoding="utf-8")
        words = WORDS[language]
        jobs = {"upload_bytes": 20_000}
        with running(linear_model, jobs=jobs, feedback={"file": str(tmp_path / "feedback.jsonl")}) as service:
            seen = watched(viewport={"width": width, "height": 900}, locale=locale, color_scheme=scheme)
            page: Any = seen.page
            page.goto(f"{service.address}/files")
            page.get_by_text(words["no_jobs"]).wait_for()
            page.get_by_label(words["file"], exact=True).set_input_files(str(table))
            page.get_by_label(words["column"], exact=True).focus()
            page.keyboard.type("text")
            page.keyboard.press("Enter")
            page.get_by_role("heading", name=table.name).wait_for()
            with page.expect_download() as downloading:
                page.get_by_role("link", name=words["download"]).click()
            lines = Path(downloading.value.path()).read_text(encoding="utf-8").splitlines()
            assert [json.loads(line)["id"] for line in lines] == ["1", "2"]
            assert barriers(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.set_input_files("#file", str(Path(__file__)))
            page.get_by_role("button", name=words["upload"], exact=True).click()
            page.get_by_text(words["problem_file_kind"]).wait_for()
            table.write_text(CSV * 1000, encoding="utf-8")
            page.set_input_files("#file", str(table))
            page.get_by_role("button", name=words["upload"], exact=True).click()
            page.get_by_text(words["problem_file_size"]).wait_for()
            seen.complaints.clear()  # the browser notes the answer 413
            page.get_by_role("button", name=words["delete"]).click()
            page.get_by_text(words["no_jobs"]).wait_for()
            self.give_feedback(page, service, words, tmp_path / "feedback.jsonl")
            assert seen.asked_only(f"{service.address}/")

    def give_feedback(self, page: Any, service: Running, words: Any, file: Path) -> None:
        """Say that a prediction is wrong, and which label is right, with the keyboard alone."""
        page.goto(service.address)
        page.locator("#text").fill("the day was wonderful")
        page.keyboard.press("Control+Enter")
        page.get_by_text(words["wrong"]).wait_for()
        assert barriers(page) == []
        page.reload()
        page.locator("#text").fill("the day was wonderful")
        page.keyboard.press("Control+Enter")
        page.get_by_text(words["wrong"]).press("Enter")
        page.get_by_role("radio").first.press("Space")
        eventually(page.get_by_role("radio").first.is_checked, True)
        page.get_by_role("button", name=words["send"]).press("Enter")
        page.get_by_role("status").get_by_text(words["thanks"]).wait_for()
        (row,) = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        assert row["labels"] == ["negative"]
