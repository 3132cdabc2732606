"""Attacks with files: uploads that swell, jobs that are deleted while they are used."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import socket
import time

from malice_server import CSV, JSON, JSONL, Server, at_once, counted


def packed_upload(server: Server) -> str:
    """A gzipped file that unpacks to more than two gigabytes."""
    block = gzip.compress(b"text\n" + b"a" * 5_000_000)
    return server.job(block * 500, CSV)


def line_without_an_end(server: Server) -> str:
    """A file of 150 MB in a single line."""
    return server.job(b"text\n" + b"a" * 150_000_000, CSV)


def countless_columns(server: Server) -> str:
    """A file in which each row has new columns."""
    rows = (json.dumps({"text": "a", **{f"{row}-{one}": 1 for one in range(100)}}) + "\n" for row in range(50_000))
    return server.job("".join(rows), JSONL)


def open_quotes(server: Server) -> str:
    """A file in which each line opens a quote and never closes it."""
    return server.job("text,other\n" + '"a,b\n' * 2_000_000, CSV)


def long_rows(server: Server) -> str:
    """A file with rows of 100 kB and texts of the maximum length."""
    row = json.dumps({"text": "so happy " * 2_200, "more": "b" * 80_000}) + "\n"
    return server.job(row * 1_500, JSONL)


def json_in_disguise(server: Server) -> str:
    """A JSON body with a Content-Type spelled like that of an upload."""
    return str(server.post("/v1/batches", b'{"path": "' + b"a" * 150_000_000, f"{JSON} ;"))


def aborted_uploads(server: Server) -> str:
    """400 uploads of 50 MB that the client aborts in the middle, 8 at a time."""
    head = "POST /v1/batches HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: 50000000\r\n\r\n"
    part = b"text\n" + b"so happy\n" * 100_000

    def abort() -> None:
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", server.port)) as connection, contextlib.suppress(OSError):
                connection.sendall(head.encode() + part)

    at_once(8, abort)
    until = time.monotonic() + 30
    while (left := server.list_job_folders()) and time.monotonic() < until:
        time.sleep(0.2)
    return f"{len(left)} folders left"


def concurrent_deletes(server: Server) -> str:
    """30 jobs, each deleted by 16 requests at once while it runs."""
    statuses: list[int] = []
    for _ in range(30):
        name = server.start_job("text\n" + "so happy\n" * 20_000, CSV)
        statuses += at_once(16, lambda: server.delete_job(name))  # noqa: B023
    return counted(statuses)


def deletes_during_downloads(server: Server) -> str:
    """20 results, each deleted while 8 clients download it slowly."""
    ends: list[str] = []
    for _ in range(20):
        name = server.start_job("text\n" + "so happy\n" * 3_000, CSV)
        server.wait_for_job(name)
        downloads = [_download(server, name) for _ in range(8)]
        time.sleep(0.05)
        server.delete_job(name)
        ends += at_once(len(downloads), lambda: _end_of(downloads.pop()))  # noqa: B023
    return counted(ends)


def download_without_reading(server: Server) -> str:
    """40 clients that download a result and never read."""
    name = server.start_job("text\n" + "so happy\n" * 20_000, CSV)
    server.wait_for_job(name)
    for _ in range(40):
        _download(server, name)
    return "open"


FILES = (
    packed_upload,
    line_without_an_end,
    countless_columns,
    open_quotes,
    long_rows,
    json_in_disguise,
    aborted_uploads,
    concurrent_deletes,
    deletes_during_downloads,
    download_without_reading,
)


def _download(server: Server, name: str) -> socket.socket:
    return server.open(
        f"GET /v1/batches/{name}/result HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    )


def _end_of(connection: socket.socket) -> str:
    """Read an answer to its end, and return its status and whether it was whole."""
    connection.settimeout(60)
    found = b""
    with contextlib.suppress(OSError):
        while part := connection.recv(65_536):
            found += part
            time.sleep(0.001)
    head, _, body = found.partition(b"\r\n\r\n")
    size = re.search(rb"(?i)content-length: (\d+)", head)
    whole = size is not None and len(body) == int(size[1])
    return f"{head.split()[1].decode() if head else 'no answer'} {'whole' if whole else 'cut off'}"
