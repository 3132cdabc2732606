"""Files in the background, and what people say of answers."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import pytest
from serving_conversations import DIALOGUE
from serving_held import Held
from serving_running import Running, problem, running

import toy_data
from insula.api.prediction import predict_file
from insula.core.errors import DataError
from insula.core.model_input import ModelInput, Turn, build_dialogue_inputs
from insula.inference.predictor import Predictor
from insula.serving.job_files import Job
from insula.serving.jobs import JobRunner
from waiting import DEADLINE, wait_until

TEXTS = [example.text for example in toy_data.toy_dataset("single").split("test")]
CSV = {"content-type": "text/csv"}


def _csv(texts: list[str]) -> str:
    return "id,message\n" + "".join(f"{row},{text}\n" for row, text in enumerate(texts))


def _post(service: Running, content: bytes | str, **more: object) -> httpx2.Response:
    return httpx2.post(f"{service.address}/v1/batches", content=content, timeout=DEADLINE, **more)  # type: ignore[arg-type]


def _finished(service: Running, job: str) -> dict:
    said: list[dict] = []

    def has_ended() -> bool:
        said.append(service.get(f"/v1/batches/{job}").json())
        return said[-1]["status"] in ("done", "failed")

    wait_until(has_ended, "the job did not end")
    return said[-1]


def test_an_uploaded_file_is_predicted_as_by_the_library(served: Running, predictor: Predictor, tmp_path: Path) -> None:
    made = _post(served, _csv(TEXTS), headers=CSV, params={"text": "message"})
    assert made.status_code == 202
    said = made.json()
    assert made.headers["location"] == f"/v1/batches/{said['id']}"
    assert _finished(served, said["id"]) == said | {"status": "done", "rows": len(TEXTS)}
    result = served.get(f"/v1/batches/{said['id']}/result")
    source = tmp_path / "messages.csv"
    source.write_text(_csv(TEXTS), encoding="utf-8")
    predict_file(source, tmp_path / "out.jsonl", predictor, text="message")
    assert result.content == (tmp_path / "out.jsonl").read_bytes()
    problem(served.get(f"/v1/batches/{said['id']}/rejects"), 404, "not_found")
    assert httpx2.delete(f"{served.address}/v1/batches/{said['id']}").status_code == 204
    problem(served.get(f"/v1/batches/{said['id']}"), 404, "not_found")


CHAT = "chat,who,said\n" + "".join(f"c1,{turn.speaker or ''},{turn.text}\n" for turn in DIALOGUE)
COLUMNS = {"text": "said", "dialogue": "chat", "speaker": "who"}


@pytest.mark.parametrize("model", ["joined", "pairs"])
def test_a_file_of_conversations_has_answers_of_dialogues(conversing: Running, tmp_path: Path, model: str) -> None:
    library = Predictor.load(conversing.service.models.find(model).folder.path)
    made = _post(conversing, CHAT, headers=CSV, params={**COLUMNS, "model": model}).json()
    assert _finished(conversing, made["id"])["rows"] == len(DIALOGUE)
    result = conversing.get(f"/v1/batches/{made['id']}/result")
    (tmp_path / "chat.csv").write_text(CHAT, encoding="utf-8")
    predict_file(tmp_path / "chat.csv", tmp_path / "out.jsonl", library, **COLUMNS)
    assert result.content == (tmp_path / "out.jsonl").read_bytes()
    answers = [json.loads(line) for line in result.text.splitlines()]
    for answer, wanted in zip(answers, library.predict(build_dialogue_inputs(DIALOGUE)), strict=True):
        assert answer["scores"] == pytest.approx(dict(wanted.scores), abs=1e-5)


def test_columns_of_turns_are_named_in_order_or_not_read(conversing: Running, tmp_path: Path) -> None:
    table = "one,two,said\nawful day,so happy,usual\n"
    library = Predictor.load(conversing.service.models.find("joined").folder.path)
    for model, columns in (("joined", ["one", "two"]), ("joined", ["two", "one"]), ("linear-single", ["one", "two"])):
        params = {"text": "said", "context": columns, "model": model}
        made = _post(conversing, table, headers=CSV, params=params).json()
        done = _finished(conversing, made["id"])
        assert any("does not read" in warning for warning in done["warnings"]) == (model == "linear-single")
        if model == "joined":
            (answer,) = conversing.get(f"/v1/batches/{made['id']}/result").text.splitlines()
            cells = {"one": "awful day", "two": "so happy"}
            (wanted,) = library.predict([ModelInput("usual", turns=tuple(Turn(cells[name]) for name in columns))])
            assert json.loads(answer)["scores"] == pytest.approx(dict(wanted.scores), abs=1e-5)
    both = {"context": "one", "dialogue": "two"}
    failed = _finished(conversing, _post(conversing, table, headers=CSV, params=both).json()["id"])
    assert failed["status"] == "failed"
    assert "cannot be combined: earlier turns" in failed["detail"]


def test_a_job_states_how_its_file_is_read(served: Running, predictor: Predictor) -> None:
    table = "1;so happy, really;joy\n2;awful day;fear\n3;so happy;joy\n4;usual;joy\n"
    question = _finished(served, _post(served, table, headers=CSV).json()["id"])
    assert question["status"] == "failed"
    assert "set `header` to false" in question["detail"]
    stated = {"text": "2", "header": "false", "separator": ";"}
    made = _post(served, table, headers=CSV, params=stated).json()
    assert _finished(served, made["id"])["rows"] == 4
    answers = [json.loads(line) for line in served.get(f"/v1/batches/{made['id']}/result").text.splitlines()]
    wanted = predictor.predict(["so happy, really", "awful day", "so happy", "usual"])
    assert [(row["text"], row["label"]) for row in answers] == [(one.text, one.label) for one in wanted]
    lines = _post(served, "so happy\nawful\n", headers=CSV, params={"format": "lines"}).json()
    assert _finished(served, lines["id"])["rows"] == 2
    problem(_post(served, table, headers=CSV, params={"format": "parquet"}), 422, "validation")


def test_a_stored_job_of_an_older_service_is_read(linear_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "jobs" / ("0" * 32)
    folder.mkdir(parents=True)
    (folder / "source.csv").write_text("message\nso happy\n", encoding="utf-8")
    job = {"id": folder.name, "status": "waiting", "model": "linear-single", "source": str(folder / "source.csv")}
    (folder / "job.json").write_text(json.dumps(job | {"text": "message"}), encoding="utf-8")
    with running(linear_model, jobs={"folder": str(tmp_path / "jobs")}) as service:
        assert _finished(service, folder.name)["rows"] == 1


def test_rows_without_a_text_are_rejected_by_any_model(served: Running) -> None:
    name = [model.name for model in served.service.models][1]
    rows = [{"text": "so happy"}, {"text": ""}, {"text": "awful"}]
    made = _post(
        served,
        "".join(json.dumps(row) + "\n" for row in rows),
        headers={"content-type": "application/x-ndjson"},
        params={"model": name},
    ).json()
    said = _finished(served, made["id"])
    assert (said["model"], said["rows"], said["rejected"]) == (name, 2, 1)
    assert json.loads(served.get(f"/v1/batches/{made['id']}/rejects").text)["line"] == 2


def test_what_cannot_be_predicted_fails_without_naming_a_place(served: Running) -> None:
    said = _finished(served, _post(served, "a,b\n1,2\n", headers=CSV).json()["id"])
    assert said["status"] == "failed"
    assert "/" not in said["detail"]
    problem(served.get(f"/v1/batches/{said['id']}/result"), 409, "conflict")


def test_only_files_in_the_named_folders_are_read(linear_model: Path, tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "a.csv").write_text(_csv(TEXTS), encoding="utf-8")
    (inside / "link.csv").symlink_to(outside / "a.csv")
    with running(linear_model, jobs={"sources": [str(inside)]}) as service:
        made = service.post("/v1/batches", {"path": str(inside / "a.csv"), "text": "message"})
        assert _finished(service, made.json()["id"])["rows"] == len(TEXTS)
        for path in (outside / "a.csv", inside / ".." / "out" / "a.csv", inside / "link.csv", inside, inside / "none",
                     "/etc/passwd", "s3://bucket/a.csv", "a" * 900, "-"):  # fmt: skip
            problem(service.post("/v1/batches", {"path": str(path)}), 404, "not_found")


def test_uploads_are_bounded_and_of_known_kinds(linear_model: Path, tmp_path: Path) -> None:
    jobs = {"folder": str(tmp_path), "upload_bytes": 5000, "most": 1}
    with running(linear_model, jobs=jobs, limits={"body_bytes": 1000}) as service:
        problem(_post(service, "text\n" + "happy\n" * 2000, headers=CSV), 413, "too_large")
        problem(
            _post(service, json.dumps({"path": "a" * 3000}), headers={"content-type": "application/json"}),
            413,
            "too_large",
        )
        problem(_post(service, "a", headers={"content-type": "text/plain"}), 415, "unsupported_media")
        problem(_post(service, b"\x1f\x8b", headers=CSV | {"content-encoding": "gzip"}), 415, "unsupported_media")
        assert list(tmp_path.iterdir()) == []
        assert _post(service, "text\n" + "happy\n" * 500, headers=CSV).status_code == 202
        problem(_post(service, "text\nhappy\n", headers=CSV), 429, "overloaded")


def test_jobs_survive_a_restart(
    linear_model: Path, tmp_path: Path, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = JobRunner.stop

    def stop_held(self: JobRunner, timeout: float) -> None:
        self._stopping.set()
        held.release()
        stop(self, timeout)

    monkeypatch.setattr(JobRunner, "stop", stop_held)
    monkeypatch.setattr("insula.inference.files.CHUNK", 20)
    texts = [f"{text} {number}" for number in range(5) for text in TEXTS]
    with running(linear_model, jobs={"folder": str(tmp_path)}) as service:
        done = _post(service, "text\nhappy\n", headers=CSV).json()["id"]
        _finished(service, done)
        held.hold(after=40)
        cut_off = _post(service, _csv(texts), headers=CSV, params={"text": "message"}).json()["id"]
        wait_until(lambda: service.get(f"/v1/batches/{cut_off}").json()["rows"] == 40, "40 rows are not predicted")
    assert json.loads((tmp_path / cut_off / "job.json").read_text(encoding="utf-8"))["status"] == "waiting"
    with running(linear_model, jobs={"folder": str(tmp_path)}) as service:
        assert service.get(f"/v1/batches/{done}").json()["status"] == "done"
        said = _finished(service, cut_off)
        assert (said["status"], said["rows"]) == ("done", len(texts))
        lines = service.get(f"/v1/batches/{cut_off}/result").text.splitlines()
        assert [json.loads(line)["text"] for line in lines] == texts


def test_feedback_is_kept_where_there_is_a_file(linear_model: Path, tmp_path: Path) -> None:
    file = tmp_path / "feedback.jsonl"
    with running(linear_model, feedback={"file": str(file)}) as service:
        said = {"text": "so \u2028 happy", "labels": ["positive"], "predicted": ["neutral"], "subject": "s1"}
        masked = said | {"text": "so happy, anna@example.org", "note": "ask bert@example.org", "labels": ["neutral"]}
        assert service.post("/v1/feedback", said).status_code == 201
        assert service.post("/v1/feedback", said | {"labels": []}).status_code == 201
        assert service.post("/v1/feedback", masked).status_code == 201
        problem(service.post("/v1/feedback", said | {"labels": ["canary"]}), 422, "validation")
        problem(service.post("/v1/feedback", {"labels": []}), 422, "validation")
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
        kept = {name: value for name, value in said.items() if name != "subject"}  # a line could not be erased by it
        assert rows[0] | {"time": ""} == kept | {
            "model": service.service.models.default.name,
            "version": service.service.models.default.version,
            "time": "",
        }
        assert [row["labels"] for row in rows] == [["positive"], [], ["neutral"]]
        assert (rows[2]["text"], rows[2]["note"]) == ("so happy, [EMAIL]", "ask [EMAIL]")


def test_the_settings_say_which_kinds_are_masked(linear_model: Path, tmp_path: Path) -> None:
    file = tmp_path / "feedback.jsonl"
    with running(linear_model, feedback={"file": str(file)}, masking={"kinds": ["email", "us_ssn"]}) as service:
        said = {"text": "anna@example.org, 536-90-4399, ::1", "labels": []}
        assert service.post("/v1/feedback", said).status_code == 201
    assert json.loads(file.read_text(encoding="utf-8"))["text"] == "[EMAIL], [US_SSN], ::1"
    with pytest.raises(DataError, match="'emial'"), running(linear_model, masking={"kinds": ["emial"]}):
        pass


def test_feedback_is_refused_where_none_is_kept(served: Running) -> None:
    problem(served.post("/v1/feedback", {"text": "a", "labels": []}), 501, "disabled")


def test_a_job_that_is_taken_away_at_any_moment_ends_no_other(
    linear_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is removed when the thread has just taken it up, and again when it has just finished it."""
    run = JobRunner._run
    with running(linear_model, jobs={"folder": str(tmp_path)}) as service:

        def removed_first(self: JobRunner, job: Job) -> None:
            self._remove(job)
            run(self, job)

        def removed_last(self: JobRunner, job: Job) -> None:
            monkeypatch.setattr(
                "insula.serving.jobs.predict_file", lambda *_, **__: (self._remove(job), predict_file)[1]
            )
            run(self, job)

        for broken in (removed_first, removed_last):
            with monkeypatch.context() as patch:
                patch.setattr(JobRunner, "_run", broken)
                gone = _post(service, "text\nhappy\n", headers=CSV).json()["id"]
                wait_until(lambda: not (tmp_path / gone).exists(), "the job is not removed")  # noqa: B023
            monkeypatch.undo()
            done = _post(service, "text\nhappy\n", headers=CSV).json()["id"]
            assert _finished(service, done)["status"] == "done"
