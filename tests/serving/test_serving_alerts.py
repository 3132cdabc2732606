"""The alert rules and the dashboard of `deploy/`, with a real Prometheus and a real Alertmanager."""

from __future__ import annotations

import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from serving_running import Running, running

from debian_services import Alertmanager, Prometheus
from waiting import wait_until

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "insula.rules.yml"
REQUESTS = 'insula_requests_total{job="insula",instance="a",route="/v1/predict",method="POST",status="%s"}'


@pytest.fixture
def promtool() -> str:
    """The program that checks rules."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian package prometheus)")
    return found


@pytest.fixture
def received() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of a webhook, and the alerts that it received."""
    alerts: list[dict[str, Any]] = []

    class Webhook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            alerts.extend(json.loads(self.rfile.read(int(self.headers["content-length"])))["alerts"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Webhook) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", alerts
        server.shutdown()
        thread.join()


GROUPS = [group["name"] for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]]
"""Recorded shares first: promtool evaluates groups in any order unless it is given one."""
WEEK = "2980m"  # of alerts that compare with a week: their series have a value every ten minutes
# Each alert: series that raise it at a time, and series that do not. `a+bxn` is Prometheus' notation for a range.
CASES: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    "InsulaDown": ({'up{job="insula",instance="a"}': "0x60"}, {'up{job="insula",instance="a"}': "1x60"}, "10m"),
    "InsulaErrors": (
        {REQUESTS % "200": "0+95x60", REQUESTS % "500": "0+5x60"},
        {REQUESTS % "200": "0+999x60", REQUESTS % "500": "0+1x60"},
        "30m",
    ),
    "InsulaRejectsRequests": (
        {REQUESTS % "200": "0+90x60", REQUESTS % "429": "0+10x60"},
        {REQUESTS % "200": "0+99x60", REQUESTS % "429": "0+1x60"},
        "40m",
    ),
    "InsulaSlow": (
        {'insula_request_seconds_bucket{job="insula",route="/v1/predict",le="1"}': "0+50x60",
         'insula_request_seconds_bucket{job="insula",route="/v1/predict",le="5"}': "0+100x60",
         'insula_request_seconds_bucket{job="insula",route="/v1/predict",le="+Inf"}': "0+100x60"},
        {'insula_request_seconds_bucket{job="insula",route="/v1/predict",le="1"}': "0+100x60",
         'insula_request_seconds_bucket{job="insula",route="/v1/predict",le="+Inf"}': "0+100x60"},
        "40m",
    ),
    "InsulaUnsureMoreOften": (
        {'insula_predictions_total{job="insula",model="m"}': "0+100x300",
         'insula_abstained_total{job="insula",model="m"}': "0+20x288 5820+60x12"},
        {'insula_predictions_total{job="insula",model="m"}': "0+100x300",
         'insula_abstained_total{job="insula",model="m"}': "0+40x300"},
        WEEK,
    ),
    "InsulaLabelMoreOften": (
        {'insula_predictions_total{job="insula",model="m"}': "0+100x300",
         'insula_labels_total{job="insula",model="m",label="anger"}': "0+4x288 1164+12x12"},
        {'insula_predictions_total{job="insula",model="m"}': "0+100x300",
         'insula_labels_total{job="insula",model="m",label="anger"}': "0+12x300"},
        WEEK,
    ),
    "InsulaCasesLate": (
        {'insula_handoff_late_cases{job="insula"}': "2x60"}, {'insula_handoff_late_cases{job="insula"}': "0x60"}, "10m",
    ),
    "InsulaQueueNotRead": (
        {'insula_handoff_checked_timestamp_seconds{job="insula"}': "0x60"},
        {'insula_handoff_checked_timestamp_seconds{job="insula"}': "0+60x60"},
        "30m",
    ),
    "InsulaNotificationsFailed": (
        {'insula_notifications{job="insula",state="failed"}': "1x60"},
        {'insula_notifications{job="insula",state="failed"}': "0x60",
         'insula_notifications{job="insula",state="waiting"}': "9x60"},
        "10m",
    ),
}  # fmt: skip


def test_every_alert_has_a_case() -> None:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    assert {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_alert_is_raised_only_where_it_should(promtool: str, tmp_path: Path, name: str) -> None:
    raising, quiet, moment = CASES[name]
    interval = "10m" if moment == WEEK else "1m"
    tests = []
    for series, is_raised in ((raising, True), (quiet, False)):
        inputs = [{"series": one, "values": values} for one, values in series.items()]
        # How many alerts are raised at the moment; an expression counts them whatever their labels.
        found = [{"labels": "{}", "value": 1}] if is_raised else []
        check = {"expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}})', "eval_time": moment}
        tests.append(
            {"interval": interval, "input_series": inputs, "promql_expr_test": [{**check, "exp_samples": found}]}
        )
    file = tmp_path / "tests.yml"
    file.write_text(
        json.dumps(
            {"rule_files": [str(RULES)], "evaluation_interval": interval, "group_eval_order": GROUPS, "tests": tests}
        )
    )
    done = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_service_that_dies_raises_an_alert(linear_model: Path, received: tuple[str, list[dict[str, Any]]]) -> None:
    address, alerts = received
    alertmanager = Alertmanager(address)
    try:
        with running(linear_model) as service:
            target = service.address.removeprefix("http://")
            prometheus = Prometheus(target, key="none", rules=RULES, alertmanager=f"127.0.0.1:{alertmanager.port}")
            prometheus.start()
        wait_until(lambda: alerts, "no alert arrives")
        assert alerts[0]["labels"] | {"alertname": "InsulaDown", "severity": "page"} == alerts[0]["labels"]
        assert target in alerts[0]["annotations"]["summary"]
        prometheus.close()
    finally:
        alertmanager.close()


def test_rules_and_dashboard_use_metrics_that_exist(served: Running) -> None:
    assert served.post("/v1/predict", {"texts": ["so happy", "awful"]}).status_code == 200
    exported = served.get("/metrics").text
    rules, board = RULES.read_text(encoding="utf-8"), (DEPLOY / "grafana" / "insula.json").read_text(encoding="utf-8")
    assert len(json.loads(board)["panels"]) == 8
    for text in (rules, board):
        for metric in set(re.findall(r"\binsula_\w+", text)):
            if not metric.startswith(("insula_handoff_", "insula_notifications")):  # only of a service with a queue
                assert re.search(rf"^{metric}\b", exported, re.MULTILINE), metric
    recorded = set(re.findall(r"record: (\S+)", rules))
    assert set(re.findall(r"insula:\w+:\w+", rules + board)) == recorded
