"""What the service answers is what the library says."""

from __future__ import annotations

import asyncio
import json

import httpx2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serving_running import Running, problem

import toy_data
from insula.core.levels import compute_level_predictions
from insula.inference.predictor import Predictor
from waiting import DEADLINE

TEXTS = [example.text for example in toy_data.toy_dataset("multi").split("test")]
any_text = st.one_of(
    st.sampled_from(TEXTS),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=200).filter(str.strip),
)


def _same(rows: list[dict], predictor: Predictor, texts: list[str]) -> None:
    wanted = predictor.predict(texts)
    assert len(rows) == len(wanted)
    for row, one in zip(rows, wanted, strict=True):
        assert row["labels"] == list(one.labels)
        assert row["abstained"] == one.abstained
        assert list(row["scores"]) == list(one.scores)
        np.testing.assert_allclose(list(row["scores"].values()), list(one.scores.values()), atol=1e-5)
        assert row["confidence"] == pytest.approx(one.confidence, abs=1e-5)


def test_the_answer_is_the_library_s(served: Running, predictor: Predictor) -> None:
    answer = served.post("/v1/predict", {"texts": TEXTS})
    assert answer.status_code == 200
    assert answer.json()["model"] == served.service.models.default.name
    _same(answer.json()["predictions"], predictor, TEXTS)


@settings(max_examples=15)
@given(requests=st.lists(st.lists(any_text, min_size=1, max_size=12), min_size=1, max_size=12))
def test_under_any_concurrency(served: Running, predictor: Predictor, requests: list[list[str]]) -> None:
    async def ask() -> list[httpx2.Response]:
        async with httpx2.AsyncClient(base_url=served.address, timeout=DEADLINE) as client:
            return await asyncio.gather(*(client.post("/v1/predict", json={"texts": texts}) for texts in requests))

    for texts, answer in zip(requests, asyncio.run(ask()), strict=True):
        assert answer.status_code == 200, answer.text
        _same(answer.json()["predictions"], predictor, texts)


def test_another_model_and_other_outputs(served: Running, linear_model: str) -> None:
    name = [model.name for model in served.service.models][1]
    library = Predictor.load(linear_model)
    answer = served.post(
        "/v1/predict", {"texts": TEXTS[:3], "model": name, "outputs": ["levels", "display"], "language": "zh"}
    ).json()
    assert answer["model"] == name
    for row, one in zip(answer["predictions"], library.predict(TEXTS[:3]), strict=True):
        assert set(row) == {"abstained", "levels", "display"}
        assert row["levels"] == json.loads(json.dumps(compute_level_predictions(library.scheme, one)))
        assert row["display"] == [library.scheme.display_name(label, "zh") for label in one.labels]


@pytest.mark.parametrize(("predict_turns", "predicted"), [("last", [2]), ("each", [0, 1, 2])])
def test_a_dialogue(served: Running, predictor: Predictor, predict_turns: str, predicted: list[int]) -> None:
    turns = [{"speaker": who, "text": text} for who, text in zip("aba", TEXTS[:3], strict=True)]
    rows = served.post("/v1/predict", {"dialogue": turns, "predict_turns": predict_turns}).json()["predictions"]
    assert [row["speaker"] for row in rows] == [turns[i]["speaker"] for i in predicted]
    _same(rows, predictor, [TEXTS[i] for i in predicted])
    assert served.post("/v1/predict", {"dialogue": turns, "judge": predict_turns}).json()["predictions"] == rows


def test_hugging_face_s_shape_has_the_scores_of_each_label(served: Running, predictor: Predictor) -> None:
    answer = served.post("/", {"inputs": TEXTS[:4]}).json()
    for row, one in zip(answer, predictor.predict(TEXTS[:4]), strict=True):
        assert [part["score"] for part in row] == sorted((part["score"] for part in row), reverse=True)
        assert {part["label"]: part["score"] for part in row} == pytest.approx(dict(one.scores), abs=1e-5)
    # Several labels may hold at once: a softmax would make these sums 1.
    assert any(abs(sum(part["score"] for part in row) - 1) > 0.1 for row in answer)
    alone = served.post("/", {"inputs": TEXTS[0], "parameters": {"top_k": 1}}).json()
    assert alone == [answer[0][:1]]


def test_models_are_described(served: Running) -> None:
    listed = served.get("/v1/models").json()["models"]
    assert [one["name"] for one in listed] == [model.name for model in served.service.models]
    assert listed[0]["labels"] == ["negative", "neutral", "positive"]
    assert "macro-F1" in listed[0]["measured"]
    shown = served.get(f"/v1/models/{listed[0]['name']}").json()
    assert shown["metrics"]["macro_f1"]["value"] > 0.5
    assert "library_name: insula" in shown["card"]
    problem(served.get("/v1/models/none"), 404, "not_found")
    problem(served.post("/v1/predict", {"texts": ["a"], "model": "none"}), 404, "not_found")


def test_health_version_and_metrics(served: Running) -> None:
    assert served.get("/healthz").json() == {"status": "alive"}
    assert served.get("/readyz").json() == {"status": "ready"}
    assert set(served.get("/version").json()) == {"insula"}
    canary = "canary-in-a-text-4711"
    assert served.post("/v1/predict", {"texts": [canary]}).status_code == 200
    served.get(f"/{canary}")
    said = served.get("/metrics").text
    assert canary not in said
    for name in ("insula_requests_total", "insula_request_seconds_bucket", "insula_queue_texts",
                 "insula_batch_texts_bucket", "insula_predictions_total", "insula_abstained_total"):  # fmt: skip
        assert name in said
    assert 'route="/v1/predict",status="200"' in said


def test_every_answer_bears_the_headers_that_browsers_heed(served: Running) -> None:
    for answer in (served.get("/healthz"), served.get("/nothing"), served.post("/v1/predict", {})):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
    foreign = served.get("/healthz", headers={"origin": "https://example.org"})
    assert "access-control-allow-origin" not in foreign.headers


def test_the_document_describes_every_route(served: Running) -> None:
    document = served.get("/openapi.json").json()
    assert {"/v1/predict", "/predict", "/v1/models", "/v1/models/{name}", "/healthz", "/readyz", "/metrics"} <= set(
        document["paths"]
    )
    body = document["paths"]["/v1/predict"]["post"]["requestBody"]["content"]["application/json"]
    for example in body["examples"].values():
        assert served.post("/v1/predict", example["value"]).status_code == 200
    said = json.dumps(document)
    for name in ("PredictRequest", "Turn", "ProblemDetails", "InferenceRequest", "TeiRequest"):
        assert name in document["components"]["schemas"]
        assert f'"#/components/schemas/{name}"' in said
