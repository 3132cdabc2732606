"""Random kills: does a killed `insula train`, gone on with by `--resume`, end with the weights of an undisturbed run?

    python benchmarks/kills.py                     twenty kills: `results/kills.json`
    python benchmarks/kills.py --kills 3 --rows 96 --base FOLDER

One run is left in peace. Then each of the kills begins a run of its own in a fresh process, sends it SIGKILL at a
random moment, goes on with `insula train --resume` and compares the weights. Every other kill waits for a checkpoint
that is being written and strikes it; the others strike anywhere between the first written line and the last. A kill
that left an unfinished checkpoint behind is counted. Kills that are finished are kept and not run again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
RUNS = HERE / "runs" / "kills"
OUTPUT = HERE / "results" / "kills.json"
INSULA = str(Path(sys.executable).with_name("insula"))
LARGEST_DIFFERENCE = 1e-6
WRITTEN_IN = 0.4  # seconds from the first sign of a checkpoint within which a kill strikes it
RUN_LIMIT = 3600.0


def main(arguments: list[str]) -> int:
    """Kill, go on, compare; the exit status is 1 where a run ended otherwise."""
    given = _parser().parse_args(arguments)
    from insula.core.files import write_json
    from provenance import provenance

    data = _data(RUNS / "data", given)
    whole, undisturbed = _undisturbed(data, given)
    random = np.random.default_rng(given.seed)
    kills = []
    for number in range(given.kills):
        # Drawn for every kill, so that one that is kept does not change those after it.
        share, in_checkpoint = float(random.random()), number % 2 == 0
        kept = RUNS / f"kill-{number}.json"
        asked = {"settings": _settings(given), "share": share}
        if kept.exists() and json.loads(kept.read_text(encoding="utf-8"))["asked"] == asked:
            kills.append(json.loads(kept.read_text(encoding="utf-8")))
            continue
        found = _kill(number, data, given, share=share, seconds=undisturbed, in_checkpoint=in_checkpoint)
        found["largest_difference"] = largest_difference(_weights(whole), _weights(RUNS / f"kill-{number}"))
        found["asked"] = asked
        write_json(kept, found)
        kills.append(found)
        print(f"kill {number}: {found}", flush=True)
    equal = sum(kill["largest_difference"] <= LARGEST_DIFFERENCE for kill in kills)
    found = {
        "set": "tweets",
        "rows": given.rows,
        "base": Path(given.base).name,
        "kills": len(kills),
        "equal": equal,
        "largest_difference": max(kill["largest_difference"] for kill in kills),
        "before_the_first_checkpoint": sum(kill["last_checkpoint"] is None for kill in kills),
        "while_a_checkpoint_was_written": sum(kill["left_unfinished"] for kill in kills),
        "undisturbed_seconds": undisturbed,
        "each": [{key: value for key, value in kill.items() if key != "asked"} for kill in kills],
        "command": "python benchmarks/kills.py " + " ".join(arguments),
        **provenance(),
    }
    write_json(Path(given.output), found)
    print(f"{equal} of {len(kills)} ended with the same weights; largest difference {found['largest_difference']:g}.")
    return 0 if equal == len(kills) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--rows", type=int, default=320, help="training rows, of `tweets`")
    parser.add_argument("--base", default="minilm", help="encoder: alias or folder")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default=str(OUTPUT))
    return parser


def _data(folder: Path, given: argparse.Namespace) -> Path:
    """Write a small part of `tweets` as files by split."""
    from insula.core.files import write_text
    from insula.data.load import load_dataset

    wanted = {"train": given.rows, "validation": max(32, given.rows // 8)}
    if not all((folder / f"{split}.jsonl").exists() for split in wanted) or _lines(folder) != given.rows:
        data = load_dataset("tweets", seed=0)
        for split, rows in wanted.items():
            examples = data.split(split)
            chosen = np.random.default_rng(given.seed).permutation(len(examples))[:rows]
            lines = [json.dumps({"text": examples[row].text, "label": (examples[row].labels or ("",))[0]},
                                ensure_ascii=False) for row in chosen]  # fmt: skip
            write_text(folder / f"{split}.jsonl", "\n".join(lines) + "\n")
    return folder


def _lines(folder: Path) -> int:
    return (folder / "train.jsonl").read_text(encoding="utf-8").count("\n")


def _settings(given: argparse.Namespace) -> dict[str, Any]:
    """Return what the runs are made with; dropout stays on, so that every random number counts."""
    return {
        "rows": given.rows, "model.base": given.base, "model.max_tokens": 32, "train.epochs": given.epochs,
        "train.batch_size": 8, "train.evaluations_per_epoch": 5, "train.patience": 100, "seed": given.seed,
    }  # fmt: skip


def _undisturbed(data: Path, given: argparse.Namespace) -> tuple[Path, float]:
    """Return the run that nothing happens to, and the seconds from its first written line to its end."""
    folder, kept = RUNS / "undisturbed", RUNS / "undisturbed.json"
    settings = _settings(given)
    if kept.exists() and (known := json.loads(kept.read_text(encoding="utf-8")))["settings"] == settings:
        return folder, float(known["seconds"])
    shutil.rmtree(folder, ignore_errors=True)
    process = _train(data, folder, given)
    began = _wait(process, folder / "run.json")
    _finish(process)
    seconds = round(time.monotonic() - began, 2)
    kept.write_text(json.dumps({"settings": settings, "seconds": seconds}), encoding="utf-8")
    return folder, seconds


def _kill(
    number: int, data: Path, given: argparse.Namespace, *, share: float, seconds: float, in_checkpoint: bool
) -> dict[str, Any]:
    """Begin a run, kill it, go on with it; return what was seen at the kill."""
    folder = RUNS / f"kill-{number}"
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        process = _train(data, folder, given)
        began = _wait(process, folder / "run.json")
        if in_checkpoint:
            # Which of the ten checkpoints: by the share. How far into its writing: by its fraction of a tenth.
            _wait_for_writing(process, folder / "checkpoints", checkpoints=int(share * 10))
            time.sleep(WRITTEN_IN * (share * 10 % 1))
        else:
            _sleep(process, share * seconds)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        struck = time.monotonic() - began
        if not (folder / "model").exists():
            break
        share *= 0.9  # it was done before the kill: an earlier moment
    seen = _seen(folder)
    resumed = [INSULA, "train", "--resume", str(folder), "--quiet"]
    _finish(subprocess.Popen(resumed, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))
    return {"seconds": round(struck, 2), "aimed_at_a_checkpoint": in_checkpoint, **seen}


def _train(data: Path, folder: Path, given: argparse.Namespace) -> subprocess.Popen[bytes]:
    settings = {key: value for key, value in _settings(given).items() if key != "rows"}
    settings["evaluation.baselines"] = []
    command = [INSULA, "train", str(data), "--output", str(folder), "--quiet"]
    command += [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _wait(process: subprocess.Popen[bytes], file: Path) -> float:
    """Wait until a file stands there; return when."""
    deadline = time.monotonic() + RUN_LIMIT
    while not file.exists():
        _require_alive(process, deadline)
        time.sleep(0.01)
    return time.monotonic()


def _wait_for_writing(process: subprocess.Popen[bytes], folder: Path, *, checkpoints: int) -> None:
    """Wait until so many checkpoints were made and another entry appears: one that is being written."""
    deadline = time.monotonic() + RUN_LIMIT
    made: set[str] = set()
    while True:
        entries = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
        made |= {name for name in entries if name.startswith("checkpoint-")}
        if len(made) >= checkpoints and any(not name.startswith("checkpoint-") for name in entries):
            return
        if process.poll() is not None and process.returncode == 0:
            return  # done before its last checkpoint could be struck: the caller tries an earlier one
        _require_alive(process, deadline)
        time.sleep(0.001)


def _sleep(process: subprocess.Popen[bytes], seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        time.sleep(0.01)


def _require_alive(process: subprocess.Popen[bytes], deadline: float) -> None:
    if process.poll() not in (None, 0):
        _finish(process)
    if time.monotonic() > deadline:
        process.kill()
        raise TimeoutError(f"The run showed nothing new in {RUN_LIMIT:.0f} s.")


def _finish(process: subprocess.Popen[bytes]) -> None:
    _, told = process.communicate(timeout=RUN_LIMIT)
    if process.returncode != 0:
        raise RuntimeError(f"insula train ended with {process.returncode}: {told.decode(errors='replace')[-2000:]}")


def _seen(folder: Path) -> dict[str, Any]:
    """Return what a kill left: the checkpoint a resumed run goes on from, and whether one was left unfinished."""
    from insula.training.neural.checkpoints import find_last_checkpoint

    checkpoints = folder / "checkpoints"
    last = find_last_checkpoint(checkpoints)
    entries = sorted(entry.name for entry in checkpoints.iterdir()) if checkpoints.is_dir() else []
    newest = max((int(name.rpartition("-")[2]) for name in entries if name.startswith("checkpoint-")), default=0)
    passed_over = last is not None and newest > int(last.name.rpartition("-")[2])
    half = passed_over or (last is None and newest > 0) or any(not name.startswith("checkpoint-") for name in entries)
    return {"last_checkpoint": last and last.name, "left": entries, "left_unfinished": half}


def _weights(run: Path) -> Mapping[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(run / "model" / "model.safetensors")


def largest_difference(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> float:
    """Return the largest difference between two sets of weights; infinite where they are not the same tensors."""
    if a.keys() != b.keys() or any(a[name].shape != b[name].shape for name in a):
        return float("inf")
    differences: Sequence[float] = [
        float(np.abs(a[name].astype(np.float64) - b[name].astype(np.float64)).max()) for name in a if a[name].size
    ]
    return max(differences)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
