"""What twenty rules of a user cost: the same model with and without them, on the same texts.

    python benchmarks/rules.py      writes results/rules.json

`linear` is trained on 8,000 rows of SST-2 (seed 0), since the fastest model feels rules most; the starter predicts the
same texts, of which one in twenty has words of a rule. The arms take turns. The time is that of the processor in this
process, so that other work on the machine counts as little as it can; with caches shared by other work the figures are
upper bounds.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import time
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).parent / "results" / "rules.json"
RULES = Path(__file__).parents[1] / "tests" / "knowledge" / "twenty_rules.toml"
ROUNDS, TEXTS = {"linear": 31, "starter": 5}, 800
EVERY = 20  # of so many texts one gets words of a rule


def main(arguments: list[str]) -> int:
    """Measure both models and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--work", type=Path, default=Path("runs/explain"), help="Folder for the trained model.")
    given = parser.parse_args(arguments)
    import insula
    from explain import training_rows
    from insula.core.files import write_json
    from insula.data.load import load_dataset
    from insula.inference.predictor import Predictor
    from provenance import provenance
    from sets import READY

    if not (given.work / "model").exists():
        insula.train(training_rows(), recipe="linear", output=given.work, overwrite=True)
    texts = [row.text for row in load_dataset(str(READY / "sst2"), seed=0).splits["validation"]][:TEXTS]
    texts = [text if place % EVERY else f"{text} one star" for place, text in enumerate(texts)]
    cells = {
        name: measured(Predictor.load(place), texts, ROUNDS[name])
        for name, place in (("linear", given.work), ("starter", "starter"))
    }
    write_json(given.output, {"texts": len(texts), "rules": 20, "cells": cells, **provenance()})
    return 0


def measured(plain: Any, texts: list[str], rounds: int) -> dict[str, Any]:
    """Return the processor seconds of both arms and their ratio, median over rounds."""
    from insula.knowledge.rule_file import parse_rules
    from insula.knowledge.rules import Rules

    first, second = plain.scheme.names[:2]
    content = RULES.read_text(encoding="utf-8").partition("[[tests]]")[0]
    labels = {"positive": first, "negative": second}
    content = re.sub(r"\b(?:positive|negative)\b", lambda match: labels[match[0]], content)
    assert len(parse_rules(content, "the rules").rules) == 20
    ruled = plain.with_rules(Rules.parse(content, plain.scheme, "the rules"))
    arms: dict[str, Any] = {"without": plain, "with": ruled}
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    for model in arms.values():
        model.predict(texts)
    for number in range(rounds):
        for name in sorted(arms, reverse=bool(number % 2)):
            start = time.process_time()
            arms[name].predict(texts)
            seconds[name].append(time.process_time() - start)
    ratios = [after / before for after, before in zip(seconds["with"], seconds["without"], strict=True)]
    changed = sum(bool(one.rules) for one in ruled.predict(texts))
    medians = {f"seconds_{name}": round(statistics.median(several), 5) for name, several in seconds.items()}
    return {**medians, "ratio": round(statistics.median(ratios), 4), "rounds": rounds, "changed": changed}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
