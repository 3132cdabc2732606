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

from in_chromium import IN_CHROMIUM, Watched, barriers
from insula.api.access import create_key
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
    assert filing.get(f"/v1/batches/{job}").json()["detail"].split(".")[0] in re.sub(r"&#39;", "'", listed)
    assert f"/files/{job}/result" not in listed


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
        ("width", "language", "locale", "scheme"), [(390, "zh", "zh-CN", "dark"), (1280, "en", "en-GB", "light")]
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
