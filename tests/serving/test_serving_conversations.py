"""One dialogue, one answer: in Python, over HTTP, by stream, by client and on the page; what is not read is counted."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from serving_conversations import DIALOGUE
from serving_running import Running, problem, running
from serving_visiting import Visitor
from websockets.sync.client import connect

from insula.client import AsyncClient, Client, ClientOptions
from insula.core.errors import DataError
from insula.core.model_input import ModelInput, build_dialogue_inputs
from insula.core.prediction import Prediction
from insula.inference.predictor import Predictor
from insula.operations.store.database import open_database
from insula.operations.store.tables import FEEDBACK, PREDICTIONS
from insula.serving.pages.words import WORDS
from waiting import DEADLINE

MODELS = ("joined", "pairs")
TURNS = [{"text": turn.text} | ({"speaker": turn.speaker} if turn.speaker else {}) for turn in DIALOGUE]
LAST = {"text": TURNS[-1]["text"], "turns": TURNS[:-1]}


def _predictor(service: Running, model: str) -> Predictor:
    """Return a model of a service, opened in this process."""
    return Predictor.load(service.service.models.find(model).folder.path)


def _same(found: Sequence[Mapping[str, Any] | Prediction], wanted: Sequence[Prediction]) -> None:
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        row = one.to_dict() if isinstance(one, Prediction) else one
        assert row["labels"] == list(other.labels)
        assert row["scores"] == pytest.approx(dict(other.scores), abs=1e-5)
        assert row["abstained"] == other.abstained


@pytest.mark.parametrize("model", MODELS)
def test_one_dialogue_has_one_answer(conversing: Running, model: str) -> None:
    library = _predictor(conversing, model)
    inputs = build_dialogue_inputs(DIALOGUE)
    wanted = library.predict(inputs)
    alone = library.predict([turn.text for turn in DIALOGUE])
    assert wanted[0].scores == alone[0].scores
    assert all(
        one.scores != pytest.approx(dict(other.scores)) for one, other in zip(wanted[1:], alone[1:], strict=True)
    )

    each = conversing.post("/v1/predict", {"dialogue": TURNS, "predict_turns": "each", "model": model}).json()
    _same(each["predictions"], wanted)
    assert (each["context_turns"], each["unread"]) == (library.context.turns, 0)
    last = conversing.post("/v1/predict", {"dialogue": TURNS, "model": model}).json()
    _same(last["predictions"], wanted[-1:])
    rows = [{"turns": TURNS[:number], **turn} for number, turn in enumerate(TURNS)]
    _same(conversing.post("/v1/predict", {"inputs": rows, "model": model}).json()["predictions"], wanted)

    with connect(conversing.address.replace("http", "ws") + "/v1/stream") as stream:
        for row in rows:
            stream.send(json.dumps({**row, "model": model}))
        answers = [json.loads(stream.recv(timeout=DEADLINE)) for _ in rows]
    _same(answers, wanted)
    assert all("unread" not in answer for answer in answers)

    with Client(conversing.address, options=ClientOptions(batch_size=2)) as client:
        _same(client.predict(dialogue=DIALOGUE, predict_turns="each", model=model), wanted)
        with pytest.warns(DeprecationWarning, match="argument judge is now predict_turns"):
            _same(client.predict(dialogue=DIALOGUE, judge="each", model=model), wanted)  # type: ignore[call-arg]
        _same(client.predict(dialogue=TURNS, model=model), wanted[-1:])
        _same(client.predict(rows, model=model), wanted)
        found = client.predict(inputs, model=model)
        _same(found, wanted)
        assert (found.model, found.context_turns, found.unread) == (model, library.context.turns, 0)
    _same(asyncio.run(_awaited(conversing, inputs, model)), wanted)

    lines = "\n".join(f"{turn.speaker}: {turn.text}" for turn in DIALOGUE[:-1])
    page = Visitor(conversing).send("/pages/predict", text=DIALOGUE[-1].text, turns=lines, model=model)
    shown = re.findall(r"<bdi>(\w+)</bdi>.*?<span class=\"value\">([\d.]+)", page.text, re.DOTALL)
    assert dict(shown) == {name: f"{score:.2f}" for name, score in wanted[-1].scores.items()}
    assert WORDS["en"]["turns_read"].format(count=library.context.turns, all=4) in page.text


async def _awaited(service: Running, inputs: Sequence[ModelInput], model: str) -> list[Prediction]:
    async with AsyncClient(service.address, options=ClientOptions(batch_size=2)) as client:
        return await client.predict(inputs, model=model)


def test_a_model_of_texts_alone_says_what_it_leaves_unread(conversing: Running) -> None:
    model = "linear-single"
    wanted = _predictor(conversing, model).predict([turn.text for turn in DIALOGUE])
    each = conversing.post("/v1/predict", {"dialogue": TURNS, "predict_turns": "each", "model": model}).json()
    _same(each["predictions"], wanted)
    assert (each["context_turns"], each["reads_target"], each["unread"]) == (0, False, 4)
    last = conversing.post("/v1/predict", {"dialogue": TURNS, "model": model}).json()
    assert last["unread"] == 1
    rows = [{"text": "happy"}, LAST, {"text": "awful", "target": "staff"}, {"text": "usual", "speaker": "anna"}]
    some = conversing.post("/v1/predict", {"inputs": rows, "model": model}).json()
    _same(some["predictions"], _predictor(conversing, model).predict([row["text"] for row in rows]))
    assert some["unread"] == 2
    assert conversing.post("/v1/predict", {"texts": ["a"], "model": model}).json()["unread"] == 0
    assert conversing.post("/v1/predict", {"texts": ["a"], "target": "b", "model": model}).json()["unread"] == 1
    with Client(conversing.address, options=ClientOptions(batch_size=1)) as client:
        assert client.predict(rows, model=model).unread == 2
    with connect(conversing.address.replace("http", "ws") + "/v1/stream") as stream:
        stream.send(json.dumps({**LAST, "model": model, "id": 7}))
        answer = json.loads(stream.recv(timeout=DEADLINE))
    assert (answer["id"], answer["unread"]) == (7, True)


def test_ids_languages_and_targets(conversing: Running) -> None:
    library = _predictor(conversing, "joined")
    rows = [
        {"id": "a", "language": "en", "text": "the food was", "target": "wonderful"},
        {"id": "b", "text": "the food was"},
    ]
    body = {"inputs": rows, "target": "horrid", "model": "joined"}
    answer = conversing.post("/v1/predict", body).json()
    inputs = [ModelInput("the food was", target=target) for target in ("wonderful", "horrid")]
    _same(answer["predictions"], library.predict(inputs))
    assert answer["reads_target"] is True
    first, second = answer["predictions"]
    assert (first["id"], first["language"], second["id"]) == ("a", "en", "b")
    assert "language" not in second
    assert "stored_id" not in first
    texts = conversing.post("/v1/predict", {"texts": ["the food was"], "target": "wonderful", "model": "joined"}).json()
    _same(texts["predictions"], library.predict(inputs[:1]))
    # The pair model reads turns, and no target.
    other = {"dialogue": TURNS, "predict_turns": "each", "target": "food", "model": "pairs"}
    assert conversing.post("/v1/predict", other).json()["unread"] == len(TURNS)
    with Client(conversing.address) as client:
        found = client.predict(rows, target="horrid", model="joined")
    _same(found, library.predict(inputs))
    assert [(one.id, one.language) for one in found] == [("a", "en"), ("b", None)]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"texts": [ModelInput("a"), {"txt": "a"}]}, "Got 'txt'.* at position 1"),
        ({"texts": [{"text": "a", "media": {"uri": "a.wav", "kind": "audio"}}]}, "must not have media"),
        ({"texts": "a"}, "Put it in a list"),
        ({"texts": {"text": "a"}}, "Put it in a list"),
        ({"dialogue": "a"}, "must be a list of texts or turns"),
        ({"dialogue": [1]}, "A turn must be"),
        ({"texts": ["a"], "dialogue": ["a"]}, "Texts and a dialogue"),
        ({}, "Texts and a dialogue"),
    ],
)
def test_the_client_says_what_it_cannot_send(conversing: Running, given: dict[str, Any], sentence: str) -> None:
    with Client(conversing.address) as client, pytest.raises(DataError, match=sentence):
        client.predict(**given)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"inputs": [{"text": "a" * 30, "turns": [{"text": "b" * 11}, {"text": "c" * 10}]}]}, 413, "too_large"),
        ({"inputs": [{"text": "a" * 30, "target": "b" * 21}]}, 413, "too_large"),
        ({"dialogue": [{"text": "b" * 30}, {"text": "a" * 30}]}, 413, "too_large"),
        ({"inputs": [{"text": "a", "turns": [{"text": "b"}] * 7}]}, 413, "too_large"),
        ({"dialogue": [{"text": "b"}] * 7}, 413, "too_large"),
        ({"inputs": [{"text": "a"}] * 9}, 413, "too_large"),
        ({"inputs": [{"text": "a", "turns": [{"text": "\0"}] * 4}]}, 422, "validation"),
        ({"inputs": [{"text": "a", "target": "\0"}]}, 422, "validation"),
        ({"dialogue": [{"text": "\0"}, *[{"text": "b"}] * 5]}, 422, "validation"),
        ({"inputs": [{"text": "a", "target": ""}]}, 422, "validation"),
        ({"inputs": [{"text": "a", "turns": [{"text": "b", "when": 1}]}]}, 422, "validation"),
        ({"inputs": [{"text": "a", "language": "english"}]}, 422, "validation"),
        ({"inputs": [{"turns": []}]}, 422, "validation"),
        ({"inputs": []}, 422, "validation"),
        ({"inputs": [{"text": "a"}], "texts": ["a"]}, 422, "validation"),
        ({"inputs": ["a"]}, 422, "validation"),
    ],
)
def test_too_much_and_wrong_inputs_are_rejected(limited: Running, body: Any, status: int, code: str) -> None:
    problem(limited.post("/v1/predict", body), status, code)


@pytest.fixture(scope="module")
def limited(joined_model: Path) -> Any:
    """A service that takes few characters, turns and texts."""
    with running(joined_model, limits={"characters": 50, "turns": 6, "texts": 8}) as service:
        yield service


def test_only_turns_that_are_read_count_towards_the_characters(limited: Running) -> None:
    long = [{"text": "b" * 40}, {"text": "b" * 40}, *[{"text": "c"}] * 3]
    assert limited.post("/v1/predict", {"dialogue": long}).status_code == 200
    assert limited.post("/v1/predict", {"inputs": [{"text": "a" * 40, "turns": long}]}).status_code == 200


def _stored(folder: Path, table: sa.Table) -> list[dict[str, Any]]:
    database = open_database(folder)
    with database.begin_read() as connection:
        rows = [dict(row) for row in connection.execute(sa.select(table).order_by(table.c.created)).mappings()]
    database.close()
    return rows


MAIL = "anna@example.org"
PRIVATE = {
    "text": f"well, {MAIL}",
    "turns": [{"text": "too old"}, *[{"text": f"mail {MAIL}", "speaker": MAIL}] * 3],
    "speaker": f"{MAIL}",
    "target": f"mail of {MAIL}",
}


@pytest.mark.parametrize("texts", ["masked", "none"])
def test_turns_are_stored_as_texts_are(joined_model: Path, tmp_path: Path, texts: str) -> None:
    data = tmp_path / "data"
    options = {"store": {"address": str(data)}, "retention": {"days": 1, "texts": texts}, "access": {"insecure": True}}
    with running(joined_model, **options) as service:
        body = {"inputs": [{**PRIVATE, "language": "zh", "id": "own"}, {"text": "plain"}]}
        first, second = service.post("/v1/predict", body).json()["predictions"]
        assert first["id"] == "own"
        assert second["id"] == second["stored_id"] != first["stored_id"]
        said = service.post("/v1/feedback", {**PRIVATE, "labels": ["positive"], "prediction": first["stored_id"]})
        assert said.status_code == 201, said.text
    predicted, plain = _stored(data, PREDICTIONS)
    (told,) = _stored(data, FEEDBACK)
    assert (predicted["id"], predicted["language"], told["prediction"]) == (
        first["stored_id"],
        "zh",
        first["stored_id"],
    )
    assert (plain["turns"], plain["speaker"], plain["target"]) == (None, None, None)
    if texts == "none":
        for row in (predicted, told):
            assert [row[name] for name in ("text", "turns", "speaker", "target")] == [None] * 4
    else:
        assert len(predicted["turns"]) == 3  # those that the model read
        assert len(told["turns"]) == 4
        assert predicted["turns"][0] == told["turns"][1]
        assert predicted["turns"][0]["text"].startswith("mail [")
        assert predicted["target"].startswith("mail of [")
        assert told["turns"][0] == {"text": "too old"}
    for file in data.rglob("*"):
        assert not file.is_file() or MAIL.encode() not in file.read_bytes()


def test_feedback_lines_hold_the_turns_masked(joined_model: Path, tmp_path: Path) -> None:
    file = tmp_path / "feedback.jsonl"
    with running(joined_model, feedback={"file": str(file)}) as service:
        assert service.post("/v1/feedback", {**PRIVATE, "labels": ["positive"]}).status_code == 201
        assert service.post("/v1/feedback", {"text": "plain", "labels": []}).status_code == 201
    first, second = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert MAIL not in json.dumps(first)
    assert first["turns"][0] == {"text": "too old"}
    assert set(first["turns"][1]) == {"text", "speaker"}
    assert first["target"].startswith("mail of [")
    assert set(second) == {"text", "labels", "model", "version", "time"}


def test_models_say_what_they_read(conversing: Running) -> None:
    listed = {
        one["name"]: (one["context_turns"], one["reads_target"])
        for one in conversing.get("/v1/models").json()["models"]
    }
    assert listed == {"joined": (3, True), "pairs": (2, False), "linear-single": (0, False)}
    assert conversing.get("/v1/models/joined").json()["context_turns"] == 3
    for name, words in (
        ("joined", "reads_turns_and_target"),
        ("pairs", "reads_turns"),
        ("linear-single", "reads_text"),
    ):
        for language in WORDS:
            page = Visitor(conversing).get(f"/models/{name}?lang={language}").text
            assert f"<bdi>{WORDS[language][words].format(turns=listed[name][0])}</bdi>" in page


def test_the_page_asks_for_turns_only_where_they_are_read(
    conversing: Running, linear_model: Path, pair_model: Path
) -> None:
    page = Visitor(conversing).get("/").text
    assert 'name="turns"' in page
    assert 'name="target"' in page
    assert '<option value="joined" data-turns data-target selected>' in page
    assert '<option value="linear-single">' in page
    with running(linear_model) as service:
        page = Visitor(service).get("/").text
        assert 'name="turns"' not in page
        assert 'name="target"' not in page
    with running(pair_model) as service:
        page = Visitor(service).get("/").text
        assert 'name="turns"' in page
        assert 'name="target"' not in page


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_says_what_was_not_read(conversing: Running, language: str) -> None:
    words = WORDS[language]
    fields = {"text": "happy", "turns": "anna: awful", "speaker": "ben", "target": "food", "lang": language}
    page = Visitor(conversing).send("/pages/predict", model="linear-single", **fields).text
    assert words["turns_unread"] in page
    assert words["target_unread"] in page
    for typed in (">\nanna: awful</textarea>", 'value="ben"', 'value="food"', '<details class="conversation" open>'):
        assert typed in page  # nothing that was typed is lost
    page = Visitor(conversing).send("/pages/predict", model="joined", headers={"HX-Request": "true"}, **fields).text
    assert words["turns_read"].format(count=1, all=1) in page
    assert words["target_read"].format(target="food") in page
    plain = Visitor(conversing).send("/pages/predict", model="linear-single", text="happy", lang=language).text
    assert words["turns_unread"] not in plain
    assert '<details class="conversation">' in plain
    too_many = Visitor(conversing).send("/pages/predict", model="joined", text="a", turns="b\n" * 1001, lang=language)
    assert too_many.status_code == 413
    assert words["problem_too_large"] in too_many.text
