"""What is lost by a smaller or faster model: sizes, test macro-F1, the paired loss, label sets that stay the same.

    python benchmarks/smaller.py fp32=runs/goe int8=runs/goe-int8     against the first: `results/smaller.json`

Every choice in these folders was made on validation rows; here they answer the test rows of the set that all were
trained on. A loss is that of macro-F1 against the first folder on the same rows, with its 95% bootstrap interval.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from insula.compression.compressed_folder import COMPRESSION, count_folder_bytes
from insula.compression.parity import measure_parity
from insula.core.files import write_json
from insula.core.targets import build_gold_matrix
from insula.evaluation.evaluate import evaluate
from insula.inference.predictor import Predictor
from insula.models.locate import locate_model
from provenance import provenance
from sets import load

OUTPUT = Path(__file__).parent / "results" / "smaller.json"


def main(arguments: list[str]) -> int:
    """Measure and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--set", default="goemotions")
    parser.add_argument("--output", default=str(OUTPUT))
    given = parser.parse_args(arguments)
    data = load(given.set)
    examples = data.split("test")
    gold, texts = build_gold_matrix(data.scheme, examples), [example.text for example in examples]
    found: dict[str, Any] = {}
    first = None
    for name, _, place in (text.partition("=") for text in given.models):
        folder = locate_model(place)
        decided = Predictor.load(folder).decide(texts)
        metrics = evaluate(data.scheme, gold, decided.scores, decided.chosen).metrics
        found[name] = {
            "bytes": count_folder_bytes(folder),
            "macro_f1": metrics["macro_f1"].to_dict(),
            "steps": _steps(folder),
            "against_first": None if first is None else measure_parity(data.scheme, gold, first, decided),
        }
        first = first or decided
        print(name, json.dumps(found[name]), flush=True)
    command = "python benchmarks/smaller.py " + " ".join(arguments)
    about = {"set": given.set, "rows": len(texts), "models": found, "command": command}
    write_json(Path(given.output), {**about, **provenance()})
    return 0


def _steps(folder: Path) -> Any:
    """Return what was done to make the folder, as it says itself; None for a model as it was trained."""
    file = folder / COMPRESSION
    return json.loads(file.read_text(encoding="utf-8"))["steps"] if file.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
