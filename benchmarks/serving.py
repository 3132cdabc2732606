"""How fast `insula serve` answers, against a plain FastAPI application and LitServe, on the same texts and processors.

    python benchmarks/serving.py --model runs/goe                       all of it: `results/serving.json`
    python benchmarks/serving.py --model runs/goe --seconds 2 --rounds 1 --peers --output /tmp/try.json

Servers run on `--server-processors`, the load generator (`load.py`, a process of its own) on `--client-processors`. In
each round, all arms in turn, forwards and backwards:

1. `bulk`: rows a second of `Predictor.predict`, on the server's processors.
2. `capacity`: rows a second with one text and with 32 texts a request, by clients that wait for their answers.
3. `latency`: an open loop at 50% and 90% of the arm's own capacity with one text a request.
4. `overload`: an open loop at twice its capacity; p99 of what was accepted, and the share that was refused.
5. `at_twice_the_plain_load`: insula at twice the rate of the plain application's 90%, the latency beside its own.

Requests of 3 to 5 hold one text. Figures are medians of the rounds. `--wait-ms` is the service's `queue.wait_ms` in all
of it. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from spread import spread

HERE = Path(__file__).parent
RUNS = HERE / "runs" / "serving"
OUTPUT = HERE / "results" / "serving.json"
PLAIN = "plain_fastapi"
PEERS = (PLAIN, "litserve")
MANY = 32  # texts of a large request
READY_SECONDS = 120.0
SHARES = (0.5, 0.9)
OVERLOAD = 2.0


class Arm(NamedTuple):
    """A server that runs: where, and what its bodies are."""

    name: str
    address: str
    path: str

    def body(self, texts: Sequence[str]) -> dict[str, Any]:
        return {"texts": list(texts)} if self.name == "insula" else {"inputs": list(texts)}


def main(arguments: list[str]) -> int:
    """Measure and return the exit status."""
    given = _parser().parse_args(arguments)
    if given.bulk is not None:
        _bulk(Path(given.bulk))
        return 0
    from inference import _texts
    from provenance import provenance

    texts = _texts(given.rows, given.seed)
    rounds = [_round(given, number, texts) for number in range(given.rounds)]
    found = {
        "set": "goemotions",
        "rounds": given.rounds,
        "seconds": given.seconds,
        "wait_ms": given.wait_ms,
        "processors": {"server": given.server_processors, "client": given.client_processors},
        "bulk_rows_per_second": spread([one["bulk"] for one in rounds]),
        "arms": {name: _summary([one["arms"][name] for one in rounds]) for name in rounds[0]["arms"]},
        "bars": _bars(rounds),
        "all": rounds,
        "command": "python benchmarks/serving.py " + " ".join(arguments),
        **provenance(),
    }
    Path(given.output).parent.mkdir(parents=True, exist_ok=True)
    Path(given.output).write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps({"bulk": found["bulk_rows_per_second"], **found["bars"]}, indent=2))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", metavar="FOLDER", help="a trained insula encoder")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each load")
    parser.add_argument("--wait-ms", type=float, default=100.0)
    parser.add_argument("--server-processors", default="0")
    parser.add_argument("--client-processors", default="1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default=str(OUTPUT))
    parser.add_argument("--bulk", metavar="FOLDER", help=argparse.SUPPRESS)
    return parser


def _round(given: argparse.Namespace, number: int, texts: Sequence[str]) -> dict[str, Any]:
    """Return a round's figures: `bulk`, and the arms by name."""
    found: dict[str, Any] = {"bulk": _ask_bulk(given, texts), "arms": {}}
    names = [*given.peers, "insula"]  # the plain load is needed to double it
    for name in names if number % 2 == 0 else [*reversed(given.peers), "insula"]:
        with _running(name, given) as arm:
            found["arms"][name] = _measure(given, arm, number, texts, found["arms"].get(PLAIN))
        print(f"round {number + 1}, {name}: {json.dumps(found['arms'][name]['capacity'])}", flush=True)
    return found


