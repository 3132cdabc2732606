"""Jobs of callers who mean harm: files that swell, lists that fill up, jobs of others."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from serving_running import Running, problem, running

from insula.api.access import create_key
from insula.core.errors import OutputError
from insula.serving import jobs as jobs_module
from insula.serving.job_files import Job, JobFiles
from insula.serving.queueing.low_priority import _YieldingBackend
from insula.serving.routes import batches as batch_routes
from insula.serving.temporary_folder import PREFIX, TemporaryFolder
from waiting import DEADLINE, eventually, wait_until

CSV = {"content-type": "text/csv"}
JSONL = {"content-type": "application/x-ndjson"}


@pytest.fixture
def bounded(linear_model: Path, tmp_path: Path) -> Iterator[Running]:
    """A service with low limits for files."""
    jobs = {"folder": str(tmp_path / "jobs"), "line_bytes": 5_000, "sources": [str(tmp_path)]}
    with running(linear_model, jobs=jobs, limits={"characters": 100, "body_bytes": 2_000}) as service:
        yield service


def _post(service: Running, content: Any, headers: dict[str, str], key: str | None = None) -> httpx2.Response:
    more = {} if key is None else {"x-api-key": key}
    return httpx2.post(f"{service.address}/v1/batches", content=content, headers=headers | more, timeout=DEADLINE)


def _end(service: Running, made: httpx2.Response, **headers: str) -> dict[str, Any]:
    assert made.status_code == 202, made.text
    states: list[dict[str, Any]] = []

    def has_ended() -> bool:
        states.append(service.get(f"/v1/batches/{made.json()['id']}", headers=headers).json())
        return states[-1]["status"] in ("done", "failed")

    wait_until(has_ended, "the job did not end")
    return states[-1]


def test_a_packed_upload_is_rejected(bounded: Running, tmp_path: Path) -> None:
    packed = gzip.compress(b"text\n" + b"so happy\n" * 100_000)
    problem(_post(bounded, packed, CSV), 415, "unsupported_media")

    def byte_by_byte() -> Iterator[bytes]:
        for byte in packed[:200]:
            yield bytes([byte])

    problem(_post(bounded, byte_by_byte(), CSV), 415, "unsupported_media")
    assert list((tmp_path / "jobs").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "headers", "line"),
    [
        (b"text\n" + b"a" * 1_000_000, CSV, 2),
        (b"text\r" + b"a\r" * 500_000, CSV, 1),
        ("text\n".encode("utf-16") + "\u0a41".encode("utf-16-le") * 500_000, CSV, 2),
        (b'{"text": "' + b"a" * 1_000_000 + b'"}\n', JSONL, 1),
        (b'{"text": "happy", "more": [' + b"1," * 500_000 + b"1]}\n", JSONL, 1),
    ],
    ids=["csv", "carriage returns", "utf-16", "text", "list"],
)
def test_a_line_without_an_end_fails_its_job(
    bounded: Running, content: bytes, headers: dict[str, str], line: int
) -> None:
    ended = _end(bounded, _post(bounded, content, headers))
    assert ended["status"] == "failed"
    assert f"lines of at most 5,000 bytes. Line {line} is longer" in ended["detail"]
    assert "/" not in ended["detail"]


def test_a_packed_file_of_a_folder_has_bounded_lines(bounded: Running, tmp_path: Path) -> None:
    (tmp_path / "bomb.csv").write_bytes(gzip.compress(b"text\n" + b"a" * 50_000_000))
    ended = _end(bounded, bounded.post("/v1/batches", {"path": str(tmp_path / "bomb.csv")}))
    assert "lines of at most 5,000 bytes" in ended["detail"]


def test_a_file_of_countless_columns_fails_its_job(bounded: Running) -> None:
    rows = "".join(json.dumps({"text": "so happy", f"column {number}": 1}) + "\n" for number in range(2_000))
    assert "at most 1,000 columns" in _end(bounded, _post(bounded, rows, JSONL))["detail"]


def test_a_file_of_broken_rows_fails_its_job(bounded: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "text,more\n" + "a,b\n" * 200 + 'a"b,c,d\n' * 10_100
    assert "at most 10,000 unreadable rows" in _end(bounded, _post(bounded, rows, CSV))["detail"]


def test_rows_have_the_characters_of_texts(bounded: Running) -> None:
    made = _post(bounded, "text\n" + "a" * 100 + "\n" + "b" * 101 + "\nso happy\n", CSV)
    ended = _end(bounded, made)
    assert (ended["rows"], ended["rejected"]) == (2, 1)
    (reject,) = bounded.get(f"/v1/batches/{ended['id']}/rejects").text.splitlines()
    assert json.loads(reject)["line"] == 3
    assert "101 characters, where 100 are allowed" in json.loads(reject)["reason"]


def test_long_rows_make_small_batches(bounded: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    groups = jobs_module.predict_file.__globals__["read_input_batches"]

    def counted(*args: Any, **kwargs: Any) -> Iterator[Any]:
        for group in groups(*args, **kwargs):
            sizes.append(sum(len(str(row)) for row in group.rows))
            yield group

    monkeypatch.setitem(jobs_module.predict_file.__globals__, "read_input_batches", counted)
    rows = "".join(json.dumps({"text": "so happy", "more": "b" * 4_000}) + "\n" for _ in range(1_000))
    assert _end(bounded, _post(bounded, rows, JSONL))["rows"] == 1_000
    assert len(sizes) > 2
    assert max(sizes) < 2 * jobs_module.BATCH_CHARACTERS + 500_000  # the first batch also names the columns


@pytest.mark.parametrize("kind", ["application/json ;", "application/json\t; charset=utf-8", "APPLICATION/JSON;", ""])
def test_no_spelling_of_json_escapes_its_limit(bounded: Running, kind: str) -> None:
    body = json.dumps({"path": "a" * 3_000})
    problem(_post(bounded, body, {"content-type": kind}), 413, "too_large")


def test_two_media_types_are_none(bounded: Running) -> None:
    headers = [("content-type", "text/csv"), ("content-type", "application/json")]
    answer = httpx2.post(f"{bounded.address}/v1/batches", content="a" * 3_000, headers=headers, timeout=DEADLINE)
    problem(answer, 413, "too_large")


@pytest.fixture
def callers(linear_model: Path, tmp_path: Path) -> Iterator[tuple[Running, str, str]]:
    """A service where two callers may have three jobs each, and their keys."""
    data = tmp_path / "data"
    keys = [create_key(name, store=data).secret for name in ("anna", "bert")]
    with running(linear_model, store={"address": str(data)}, jobs={"most": 3}) as service:
        yield service, keys[0], keys[1]


def test_a_caller_fills_only_its_own_list(callers: tuple[Running, str, str]) -> None:
    service, anna, bert = callers
    jobs = [_end(service, _post(service, "text\nhappy\n", CSV, anna), **{"x-api-key": anna}) for _ in range(3)]
    problem(_post(service, "text\nhappy\n", CSV, anna), 429, "overloaded")
    assert _post(service, "text\nhappy\n", CSV, bert).status_code == 202
    own = service.get("/v1/batches", headers={"x-api-key": anna}).json()["jobs"]
    assert [job["id"] for job in own] == [job["id"] for job in reversed(jobs)]
    assert len(service.get("/v1/batches", headers={"x-api-key": bert}).json()["jobs"]) == 1


def test_failed_jobs_take_no_room(callers: tuple[Running, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    service, anna, _ = callers
    monkeypatch.setattr(jobs_module, "MAX_FAILED", 2)
    for _ in range(5):
        assert _end(service, _post(service, "a,b\n1,2\n", CSV, anna), **{"x-api-key": anna})["status"] == "failed"
    assert _post(service, "text\nhappy\n", CSV, anna).status_code == 202
    failed = [job for job in service.service.jobs._jobs.values() if job.status == "failed"]
    assert len(failed) <= 3
    folder = service.service.jobs._files.folder / failed[0].id
    eventually(lambda: [path.name for path in folder.iterdir()], ["job.json"])  # its last state may be in writing


def test_a_job_of_another_caller_is_not_found(callers: tuple[Running, str, str]) -> None:
    service, anna, bert = callers
    job = _end(service, _post(service, "text\nhappy\n", CSV, anna), **{"x-api-key": anna})["id"]
    for path in ("", "/result", "/rejects"):
        problem(service.get(f"/v1/batches/{job}{path}", headers={"x-api-key": bert}), 404, "not_found")
    gone = httpx2.delete(f"{service.address}/v1/batches/{job}", headers={"x-api-key": bert})
    problem(gone, 404, "not_found")
    assert service.get(f"/v1/batches/{job}/result", headers={"x-api-key": anna}).status_code == 200


def test_uploads_at_once_do_not_pass_the_cap(callers: tuple[Running, str, str]) -> None:
    """All of them arrive before any is complete."""
    service, anna, _ = callers
    everybody = threading.Barrier(12)
    statuses: list[int] = []

    def slow() -> Iterator[bytes]:
        yield b"text\n"
        everybody.wait(DEADLINE)
        yield b"happy\n"

    def upload() -> None:
        try:
            statuses.append(_post(service, slow(), CSV, anna).status_code)
        except (httpx2.TransportError, threading.BrokenBarrierError):
            statuses.append(0)

    threads = [threading.Thread(target=upload) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(202) <= 3
    assert len(service.get("/v1/batches", headers={"x-api-key": anna}).json()["jobs"]) == statuses.count(202)


def test_a_caller_fills_only_its_own_part_of_the_disk(linear_model: Path, tmp_path: Path) -> None:
    anna, bert = (create_key(name, store=tmp_path / "data").secret for name in ("anna", "bert"))
    jobs = {"folder": str(tmp_path / "jobs"), "caller_bytes": 300_000}
    with running(linear_model, store={"address": str(tmp_path / "data")}, jobs=jobs) as service:
        done = _end(service, _post(service, "text\n" + "happy\n" * 900, CSV, anna), **{"x-api-key": anna})
        assert done["status"] == "done"
        refused = problem(_post(service, b"text\n" + b"a" * 250_000, CSV, anna), 429, "overloaded")
        assert "300,000 bytes" in refused["detail"]
        assert _post(service, b"text\n" + b"a" * 250_000, CSV, bert).status_code == 202
        assert [path.name for path in (tmp_path / "jobs").iterdir()].count(done["id"]) == 1
        gone = httpx2.delete(f"{service.address}/v1/batches/{done['id']}", headers={"x-api-key": anna})
        assert gone.status_code == 204
        assert _post(service, b"text\n" + b"a" * 250_000, CSV, anna).status_code == 202


def test_an_upload_is_stopped_on_its_way(linear_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_routes, "BYTES_BETWEEN_CHECKS", 50_000)
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield b"text\n"
        for _ in range(5_000):
            sent += 10_000
            yield b"a\n" * 5_000

    with running(linear_model, jobs={"caller_bytes": 200_000}) as service:
        with contextlib.suppress(httpx2.TransportError):  # it is cut off while the client still sends
            problem(_post(service, endless(), CSV), 429, "overloaded")
        assert sent < 50_000_000
        wait_until(lambda: not service.service.jobs._arriving, "the upload goes on")
        assert [path.name for path in service.service.jobs._files.folder.iterdir()] == ["lock"]


def test_a_small_file_of_many_rows_has_a_bounded_result(linear_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insula.inference.files.CHUNK", 50)
    with running(linear_model, jobs={"caller_bytes": 100_000}) as service:
        failed = _end(service, _post(service, "text\n" + "a\n" * 5_000, CSV))
        assert (failed["status"], failed["rows"] < 2_000) == ("failed", True)
        assert "100,000 bytes" in failed["detail"]
        folder = service.service.jobs._files.folder / failed["id"]
        eventually(lambda: [path.name for path in folder.iterdir()], ["job.json"])  # its last state may be in writing


def test_files_leave_some_of_the_disk_free(linear_model: Path, tmp_path: Path) -> None:
    (tmp_path / "messages.csv").write_text("text\nhappy\n", encoding="utf-8")
    with running(linear_model, jobs={"free_bytes": 1 << 60, "sources": [str(tmp_path)]}) as service:
        problem(_post(service, "text\nhappy\n", CSV), 503, "unavailable")
        problem(service.post("/v1/batches", {"path": str(tmp_path / "messages.csv")}), 503, "unavailable")
        assert service.get("/v1/batches").json() == {"jobs": []}


def test_a_full_disk_is_said_without_a_path(bounded: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create = JobFiles.create

    def full(self: JobFiles) -> tuple[str, Path]:
        name, folder = create(self)
        (folder / "source.csv").symlink_to("/dev/full")
        return name, folder

    with monkeypatch.context() as patch:
        patch.setattr(JobFiles, "create", full)
        problem(_post(bounded, b"text\n" + b"happy\n" * 2_000, CSV), 503, "unavailable")

    def cannot_write(*_: Any, **__: Any) -> None:
        raise OutputError(f"The output {str(tmp_path)!r} cannot be written: the disk is full.")

    monkeypatch.setattr(jobs_module, "predict_file", cannot_write)
    failed = _end(bounded, _post(bounded, "text\nhappy\n", CSV))
    assert failed["detail"] == "The result could not be stored. Send the file again later."


@pytest.mark.parametrize("method", ["create", "save"])
def test_a_job_that_cannot_be_stored_is_none(bounded: Running, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    def full(self: JobFiles, *_: Any) -> None:
        raise OSError(28, "No space left on device") if method == "create" else OutputError("The disk is full.")

    before = bounded.get("/v1/batches").json()
    with monkeypatch.context() as patch:
        patch.setattr(JobFiles, method, full)
        problem(_post(bounded, "text\nhappy\n", CSV), 503, "unavailable")
    assert bounded.get("/v1/batches").json() == before


@pytest.mark.parametrize("state", ["running", "done", "failed"])
def test_a_state_that_cannot_be_saved_stops_no_job(
    bounded: Running, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """The caller sees how the job ended; the disk gets to know it as soon as it has room."""
    monkeypatch.setattr(jobs_module, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(jobs_module, "POLL_SECONDS", 0.05)
    save, full, asked = JobFiles.save, threading.Event(), threading.Event()
    full.set()

    def save_if_there_is_room(self: JobFiles, job: Job) -> None:
        if full.is_set() and job.status == state:
            asked.set()
            raise OutputError("The disk is full.")
        save(self, job)

    monkeypatch.setattr(JobFiles, "save", save_if_there_is_room)
    end = "failed" if state == "failed" else "done"
    made = _post(bounded, "a,b\n1,2\n" if state == "failed" else "text\nhappy\n", CSV)
    name = made.json()["id"]
    assert _end(bounded, made)["status"] == end
    assert state == "running" or asked.wait(DEADLINE)
    assert bounded.get(f"/v1/batches/{name}/result").status_code == (409 if state == "failed" else 200)
    assert _end(bounded, _post(bounded, "text\nhappy\n" if state == "failed" else "a,b\n1,2\n", CSV))["status"] != end
    file = bounded.service.jobs._files.folder / name / "job.json"
    full.clear()
    wait_until(lambda: json.loads(file.read_text(encoding="utf-8"))["status"] == end, "the state is not saved later")


def test_callers_take_turns(callers: tuple[Running, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    service, anna, bert = callers
    monkeypatch.setattr(jobs_module, "TURN_SECONDS", 0.0)
    order: list[str] = []
    run = jobs_module.JobRunner._run
    go = threading.Event()

    def noted(self: Any, job: Any) -> None:
        assert go.wait(DEADLINE)
        order.append(job.caller)
        run(self, job)

    monkeypatch.setattr(jobs_module.JobRunner, "_run", noted)
    made = [_post(service, "text\nhappy\n", CSV, key) for key in (anna, anna, anna, bert)]
    go.set()
    _end(service, made[3], **{"x-api-key": bert})
    assert len(set(order[:2])) == 2


def test_folders_of_killed_servers_are_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    alive = TemporaryFolder()
    killed = tmp_path / f"{PREFIX}killed"
    killed.mkdir()
    for name in ("lock", "job.json"):
        (killed / name).touch()
    foreign = tmp_path / "elsewhere"
    foreign.mkdir()
    (foreign / "lock").touch()
    os.symlink(foreign, tmp_path / f"{PREFIX}link")
    another = TemporaryFolder()
    assert not killed.exists()
    assert alive.path.exists()
    assert foreign.exists()
    alive.remove()
    another.remove()
    assert not list(tmp_path.glob(f"{PREFIX}*/lock")) or (tmp_path / f"{PREFIX}link").exists()


@pytest.mark.parametrize("end", ["delete", "sigterm"])
def test_a_running_job_stops_after_its_batch(
    encoder_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """Not after its thousands of rows: a model that is still computed when the program ends would crash it."""
    batches = 0
    run = _YieldingBackend.run

    def run_slowly(self: _YieldingBackend, *given: Any) -> Any:
        nonlocal batches
        found = run(self, *given)
        batches += 1
        time.sleep(0.1)
        return found

    monkeypatch.setattr(_YieldingBackend, "run", run_slowly)
    with running(encoder_model, jobs={"folder": str(tmp_path)}, notice_seconds=60) as service:
        name = _post(service, "text\n" + "so happy\n" * 4_000, CSV).json()["id"]
        wait_until(lambda: batches > 0, "the job does not run")
        if end == "delete":
            assert httpx2.delete(f"{service.address}/v1/batches/{name}", timeout=30).status_code == 204
            wait_until(lambda: not (tmp_path / name).exists(), "the job is not deleted")
        else:
            service.server.handle_exit(signal.SIGTERM, None)
            thread = service.service.jobs._thread
            assert thread is not None
            wait_until(lambda: not thread.is_alive(), "the job goes on")
            assert service.post("/v1/predict", {"texts": ["so happy"]}).status_code == 200
            service.server.handle_exit(signal.SIGTERM, None)  # ends the notice
        assert batches < 30
    if end == "sigterm":
        assert json.loads((tmp_path / name / "job.json").read_text(encoding="utf-8"))["status"] == "waiting"
