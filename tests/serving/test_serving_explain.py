"""`POST /v1/explain`, its client and the page: the library's explanations, within limits, behind all predictions."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from serving_running import Running, problem, running
from serving_visiting import EVIL, Visitor, hostile_model

import insula
import toy_data
from insula.client import AsyncClient, Client
from insula.core.errors import ServiceError
from insula.core.model_input import ModelInput, Turn
from insula.explanation import explain as explaining
from insula.explanation.explain import explain_input
from insula.explanation.explanation import Explanation
from insula.inference.predictor import Predictor
from insula.serving.pages.words import WORDS
from insula.serving.queueing import explanation_queue
from insula.serving.queueing.batcher import Batcher
from waiting import DEADLINE, eventually, wait_until

TEXTS = [example.text for example in toy_data.toy_dataset("multi").split("test")][:5]
TEXT = "the day was wonderful and happy"


def facts(explanation: Explanation) -> dict[str, Any]:
    """What does not depend on the clock."""
    return {name: value for name, value in explanation.facts(4).items() if name != "milliseconds"}


def test_explanations_are_the_library_s(served: Running, predictor: Predictor) -> None:
    wanted = [explain_input(predictor, text) for text in TEXTS]
    answer = served.post("/v1/explain", {"texts": TEXTS}).json()
    assert answer["model"] == "encoder-multi"
    predicted = served.post("/v1/predict", {"texts": TEXTS}).json()["predictions"]
    for row, one, prediction in zip(answer["explanations"], wanted, predicted, strict=True):
        found = Explanation.from_facts(one.prediction, row.pop("explanation"))
        assert list(found.weights) == list(one.weights)
        for label, weights in one.weights.items():
            assert found.weights[label] == pytest.approx(weights, abs=1e-3)
        assert found.words == one.words
        assert found.decision == pytest.approx(one.decision, abs=1e-3)
        assert row["labels"] == prediction["labels"]
        assert row["scores"] == pytest.approx(prediction["scores"], abs=1e-4)


def test_method_labels_budget_and_context(served: Running) -> None:
    body = {
        "inputs": [{"id": "a", "text": TEXT, "turns": [{"text": "awful"}]}],
        "model": "linear-single",
        "method": "partition",
        "labels": ["negative"],
        "budget_ms": 500,
        "faithfulness": False,
    }
    answer = served.post("/v1/explain", body).json()
    assert answer["unread"] == 1
    (row,) = answer["explanations"]
    assert row["id"] == "a"
    assert row["explanation"]["method"] == "partition"
    assert list(row["explanation"]["weights"]) == ["negative"]
    assert row["explanation"]["faithfulness"] == {}


def test_the_clients_explain(served: Running) -> None:
    linear = Predictor.load(served.service.models.find("linear-single").predictor.folder)
    texts = [TEXT, ModelInput("an awful evening", turns=(Turn("hello"),), id="b"), *["so happy"] * 9]
    wanted = [facts(explain_input(linear, text, labels=["positive"])) for text in texts]
    with Client(served.address) as client:
        found = client.explain(texts, model="linear-single", labels=["positive"])
        assert [facts(one) for one in found] == wanted
        assert [one.prediction.text for one in found] == [TEXT, "an awful evening", *["so happy"] * 9]
        assert found[1].prediction.id == "b"
        with pytest.raises(ServiceError, match="'exact' is for models whose logits are a sum") as error:
            client.explain([TEXT], method="exact")
        assert error.value.status == 422

    async def ask() -> list[Explanation]:
        async with AsyncClient(served.address) as client:
            return await client.explain(texts, model="linear-single", labels=["positive"])

    assert [facts(one) for one in asyncio.run(ask())] == wanted


def test_what_is_too_much_or_wrong_is_a_problem(linear_model: Path) -> None:
    with running(linear_model, explain={"texts": 2, "characters": 40, "waiting": 1}) as service:
        problem(service.post("/v1/explain", {"texts": [TEXT] * 3}), 413, "too_large")
        problem(service.post("/v1/explain", {"texts": ["long " * 20]}), 413, "too_large")
        problem(service.post("/v1/explain", {"texts": [" "]}), 422, "validation")
        wrong = problem(service.post("/v1/explain", {"texts": [TEXT], "labels": ["zilpzalp"]}), 422, "validation")
        assert "must be labels of the model" in wrong["detail"]
        assert "zilpzalp" not in str(wrong)
        problem(service.post("/v1/explain", {"texts": [TEXT], "method": "guess"}), 422, "validation")
        problem(service.post("/v1/explain", {"texts": [TEXT], "inputs": [{"text": TEXT}]}), 422, "validation")
        problem(service.post("/v1/explain", {"texts": [TEXT, TEXT]}), 429, "overloaded")  # there is room for one
        assert service.post("/v1/explain", {"texts": [TEXT]}).status_code == 200
        assert service.service.explanations.texts_waiting == 0
    with running(linear_model, explain={"enabled": False}) as service:
        problem(service.post("/v1/explain", {"texts": [TEXT]}), 501, "disabled")
        assert "/pages/explain" not in Visitor(service).send("/pages/predict", text=TEXT).text


class Stuck:
    """Lets explanations begin, and go on when a test lets them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: list[str] = []
        self.go = threading.Event()

        def stuck(predictor: Predictor, given: Any, **options: Any) -> Explanation:
            self.begun.append(given if isinstance(given, str) else given.text)
            assert self.go.wait(DEADLINE)
            return explaining.explain_input(predictor, given, **options)

        monkeypatch.setattr(explanation_queue, "explain_input", stuck)


