"""A real Prometheus scrapes the service, with a key."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from serving_running import Running, running

from debian_services import Prometheus
from insula.api.access import create_key
from waiting import DEADLINE, wait_until


@pytest.fixture
def scraped(linear_model: Path, tmp_path: Path) -> Iterator[tuple[Running, Prometheus, str]]:
    """A service whose metrics need a key, a Prometheus that has it, and a key to predict with."""
    monitor = create_key("monitor", scopes=("admin",), store=tmp_path / "data").secret
    care = create_key("care", store=tmp_path / "data").secret
    with running(linear_model, store={"address": str(tmp_path / "data")}) as service:
        prometheus = Prometheus(service.address.removeprefix("http://"), key=monitor)
        try:
            prometheus.start()
            yield service, prometheus, care
        finally:
            prometheus.close()


def _value(prometheus: Prometheus, query: str) -> float | None:
    answer = httpx2.get(f"{prometheus.address}/api/v1/query", params={"query": query}, timeout=DEADLINE).json()
    found: list[Any] = answer["data"]["result"]
    return float(found[0]["value"][1]) if found else None


def test_prometheus_scrapes_the_service(scraped: tuple[Running, Prometheus, str]) -> None:
    service, prometheus, key = scraped
    for _ in range(3):
        answer = service.post("/v1/predict", {"texts": ["so happy", "awful"]}, headers={"x-api-key": key})
        assert answer.status_code == 200
    wait_until(lambda: _value(prometheus, "up") == 1, "Prometheus does not scrape the service")
    query = 'insula_requests_total{route="/v1/predict",status="200"}'
    wait_until(lambda: _value(prometheus, query) == 3, "Prometheus does not count the requests")
    wait_until(lambda: _value(prometheus, "insula_predictions_total") == 6, "Prometheus does not count the texts")
    quantile = "histogram_quantile(0.5, sum by (le) (insula_request_seconds_bucket))"
    found = _value(prometheus, quantile)
    assert found is not None
    assert found > 0


def test_promtool_finds_nothing_wrong_with_the_metrics(served: Running) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian package prometheus)")
    assert served.post("/v1/predict", {"texts": ["so happy"]}).status_code == 200
    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=served.get("/metrics").content,
        capture_output=True,
        timeout=DEADLINE,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr.decode() + checked.stdout.decode()
    assert json.loads(httpx2.get(f"{served.address}/healthz").content)["status"] == "alive"
