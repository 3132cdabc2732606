"""How fast insula predicts, against outside systems on the same rows.

    python benchmarks/inference.py --model fp32=runs/goe          all of it: `results/inference.json`
    python benchmarks/inference.py --model fp32=runs/goe --rows 500 --rounds 1 --peers pipeline --output /tmp/try.json

Arms are insula models (`--model NAME=FOLDER`, several) and peers, each in an environment of its own (`peers/NAME`).
Each arm runs in a process of its own, in `--rounds` rounds, forwards and backwards in turn. A ratio is taken within a
round; the interval is that of the median over rounds, from order statistics (lowest to highest has a coverage of 97%
with six rounds). A peer gets the batch size that was fastest for it on the first texts of the first round. One text at
a time: the median of `--singles` calls after the bulk. `share_of_limit` is what useful tokens (no padding) take of the
best measured matrix product, floating point of the encoder's matrices alone.

The peer `model2vec` is compared with the model named `static`, and left out while none is given. It gives vectors, so
both give arrays here: scores and labels on our side (`decide`), where the other arms give an object a text. Run it on
an idle machine. What is finished is kept and not run again, until `--anew`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spread import spread

HERE = Path(__file__).parent
RUNS = HERE / "runs" / "inference"
OUTPUT = HERE / "results" / "inference.json"
TEXTS = HERE.parent.parent / "shared" / "data" / "ready" / "goemotions" / "train.jsonl.gz"


class Peer(NamedTuple):
    """An outside system: its folder in `peers`, which of the plain folders it reads, batch sizes, and its engine."""

    place: str
    folder: str
    batches: tuple[int, ...]
    engine: str | None = None


PEERS = {
    "pipeline": Peer("pipeline", "classifier", (1, 8, 16, 32, 64)),
    "sentence_transformers_onnx": Peer("sentence_transformers_onnx", "embedder", (16, 32, 64, 128)),
    "infinity": Peer("infinity", "classifier", (16, 32, 64, 128), "torch"),
    "infinity_onnx": Peer("infinity", "classifier", (32, 128), "optimum"),
    "model2vec": Peer("model2vec", "static", (256, 1024)),
}
FLOP_A_PARAMETER = 2  # a product and a sum


def main(arguments: list[str]) -> int:
    """Measure and return the exit status."""
    given = _parser().parse_args(arguments)
    if given.arm is not None:
        _run_insula(Path(given.arm))
        return 0
    from gemm import kept_limit
    from provenance import provenance

    if given.anew:
        shutil.rmtree(RUNS, ignore_errors=True)
    models = {name: Path(folder) for name, _, folder in (text.partition("=") for text in given.model)}
    peers = [peer for peer in given.peers if peer != "model2vec" or "static" in models]
    texts = _texts(given.rows, given.seed)
    rounds = [_round(given, number, models, peers, texts) for number in range(given.rounds)]
    limit = kept_limit(RUNS / "limit.json", given.threads)
    found = {
        "set": "goemotions",
        "rows": len(texts),
        "rounds": given.rounds,
        "threads": given.threads,
        "gemm_gflops": limit,
        "arms": {arm: _figures([one[arm] for one in rounds], limit) for arm in rounds[0]},
        "times": {
            model: {other: _ratios(rounds, model, other) for other in _compared(model, list(models), peers)}
            for model in models
        },
        "left_out": [peer for peer in given.peers if peer not in peers],
        "command": "python benchmarks/inference.py " + " ".join(arguments),
        **provenance(),
    }
    Path(given.output).parent.mkdir(parents=True, exist_ok=True)
    Path(given.output).write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for arm, figures in found["arms"].items():
        print(f"{arm}: {figures['rows_per_second']['median']:,.0f} rows/s", {**found["times"].get(arm, {})})
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", default=[], metavar="NAME=FOLDER", help="a trained insula model")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--singles", type=int, default=200)
    parser.add_argument("--tuning", type=int, default=1000, help="texts on which a peer's batch size is chosen")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--anew", action="store_true", help="measure again what is finished")
    parser.add_argument("--output", default=str(OUTPUT))
    parser.add_argument("--arm", metavar="FOLDER", help=argparse.SUPPRESS)
    return parser


def _texts(rows: int, seed: int) -> list[str]:
    """Return real texts in a seeded order: those of a file are often sorted in some way."""
    with gzip.open(TEXTS, "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file]
    order = np.random.default_rng(seed).permutation(len(texts))[:rows]
    return [texts[row] for row in order.tolist()]


def _round(
    given: argparse.Namespace, number: int, models: Mapping[str, Path], peers: Sequence[str], texts: Sequence[str]
) -> dict[str, Any]:
    """Return every arm's answer of a round."""
    from insula.models.locate import locate_model

    asked = {"rows": len(texts), "seed": given.seed, "threads": given.threads, "singles": given.singles}
    arms: dict[str, dict[str, Any]] = {
        name: asked | {"model": str(locate_model(folder).resolve()), "peer": None} for name, folder in models.items()
    }
    for peer in peers:
        known = PEERS[peer]._asdict() | {"batches": list(PEERS[peer].batches)}
        arms[peer] = asked | {"peer": peer, "tuning": given.tuning, **known}
    ordered = list(arms) if number % 2 == 0 else list(arms)[::-1]
    found = {arm: _answer(arm, number, arms[arm], models, texts) for arm in ordered}
    return {arm: found[arm] for arm in arms}


