"""Clients of other servers: huggingface_hub's inference client, and one of text-embeddings-inference."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import httpx2
import pytest
from serving_running import Running, problem, running

from insula.api.access import create_key
from insula.inference.predictor import Predictor
from waiting import DEADLINE

TEXT = "so happy, what a wonderful day"
TOKEN = "hf_" + "a" * 34  # of the hub: what people have in their environment


@pytest.fixture(scope="module")
def hub() -> Any:
    """The library of the hub's clients."""
    return pytest.importorskip("huggingface_hub", reason="huggingface_hub comes with the extra train")


@pytest.mark.parametrize("path", ["", "/", "/models/{name}"], ids=["root", "slash", "model"])
def test_the_hub_s_client_classifies(served: Running, predictor: Predictor, hub: Any, path: str) -> None:
    name = served.service.models.default.name
    client = hub.InferenceClient(model=served.address + path.format(name=name), token=TOKEN, timeout=DEADLINE)
    found = client.text_classification(TEXT)
    (wanted,) = predictor.predict([TEXT])
    assert [(one.label, one.score) for one in found] == [
        (label, pytest.approx(wanted.scores[label], abs=1e-5)) for label in wanted.ranked
    ]
    assert len(client.text_classification(TEXT, top_k=2)) == 2


def test_the_hub_s_client_chooses_a_model(served: Running, linear_model: Path, hub: Any) -> None:
    client = hub.InferenceClient(model=f"{served.address}/models/linear-single", token=TOKEN)
    (wanted,) = Predictor.load(linear_model).predict([TEXT])
    assert client.text_classification(TEXT)[0].label == wanted.label
    with pytest.raises(hub.errors.HfHubHTTPError, match="404"):
        hub.InferenceClient(model=f"{served.address}/models/none", token=TOKEN).text_classification(TEXT)


def test_the_hub_s_client_awaited(served: Running, hub: Any) -> None:
    async def ask() -> list[Any]:
        async with hub.AsyncInferenceClient(model=served.address, token=TOKEN, timeout=DEADLINE) as client:
            return await asyncio.gather(*(client.text_classification(text) for text in (TEXT, "awful")))

    happy, awful = asyncio.run(ask())
    assert {one.label for one in happy} == {one.label for one in awful}


def test_the_hub_s_client_sends_a_key_as_its_token(linear_model: Path, tmp_path: Path, hub: Any) -> None:
    key = create_key("care", store=tmp_path).secret
    with running(linear_model, store={"address": str(tmp_path)}) as service:
        assert hub.InferenceClient(model=service.address, token=key).text_classification(TEXT)
        with pytest.raises(hub.errors.HfHubHTTPError, match="401"):
            hub.InferenceClient(model=service.address, token=TOKEN).text_classification(TEXT)


def test_the_inference_api_answers_a_list_for_each_text(served: Running, predictor: Predictor) -> None:
    for path in ("/", f"/models/{served.service.models.default.name}"):
        one, several = (served.post(path, {"inputs": inputs}).json() for inputs in (TEXT, [TEXT, "awful"]))
        assert one == several[:1]
        assert len(several) == 2
        assert [row["label"] for row in one[0]] == list(predictor.predict([TEXT])[0].ranked)
    raw = served.post("/", {"inputs": TEXT, "parameters": {"function_to_apply": "none"}}).json()[0]
    assert {row["label"]: 1 / (1 + math.exp(-row["score"])) for row in raw} == pytest.approx(
        {row["label"]: row["score"] for row in one[0]}, abs=1e-4
    )
    problem(served.post("/", {"inputs": TEXT, "parameters": {"function_to_apply": "softmax"}}), 422, "validation")


class TeiClient:
    """Asks as the documents of text-embeddings-inference say."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._options: Any = {"timeout": 30, "headers": {"authorization": f"Bearer {TOKEN}"}}

    def predict(self, inputs: Any, **options: Any) -> Any:
        body = {"inputs": inputs, "truncate": True, **options}
        answer = httpx2.post(f"{self._address}/predict", json=body, **self._options)
        answer.raise_for_status()
        return answer.json()

    def get(self, path: str) -> Any:
        answer = httpx2.get(f"{self._address}{path}", **self._options)
        answer.raise_for_status()
        return answer.json()


def test_text_embeddings_inference_s_shapes(served: Running, predictor: Predictor) -> None:
    client = TeiClient(served.address)
    one = client.predict(TEXT)
    assert [row["label"] for row in one] == list(predictor.predict([TEXT])[0].ranked)
    assert client.predict([TEXT]) == one
    assert client.predict([[TEXT]]) == [one]
    assert client.predict([[TEXT], ["awful"]])[0] == one
    raw = client.predict(TEXT, raw_scores=True)
    assert [1 / (1 + math.exp(-row["score"])) for row in raw] == pytest.approx([row["score"] for row in one], abs=1e-4)
    assert client.get("/health") == {"status": "alive"}


def test_logits_of_one_label_are_those_of_a_softmax(linear_model: Path) -> None:
    with running(linear_model) as service:
        client = TeiClient(service.address)
        raw, scores = (client.predict(TEXT, raw_scores=raw) for raw in (True, False))
    powers = [math.exp(row["score"]) for row in raw]
    assert [power / sum(powers) for power in powers] == pytest.approx([row["score"] for row in scores], abs=1e-4)


def test_text_embeddings_inference_s_info(served: Running) -> None:
    info = TeiClient(served.address).get("/info")
    model = served.service.models.default
    assert (info["model_id"], info["model_sha"]) == (model.name, model.version)
    classifier = info["model_type"]["classifier"]
    assert [classifier["id2label"][str(number)] for number in range(len(classifier["id2label"]))] == list(
        model.predictor.scheme.names
    )
    assert classifier["label2id"] == {name: int(number) for number, name in classifier["id2label"].items()}
    assert info["max_client_batch_size"] == served.service.settings.limits.texts


def test_the_second_of_a_pair_is_the_context(conversing: Running) -> None:
    name = conversing.service.models.default.name
    dialogue = {"dialogue": [{"text": "awful day"}, {"text": "usual"}], "model": name, "outputs": ["scores"]}
    (wanted,) = conversing.post("/v1/predict", dialogue).json()["predictions"]
    found = conversing.post("/predict", {"inputs": ["usual", "awful day"]}).json()
    assert {row["label"]: row["score"] for row in found} == pytest.approx(wanted["scores"], abs=1e-5)


@pytest.mark.parametrize("inputs", [[], [[]], ["a", "b", "c"], [["a", "b", "c"]], ["a", ["b"]], ["a", "b"], 1])
def test_wrong_sequences_are_rejected(served: Running, inputs: Any) -> None:
    problem(served.post("/predict", {"inputs": inputs}), 422, "validation")
