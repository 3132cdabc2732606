"""A canary is sent in every place a caller can write to; then everything that the service wrote is searched for it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
from serving_running import Running, running
from serving_visiting import Visitor
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from insula.api.access import create_key
from insula.core.model_input import TextOrInput, get_text
from insula.inference.predictor import Predictor
from insula.operations.credentials.secret import WORD
from waiting import DEADLINE, eventually

BIRD = "zilpzalp4711"
MAIL = f"{BIRD}@kanarie.example"
CARD = "4539 5787 6362 1486"
NUMBERS = (CARD, CARD.replace(" ", ""))
TEXT = f"Please write to {MAIL} or charge {CARD}, I am so happy."
IN_CONTEXT = {"text": TEXT, "turns": [{"text": TEXT, "speaker": MAIL}, {"text": BIRD}], "speaker": MAIL, "target": TEXT}
OURS = (
    "insula",
    "uvicorn",
    "sqlalchemy",
    "alembic",
    "asyncio",
    "fastapi",
    "starlette",
    "websockets.server",
    "py.warnings",
)


class Lines(logging.Handler):
    """Keeps what the service logs; the clients of this process log their own requests."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(OURS):
            self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[Lines]:
    """All log lines of the service, of every level."""
    handler, root = Lines(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)


def _everywhere(service: Running, key: str) -> list[httpx2.Response]:
    """Send the canary wherever a caller can write; return the answers."""
    right = {"Authorization": f"Bearer {key}"}
    model = service.service.models.default.name
    more = right | {"User-Agent": MAIL, "Referer": f"https://{BIRD}.example/{MAIL}", "X-Anything": BIRD}
    answers = [
        service.post("/v1/predict", {"texts": [TEXT, BIRD], "subject": MAIL}, headers=more),
        service.post("/v1/predict", {"dialogue": [{"text": TEXT, "speaker": BIRD}], "subject": BIRD}, headers=right),
        service.post("/v1/predict", {"inputs": [IN_CONTEXT | {"id": MAIL}], "subject": MAIL}, headers=right),
        service.post("/v1/predict", {"texts": [TEXT], "target": MAIL}, headers=right),
        service.post("/v1/explain", {"texts": [TEXT, BIRD]}, headers=right),
        service.post("/v1/explain", {"inputs": [IN_CONTEXT | {"id": MAIL}], "method": "partition"}, headers=right),
        service.post("/v1/explain", {"texts": [TEXT], "labels": [MAIL]}, headers=right),
        service.post("/v1/counterfactual", {"texts": [TEXT, BIRD]}, headers=right),
        service.post("/v1/explain", {"texts": [TEXT], "method": BIRD}, headers=right),
        service.post("/v1/safety", {"messages": [TEXT, f"I will kill myself, {TEXT}"]}, headers=right),
        service.post("/v1/safety", {"replies": [f"You should just stop the pills. {TEXT}"]}, headers=right),
        service.post("/v1/safety", {"messages": [TEXT], "country": BIRD}, headers=right),
        service.post("/v1/reply", {"text": TEXT, "turns": [{"text": TEXT, "speaker": MAIL}]}, headers=right),
        service.post("/v1/reply", {"text": f"I will kill myself, {TEXT}"}, headers=right),
        service.post("/v1/reply", {"text": TEXT, "strategy": BIRD}, headers=right),
        service.post("/v1/empathy", {"pairs": [{"message": TEXT, "reply": TEXT}]}, headers=right),
        service.post("/predict", {"inputs": [TEXT]}, headers=right | {"Cookie": f"{BIRD}={MAIL}"}),
        service.post("/v1/feedback", IN_CONTEXT | {"labels": [], "note": TEXT, "subject": MAIL}, headers=right),
        service.post("/v1/feedback", {"text": TEXT, "labels": [], "predicted": [MAIL]}, headers=right),
        service.post("/v1/feedback", {"text": TEXT, "labels": [MAIL]}, headers=right),
        service.post("/v1/feedback", {"text": TEXT, "labels": [], "prediction": MAIL}, headers=right),
        service.post("/v1/feedback", {"text": TEXT, "labels": [], "model": MAIL}, headers=right),
        # Requests that are wrong in every way.
        service.post(f"/v1/predict?{BIRD}={MAIL}", {"texts": [TEXT], BIRD: MAIL}, headers=right),
        service.post("/v1/predict", {"texts": {MAIL: BIRD}}, headers=right),
        service.post("/v1/predict", {"texts": [TEXT], "model": MAIL}, headers=right),
        service.post("/v1/predict", {"texts": [TEXT], "language": BIRD}, headers=right),
        service.post("/v1/predict", {"texts": [TEXT], "outputs": [MAIL]}, headers=right),
        service.post("/v1/predict", {"texts": [TEXT], "subject": MAIL * 20}, headers=right),
        service.post("/v1/predict", {"texts": [f"{TEXT}\0"]}, headers=right),
        service.post("/v1/predict", {"inputs": [IN_CONTEXT | {"target": f"{MAIL}\0"}]}, headers=right),
        service.post("/v1/predict", {"inputs": [IN_CONTEXT | {BIRD: MAIL, "language": MAIL}]}, headers=right),
        service.post("/v1/predict", {"texts": [TEXT]}, headers=right | {"Insula-Wait-Ms": BIRD}),
        service.post("/v1/predict", {"texts": [TEXT]}, headers=right | {"Content-Type": f"text/{BIRD}"}),
        service.post("/v1/predict", {"texts": [TEXT]}, headers=right | {"Content-Encoding": BIRD}),
        httpx2.post(f"{service.address}/v1/predict", content=f'{{"texts": ["{MAIL}', headers=right | _type("json")),
        httpx2.request(BIRD.upper(), f"{service.address}/v1/predict", headers=right),
        service.get(f"/{MAIL}", headers=right),
        service.get(f"/v1/models/{MAIL}", headers=right),
        service.get(f"/v1/batches/{MAIL}/result?{BIRD}", headers=right),
        service.get(f"/v1/models/{model}", headers=right | {"Host": f"{BIRD}.example"}),
        service.post("/v1/batches", {"path": f"/{MAIL}", "model": BIRD, "text": BIRD}, headers=right),
        # Callers whom nobody knows.
        service.post("/v1/predict", {"texts": [TEXT]}, headers={"Authorization": f"Bearer {BIRD}"}),
        service.post("/v1/predict", {"texts": [TEXT]}, headers={"Authorization": MAIL}),
        service.post("/v1/predict", {"texts": [TEXT]}, headers={"X-API-Key": f"{WORD}_{BIRD}_{BIRD}"}),
        service.post("/v1/predict", {"texts": [TEXT]}, headers={"X-Forwarded-For": MAIL}),
        service.get(f"/v1/models?key={BIRD}"),
    ]
    answers += _files(service, right)
    _pages(service, key)
    _stream(service, right)
    return answers