def _answer(
    arm: str, number: int, asked: dict[str, Any], models: Mapping[str, Path], texts: Sequence[str]
) -> dict[str, Any]:
    """Return the answer of one arm in one round; what is kept from before is taken where the same was asked."""
    place = RUNS / f"{arm}-{number}"
    answer = place / "answer.json"
    if answer.exists() and json.loads((place / "asked.json").read_text(encoding="utf-8")) == asked:
        return dict(json.loads(answer.read_text(encoding="utf-8")))
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    (place / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    task = dict(asked)
    if asked["peer"] is not None:
        task["model"] = str(_model_of(asked["folder"], models))
        first = RUNS / f"{arm}-0" / "answer.json"
        if number and first.exists():
            task["batches"] = [json.loads(first.read_text(encoding="utf-8"))["batch_size"]]
    (place / "task.json").write_text(json.dumps(task), encoding="utf-8")
    began = time.monotonic()
    _run(asked["peer"], place, asked["threads"])
    found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    (place / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    rate = found["rows"] / found["seconds"]
    print(f"{arm}, round {number + 1}: {rate:,.0f} rows/s, {time.monotonic() - began:.0f} s in all", flush=True)
    return found


def _model_of(kind: str, models: Mapping[str, Path]) -> Path:
    """Return the folder that a peer reads, made from the first model that is no `static` one."""
    from insula.models.locate import locate_model
    from plain_folder import write_plain_folders, write_static

    if kind == "static":
        return write_static(locate_model(models["static"]), RUNS / "models" / "static").resolve()
    model = next(folder for name, folder in models.items() if name != "static")
    return write_plain_folders(locate_model(model), RUNS / "models")[kind].resolve()


def _run(peer: str | None, place: Path, threads: int) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1"}
    if peer is None:
        subprocess.run([sys.executable, __file__, "--arm", str(place)], check=True, env=environment)
        return
    from outside import PEERS as FOLDER
    from outside import interpreter

    environment["PYTHONPATH"] = str(FOLDER)
    home = FOLDER / PEERS[peer].place
    subprocess.run([interpreter(home), str(home / "run.py"), str(place)], check=True, env=environment)


def _run_insula(place: Path) -> None:
    """Measure an insula model as a peer is measured: one call of `predict`, then single texts."""
    from insula.inference.backends import has_token_stages
    from insula.inference.predictor import Predictor
    from insula.inference.static_backend import StaticBackend

    task = json.loads((place / "task.json").read_text(encoding="utf-8"))
    texts = json.loads((place / "texts.json").read_text(encoding="utf-8"))
    predictor = Predictor.load(task["model"])
    answer = predictor.decide if isinstance(predictor.backend, StaticBackend) else predictor.predict
    answer(texts[:32])
    began, worked = time.perf_counter(), time.process_time()
    answer(texts)
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    found: dict[str, Any] = {
        "rows": len(texts), "seconds": seconds, "processor_seconds": worked, "single_seconds": [],
    }  # fmt: skip
    for text in texts[: task["singles"]]:
        began = time.perf_counter()
        predictor.predict([text])
        found["single_seconds"].append(time.perf_counter() - began)
    if has_token_stages(predictor.backend):
        tokens = predictor.encode(texts).state
        found["tokens"] = sum(len(row) for row in tokens)
        found["matrix_parameters"] = _matrix_parameters(Path(task["model"]))
    (place / "answer.json").write_text(json.dumps(found), encoding="utf-8")


def _matrix_parameters(model: Path) -> int | None:
    """Return how many numbers stand in the matrices that each token goes through; None where that is not known."""
    from safetensors import safe_open

    if not (model / "model.safetensors").exists():
        return None
    with safe_open(model / "model.safetensors", framework="numpy") as tensors:
        shapes = {name: tensors.get_slice(name).get_shape() for name in tensors.keys()}  # noqa: SIM118 - no dictionary
    inner = [shape for name, shape in shapes.items() if len(shape) == 2 and ".layer." in name]
    return sum(rows * columns for rows, columns in inner) or None


def _figures(answers: Sequence[Mapping[str, Any]], limit: Mapping[str, Any]) -> dict[str, Any]:
    singles = [1e3 * statistics.median(answer["single_seconds"]) for answer in answers if answer["single_seconds"]]
    found: dict[str, Any] = {
        "rows_per_second": spread([answer["rows"] / answer["seconds"] for answer in answers]),
        "rows_per_processor_second": spread([answer["rows"] / answer["processor_seconds"] for answer in answers]),
        "milliseconds_of_one": spread(singles) if singles else None,
        **{name: answers[0][name] for name in ("batch_size", "tried", "versions") if name in answers[0]},
    }
    if answers[0].get("matrix_parameters"):
        rates = [
            FLOP_A_PARAMETER * answer["matrix_parameters"] * answer["tokens"] / answer["seconds"] for answer in answers
        ]
        found["tokens"] = answers[0]["tokens"]
        found["share_of_limit"] = round(statistics.median(rates) / (limit["float32"] * 1e9), 4)
    return found


def _compared(model: str, models: Sequence[str], peers: Sequence[str]) -> list[str]:
    """Return what a model is compared with: peers of its kind, and the models named before it."""
    if model == "static":
        return [peer for peer in peers if peer == "model2vec"]
    return [
        *(peer for peer in peers if peer != "model2vec"),
        *(other for other in models[: models.index(model)] if other != "static"),
    ]


def _ratios(rounds: Sequence[Mapping[str, Any]], model: str, peer: str) -> dict[str, Any]:
    """Return how many times as fast the model is as another: in bulk, and with one text (how many times as quick)."""
    bulk = [(one[model]["rows"] / one[model]["seconds"]) / (one[peer]["rows"] / one[peer]["seconds"]) for one in rounds]
    single = [
        statistics.median(one[peer]["single_seconds"]) / statistics.median(one[model]["single_seconds"])
        for one in rounds
        if one[peer]["single_seconds"] and one[model]["single_seconds"]
    ]
    return {"bulk": spread(bulk), "one_text": spread(single) if single else None}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
