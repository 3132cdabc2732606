"""Downloads: whole even if the job is deleted meanwhile, in part if the client asks, and never a 5xx."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from serving_running import Running, problem
from serving_sockets import open_connection, read_all, with_small_buffers

from insula.serving.http import downloads
from insula.serving.jobs import JobRunner
from waiting import DEADLINE, wait_until

ROWS = 3_000


@pytest.fixture(scope="module")
def service(linear_model: Path) -> Iterator[Running]:
    """A service on connections for which the kernel keeps little."""
    with with_small_buffers(linear_model) as service:
        yield service


@pytest.fixture
def job(service: Running) -> Iterator[str]:
    """The id of a job that is done, with a result of several hundred kilobytes."""
    made = httpx2.post(f"{service.address}/v1/batches", content="text\n" + "happy\n" * ROWS,
                       headers={"content-type": "text/csv"}, timeout=DEADLINE).json()["id"]  # fmt: skip
    wait_until(lambda: service.get(f"/v1/batches/{made}").json()["status"] == "done", "the job is not done")
    yield made
    _delete(service, made)


def _delete(service: Running, job: str) -> int:
    return httpx2.delete(f"{service.address}/v1/batches/{job}", timeout=DEADLINE).status_code


def _result(service: Running, job: str, given: str | None = None, **headers: str) -> httpx2.Response:
    wanted = headers if given is None else {"range": given, **headers}
    return service.get(f"/v1/batches/{job}/result", headers=wanted)


def test_a_download_is_whole_though_its_job_is_deleted(service: Running, job: str) -> None:
    whole = _result(service, job).content
    with contextlib.ExitStack() as stack:
        connection = open_connection(service.address, stack)
        connection.sendall(
            f"GET /v1/batches/{job}/result HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        begun = connection.recv(1_000)
        assert b" 200 " in begun
        assert _delete(service, job) == 204
        assert not (service.service.jobs._files.folder / job).exists()
        problem(_result(service, job), 404, "not_found")
        got = (begun + read_all(connection)).partition(b"\r\n\r\n")[2]
    assert len(json.loads(got.splitlines()[-1])) > 1
    assert got == whole


@pytest.mark.parametrize("path", ["/v1/batches/{}/result", "/v1/batches/{}/rejects", "/files/{}/result"])
def test_a_file_that_is_deleted_before_it_is_opened(
    service: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    monkeypatch.setattr(JobRunner, "file", lambda *_: tmp_path / "gone")
    assert service.get(path.format("a")).status_code == 404
    assert not caplog.records


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes = 5 - 9", slice(5, 10)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=20-99999999999", slice(20, None)),
    ],
)
def test_a_part_of_a_file_is_downloaded(service: Running, job: str, given: str, part: slice) -> None:
    whole, answer = _result(service, job), _result(service, job, given)
    assert (answer.status_code, answer.content) == (206, whole.content[part])
    first, end, _ = part.indices(len(whole.content))
    assert answer.headers["content-range"] == f"bytes {first}-{end - 1}/{len(whole.content)}"
    unchanged = _result(service, job, given, **{"if-range": whole.headers["etag"]})
    assert unchanged.status_code == 206
    assert _result(service, job, given, **{"if-range": '"another"'}).content == whole.content


@pytest.mark.parametrize(
    "given", ["lines=0-9", "bytes=9-0", "bytes=0-1,3-4", "bytes=a-b", "bytes=-", "", "bytes=" + "1-2," * 5_000]
)
def test_other_ranges_are_ignored(service: Running, job: str, given: str) -> None:
    answer = _result(service, job, given)
    assert (answer.status_code, answer.content.count(b"\n")) == (200, ROWS)


def test_a_range_beyond_the_end_is_a_problem(service: Running, job: str) -> None:
    size = len(_result(service, job).content)
    for given in (f"bytes={size}-", "bytes=-0", "bytes=999999999999-999999999999"):
        answer = _result(service, job, given)
        problem(answer, 416, "range")
        assert answer.headers["content-range"] == f"bytes */{size}"


def test_head_reads_nothing_of_the_file(service: Running, job: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    run = downloads.run_in_threadpool

    async def noted(function: Callable[..., Any], *given: Any) -> Any:
        found = await run(function, *given)
        read.append(len(found) if isinstance(found, bytes) else 0)
        return found

    monkeypatch.setattr(downloads, "run_in_threadpool", noted)
    head = httpx2.head(f"{service.address}/v1/batches/{job}/result", timeout=DEADLINE)
    assert (head.status_code, head.content, sum(read)) == (200, b"", 0)
    got = _result(service, job)
    assert (head.headers["content-length"], sum(read)) == (str(len(got.content)), len(got.content))
