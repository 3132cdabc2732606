"""schemathesis asks what the OpenAPI document allows, and much that it does not: the document tells the truth.

Statuses, media types and bodies are those that are documented, wrong requests are refused, and nothing is a 5xx.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from serving_running import Running, running

from insula.api.access import create_key
from insula.api.handoff import open_queue
from insula.operations.credentials.keys import SCOPES
from insula.operations.handoff.cases import NewCase

PROBLEM = "application/problem+json"
SEED = 20
STEPS = ("claim", "renew", "release", "reassign", "close", "reopen")
MODEL_DECIDES = (
    "POST /v1/explain",
    "POST /v1/counterfactual",
    "POST /v1/route",
    "POST /v1/reply",
    "POST /v1/reply/feedback",
    "POST /v1/feedback",
    "POST /v1/predictions/{id}/feedback",
    "POST /predict",
    "POST /",
    "POST /models/{name}",
)


@dataclass(frozen=True)
class Documented:
    """A service, and a key of all scopes, None if it has no keys."""

    service: Running
    key: str | None


@pytest.fixture(scope="module", params=["with keys", pytest.param("without keys", marks=pytest.mark.slow)])
def whole(
    request: pytest.FixtureRequest, linear_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Documented]:
    """A service that does all that it can: a retention, feedback, files of a folder."""
    folder = tmp_path_factory.mktemp("files")
    data, key = folder / "data", None
    if request.param == "with keys":
        key = create_key("all", scopes=tuple(SCOPES), store=data).secret
    (folder / "routes.toml").write_text('[[routes]]\nname = "all"\nqueue = "care"\n', encoding="utf-8")
    (folder / "messages.csv").write_text("text\nso happy\n", encoding="utf-8")
    options = {
        "store": {"address": str(data)},
        "retention": {"days": 1},
        "feedback": {"file": str(folder / "feedback.jsonl")},
        "reply": {"outcomes": str(folder / "outcomes.jsonl")},
        "jobs": {"sources": [str(folder)], "most": 100_000},
        "explain": {"texts": 1_000},  # the document leaves the limits of the operator out
        "handoff": {"routes": str(folder / "routes.toml")},
        # Without keys, the first one that is created would lock schemathesis out.
        "access": {"manage_keys": key is not None},
        "pages": {"enabled": False},  # the document leaves them out
    }
    with open_queue(data) as queue:
        queue.open(*(NewCase(message=f"m-{number}", text="so happy") for number in range(20)))
    with running(linear_model, **options) as service:
        yield Documented(service, key)


def _asked(documented: Documented, examples: int) -> tuple[list[str], dict[str, Counter[int]]]:
    """Return what schemathesis found, and the statuses of each operation."""
    # Imported here: every process that collects tests would wait for it.
    import schemathesis
    from schemathesis.config import SchemathesisConfig
    from schemathesis.core.errors import format_exception
    from schemathesis.engine import Status, events, from_schema

    config = SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "headers": {} if documented.key is None else {"Authorization": f"Bearer {documented.key}"},
            "generation": {
                "max-examples": examples,
                "deterministic": True,
                "database": "none",
                "no-shrink": True,
                "with-security-parameters": False,
            },
            # Which labels there are, and what the model reads, is the model's, not the document's.
            "operations": [
                {
                    "include-name": name,
                    "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "404", "422"]}},
                }
                for name in MODEL_DECIDES
            ]
            # What is sent in a query is text: `context=true` names a column.
            + [
                {
                    "include-name": "POST /v1/batches",
                    "checks": {"negative_data_rejection": {"expected-statuses": ["202", "4xx"]}},
                }
            ]
            + [
                {
                    "include-name": name,
                    "checks": {"negative_data_rejection": {"expected-statuses": ["200", "4xx"]}},
                }
                for name in ("GET /v1/predictions", "GET /v1/predictions/export")
            ]
            # The state of a case, and the characters that a name may have, are not the document's.
            + [
                {
                    "include-name": f"POST /v1/{path}",
                    "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "422"]}},
                }
                for path in ("keys", "queue/claim", *(f"queue/{{case}}/{step}" for step in STEPS))
            ],
            "phases": {"stateful": {"generation": {"max-examples": max(2, examples // 3)}}},
        }
    )
    schema = schemathesis.openapi.from_url(f"{documented.service.address}/openapi.json", config=config)
    found: list[str] = []
    statuses: dict[str, Counter[int]] = {}
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError):
            found.append(f"{event.label}: {format_exception(event.value)}")
        if not isinstance(event, events.ScenarioFinished):
            continue
        recorder = event.recorder
        for case, interaction in recorder.interactions.items():
            if interaction.response is not None:
                label = recorder.cases[case].value.operation.label
                statuses.setdefault(label, Counter())[interaction.response.status_code] += 1
                _check_problem(interaction.response, label, found)
        for case, checks in recorder.checks.items():
            for check in checks:
                if check.status is Status.FAILURE and check.failure_info is not None:
                    sent = recorder.cases[case].value.as_curl_command()
                    found.append(f"{check.name}: {check.failure_info.failure}\n{sent}")
    return found, statuses


def _check_problem(response: Any, label: str, found: list[str]) -> None:
    """Every refusal is a problem, whatever the document says of it."""
    if response.status_code >= 500:
        found.append(f"{label}: status {response.status_code}")
    if response.status_code < 400 or not response.content:
        return
    said = json.loads(response.content)
    if response.headers["content-type"][0] != PROBLEM or said["status"] != response.status_code:
        found.append(f"{label}: {response.status_code} is no problem: {said}")


def test_the_document_tells_the_truth(whole: Documented) -> None:
    found, statuses = _asked(whole, 8)
    assert not found, "\n\n".join(found[:20])
    document = whole.service.get("/openapi.json").json()
    operations = {f"{method.upper()} {path}" for path, known in document["paths"].items() for method in known}
    assert operations == set(statuses)
    # It is no test of refusals alone.
    for operation in ("POST /v1/predict", "POST /predict", "POST /v1/feedback", "POST /v1/batches", "GET /v1/models"):
        assert any(status < 300 for status in statuses[operation]), (operation, statuses[operation])


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_document_tells_the_truth_to_whoever_asks_long(whole: Documented) -> None:
    found, statuses = _asked(whole, 1000)
    assert not found, "\n\n".join(found[:20])
    assert sum(sum(counts.values()) for counts in statuses.values()) > 5000