def test_requests_take_turns_and_predictions_pass(linear_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck, found = Stuck(monkeypatch), list[int]()
    with running(linear_model) as service:

        def ask(*texts: str) -> threading.Thread:
            body = {"texts": texts, "trust": False}  # the old name
            thread = threading.Thread(target=lambda: found.append(service.post("/v1/explain", body).status_code))
            thread.start()
            return thread

        asking = [ask("a one", "a two", "a three")]
        wait_until(lambda: stuck.begun, "nothing is explained")
        asking.append(ask("b one"))
        eventually(lambda: service.service.explanations.texts_waiting, 4)
        assert service.post("/v1/predict", {"texts": [TEXT]}).status_code == 200  # it does not wait for them
        stuck.go.set()
        for thread in asking:
            thread.join(DEADLINE)
    assert found == [200, 200]
    assert stuck.begun == ["a one", "b one", "a two", "a three"]


def test_a_client_that_goes_leaves_the_queue(linear_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = Stuck(monkeypatch)
    with running(linear_model) as service:
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.post(f"{service.address}/v1/explain", json={"texts": ["one", "two"]}, timeout=0.3)
        eventually(lambda: service.service.explanations.texts_waiting, 0)
        stuck.go.set()
        assert service.post("/v1/explain", {"texts": ["three"]}).status_code == 200
    assert stuck.begun == ["one", "three"]


def test_batches_of_a_network_give_way(encoder_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    monkeypatch.setattr(Batcher, "wait_until_idle", lambda self, seconds: asked.append(seconds))
    with running(encoder_model) as service:
        assert service.post("/v1/explain", {"texts": [TEXT], "faithfulness": False}).status_code == 200
    assert set(asked) == {explanation_queue.MAX_YIELD}


def test_a_model_without_a_network_gives_way(linear_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a long text delays the end of the service, and the predictions that share its processor."""
    portions: list[int] = []
    logits = Predictor.logits

    def counted(predictor: Predictor, texts: Any) -> Any:
        portions.append(len(texts))
        return logits(predictor, texts)

    asked: list[float] = []
    monkeypatch.setattr(Batcher, "wait_until_idle", lambda self, seconds: asked.append(seconds))
    monkeypatch.setattr(Predictor, "logits", counted)
    with running(linear_model) as service:
        assert service.post("/v1/explain", {"texts": ["happy words " * 50]}).status_code == 200
    assert max(portions) <= 16
    assert len(asked) == len(portions) > 5


def test_an_abandoned_explanation_of_any_model_ends(linear_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, go, variants = threading.Event(), threading.Event(), list[int]()
    logits = Predictor.logits

    def held_back(predictor: Predictor, texts: Any) -> Any:
        variants.append(len(texts))
        reached.set()
        assert go.wait(DEADLINE)
        return logits(predictor, texts)

    monkeypatch.setattr(Predictor, "logits", held_back)
    with running(linear_model) as service:
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.post(f"{service.address}/v1/explain", json={"texts": ["happy words " * 50]}, timeout=1)
        assert reached.wait(DEADLINE)
        eventually(lambda: service.service.explanations.texts_waiting, 0)
        go.set()
        assert service.post("/v1/explain", {"texts": ["happy"]}).status_code == 200
    assert sum(variants) < 50  # of the 100 words, each missing once


def test_a_failure_is_logged_without_the_text(
    linear_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(predictor: Predictor, given: Any, **options: Any) -> Explanation:
        raise ValueError(f"cannot explain {given}")

    monkeypatch.setattr(explanation_queue, "explain_input", fails)
    with caplog.at_level(logging.DEBUG, logger="insula"), running(linear_model) as service:
        broken = problem(service.post("/v1/explain", {"texts": ["zilpzalp"]}), 500, "internal")
    assert "ValueError" in caplog.text
    assert "zilpzalp" not in caplog.text + str(broken)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("fragment", [True, False])
def test_the_page_marks_the_words(served: Running, language: str, fragment: bool) -> None:
    visitor, words = Visitor(served), WORDS[language]
    form = {"text": TEXT, "model": "linear-single", "lang": language}
    assert "/pages/explain" in visitor.send("/pages/predict", **form).text
    headers = {"HX-Request": "true"} if fragment else {}
    answer = visitor.send("/pages/explain", **form, label="positive", headers=headers)
    assert answer.status_code == 200
    assert answer.text.startswith("<!DOCTYPE html>") is not fragment
    body = {"texts": [TEXT], "model": "linear-single", "labels": ["positive"]}
    (row,) = served.post("/v1/explain", body).json()["explanations"]
    weights = dict(zip(TEXT.split(), row["explanation"]["weights"]["positive"], strict=True))
    strongest = max(weights, key=lambda word: weights[word])
    assert f'<mark class="for step-4">{strongest}&#8288;<sup aria-hidden="true">+</sup></mark>' in answer.text
    assert f"{weights[strongest]:+.2f}" in answer.text
    assert words["why_caution"] in answer.text
    assert "style=" not in answer.text  # the policy of the pages allows none


@pytest.fixture(scope="module")
def linear_service(linear_model: Path) -> Iterator[Running]:
    """A service with the linear model alone."""
    with running(linear_model) as service:
        yield service


def test_counterfactuals_are_the_library_s(linear_service: Running, linear_model: Path) -> None:
    answer = linear_service.post("/v1/counterfactual", {"texts": [TEXT, "..."]})
    assert answer.status_code == 200
    rows = answer.json()["counterfactuals"]
    for row, one in zip(rows, insula.find_counterfactuals([TEXT, "..."], linear_model), strict=True):
        assert (row["valid"], row["label"]) == (one.valid, one.prediction.label)
        for name in ("changed", "kept"):
            wanted = getattr(one, name)
            assert (row[name] is None) == (wanted is None)
            if wanted is not None:
                assert row[name]["label"] == wanted.prediction.label
                assert row[name]["edits"] == [dataclasses.asdict(edit) for edit in wanted.edits]
    assert rows[0]["valid"]
    assert TEXT not in answer.text
    problem(linear_service.post("/v1/counterfactual", {"texts": ["a"] * 99}), 413, "too_large")
    problem(linear_service.post("/v1/counterfactual", {"texts": ["a"], "method": "exact"}), 422, "validation")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("fragment", [True, False])
def test_the_page_shows_what_would_change_it(linear_service: Running, language: str, fragment: bool) -> None:
    visitor, words = Visitor(linear_service), WORDS[language]
    form = {"text": TEXT, "lang": language, "ask": "edit"}
    assert words["edit_ask"] in visitor.send("/pages/predict", **form).text
    answer = visitor.send("/pages/explain", **form, headers={"HX-Request": "true"} if fragment else {})
    assert answer.status_code == 200
    assert answer.text.startswith("<!DOCTYPE html>") is not fragment
    (row,) = linear_service.post("/v1/counterfactual", {"texts": [TEXT]}).json()["counterfactuals"]
    edit = row["changed"]["edits"][0]
    if edit["new"].strip():
        assert f"{edit['new']}</ins>" in answer.text
    if edit["end"] > edit["start"]:
        assert f"{TEXT[edit['start'] : edit['end']]}</del>" in answer.text
    assert words["edit_caution"] in answer.text
    assert "style=" not in answer.text


def test_the_page_says_what_went_wrong(served: Running) -> None:
    visitor, fragment = Visitor(served), {"HX-Request": "true"}
    words = WORDS["en"]
    wrong = visitor.post("/pages/explain", data={"text": TEXT, "token": "0" * 64}, headers=fragment)
    assert wrong.status_code == 403
    assert words["stale"] in wrong.text
    for text, label, status in (("", "", 422), (TEXT, "zilpzalp", 422), ("a" * 6000, "", 413)):
        answer = visitor.send("/pages/explain", text=text, label=label, headers=fragment)
        assert answer.status_code == status
        assert 'class="wrong"' in answer.text


def test_hostile_words_stay_text(linear_model: Path, tmp_path: Path) -> None:
    with running(hostile_model(linear_model, tmp_path / "evil")) as service:
        answer = Visitor(service).send("/pages/explain", text=f"{EVIL} {TEXT}")
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "<img" not in answer.text
