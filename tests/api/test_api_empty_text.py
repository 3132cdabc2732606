"""An empty text is rejected in the same words in Python, on the command line and over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

import insula
from insula import ModelInput, load_model, predict
from insula.cli.app import app
from insula.core.errors import DataError
from insula.core.model_input import EMPTY_TEXT
from insula.serving.app import create_app
from insula.serving.settings.settings import load_settings

EMPTY = ["", "  ", "\n\t", "\u3000"]


@pytest.fixture(scope="module")
def served() -> Any:
    """The starter model over HTTP."""
    with TestClient(
        create_app(load_settings(environment={}, given={"models": ["starter"], "access": {"insecure": True}}))
    ) as client:
        yield client


@pytest.mark.parametrize("text", EMPTY)
@pytest.mark.parametrize(
    "call",
    [
        lambda text: predict(["a lovely day", text]),
        lambda text: predict([ModelInput("a lovely day"), ModelInput(text)]),
        lambda text: predict([{"text": "a lovely day"}, {"text": text, "target": "staff"}]),
        lambda text: load_model().predict(["a lovely day", text]),
        lambda text: list(load_model().stream(iter(["a lovely day", text]))),
    ],
    ids=["texts", "inputs", "mappings", "predictor", "stream"],
)
def test_python_rejects_an_empty_text(call: Callable[[str], Any], text: str) -> None:
    with pytest.raises(DataError) as caught:
        call(text)
    assert str(caught.value) == f"{EMPTY_TEXT} Got one at position 1. Leave it out."


@pytest.mark.parametrize("text", EMPTY)
def test_the_command_line_rejects_an_empty_text(text: str) -> None:
    result = CliRunner().invoke(app, ["predict", "a lovely day", text])
    assert result.exit_code == 2
    assert EMPTY_TEXT in result.stderr


@pytest.mark.parametrize("text", EMPTY)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/predict", lambda text: {"texts": ["a lovely day", text]}),
        ("/v1/predict", lambda text: {"inputs": [{"text": "a lovely day"}, {"text": text}]}),
        ("/predict", lambda text: {"inputs": [["a lovely day"], [text]]}),
    ],
    ids=["texts", "inputs", "hugging face"],
)
def test_the_service_rejects_an_empty_text(served: Any, path: str, body: Callable[[str], Any], text: str) -> None:
    answer = served.post(path, json=body(text))
    assert answer.status_code == 422
    assert answer.json()["detail"] == f"{EMPTY_TEXT} Got one at position 1. Leave it out."


def test_a_file_rejects_the_row_of_an_empty_text(tmp_path: Any) -> None:
    (tmp_path / "in.csv").write_text('text\na lovely day\n""\n" "\n', encoding="utf-8")
    result = insula.predict_file(tmp_path / "in.csv", tmp_path / "out.csv")
    assert (result.rows, result.rejected) == (1, 2)
