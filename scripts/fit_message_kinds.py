"""Fit the classifier of kinds of messages on the invented messages of `scripts/message_kinds`.

    python scripts/fit_message_kinds.py            write src/insula/empathy/kinds.safetensors
    python scripts/fit_message_kinds.py --measure  print the accuracy by cross-validation, for each strength

Run it again after a change of the starter model or of the messages.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from insula.core.arrays import Float32Array
from insula.empathy.kinds import KINDS, NAMES, WEIGHTS, encode_text

ROOT = Path(__file__).parents[1]
STRENGTHS = {"en": 3.0, "zh": 3.0}  # inverse regularisation, chosen by --measure


def read_messages(language: str) -> tuple[list[str], list[str]]:
    """Return the messages of a language and their kinds."""
    texts: list[str] = []
    kinds: list[str] = []
    kind = ""
    for line in (ROOT / "scripts" / "message_kinds" / f"{language}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            kind = line.strip("[]")
        elif line and not line.startswith("#"):
            texts.append(line)
            kinds.append(kind)
    return texts, kinds


def fit(strength: float) -> LogisticRegression:
    """Return an unfitted classifier of a given strength."""
    return LogisticRegression(C=strength, max_iter=1_000, class_weight="balanced")


def main(arguments: list[str]) -> int:
    """Fit and write, or measure; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true", help="measure by cross-validation and write nothing")
    given = parser.parse_args(arguments)
    tensors: dict[str, Float32Array] = {}
    for language, strength in STRENGTHS.items():
        texts, kinds = read_messages(language)
        states = np.stack([encode_text(text) for text in texts])
        if given.measure:
            folds = StratifiedKFold(5, shuffle=True, random_state=0)
            for tried in (3.0, 10.0, 30.0):
                found = cross_val_predict(fit(tried), states, kinds, cv=folds)
                polarity = np.mean([KINDS[a].polarity == KINDS[b].polarity for a, b in zip(found, kinds, strict=True)])
                accuracy = np.mean(found == np.array(kinds))
                print(
                    f"{language}  strength {tried}: kind {accuracy:.3f}, polarity {polarity:.3f}, {len(texts)} messages"
                )
            continue
        model = fit(strength).fit(states, kinds)
        order = [list(model.classes_).index(name) for name in NAMES]
        tensors[f"{language}.weights"] = np.ascontiguousarray(model.coef_[order].T, dtype=np.float32)
        tensors[f"{language}.bias"] = np.ascontiguousarray(model.intercept_[order], dtype=np.float32)
    if tensors:
        save_file(tensors, ROOT / "src" / "insula" / "empathy" / WEIGHTS)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
