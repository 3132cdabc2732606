"""The how-to of the service: its examples are answered, its codes and settings are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from serving_running import Running

from insula.serving.http.problems import CODES
from insula.serving.routes import keys
from insula.serving.settings.settings import get_variable_name, iterate_options

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "serve.md").read_text(encoding="utf-8")
ACCESS_PAGE = (ROOT / "docs" / "how-to" / "access.md").read_text(encoding="utf-8")
HERE = "http://127.0.0.1:8000"


def test_the_python_blocks_run(served: Running, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        assert HERE in block
        exec(block.replace(HERE, served.address), {})  # noqa: S102 - our own page
        assert len(capsys.readouterr().out.splitlines()) == 2


def test_the_explained_client_runs(served: Running, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "how-to" / "explain.md").read_text(encoding="utf-8")
    (block,) = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if HERE in block]
    exec(block.replace(HERE, served.address), {})  # noqa: S102 - our own page
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_the_curl_lines_are_answered(served: Running) -> None:
    import httpx2

    bodies = re.findall(r"-d '(.*?)'", PAGE, re.DOTALL)
    for body, predictions in zip(bodies, (1, 1, 2), strict=True):
        answer = httpx2.post(f"{served.address}/v1/predict", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 200
        assert len(answer.json()["predictions"]) == predictions


def test_every_code_is_explained_with_its_status() -> None:
    for code, known in CODES.items():
        assert f"| `{code}` | {known.status} |" in PAGE


def test_settings_that_are_named_exist() -> None:
    known = {".".join(place) for place, _ in iterate_options()}
    sections = "access|audit|cors|explain|feedback|jobs|limits|masking|pages|queue|safety"
    named = set(re.findall(rf"`((?:{sections})\.\w+)`", PAGE + ACCESS_PAGE))
    assert named
    assert named <= known
    variables = set(re.findall(r"`(INSULA_SERVE_\w+)`", PAGE + ACCESS_PAGE))
    assert variables <= {get_variable_name(place) for place, _ in iterate_options()}


def test_files_that_decide_about_calls_exist() -> None:
    folder = ROOT / "src" / "insula" / "serving"
    table = ACCESS_PAGE.partition("## In the code")[2]
    named = {folder / "authentication" / name for name in re.findall(r"`(\w+\.py)`", table)}
    assert len(named) > 8
    assert all(file.exists() for file in named), named
    (last,) = re.findall(r"`serving/(\w+/\w+\.py)`", table)
    assert (folder / last).exists()


def test_addresses_that_are_named_exist(served: Running) -> None:
    optional = {route.path for route in keys.router.routes}  # with access.manage_keys
    paths = set(served.get("/openapi.json").json()["paths"]) | optional | {"/v1/stream", "/openapi.json"}
    named = set(re.findall(r"(?:GET|POST|DELETE|WS) (/[\w/.]+)", PAGE))
    placed = {re.sub(r"/(ID|NAME)(?=/|$)", "/{}", name) for name in named}
    assert placed <= {re.sub(r"\{\w+\}", "{}", path) for path in paths}
    assert len(named) > 8
