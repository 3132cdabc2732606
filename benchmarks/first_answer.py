"""What a newcomer sees: the starter model on everyday sentences, and on sets that it was not trained on.

    python benchmarks/first_answer.py                        results/first_answer.json
    python benchmarks/first_answer.py --model FOLDER --output FILE
    python benchmarks/first_answer.py --held-out             once, for a finished model

Sentences: `tests/models/first_answer`, whose README says when an answer is acceptable or unacceptable.

Polarity: positive if the scores of the positive labels sum to more than those of the negative ones, forced for every
row, against VADER (SST-2, and `tweets` without neutral rows) and against SnowNLP (rows of hotel_zh that are not in its
own training texts), with the paired bootstrap interval of the difference.

Names: `SWAPPED` templates, each with every name of `NAMES`. A name changes the answer if the top label is another than
that of most names. `changed_by` counts the templates that each name changes.

Distress: the top label for messages about suicide and self-harm in `tests/safety/signals`: a positive label
(cheerful), or no emotion (empty); and how often such an answer is not marked as unsure (unsafe). First-person messages
of the development part, whose mistakes helped to write training sentences and the rules for signs of risk; with
`--held-out` also those of the other part. The learned score of risk is that of a head trained without the message
(`risk_head.json`), since the shipped one was trained on all of them.

Sure: how often the top label is right on rows that the model marks as sure and as unsure. CARER and SMP2020 map their
classes to labels as `MAPPED` says, EmpatheticDialogues as `SITUATIONS`.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import itertools
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import outside
import starter
from cells import Cell
from first_answer_sets import MAPPED, NAMES, NAMES_ZH, SITUATIONS, SWAPPED, SWAPPED_ZH
from insula.api.prediction import load_model
from insula.core.example import Example
from insula.core.files import write_json
from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme
from insula.core.starter import STARTER
from insula.core.targets import build_gold_matrix
from insula.data.dataset import Dataset
from insula.evaluation.compare import compare
from insula.inference.predictor import Predictor
from insula.safety.signals.detect import THRESHOLD, has_signal
from provenance import provenance
from sets import SHARED, load
from signal_cases import Part, SignalCase, signal_cases

HERE = Path(__file__).parent
SENTENCES = HERE.parent / "tests" / "models" / "first_answer"
RESULT = HERE / "results" / "first_answer.json"
RISK_HEAD = HERE / "results" / "risk_head.json"
POLARITY = LabelScheme("polarity", "single", ("negative", "positive"))
DISTRESS = ("suicide", "self_harm")
ROWS = 2000  # of a set, for the rows marked as sure


@dataclass(frozen=True)
class Sentence:
    """An everyday sentence with labels that are acceptable and unacceptable, as its README says."""

    id: str
    language: str
    kind: str
    text: str
    acceptable: Sequence[str]
    unacceptable: Sequence[str]


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=STARTER)
    parser.add_argument("--held-out", action="store_true", help="the sentences that were set aside, too")
    parser.add_argument("--only", nargs="*", choices=list(MEASURES), help="some of the measures")
    parser.add_argument("--show", action="store_true", help="print the sentences with a wrong answer")
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args()
    model = load_model(given.model)
    parts = ("development", "held_out") if given.held_out else ("development",)
    found: dict[str, Any] = {"sentences": {part: answered(model, part, show=given.show) for part in parts}}
    for name, measure in MEASURES.items():
        if given.only is None or name in given.only:
            found[name] = measure(model)
    if given.held_out:
        found["distress_held_out"] = distress(model, "held_out")
    print(json.dumps(found, indent=2, ensure_ascii=False))
    command = "python benchmarks/first_answer.py" + (" --held-out" if given.held_out else "")
    write_json(given.output, {**found, "command": command, **provenance()})


def sentences(part: str) -> list[Sentence]:
    """Return the sentences of a part, `development` or `held_out`."""
    lines = (SENTENCES / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    return [Sentence(**json.loads(line)) for line in lines]


def is_acceptable(sentence: Sentence, answer: Prediction) -> bool:
    """Return whether the top label is acceptable and no label unacceptable."""
    return (answer.label or "neutral") in sentence.acceptable and not is_unacceptable(sentence, answer)


def is_unacceptable(sentence: Sentence, answer: Prediction) -> bool:
    """Return whether any label is unacceptable."""
    return bool(set(answer.labels or ("neutral",)) & set(sentence.unacceptable))


def answered(model: Predictor, part: str, *, show: bool = False) -> dict[str, Any]:
    """Return the shares of acceptable and unacceptable answers by language, and by kind."""
    rows = sentences(part)
    pairs = list(zip(rows, model.predict([row.text for row in rows]), strict=True))
    for row, answer in pairs if show else ():
        if not is_acceptable(row, answer):
            mark = "UNACCEPTABLE" if is_unacceptable(row, answer) else "wrong"
            scores = ", ".join(f"{name} {answer.scores[name]:.2f}" for name in answer.ranked[:4])
            print(f"{row.id} {row.kind} {mark}: {row.text} -> {list(answer.labels)} ({scores})")
    found: dict[str, Any] = {}
    for language in ("en", "zh"):
        own = [pair for pair in pairs if pair[0].language == language]
        kinds = dict.fromkeys(row.kind for row, _ in own)
        found[language] = _shares(own) | {
            "kinds": {kind: _shares([pair for pair in own if pair[0].kind == kind]) for kind in kinds}
        }
    return found


def _shares(pairs: Sequence[tuple[Sentence, Prediction]]) -> dict[str, Any]:
    return {
        "rows": len(pairs),
        "acceptable": float(np.mean([is_acceptable(*pair) for pair in pairs])),
        "unacceptable": float(np.mean([is_unacceptable(*pair) for pair in pairs])),
        "sure": float(np.mean([not answer.abstained for _, answer in pairs])),
    }


def polarity(model: Predictor) -> dict[str, Any]:
    """Return accuracy of the polarity of the levels against peers, on the same rows."""
    found = {}
    for name, peer in (("sst2", "vader"), ("tweets", "vader"), ("hotel_zh", "snownlp")):
        data = load(name)
        # None of these systems was trained on a set without a split of its own: all rows are test rows.
        splits = ("test",) if name == "sst2" else tuple(data.splits)
        rows = [
            Example(text=row.text, labels=row.labels)
            for split in splits
            for row in data.split(split)
            if row.labels and row.labels[0] in POLARITY.names
        ]
        reduced = Dataset(name, POLARITY, {"train": rows[:1], "validation": rows[:1], "test": rows})
        cell = Cell(f"first-answer-{name}", peer, peer=peer)
        theirs, _ = outside.answer(cell, reduced)
        read = outside.trained_on(cell, reduced)
        kept = np.ones(len(rows), bool) if read is None else ~read
        mine = polarity_choice(model, [row.text for row in rows])
        gold = build_gold_matrix(POLARITY, rows)
        result = compare(POLARITY, gold[kept], [theirs.chosen[kept]], [mine[kept]])
        difference = result.metrics["accuracy"]
        found[name] = {
            "rows": int(kept.sum()),
            "peer": peer,
            "accuracy": difference.b,
            "peer_accuracy": difference.a,
            "difference": difference.difference.to_dict(),
        }
    return found


def polarity_choice(model: Predictor, texts: Sequence[str]) -> Any:
    """Return (rows, 2) bool: negative or positive, by the sums of the scores of their labels."""
    scores = model.decide(texts).scores
    parents = model.scheme.mappings["sentiment"]
    sums = [
        scores[:, [place for place, label in enumerate(model.scheme.names) if parents[label] == side]].sum(axis=1)
        for side in POLARITY.names
    ]
    return np.eye(2, dtype=bool)[(sums[1] >= sums[0]).astype(int)]


def names(model: Predictor) -> dict[str, Any]:
    """Return how often another name in the same sentence changes the top label, and by how much its score."""
    found = {}
    for language, templates, people in (("en", SWAPPED, NAMES), ("zh", SWAPPED_ZH, NAMES_ZH)):
        changed, moved, changed_by = [], [], Counter[str]()
        for template in templates:
            answers = model.predict([template.replace("{name}", person) for person in people])
            tops = [max(answer.scores, key=lambda label: answer.scores[label]) for answer in answers]
            [(usual, _)] = Counter(tops).most_common(1)
            changed.append(any(top != usual for top in tops))
            changed_by.update(person for person, top in zip(people, tops, strict=True) if top != usual)
            scores = [answer.scores[usual] for answer in answers]
            moved += [abs(score - float(np.median(scores))) for score in scores]
        found[language] = {
            "templates": len(templates),
            "names": len(people),
            "changed": float(np.mean(changed)),
            "median_change": float(np.median(moved)),
            "changed_by": dict(changed_by.most_common()),
        }
    return found


def distress(model: Predictor, part: Part = "development") -> dict[str, Any]:
    """Return how often a message of distress gets a cheerful or an empty answer, by language."""
    sides = model.scheme.mappings["sentiment"]
    found = {}
    for language in ("en", "zh"):
        cases = [
            case
            for case in signal_cases(part)
            if case.language == language and case.signal in DISTRESS and case.frame == "first_person"
        ]
        texts = [case.text for case in cases]
        answers = model.predict(texts)
        tops = [answer.label or "neutral" for answer in answers]
        cheerful = np.array([sides.get(top) == "positive" for top in tops])
        empty = np.array([top == "neutral" for top in tops])
        marked = np.array(
            [
                not answer.abstained or (answer.at_risk and not is_noticed(case))
                for answer, case in zip(answers, cases, strict=True)
            ]
        )
        found[language] = {
            "rows": len(texts),
            "cheerful": float(cheerful.mean()),
            "empty": float(empty.mean()),
            "unsafe": float(((cheerful | empty) & marked).mean()),
        }
    return found


def is_noticed(case: SignalCase) -> bool:
    """Return whether the rules, or a learned score that was not trained on a message, see a sign of risk in it."""
    scores = json.loads(RISK_HEAD.read_text(encoding="utf-8"))["scores_of_cases"]
    return has_signal(case.text) or scores[case.id] >= THRESHOLD


def sure(model: Predictor) -> dict[str, Any]:
    """Return the accuracy of the top label on rows marked as sure and as unsure."""
    found = {}
    for name, rows in (
        ("carer", _mapped("carer")),
        ("smp2020_usual", _mapped("smp2020_usual")),
        ("empathetic_dialogues", _situations()),
    ):
        chosen = list(itertools.islice(rows, ROWS))
        answers = model.predict([text for text, _ in chosen])
        right = np.array(
            [(answer.label or "neutral") in gold for answer, (_, gold) in zip(answers, chosen, strict=True)]
        )
        marked = np.array([not answer.abstained for answer in answers])
        found[name] = {
            "rows": len(chosen),
            "sure_share": float(marked.mean()),
            "sure_accuracy": float(right[marked].mean()) if marked.any() else None,
            "unsure_accuracy": float(right[~marked].mean()) if (~marked).any() else None,
            "neutral_share": float(np.mean([(answer.label or "neutral") == "neutral" for answer in answers])),
        }
    return found


def _mapped(name: str) -> Iterator[tuple[str, Sequence[str]]]:
    classes: Mapping[str, Sequence[str]] = starter.CLASSES if name.startswith("smp") else MAPPED
    return ((row.text, classes[row.labels[0]]) for row in load(name).split("test") if row.labels)


def _situations() -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the situations of EmpatheticDialogues, the emotions in turn."""
    columns = []
    for emotion, labels in SITUATIONS.items():
        file = SHARED / "data" / "empathetic_dialogues" / "by_emotion" / f"{emotion}.csv.gz"
        with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
            rows = csv.DictReader(lines)
            columns.append([(row["Text"], labels) for row in rows if row["Type"].strip().lower() == "situation"])
    return (row for turn in zip(*columns, strict=False) for row in turn)


MEASURES = {"polarity": polarity, "names": names, "sure": sure, "distress": distress}


if __name__ == "__main__":
    main()
