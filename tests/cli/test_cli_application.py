"""`insula app new`: an example that runs as it is."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from insula.api.application import list_applications
from insula.api.handoff import check_routes, open_queue
from insula.cli.app import app

RUNNER = CliRunner()


def test_the_customer_service_runs_with_its_page(tmp_path: Path) -> None:
    folder = tmp_path / "my folder"
    made = RUNNER.invoke(app, ["app", "new", "customer-service", str(folder)])
    assert (made.exit_code, str(folder / "start.py") in made.output) == (0, True)
    assert check_routes(folder / "routes.toml", model="starter")[1] == []
    sent = [json.loads(line) for line in (folder / "messages.jsonl").read_text(encoding="utf-8").splitlines()]
    command = [sys.executable, str(folder / "start.py"), "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INSULA_")}
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=environment)
    assert started.stdout is not None
    try:
        assert re.match(rf"{len(sent)} messages were sent, \d+ of them need a person", started.stdout.readline())
        found = re.search(r"(http://\S+)/queue", started.stdout.readline())
        assert found is not None
        address = found[1]
        page = httpx2.get(f"{address}/queue", timeout=30)
        assert page.status_code == 200
        assert 'id="case-1"' in page.text
        cases = httpx2.get(f"{address}/v1/queue", timeout=30).json()["cases"]
    finally:
        started.send_signal(signal.SIGINT)
        started.communicate(timeout=60)
    by_id = {case["message"]: case for case in cases}
    assert {by_id["m-8"]["queue"], by_id["m-23"]["queue"]} == {"crisis"}, "messages of people at risk"
    assert cases[0]["message"] in ("m-8", "m-23")
    assert by_id["m-2"]["queue"] == by_id["m-17"]["queue"] == "billing"
    assert "[EMAIL]" in by_id["m-11"]["text"]
    assert 0.7 * len(sent) > len(cases) > 0.3 * len(sent)
    assert "m-3" not in by_id
    assert "m-18" not in by_id
    with open_queue(folder / "data") as queue:
        assert queue.stats().waiting == len(cases)


def test_wrong_names_and_folders_are_told(tmp_path: Path) -> None:
    assert list_applications() == RUNNER.invoke(app, ["app", "list"]).output.split()
    wrong = RUNNER.invoke(app, ["app", "new", "customer-servce", str(tmp_path / "x")])
    assert (wrong.exit_code, "customer-service" in wrong.output) == (1, True)
    (tmp_path / "mine.txt").write_text("keep", encoding="utf-8")
    full = RUNNER.invoke(app, ["app", "new", "customer-service", str(tmp_path)])
    assert (full.exit_code, "must be empty" in full.output) == (1, True)
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("name", list_applications())
def test_each_example_has_both_languages(name: str) -> None:
    folder = Path(__file__).parents[2] / "examples" / name
    assert {"README.md", "README.zh-CN.md", "start.py"} <= {one.name for one in folder.iterdir()}
