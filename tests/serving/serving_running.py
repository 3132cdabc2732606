"""A real service on a free port, with tiny models."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from insula.inference.predictor import Predictor
from insula.serving.server import DrainingServer, build_server, open_listener
from insula.serving.service import Service
from insula.serving.settings.settings import load_settings
from waiting import DEADLINE


@dataclass
class Running:
    """A service that answers at `address`."""

    address: str
    server: DrainingServer
    service: Service

    def post(self, path: str, body: Any, **more: Any) -> httpx2.Response:
        return httpx2.post(f"{self.address}{path}", json=body, timeout=DEADLINE, **more)

    def get(self, path: str, **more: Any) -> httpx2.Response:
        return httpx2.get(f"{self.address}{path}", timeout=DEADLINE, **more)


@contextlib.contextmanager
def running(*models: Path, **options: Any) -> Iterator[Running]:
    """Serve models in a thread of this process; options of sections as mappings."""
    given = {"models": [str(model) for model in models], "port": 0, "notice_seconds": 0, **options}
    settings = load_settings(environment={}, given=given)
    said: list[str] = []
    there = threading.Event()

    def announce(address: str) -> None:
        said.append(address)
        there.set()

    server = build_server(settings, announce)
    with open_listener(settings) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        assert there.wait(DEADLINE), "the service did not start"
        try:
            yield Running(said[0], server, server.service)
        finally:
            server.should_exit = True
            thread.join(DEADLINE)
            assert not thread.is_alive(), "the service did not stop"


@pytest.fixture(scope="session")
def encoder_model(trained_run: Callable[..., Any]) -> Path:
    """A neural model of several labels."""
    return trained_run("encoder", "multi").model


@pytest.fixture(scope="session")
def linear_model(trained_run: Callable[..., Any]) -> Path:
    """A linear model of one label out of three."""
    return trained_run("linear", "single").model


@pytest.fixture(scope="session")
def served(encoder_model: Path, linear_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with both models; do not overload or stop it."""
    folder = tmp_path_factory.mktemp("jobs")
    with running(encoder_model, linear_model, jobs={"folder": str(folder)}) as service:
        yield service


@pytest.fixture(scope="session")
def predictor(encoder_model: Path) -> Predictor:
    """The model that `served` asks first, in this process."""
    return Predictor.load(encoder_model)


def problem(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """Return the problem of an answer, after a look whether it is one of that code."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = response.json()
    assert said["code"] == code
    assert said["status"] == status
    assert said["type"] == f"urn:insula:problem:{code}"
    return said