def _measure(
    given: argparse.Namespace, arm: Arm, number: int, texts: Sequence[str], plain: dict[str, Any] | None
) -> dict[str, Any]:
    singles = [arm.body([text]) for text in texts]
    manies = [arm.body(texts[first : first + MANY]) for first in range(0, len(texts) - MANY + 1, MANY)]
    # Clients that wait for their answers must not be told to come back.
    patient = {"headers": {"insula-wait-ms": "60000"}}
    seed = given.seed + number
    _load(given, arm, singles, seconds=min(2.0, given.seconds), connections=8, **patient)
    one = _load(given, arm, singles, connections=64, **patient)
    many = _load(given, arm, manies, connections=8, **patient)
    if not _answered(one) or not _answered(many):
        raise RuntimeError(f"{arm.name} answered nothing: {one['statuses']}, {many['statuses']}.")
    capacity = {"one": _answered(one) / one["seconds"], "many": MANY * _answered(many) / many["seconds"]}
    found: dict[str, Any] = {"capacity": capacity, "latency": {}}
    for share in SHARES:
        found["latency"][str(share)] = _load(given, arm, singles, rate=share * capacity["one"], seed=seed)
    found["overload"] = _load(given, arm, singles, rate=OVERLOAD * capacity["one"], seed=seed)
    if arm.name == "insula" and plain is not None:
        rate = 2 * max(SHARES) * plain["capacity"]["one"]
        found["at_twice_the_plain_load"] = _load(given, arm, singles, rate=rate, seed=seed)
    return found


def _answered(load: dict[str, Any]) -> int:
    return int(load["statuses"].get("200", 0))


def _load(given: argparse.Namespace, arm: Arm, bodies: Sequence[Any], **how: Any) -> dict[str, Any]:
    place = RUNS / "load"
    place.mkdir(parents=True, exist_ok=True)
    task = {"address": arm.address, "path": arm.path, "bodies": bodies, "seconds": given.seconds, **how}
    (place / "task.json").write_text(json.dumps(task), encoding="utf-8")
    command = [sys.executable, str(HERE / "load.py"), str(place / "task.json")]
    subprocess.run(_pinned(given.client_processors, command), check=True)
    found: dict[str, Any] = json.loads((place / "answer.json").read_text(encoding="utf-8"))
    return found | ({"rate": how["rate"]} if "rate" in how else {})


