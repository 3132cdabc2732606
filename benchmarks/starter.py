"""What the model that comes with insula reaches, and how soon it answers.

    python benchmarks/starter.py                 all of it: `results/starter.json`
    python benchmarks/starter.py --no-install    without the fresh environment

GoEmotions: macro-F1 on its test rows, thresholds from its validation rows. SMP2020 usual (Chinese, six emotions): each
class scores as the highest of the labels that stand for it (`CLASSES`), and the highest class is taken; the model read
no text of it. Chance is the mean macro-F1 of answers drawn at the classes' shares among the training rows.

Cold: insula is installed into a new environment from this checkout, without torch, and `insula predict` is started
several times from nothing; the first start after the install stands beside the median of the others.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from insula.api.evaluation import evaluate
from insula.api.prediction import load_model
from insula.core.scheme import LabelScheme
from insula.core.starter import STARTER
from insula.core.targets import build_gold_matrix
from insula.evaluation.compare import compare
from insula.evaluation.result import Evaluation
from insula.models.locate import STARTER_FOLDER
from provenance import provenance
from sets import READY, load

HERE = Path(__file__).parent
OUTPUT = HERE / "results" / "starter.json"
CLASSES = {
    "angry": ("anger", "annoyance", "disapproval", "disgust"),
    "fear": ("fear", "nervousness"),
    "happy": (
        "admiration", "amusement", "approval", "caring", "desire", "excitement", "gratitude", "joy", "love",
        "optimism", "pride", "relief",
    ),
    "neutral": ("neutral",),
    "sad": ("disappointment", "embarrassment", "grief", "remorse", "sadness"),
    "surprise": ("confusion", "curiosity", "realization", "surprise"),
}  # fmt: skip
"""GoEmotions' own grouping into Ekman's emotions (Demszky et al. 2020, appendix), with disgust among anger."""

DRAWS = 20  # of chance
STARTS = 5
TEXT = "Two hours on hold and nobody called back."
PREDICT = ["predict", TEXT, "--json"]


def main(arguments: list[str]) -> int:
    """Measure and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-install", action="store_true", help="leave out the fresh environment")
    parser.add_argument("--output", default=str(OUTPUT))
    given = parser.parse_args(arguments)
    test = evaluate(str(READY / "goemotions"), STARTER).document.test or Evaluation()
    found = {
        "bytes": sum(file.stat().st_size for file in STARTER_FOLDER.iterdir()),
        "bytes_in_wheel": _compressed(STARTER_FOLDER),
        "goemotions": {
            "rows": test.rows,
            "macro_f1": test.metrics["macro_f1"].to_dict(),
            "micro_f1": test.metrics["micro_f1"].to_dict(),
        },
        "smp2020_usual": _mapped("smp2020_usual"),
        "classes": CLASSES,
        "cold": None if given.no_install else _cold(),
        "command": "python benchmarks/starter.py",
        **provenance(),
    }
    Path(given.output).write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(
        json.dumps(
            {key: found[key] for key in ("bytes", "bytes_in_wheel", "goemotions", "smp2020_usual", "cold")}, indent=2
        )
    )
    return 0


def _compressed(folder: Path) -> int:
    """Return the bytes that the folder takes in a wheel, which is a ZIP file."""
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for one in sorted(folder.iterdir()):
                archive.write(one, one.name)
        return file.tell()


def _mapped(name: str) -> dict[str, Any]:
    """Return macro-F1 on the classes of a Chinese set."""
    data = load(name)
    examples, train = data.split("test"), build_gold_matrix(data.scheme, data.split("train"))
    predictor = load_model(STARTER)
    scores = predictor.decide([example.text for example in examples]).scores
    of_class = [
        scores[:, [predictor.scheme.index(label) for label in CLASSES[name]]].max(axis=1) for name in data.scheme.names
    ]
    decided = np.eye(len(data.scheme.names), dtype=bool)[np.argmax(of_class, axis=0)]
    gold = build_gold_matrix(data.scheme, examples)
    return _against_chance(data.scheme, gold, decided, train.mean(axis=0))


def _against_chance(scheme: LabelScheme, gold: Any, decided: Any, shares: Any) -> dict[str, Any]:
    random = np.random.default_rng(0)
    drawn = [
        np.eye(len(shares), dtype=bool)[random.choice(len(shares), size=len(gold), p=shares)] for _ in range(DRAWS)
    ]
    difference = compare(scheme, gold, drawn, [decided]).metrics["macro_f1"]
    return {
        "rows": len(gold),
        "macro_f1": difference.b,
        "chance": difference.a,
        "above_chance": difference.difference.to_dict(),
        "accuracy": float((decided == (gold > 0.5)).all(axis=1).mean()),
    }


def _cold() -> dict[str, Any]:
    """Return the seconds of `insula predict` in a new environment that has insula and no torch."""
    with tempfile.TemporaryDirectory(prefix="insula-starter-") as place:
        venv.create(place, with_pip=True)
        python, command = Path(place) / "bin" / "python", Path(place) / "bin" / "insula"
        install = [str(python), "-m", "pip", "install", "-q", "-c", str(HERE.parent / "constraints.txt")]
        subprocess.run([*install, str(HERE.parent)], check=True)
        asked = subprocess.run([str(python), "-c", "import torch"], capture_output=True, check=False)
        seconds = []
        for _ in range(STARTS + 1):
            began = time.perf_counter()
            done = subprocess.run([str(command), *PREDICT], capture_output=True, text=True, check=True, cwd=place)
            seconds.append(time.perf_counter() - began)
        answer = json.loads(done.stdout)
    return {
        "torch": asked.returncode == 0,
        "first_seconds": seconds[0],
        "median_seconds": statistics.median(seconds[1:]),
        "starts": STARTS,
        "answer": answer["labels"],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