def _type(kind: str) -> dict[str, str]:
    return {"Content-Type": f"application/{kind}"}


def _files(service: Running, headers: dict[str, str]) -> list[httpx2.Response]:
    """Upload the canary as rows and as names of columns, wait, and take the jobs away."""
    answers = []
    for content, column in (
        (f"{BIRD},text\n1,{MAIL}\n", "text"),
        (f"a,{BIRD}\n1,2\n", MAIL),
        (f"text\n{BIRD}\nfail\n", None),
    ):
        address = f"{service.address}/v1/batches"
        query = {"text": column} if column else {}
        made = httpx2.post(address, content=content, params=query, headers=headers | {"Content-Type": "text/csv"})
        job = made.json()["id"]
        eventually(
            lambda: service.get(f"/v1/batches/{job}", headers=headers).json()["status"] in ("done", "failed"),  # noqa: B023
            True,
        )
        answers += [made, service.get(f"/v1/batches/{job}/rejects", headers=headers)]
        assert httpx2.delete(f"{address}/{job}", headers=headers).status_code == 204
    answers.append(
        httpx2.post(address, content=TEXT, params={"model": MAIL}, headers=headers | {"Content-Type": "text/csv"})
    )
    answers.append(httpx2.post(address, content=TEXT, headers=headers | {"Content-Type": f"text/{BIRD}"}))
    return answers