@contextlib.contextmanager
def _running(name: str, given: argparse.Namespace) -> Iterator[Arm]:
    """Run a server until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    threads = str(_processors(given.server_processors))
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1"}
    if name == "insula":
        environment["INSULA_SERVE_QUEUE_WAIT_MS"] = str(given.wait_ms)
        command = [sys.executable, "-m", "insula", "serve", "-m", given.model, "--port", str(port)]
        arm = Arm(name, f"http://127.0.0.1:{port}", "/v1/predict")
    else:
        command = _peer(name, given, port, int(threads))
        environment["PYTHONPATH"] = str(HERE / "peers")  # where what they share stands
        arm = Arm(name, f"http://127.0.0.1:{port}", "/predict")
    RUNS.mkdir(parents=True, exist_ok=True)
    with (RUNS / f"{name}.log").open("w") as log:
        server = subprocess.Popen(
            _pinned(given.server_processors, command), env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait_for(arm, server)
            yield arm
        finally:
            # It may have started processes of its own; all of them are of the session that was begun for it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(30)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _peer(name: str, given: argparse.Namespace, port: int, threads: int) -> list[str]:
    from insula.models.locate import locate_model
    from outside import PEERS as FOLDER
    from outside import interpreter
    from plain_folder import write_plain_folders

    place = RUNS / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    model = write_plain_folders(locate_model(given.model), RUNS / "models")["classifier"].resolve()
    task = {"model": str(model), "port": port, "threads": threads}
    (place / "task.json").write_text(json.dumps(task), encoding="utf-8")
    home = FOLDER / name
    return [interpreter(home), str(home / "run.py"), str(place)]


def _wait_for(arm: Arm, server: subprocess.Popen[bytes]) -> None:
    """Return once a server answers."""
    until = time.monotonic() + READY_SECONDS
    body = json.dumps(arm.body(["So happy!"])).encode()
    request = urllib.request.Request(arm.address + arm.path, body, {"content-type": "application/json"})
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(request, timeout=30) as answer:
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise RuntimeError(f"The server {arm.name} does not answer: see {RUNS / arm.name}.log")


def _ask_bulk(given: argparse.Namespace, texts: Sequence[str]) -> float:
    place = RUNS / "bulk"
    place.mkdir(parents=True, exist_ok=True)
    (place / "task.json").write_text(json.dumps({"model": given.model, "texts": list(texts)}), encoding="utf-8")
    command = _pinned(given.server_processors, [sys.executable, __file__, "--bulk", str(place)])
    threads = str(_processors(given.server_processors))
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": threads})
    return float(json.loads((place / "answer.json").read_text(encoding="utf-8")))


def _bulk(place: Path) -> None:
    from insula.inference.predictor import Predictor

    task = json.loads((place / "task.json").read_text(encoding="utf-8"))
    predictor = Predictor.load(task["model"])
    predictor.predict(task["texts"][:MANY])
    began = time.perf_counter()
    predictor.predict(task["texts"])
    (place / "answer.json").write_text(json.dumps(len(task["texts"]) / (time.perf_counter() - began)), encoding="utf-8")


def _summary(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return medians over the rounds of one arm."""
    loads = {
        **{f"latency_{share}": [one["latency"][str(share)] for one in rounds] for share in SHARES},
        "overload": [one["overload"] for one in rounds],
    }
    if all("at_twice_the_plain_load" in one for one in rounds):
        loads["at_twice_the_plain_load"] = [one["at_twice_the_plain_load"] for one in rounds]
    return {
        **{f"capacity_{kind}": spread([one["capacity"][kind] for one in rounds]) for kind in ("one", "many")},
        **{name: _load_summary(several) for name, several in loads.items()},
    }


def _load_summary(loads: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "requests_per_second": spread([one["rate"] for one in loads]),
        "answered": spread([_answered(one) / max(one["sent"], 1) for one in loads]),
        **{
            name: spread([one[name] for one in loads]) if all(one[name] is not None for one in loads) else None
            for name in ("p50_ms", "p99_ms")
        },
    }


def _bars(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what is asked of the service, each a ratio within a round."""
    ours = [one["arms"]["insula"] for one in rounds]
    found = {
        "one_text_share_of_bulk": spread(
            [own["capacity"]["one"] / one["bulk"] for own, one in zip(ours, rounds, strict=True)]
        ),
        "many_texts_share_of_bulk": spread(
            [own["capacity"]["many"] / one["bulk"] for own, one in zip(ours, rounds, strict=True)]
        ),
        "overload_p99_times_that_at_90": spread(
            [(own["overload"]["p99_ms"] or 0) / own["latency"]["0.9"]["p99_ms"] for own in ours]
        ),
    }
    for peer in rounds[0]["arms"]:
        if peer != "insula":
            ratios = [one["arms"]["insula"]["capacity"]["one"] / one["arms"][peer]["capacity"]["one"] for one in rounds]
            found[f"capacity_times_{peer}"] = spread(ratios)
    if all("at_twice_the_plain_load" in own for own in ours):
        found["p99_at_twice_the_plain_load_times_its_own"] = spread(
            [
                own["at_twice_the_plain_load"]["p99_ms"] / one["arms"][PLAIN]["latency"]["0.9"]["p99_ms"]
                for own, one in zip(ours, rounds, strict=True)
            ]
        )
    return found


def _pinned(processors: str, command: list[str]) -> list[str]:
    return ["taskset", "-c", processors, *command]


def _processors(given: str) -> int:
    """Return how many processors a list such as `0,2-3` names."""
    ranges = [part.split("-") for part in given.split(",")]
    return sum(int(one[-1]) - int(one[0]) + 1 for one in ranges)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
