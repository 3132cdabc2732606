"""Right and wrong: what a person says of a prediction on the page is stored as the API stores it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from serving_running import Running, running
from serving_visiting import Visitor

from insula.serving.pages.words import WORDS

TEXT = "the day was wonderful, call anna@example.org"
ADDRESS = "/pages/feedback"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feedback.jsonl"


@pytest.fixture
def asking(encoder_model: Path, linear_model: Path, file: Path) -> Iterator[Running]:
    """A service with a model of several labels and one of one label, which stores feedback in a file."""
    with running(encoder_model, linear_model, feedback={"file": str(file)}) as service:
        yield service


def verdict(visitor: Visitor, model: str) -> dict[str, str]:
    """Ask the page, and return the fields of its form for feedback."""
    page = visitor.send("/pages/predict", text=TEXT, model=model).text
    form = page[page.index('<form class="verdict"') :]
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form[: form.index("<div")])
    return {name: unescape(value) for name, value in fields}


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


@pytest.mark.parametrize("model", ["encoder-multi", "linear-single"])
@pytest.mark.parametrize("fragment", [True, False])
def test_right_confirms_the_predicted_labels(asking: Running, file: Path, model: str, fragment: bool) -> None:
    visitor = Visitor(asking)
    fields = verdict(visitor, model)
    headers = {"HX-Request": "true"} if fragment else {}
    answer = visitor.post(ADDRESS, data={**fields, "verdict": "right"}, headers=headers)
    assert answer.status_code == 200
    assert WORDS["en"]["thanks"] in answer.text
    assert ("<html" in answer.text) is not fragment
    (row,) = rows(file)
    assert row["labels"] == row["predicted"] == json.loads(fields["predicted"])
    assert row["model"] == model
    assert "anna" not in row["text"]
    assert row["text"].startswith("the day was wonderful")


def test_wrong_stores_the_labels_that_were_chosen(asking: Running, file: Path) -> None:
    visitor = Visitor(asking)
    multi, single = verdict(visitor, "encoder-multi"), verdict(visitor, "linear-single")
    wrong = {"verdict": "wrong", "lang": "zh"}
    assert (
        visitor.post(ADDRESS, data={**multi, **wrong, "label-1": "negative", "label-3": "positive"}).status_code == 200
    )
    assert visitor.post(ADDRESS, data={**multi, **wrong}).status_code == 200, "no label may be right"
    missing = visitor.post(ADDRESS, data={**single, **wrong})
    assert missing.status_code == 422
    assert WORDS["zh"]["problem_no_label"] in missing.text
    assert visitor.post(ADDRESS, data={**single, **wrong, "label-1": "negative"}).status_code == 200
    assert [row["labels"] for row in rows(file)] == [["negative", "positive"], [], ["negative"]]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"token": "0" * 64}, 403),
        ({"label-1": "my own words"}, 422),
        ({"model": "../x"}, 404),
        ({"text": ""}, 422),
        ({"predicted": "["}, 200),
        ({"prediction": "x"}, 422),
        ({f"field-{place}": "" for place in range(50)}, 400),
    ],
)
def test_feedback_that_is_no_feedback_is_rejected(
    asking: Running, file: Path, changes: dict[str, str], status: int
) -> None:
    visitor = Visitor(asking)
    fields = {**verdict(visitor, "linear-single"), "verdict": "wrong", "label-1": "negative", **changes}
    assert visitor.post(ADDRESS, data=fields).status_code == status
    assert len(rows(file)) == (status == 200)
    foreign = visitor.post(ADDRESS, data=fields, headers={"origin": "https://evil.example"})
    assert foreign.status_code in (400, 403)


def test_nobody_is_asked_where_nothing_is_stored(served: Running) -> None:
    visitor = Visitor(served)
    page = visitor.send("/pages/predict", text=TEXT).text
    assert 'class="verdict"' not in page
    fields = {"text": "a", "verdict": "right", "predicted": '["positive"]'}
    assert WORDS["en"]["problem_disabled"] in visitor.send(ADDRESS, **fields).text
