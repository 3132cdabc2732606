"""`insula app new`: an example that runs as it is."""

from __future__ import annotations

import json
import os
import re
import runpy
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from insula.api.application import list_applications
from insula.api.handoff import check_routes, open_queue
from insula.api.report import report_messages
from insula.cli.app import app
from insula.inference.predictor import Predictor
from waiting import DEADLINE

RUNNER = CliRunner()
EXAMPLES = Path(__file__).parents[2] / "examples"
EXPLAINED = "insula.operations.reporting.influential_words.EXPLAINED"
FEW = 4
# A start script with a report of few explanations, which take most of its time.
START = """
import runpy, sys
from insula.operations.reporting import influential_words

influential_words.EXPLAINED, sys.argv = int(sys.argv[1]), sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@contextmanager
def _started(folder: Path) -> Iterator[Iterator[str]]:
    """Start the example of a folder at a free port; yield the lines that it prints."""
    command = [sys.executable, "-c", START, str(FEW), str(folder / "start.py"), "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INSULA_")}
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=environment)
    assert started.stdout is not None
    try:
        yield iter(started.stdout.readline, "")
    finally:
        started.send_signal(signal.SIGINT)
        started.communicate(timeout=DEADLINE)


def test_the_customer_service_runs_with_its_page(tmp_path: Path) -> None:
    folder = tmp_path / "my folder"
    made = RUNNER.invoke(app, ["app", "new", "customer-service", str(folder)])
    assert (made.exit_code, str(folder / "start.py") in made.output) == (0, True)
    assert check_routes(folder / "routes.toml", model="starter")[1] == []
    sent = [json.loads(line) for line in (folder / "messages.jsonl").read_text(encoding="utf-8").splitlines()]
    with _started(folder) as lines:
        assert re.match(rf"{len(sent)} messages were sent, \d+ of them need a person", next(lines))
        confirmed = {}
        address = None
        while address is None:
            line = next(lines)
            if said := re.match(r"To the sender of (\S+): (.+)", line):
                confirmed[said[1]] = said[2]
            elif found := re.search(r"(http://\S+)/queue", line):
                address = found[1]
        assert "m-2" in confirmed
        assert not {"m-8", "m-23"} & set(confirmed), "messages from people at risk"
        page = httpx2.get(f"{address}/queue", timeout=DEADLINE)
        assert page.status_code == 200
        assert 'id="case-1"' in page.text
        cases = httpx2.get(f"{address}/v1/queue", timeout=DEADLINE).json()["cases"]
    by_id = {case["message"]: case for case in cases}
    assert {by_id["m-8"]["queue"], by_id["m-23"]["queue"]} == {"crisis"}, "messages from people at risk"
    assert cases[0]["message"] in ("m-8", "m-23")
    assert by_id["m-2"]["queue"] == by_id["m-17"]["queue"] == "billing"
    assert "[EMAIL]" in by_id["m-11"]["text"]
    assert 0.7 * len(sent) > len(cases) > 0.3 * len(sent)
    assert "m-3" not in by_id
    assert "m-18" not in by_id
    with open_queue(folder / "data") as queue:
        assert queue.stats().waiting == len(cases)


def test_the_film_reviews_run_with_report_and_dashboard(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    assert RUNNER.invoke(app, ["app", "new", "film-reviews", str(folder)]).exit_code == 0
    reviews = (folder / "messages.jsonl").read_text(encoding="utf-8").splitlines()
    with _started(folder) as lines:
        said = [next(lines) for _ in range(3)]
        found = re.search(r"(http://\S+)/dashboard", said[2])
        assert found is not None
        trend = httpx2.get(f"{found[1]}/v1/trend?by=film&last=100", timeout=DEADLINE).json()
        page = httpx2.get(f"{found[1]}/dashboard?by=film&last=720", timeout=DEADLINE)
    assert [(folder / name).is_file() for name in ("report.html", "report.zh-CN.html")] == [True, True]
    assert "Audience report" in (folder / "report.html").read_text(encoding="utf-8")
    assert trend["stream"]["counts"]["counted"] == sum(row["messages"] for row in trend["windows"]) == len(reviews)
    valence: dict[str, float] = {}
    for row in trend["windows"]:
        film = row["attributes"]["film"]
        valence[film] = valence.get(film, 0.0) + row["messages"] * row["valence"]
    assert min(valence, key=valence.__getitem__) == "Overtime"
    assert (page.status_code, page.text.count("Saturn Over Hull") >= 2) == (200, True)


@pytest.fixture(scope="module")
def starter() -> Predictor:
    """The built-in model."""
    return Predictor.load("starter")


@pytest.mark.parametrize(
    ("name", "best", "worst"),
    [
        ("social-listening", "pools", "price"),
        ("patient-feedback", "Physiotherapy", "Emergency"),
        ("student-feedback", "Creative Writing", "Databases"),
        ("market-mood", "Boreal Batteries", "Kestrel Air"),
    ],
)
def test_an_example_reports_what_was_written(
    starter: Predictor, monkeypatch: pytest.MonkeyPatch, name: str, best: str, worst: str
) -> None:
    monkeypatch.setattr(EXPLAINED, FEW)
    folder = EXAMPLES / name
    rows = [json.loads(line) for line in (folder / "messages.jsonl").read_text(encoding="utf-8").splitlines()]
    report = report_messages(model=starter, settings=folder / "report.toml")
    assert (report.overall.total.messages, report.rejected, report.untimed) == (len(rows), 0, 0)
    valence = {group.name: group.total.valence or 0.0 for group in report.groups}
    assert valence[best] > valence[worst]
    desperate = {row["id"] for row in rows if "kill myself" in row["text"] or "not want to live" in row["text"]}
    assert desperate <= set(report.at_risk)
    assert len(desperate) == (name in ("patient-feedback", "student-feedback"))
    quotes = [quote.text for group in report.groups for side in group.sides for quote in side.quotes]
    assert len(quotes) >= len(report.groups)
    assert not any("kill myself" in quote or "not want to live" in quote for quote in quotes)


def test_a_start_script_writes_the_report_in_both_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EXPLAINED, FEW)
    folder = tmp_path / "my folder"
    assert RUNNER.invoke(app, ["app", "new", "student-feedback", str(folder)]).exit_code == 0
    runpy.run_path(str(folder / "start.py"), run_name="__main__")
    for name, title, advice in (
        ("report.html", "Student feedback", "Many students are lost."),
        ("report.zh-CN.html", "学生反馈", "不少学生跟不上。"),
    ):
        page = (folder / name).read_text(encoding="utf-8")
        assert [words in page for words in (title, advice)] == [True, True]
    scripts = {
        (EXAMPLES / name / "start.py").read_text(encoding="utf-8")
        for name in ("social-listening", "patient-feedback", "student-feedback", "market-mood")
    }
    assert len(scripts) == 1, "the others start in the same way"


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
    folder = EXAMPLES / name
    assert {"README.md", "README.zh-CN.md", "start.py"} <= {one.name for one in folder.iterdir()}
