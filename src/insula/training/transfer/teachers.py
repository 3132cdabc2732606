"""Teachers: trained models whose scores are the targets of distillation."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from insula.core.errors import LeakError, RecipeError
from insula.core.files import atomic_file
from insula.core.model_input import TextOrInput
from insula.core.progress import Progress
from insula.core.scheme import LabelScheme
from insula.core.sentences import pluralise
from insula.data.dataset import Dataset
from insula.data.splits.leak import Fingerprint
from insula.inference.predictor import Predictor
from insula.models.folder import ModelFolder, get_folder_digest, open_folder
from insula.models.locate import locate_model
from insula.models.provenance import split_fingerprints

CHUNK = 1024


def check_teachers(teachers: Sequence[str], dataset: Dataset) -> None:
    """Reject teachers whose scores would leak labels.

    Raises `RecipeError` if a teacher has other labels; `LeakError` if it was trained on validation rows of `dataset`,
    or trained or tuned on test rows: its scores would leak their labels into the evaluation.
    """
    for teacher in teachers:
        folder = open_folder(locate_model(teacher))
        _require_same_labels(teacher, folder.scheme, dataset.scheme)
        require_unseen(folder, dataset, called=f"teacher {teacher!r}")


def require_unseen(folder: ModelFolder, dataset: Dataset, *, called: str) -> None:
    """Raise `LeakError` if a model was trained on validation or test rows of `dataset`, or tuned on test rows."""
    seen = split_fingerprints(folder.path)
    for split, used in (("validation", ("train",)), ("test", ("train", "validation"))):
        examples = dataset.splits.get(split, ())
        for own in used:
            if own in seen and (count := int(seen[own].find_seen(examples).sum())):
                raise LeakError(
                    f"The {called} must not have seen the rows on which this model is evaluated. Got "
                    f"{pluralise(count, f'{split} row')} of {len(examples):,} that are among its {own} rows. "
                    f"Train the {called.split()[0]} on the same splits (same files, same seed)."
                )


def collect_teacher_fingerprints(teachers: Sequence[str]) -> dict[str, Fingerprint]:
    """Return the split_fingerprints of the teachers' training rows, to be stored with the student."""
    known = (split_fingerprints(locate_model(teacher)).get("train") for teacher in teachers)
    return {f"teacher{number}": rows for number, rows in enumerate(known) if rows is not None}


def compute_teacher_scores(
    teachers: Sequence[str], scheme: LabelScheme, texts: Sequence[TextOrInput], cache: Path, progress: Progress
) -> NDArray[np.float64]:
    """Return the teachers' (rows, labels) scores of raw inputs: the mean of their calibrated probabilities or values.

    The scores are cached in the file `cache`, which is valid for the same teachers and texts.
    """
    folders = [locate_model(teacher) for teacher in teachers]
    key = _hash_key(folders, texts)
    if cache.exists():
        kept = load_file(cache)
        if bytes(kept["key"]) == key:
            return kept["scores"].astype(np.float64)
    scores = np.zeros((len(texts), len(scheme.names)))
    progress.start("teacher", total=len(texts) * len(folders))
    for folder in folders:
        predictor = Predictor.load(folder)
        order = [predictor.scheme.index(name) for name in scheme.names]
        for first in range(0, len(texts), CHUNK):
            some = texts[first : first + CHUNK]
            scores[first : first + len(some)] += predictor.decide(some).scores[:, order] / len(folders)
            progress.advance(len(some))
    progress.finish()
    with atomic_file(cache) as file:
        save_file({"scores": scores.astype(np.float32), "key": np.frombuffer(key, np.uint8)}, file)
    # With the precision of the cache, so that a resumed run uses the same numbers.
    return scores.astype(np.float32).astype(np.float64)


def _require_same_labels(teacher: str, known: LabelScheme, wanted: LabelScheme) -> None:
    same = known.kind == wanted.kind and set(known.names) == set(wanted.names)
    if same and known.kind == "ordinal":
        same = known.names == wanted.names
    if not same:
        raise RecipeError(
            f"The teacher {teacher!r} must have the labels of the data ({wanted.kind}: {', '.join(wanted.names)}). "
            f"Got {known.kind}: {', '.join(known.names)}. Choose a run on the same labels in distil.teachers."
        )


def _hash_key(folders: Sequence[Path], texts: Sequence[TextOrInput]) -> bytes:
    digest = hashlib.sha256()
    for folder in folders:
        digest.update(get_folder_digest(folder).encode())
    for text in texts:
        digest.update(repr(text).encode())
    return digest.digest()
