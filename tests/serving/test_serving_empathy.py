"""`POST /v1/empathy`: the scores of the library."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving_running import Running, running
from serving_visiting import EVIL, Visitor

from insula import score_empathy, train_empathy
from insula.client import AsyncClient, Client, ClientOptions
from insula.core.errors import DataError, ServiceError
from insula.empathy.scoring.result import MECHANISMS, EmpathyScore
from insula.serving.pages.sentences.reply_words import REPLY_CHINESE, REPLY_ENGLISH
from insula.serving.pages.words import WORDS

PAIRS = [
    ("I failed the exam again.", "I'm so sorry. What happened?"),
    ("They gave it to him.", "There is a lot of anger in what you write."),
    ("我又没考上。", "好心疼你，一定很难受吧。"),
    ("It broke.", "i am worried about you, number 7. what happened?"),
]


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scorer that was trained on pairs whose levels follow from their words."""
    folder = tmp_path_factory.mktemp("scorer")
    words = ("the form is upstairs", "take care friend", "i am worried about you")
    asks = ("read the rules", "what happened", "who is she")
    rows = [
        {
            "message": f"message {number}",
            "reply": f"{words[number % 3]}, number {number}. {asks[number // 3 % 3]}?",
            "emotional_reaction": number % 3,
            "interpretation": number // 9 % 2 and number % 3,
            "exploration": number // 3 % 3,
        }
        for number in range(120)
    ]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return train_empathy(folder / "pairs.jsonl", output=folder / "scorer", recipe="linear").run.path


@pytest.fixture(scope="module")
def linear(linear_model: Path, scorer: Path) -> Iterator[Running]:
    """A service with a small model, and a trained scorer."""
    with running(linear_model, scorer) as service:
        yield service


def test_scores_are_those_of_the_library(linear: Running) -> None:
    body = {"pairs": [{"message": message, "reply": reply} for message, reply in PAIRS]}
    for model in linear.service.models:
        answer = linear.post("/v1/empathy", {**body, "model": model.name}).json()
        wanted = [one.to_dict() for one in score_empathy(PAIRS, model.predictor)]
        assert [row["scorer"] for row in answer["scores"]] == [row["scorer"] for row in wanted]
        for row, one in zip(answer["scores"], wanted, strict=True):
            for name in MECHANISMS:
                assert row[name]["level"] == one[name]["level"]
                assert row[name]["words"] == one[name]["words"]
                assert row[name]["scores"] == pytest.approx(one[name]["scores"], abs=1e-3)
        assert answer["model"] == model.name
    assert {one.scorer for one in score_empathy(PAIRS, model.predictor)} == {"trained"}


def test_a_pair_without_a_text_is_refused(linear: Running) -> None:
    for message, reply in (("I failed.", " "), (" ", "What happened?")):
        answer = linear.post("/v1/empathy", {"pairs": [{"message": message, "reply": reply}]})
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert linear.post("/v1/empathy", {"pairs": []}).status_code == 422


def without_decimals(score: EmpathyScore) -> dict[str, object]:
    """Return what a score says, without its probabilities, which a service rounds."""
    row = score.to_dict()
    return {**row, **{name: {**row[name], "scores": None} for name in MECHANISMS}}


def test_clients_return_the_scores_of_the_library(linear: Running) -> None:
    async def ask() -> list[EmpathyScore]:
        async with AsyncClient(linear.address, options=ClientOptions(batch_size=3)) as client:
            return await client.score_empathy(PAIRS)

    with Client(linear.address, options=ClientOptions(batch_size=3)) as client:
        found = client.score_empathy(PAIRS)
        wanted = score_empathy(PAIRS, linear.service.models.default.predictor)
        assert [without_decimals(one) for one in found] == [without_decimals(one) for one in wanted]
        assert found == asyncio.run(ask())
        assert {one.scorer for one in client.score_empathy(PAIRS, model="scorer")} == {"trained"}
        assert client.score_empathy([]) == []
        with pytest.raises(ServiceError, match="The message of pair 0 is empty") as error:
            client.score_empathy([(" ", "What happened?")])
        assert error.value.status == 422
        with pytest.raises(DataError, match="A pair must be a message and a reply"):
            client.score_empathy(["ab"])  # type: ignore[list-item]


@pytest.mark.parametrize(("language", "words"), [("en", REPLY_ENGLISH), ("zh", REPLY_CHINESE)])
def test_the_page_scores_a_changed_draft(served: Running, language: str, words: dict[str, str]) -> None:
    visitor = Visitor(served)
    message, reply = PAIRS[0] if language == "en" else PAIRS[2]
    fields = {"lang": language, "text": message, "number": "2", "draft-2": reply}
    page = visitor.send("/pages/reply/empathy", page="/reply", headers={"HX-Request": "true"}, **fields)
    (wanted,) = score_empathy([(message, reply)], served.service.models.default.predictor)
    assert page.status_code == 200
    assert 'id="empathy-2" open' in page.text
    for name, one in wanted.mechanisms.items():
        assert f"{words[f'empathy_{name}']} {one.level}" in page.text
        assert words[f"empathy_level_{one.level}"] in page.text
        for shown in one.words:
            assert f"<q>{shown.text}</q>".replace("'", "&#39;") in page.text
        assert one.missing is None or one.missing.replace("'", "&#39;") in page.text
    hostile = visitor.send("/pages/reply/empathy", page="/reply", **{**fields, "text": EVIL, "draft-2": EVIL}).text
    assert "<script>alert" not in hostile
    assert "<img" not in hostile


def test_the_page_says_why_a_draft_has_no_score(served: Running) -> None:
    visitor = Visitor(served)
    fields = {"text": "I failed.", "number": "1", "draft-1": "What happened?"}
    for changed, status, problem in (
        ({"draft-1": " "}, 422, "problem_empty"),
        ({"number": "x"}, 422, "problem_empty"),
        ({"draft-1": "long " * 5000}, 413, None),
    ):
        answer = visitor.send("/pages/reply/empathy", page="/reply", **{**fields, **changed})
        assert (answer.status_code, answer.headers["hx-reswap"]) == (status, "none")
        assert problem is None or WORDS["en"][problem] in answer.text
    assert visitor.post("/pages/reply/empathy", data=fields).status_code == 403


def test_drafts_come_with_the_scores_of_the_trained_scorer(linear: Running, served: Running) -> None:
    for service, scorer in ((served, served.service.models.default), (linear, linear.service.models.find("scorer"))):
        text = "I failed the exam again. I can't tell my parents."
        page = Visitor(service).send("/pages/reply", page="/reply", text=text).text
        drafts = service.post("/v1/reply", {"text": text}).json()["drafts"]
        scores = score_empathy([(text, one["text"]) for one in drafts], scorer.predictor)
        for number, score in enumerate(scores, 1):
            levels = ", ".join(
                f"{REPLY_ENGLISH[f'empathy_{name}']} {one.level}" for name, one in score.mechanisms.items()
            )
            assert f'id="empathy-{number}"' in page
            assert REPLY_ENGLISH["empathy_said"].format(levels=levels) in page
