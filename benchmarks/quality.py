"""Quality of the model families on real data: one cell a data set and model, one result file a cell, resumable.

    python benchmarks/quality.py                       every cell that has no result yet
    python benchmarks/quality.py tweets-minilm-0 ...   these cells, anew

`tweets` and `reviews-zh` come with insula; the other sets are read from `../shared/data/ready` and left out, with a
word, where that folder is absent. Every choice (thresholds, calibration, best step, strength) is made on validation.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula.api.training import train
from insula.cli.progress import TerminalProgress
from insula.core.files import write_json
from insula.text.preparation import WORD_STEPS

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "quality"
RUNS = HERE / "runs"
SHARED = HERE.parent.parent / "shared"
SETS = {
    "tweets": "tweets",
    "reviews-zh": "reviews-zh",
    "carer": str(SHARED / "data/ready/carer"),
    "smp2020_usual": str(SHARED / "data/ready/smp2020_usual"),
}
E5 = str(SHARED / "models/e5-small-en-zh")
PACKAGES = ("insula", "torch", "transformers", "scikit-learn", "onnxruntime", "numpy")


@dataclass(frozen=True)
class Cell:
    """One training run: a data set, a model by the name it has in the tables, a recipe, a seed."""

    data: str
    model: str
    recipe: str
    overrides: dict[str, Any]
    seed: int = 0

    @property
    def name(self) -> str:
        return f"{self.data}-{self.model}-{self.seed}"


def _words_and(*more: str) -> dict[str, Any]:
    """Return the steps of `linear` with more of them, to see whether they help."""
    return {"preparation.steps": [*WORD_STEPS[:-1], *more, WORD_STEPS[-1]]}


MINILM = {"train.epochs": 2}
CHINESE = {"model.base": E5, "train.epochs": 2}
UPPER_LAYERS = {"train.epochs": 1, "train.freeze_layers": 9, "model.max_tokens": 64}
CELLS = [
    Cell("tweets", "linear", "linear", {}),
    Cell("reviews-zh", "linear", "linear", {}),
    Cell("carer", "linear", "linear", {}),
    Cell("smp2020_usual", "linear", "linear", {}),
    Cell("tweets", "linear+stopwords", "linear", _words_and("stopwords")),
    Cell("tweets", "linear+stem", "linear", _words_and("stem")),
    Cell("smp2020_usual", "linear+stopwords", "linear", _words_and("stopwords")),
    Cell("carer", "minilm", "standard", MINILM),
    Cell("tweets", "minilm-quick", "quick", {}),
    Cell("tweets", "minilm", "standard", MINILM),
    Cell("smp2020_usual", "e5-small-en-zh", "standard", CHINESE),
    # Long texts: only the upper three of twelve layers are trained, on the first 64 tokens.
    Cell("reviews-zh", "e5-small-en-zh", "standard", {**CHINESE, **UPPER_LAYERS}),
]


def main(wanted: list[str]) -> int:
    """Run the cells and return the exit status."""
    unknown = set(wanted) - {cell.name for cell in CELLS}
    if unknown:
        print(f"No such cell: {', '.join(sorted(unknown))}. Cells: {', '.join(cell.name for cell in CELLS)}.")
        return 2
    for cell in CELLS:
        file = RESULTS / f"{cell.name}.json"
        if (wanted and cell.name not in wanted) or (not wanted and file.exists()):
            continue
        missing = [path for path in (SETS[cell.data], E5) if _needs(cell, path) and not Path(path).exists()]
        if missing:
            print(f"{cell.name}: left out, {missing[0]} is absent.")
            continue
        print(f"{cell.name}: training.", flush=True)
        write_json(file, _measure(cell))
        print(f"{cell.name}: written to {file.relative_to(HERE.parent)}.", flush=True)
    return 0


def _needs(cell: Cell, path: str) -> bool:
    return path.startswith(str(SHARED)) and path in (SETS[cell.data], cell.overrides.get("model.base"))


def _measure(cell: Cell) -> dict[str, Any]:
    began = time.monotonic()
    run = train(
        SETS[cell.data],
        recipe=cell.recipe,
        overrides={**cell.overrides, "seed": cell.seed},
        output=RUNS / cell.name,
        overwrite=True,
        progress=TerminalProgress(),
    )
    metrics = run.metrics
    test = metrics["test"]
    headline = test["headline"]
    overlap = test["overlap"]
    linear = metrics["baselines"].get("linear")
    return {
        "set": cell.data,
        "model": cell.model,
        "recipe": cell.recipe,
        "overrides": {key: Path(str(value)).name if value == E5 else value for key, value in cell.overrides.items()},
        "seed": cell.seed,
        "rows": metrics["data"]["rows"],
        "fingerprint": metrics["data"]["fingerprint"],
        "metrics": {name: test["metrics"][name] for name in (headline, "accuracy", "ece", "macro_auroc")},
        "baselines": {name: entry["metrics"][headline] for name, entry in metrics["baselines"].items()},
        "overlap": {"rows": overlap["rows"], headline: overlap["metrics_without"][headline]}
        if overlap and overlap["rows"]
        else None,
        "difference_to_linear": linear and {key: linear["difference"][key] for key in ("value", "low", "high")},
        "parameters": metrics["model"]["parameters"],
        "train_seconds": metrics["time"]["train_seconds"],
        "total_seconds": round(time.monotonic() - began, 1),
        "rows_per_second": metrics["time"]["rows_per_second"],
        "command": f"python benchmarks/quality.py {cell.name}",
        "commit": subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=HERE, capture_output=True, text=True, check=True
        ).stdout.strip(),
        "versions": {"python": platform.python_version()}
        | {package: importlib.metadata.version(package) for package in PACKAGES},
        "processor": _processor()[0],
        "flags": _processor()[1],
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def _processor() -> tuple[str, list[str]]:
    """Return the processor's name and those of its flags that decide how fast matrix products are."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    facts = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    telling = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_bf16", "amx_int8")
    return facts.get("model name", platform.processor()), [f for f in telling if f in facts.get("flags", "").split()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