def _stream(service: Running, headers: dict[str, str]) -> None:
    """Send the canary over a stream; what is wrong is answered without it, but for the id, which is the client's."""
    address = service.address.replace("http", "ws", 1) + "/v1/stream"
    with connect(address, additional_headers=headers, user_agent_header=MAIL) as stream:
        wrong = ({"text": MAIL, "model": BIRD}, {"text": TEXT, BIRD: 1}, {"text": f"{BIRD}\0"})
        for message in ({"text": TEXT}, IN_CONTEXT, *wrong):
            stream.send(json.dumps(message))
            said = stream.recv(timeout=DEADLINE)
            assert BIRD not in said
        stream.send(f'{{"{BIRD}": ')
        assert BIRD not in stream.recv(timeout=DEADLINE)
    with pytest.raises(InvalidStatus):
        connect(f"{address}?key={BIRD}", additional_headers={"Authorization": f"Bearer {BIRD}"})


def _pages(service: Running, key: str) -> None:
    """Type the canary into the pages; they show a person's own words again, and to nobody else."""
    visitor = Visitor(service)
    assert visitor.send("/login", page=f"/login?next=/{BIRD}", key=BIRD, next=BIRD).status_code == 401
    assert visitor.send("/login", page="/login", key=key).status_code == 303
    typed = {"turns": f"{MAIL}: {TEXT}", "speaker": MAIL, "target": TEXT}
    assert visitor.send("/pages/predict", text=TEXT, **typed).status_code == 200
    assert visitor.send("/pages/predict", text=f"{BIRD}\0").status_code == 422
    assert visitor.send("/pages/explain", text=TEXT, **typed).status_code == 200
    assert visitor.send("/pages/explain", text=TEXT, label=BIRD).status_code == 422
    assert visitor.send("/pages/reply", text=TEXT, turns=f"{MAIL}: {TEXT}", speaker=MAIL).status_code == 200
    assert visitor.send("/pages/reply", text=f"I will kill myself, {TEXT}", country=BIRD).status_code == 200
    visitor.get(f"/?text={MAIL}&{BIRD}=1", **{"User-Agent": MAIL, "HX-Request": BIRD})
    visitor.get(f"/models/{BIRD}/report?lang={BIRD}")


def _search(folder: Path, *words: str) -> list[str]:
    """Return where a word stands in any file, or name of a file, of a folder."""
    found = []
    for path in folder.rglob("*"):
        content = path.name.encode() + (path.read_bytes() if path.is_file() else b"")
        found += [f"{path.relative_to(folder)}: {word}" for word in words if word.lower().encode() in content.lower()]
    return found


def _failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the model fail with errors that hold the texts, as errors of libraries do."""
    encode = Predictor.encode

    def fails(self: Predictor, texts: Sequence[TextOrInput]) -> Any:
        if any("fail" in get_text(text) for text in texts):
            raise ValueError(f"cannot judge {texts} of {MAIL}")
        return encode(self, texts)

    monkeypatch.setattr(Predictor, "encode", fails)


@pytest.mark.parametrize("kept", [False, True])
def test_a_canary_is_nowhere(
    kept: bool, joined_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: Lines,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Without a retention no word of a request is on disk; with one, nothing that masking hides."""
    _failing(monkeypatch)
    key = create_key("care", scopes=("predict", "admin"), store=tmp_path).secret
    options: dict[str, Any] = {"store": {"address": str(tmp_path)}, "jobs": {"folder": str(tmp_path / "jobs")}}
    if kept:
        options |= {"retention": {"days": 1}, "feedback": {"file": str(tmp_path / "feedback.jsonl")}}
    headers = {"Authorization": f"Bearer {key}"}
    with running(joined_model, **options) as service:
        answers = _everywhere(service, key)
        broken = service.post("/v1/predict", {"texts": [f"fail {TEXT}"]}, headers=headers)
        assert broken.status_code == 500
        metrics = service.get("/metrics", headers=headers).text
        assert _search(tmp_path, MAIL, *NUMBERS, key.split("_")[2]) == []  # while it runs, journals and all
    refusals = [answer for answer in (*answers, broken) if answer.status_code >= 400]
    assert len(refusals) >= 25
    for answer in refusals:
        assert BIRD not in f"{answer.text}{answer.headers}".lower(), answer.text
    said = "\n".join([*lines.lines, metrics, *capfd.readouterr()])
    assert "ValueError" in said  # the failure was written down
    for word in (BIRD, *NUMBERS, key, "so happy"):
        assert word not in said.lower()
    # A word that is no personal data is stored with its text; where no text is stored it is nowhere.
    assert _search(tmp_path, MAIL, *NUMBERS, key.split("_")[2]) == []
    assert bool(_search(tmp_path, "so happy")) == kept
    assert kept or _search(tmp_path, BIRD) == []
