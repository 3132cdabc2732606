"""The how-to of the service: its examples are answered, its codes and settings are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from serving_running import Running

from insula.serving.http.problems import CODES
from insula.serving.settings.settings import options, variable

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "serve.md").read_text(encoding="utf-8")
HERE = "http://127.0.0.1:8000"


def test_the_python_block_runs(served: Running, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert HERE in block
    exec(block.replace(HERE, served.address), {})  # noqa: S102 - our own page
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_the_curl_line_is_answered(served: Running) -> None:
    import httpx2

    (body,) = re.findall(r"-d '(.*?)'", PAGE)
    answer = httpx2.post(f"{served.address}/v1/predict", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200
    assert len(answer.json()["predictions"]) == 1


def test_every_code_is_explained_with_its_status() -> None:
    for code, known in CODES.items():
        assert f"| `{code}` | {known.status} |" in PAGE


def test_settings_that_are_named_exist() -> None:
    known = {".".join(place) for place, _ in options()}
    named = set(re.findall(r"`((?:queue|limits|jobs|cors|feedback|pages)\.\w+)`", PAGE))
    assert named
    assert named <= known
    assert set(re.findall(r"`(INSULA_SERVE_\w+)`", PAGE)) <= {variable(place) for place, _ in options()}


def test_addresses_that_are_named_exist(served: Running) -> None:
    paths = set(served.get("/openapi.json").json()["paths"]) | {"/v1/stream", "/openapi.json"}
    named = set(re.findall(r"(?:GET|POST|WS) (/[\w/.]+)", PAGE))
    assert {re.sub(r"/(ID|NAME)$", "", name) for name in named} <= paths | {"/v1/batches"}
    assert len(named) > 8
