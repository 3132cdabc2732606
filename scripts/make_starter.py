"""Make the model that comes with insula: GoEmotions' 28 labels, English and Chinese, a few megabytes, no torch.

    python scripts/make_starter.py --goemotions ../shared/data/ready/goemotions \\
        --encoder ../shared/models/e5-small-en-zh --chinese weibo.jsonl reviews.jsonl

A bilingual encoder learns the labels from GoEmotions (Demszky et al. 2020, Apache-2.0), in English. It then teaches a
`static` model: on the same rows, and on unlabelled Chinese texts, which it can score because it knows both languages.
The static model reads sub-words of unsegmented text, so that a browser can prepare it.

The script trains the teacher once, keeps it under `--runs`, and replaces `src/insula/models/starter` with the result.
`benchmarks/starter.py` measures it on test rows and writes `benchmarks/results/starter.json`.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from insula.api.training import train
from insula.cli.progress import show_progress
from insula.core.files import atomic_folder, write_text
from insula.data.sources.unlabelled import read_texts
from insula.evaluation.document import METRICS, MetricsDocument
from insula.evaluation.reports.cards import build_model_card
from insula.evaluation.result import Evaluation
from insula.models.folder import MANIFEST, open_folder, seal
from insula.models.locate import STARTER_FOLDER
from insula.text.language import tell
from insula.training.recipe.recipe import parse_override

STEPS = ["html", "unicode", "urls", "users", "elongation", "emoji", "lowercase", "whitespace"]
STUDENT: dict[str, Any] = {
    "preparation.steps": STEPS,
    "model.vocabulary": "subwords",
    "model.vocabulary_size": 30_000,
    "model.table": "int8",
    "distil.temperature": 1.0,
    "distil.weight": 0.7,
}
LEAST_SHARE = 0.001  # of a language that the card lists
LEFT_OUT = frozenset({MANIFEST, "tokenizer_config.json", "model_card.md"})


def main(arguments: list[str]) -> int:
    """Train and return the exit status."""
    given = _parser().parse_args(arguments)
    teacher, student = given.runs / "starter-teacher", given.runs / "starter"
    encoder = str(given.encoder.absolute())
    with show_progress(False) as progress:
        if not (teacher / "model" / MANIFEST).exists():
            changes = {"model.base": encoder, "train.epochs": given.teacher_epochs}
            train(given.goemotions, recipe="multilabel", overrides=changes, output=teacher, overwrite=True,
                  progress=progress)  # fmt: skip
        changes = {
            **STUDENT,
            "model.vectors_from": encoder,
            "distil.teachers": [str(teacher)],
            "distil.unlabelled": [str(file) for file in given.chinese],
            **dict(parse_override(one) for one in given.set),
        }
        train(given.goemotions, recipe="static", overrides=changes, output=student, overwrite=True, progress=progress)
    names = {str(place.absolute()): place.name for place in (given.encoder, given.goemotions, teacher)}
    # Sets have files of the same names.
    names |= {str(file.absolute()): f"{file.absolute().parent.name}/{file.name}" for file in given.chinese}
    typed = [names.get(str(Path(one).absolute()), one) for one in arguments]
    command = shlex.join(["python", "scripts/make_starter.py", *typed])
    ship(student / "model", given.output, names, command=command, unlabelled=read_texts(given.chinese)[0])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--goemotions", type=Path, required=True, help="folder with its train, validation, test rows")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of a bilingual encoder")
    parser.add_argument("--chinese", type=Path, nargs="+", required=True, help="files of unlabelled text")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--teacher-epochs", type=float, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of the student's recipe")
    parser.add_argument("--output", type=Path, default=STARTER_FOLDER)
    return parser


def ship(model: Path, output: Path, names: Mapping[str, str], *, command: str, unlabelled: Sequence[str]) -> None:
    """Copy the model folder, without paths of the machine that it was made on and without white space in JSON.

    names       paths to the names that replace them
    command     the command line that made the model
    unlabelled  the unlabelled training texts, whose languages the card lists, too
    """
    folder = open_folder(model)
    with atomic_folder(output) as stage:
        for file in sorted(model.iterdir()):
            if file.name in LEFT_OUT:
                continue
            if file.suffix not in (".json", ".toml"):
                shutil.copy2(file, stage / file.name)
                continue
            text = file.read_text(encoding="utf-8")
            for path, name in sorted(names.items(), key=lambda entry: -len(entry[0])):
                text = text.replace(path, name)
            if file.suffix == ".json":
                content = json.loads(text)
                if file.name == METRICS:
                    document = _shipped(MetricsDocument.from_dict(content), command, unlabelled)
                    write_text(stage / "model_card.md", build_model_card(document))
                    content = document.to_dict()
                text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
            write_text(stage / file.name, text)
        seal(stage, family=folder.family, backend=folder.backend)
    total = sum(file.stat().st_size for file in output.iterdir())
    print(f"{output}: {total / 1e6:.2f} MB")


def _shipped(document: MetricsDocument, command: str, unlabelled: Sequence[str]) -> MetricsDocument:
    """Return the document without texts of the sets, with the command and the languages of all training texts."""
    data, rows = document.data, document.data.rows
    found = Counter(language for text in unlabelled if (language := tell(text)) is not None)
    shares: Counter[str] = Counter()
    for part, languages in (("train", data.languages), ("unlabelled", found)):
        for language, share in languages.items():
            shares[language] += share / sum(languages.values()) * rows[part] / (rows["train"] + rows["unlabelled"])
    languages = {language: round(share, 4) for language, share in shares.most_common() if share >= LEAST_SHARE}
    return document.model_copy(
        update={
            "command": command,
            "data": data.model_copy(update={"languages": languages}),
            "test": _without_mistakes(document.test),
            "validation": _without_mistakes(document.validation),
        }
    )


def _without_mistakes(found: Evaluation | None) -> Evaluation | None:
    return None if found is None else found.model_copy(update={"mistakes": []})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
