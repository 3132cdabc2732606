"""The leak guard: no training text may be in the rows that a model is evaluated on.

Texts are compared by their comparison key: case, punctuation, user names and URLs removed. Rows of dialogues are
compared together with the turn before them (`compared.hash_row`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from insula.core.errors import DataError, LeakError
from insula.core.example import Example
from insula.core.sentences import shorten
from insula.data.splits.compared import (
    DIALOGUES,
    EMPTY,
    Compared,
    get_row_text,
    has_turns,
    hash_dialogue_text,
    hash_row,
)
from insula.text.comparison import build_comparison_key

SHOWN = 3
SHOWN_LENGTH = 80
MANY_REMOVED = 0.05  # share of the training rows


class Fingerprint:
    """A set of texts, stored as the sorted 64-bit hashes of their comparison keys.

    A row with earlier turns has two hashes: one of the row, one of its text as a text of a dialogue.

    hashes  in any order, repeats allowed; raises `DataError` unless they are unsigned 64-bit integers in one dimension
    """

    def __init__(self, hashes: npt.ArrayLike = ()) -> None:
        array = np.asarray(hashes if np.size(hashes) else np.empty(0, np.uint64))
        if array.ndim != 1 or array.dtype != np.uint64:
            raise DataError(
                f"The hashes of a fingerprint must be unsigned 64-bit integers in one dimension. Got {array.dtype} of "
                f"shape {array.shape}. Build it with Fingerprint.of."
            )
        self._hashes: npt.NDArray[np.uint64] = np.setdiff1d(array, np.array([EMPTY], np.uint64))

    @classmethod
    def of(cls, examples: Iterable[Example]) -> Fingerprint:
        """Return the fingerprint of the examples."""
        rows = list(examples)
        texts = [row.text for row in rows if row.turns]
        more = [*map(hash_dialogue_text, texts), *([DIALOGUES] if texts else [])]
        return cls(np.concatenate([_hash_rows(rows), np.array(more, np.uint64)]))

    def to_array(self) -> npt.NDArray[np.uint64]:
        """Return the hashes, sorted, each once; the constructor accepts them."""
        return self._hashes.copy()

    def find_seen(self, rows: Iterable[Compared]) -> npt.NDArray[np.bool_]:
        """Return for each text or row whether it is in the set; False for a text with nothing to compare.

        If both sides have earlier turns, rows are compared with the turn before them, else by their texts only.
        """
        given = list(rows)
        if any(map(has_turns, given)) and DIALOGUES in self._hashes:
            return np.isin(_hash_rows(given), self._hashes)
        texts = list(map(get_row_text, given))
        found = np.isin(_hash_rows(texts), self._hashes)
        if DIALOGUES in self._hashes:
            found |= np.isin(np.fromiter(map(hash_dialogue_text, texts), np.uint64), self._hashes)
        return found

    @property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of the set: equal for equal sets, whatever the order of the rows."""
        return hashlib.sha256(self._hashes.astype("<u8").tobytes()).hexdigest()

    def __len__(self) -> int:
        return len(self._hashes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fingerprint) and np.array_equal(self._hashes, other._hashes)

    def __hash__(self) -> int:
        return hash(self.digest)


def remove_leaks(
    splits: Mapping[str, Sequence[Example]], *, keep: bool = False
) -> tuple[dict[str, list[Example]], dict[str, frozenset[int]], tuple[str, ...]]:
    """Remove repeated texts: from train those in validation or test, from validation those in test.

    Test rows are never removed. Returns the remaining splits; for `validation` and `test` the `hash_row` of their rows
    that were also in train (`Dataset.overlaps`); and notes. An empty validation split is left out. With `keep` no row
    is removed, only reported. Raises `LeakError` if no training row would remain.
    """
    none = np.array([EMPTY], np.uint64)
    hashes = {name: _hash_rows(rows) for name, rows in splits.items()}
    cleaned = {name: list(rows) for name, rows in splits.items()}
    overlaps = {
        name: frozenset(np.setdiff1d(np.intersect1d(hashes.get("train", none), hashes[name]), none).tolist())
        for name in ("validation", "test")
        if name in splits
    }
    if keep:
        return cleaned, overlaps, _note_kept_leaks(splits, hashes, overlaps)
    notes: list[str] = []
    for name, holders in (("train", ("test", "validation")), ("validation", ("test",))):
        if name not in splits:
            continue
        is_kept = np.ones(len(splits[name]), dtype=bool)
        for holder in holders:
            if holder in splits:
                leaked = is_kept & np.isin(hashes[name], np.setdiff1d(hashes[holder], none))
                is_kept &= ~leaked
                if count := int(leaked.sum()):
                    notes.append(_note_removed(name, holder, count))
        cleaned[name] = [example for example, kept in zip(splits[name], is_kept, strict=True) if kept]
        if name == "train":
            removed = [example for example, kept in zip(splits[name], is_kept, strict=True) if not kept]
            notes.extend(_note_many_removed(removed, len(splits[name])))
        if splits[name] and not cleaned[name]:
            where = " or ".join(holder for holder in holders[::-1] if holder in splits)
            if name == "train":
                raise LeakError(
                    f"Every training text also occurs in {where}, so no training rows are left. Use different files, "
                    "or one file and let insula split it."
                )
            del cleaned[name], overlaps[name]
            notes.append(f"No row of {name} was left; that split was dropped.")
    return cleaned, overlaps, tuple(notes)


def require_no_leak(train: Iterable[Example] | Fingerprint, evaluation: Sequence[Example], *, name: str) -> None:
    """Raise `LeakError`, with the count and the first texts, if texts of `evaluation` are training texts.

    name  name of the evaluation rows in the message, such as that of a file
    """
    fingerprint = train if isinstance(train, Fingerprint) else Fingerprint.of(train)
    seen = fingerprint.find_seen(evaluation)
    if count := int(seen.sum()):
        shown = [shorten(evaluation[row].text, SHOWN_LENGTH) for row in np.flatnonzero(seen)[:SHOWN]]
        raise LeakError(
            f"The rows of {name} must not be training rows. Got {count:,} of {len(evaluation):,} whose text is in the "
            f"training rows, such as {'; '.join(map(repr, shown))}. Remove them from either side."
        )


def _hash_rows(rows: Iterable[Compared]) -> npt.NDArray[np.uint64]:
    return np.fromiter((hash_row(row) for row in rows), dtype=np.uint64)


def _note_many_removed(removed: Sequence[Example], rows: int) -> tuple[str, ...]:
    """Return a note if the training data lose a good part of their rows, with the texts that cost most of them."""
    if len(removed) < max(5, MANY_REMOVED * rows):
        return ()
    counts = Counter(build_comparison_key(example.text) for example in removed)
    shown = ", ".join(f"{shorten(text, SHOWN_LENGTH)!r} ({count:,})" for text, count in counts.most_common(SHOWN))
    return (
        f"That is {100 * len(removed) / rows:.1f} % of the training rows, most often {shown}. Short replies repeat "
        "without being copies: set `keep_leaks` (--keep-leaks) to keep such rows; scores then include memorised texts.",
    )


def _note_kept_leaks(
    splits: Mapping[str, Sequence[Example]],
    hashes: Mapping[str, npt.NDArray[np.uint64]],
    overlaps: Mapping[str, frozenset[int]],
) -> tuple[str, ...]:
    return tuple(
        f"{count:,} of {len(splits[name]):,} {name} rows ({100 * count / len(splits[name]):.1f} %) have the text of a "
        "training row, which was kept on request: scores include memorised texts. The report gives them without these, "
        "too."
        for name, known in overlaps.items()
        if (count := int(np.isin(hashes[name], np.array(sorted(known), np.uint64)).sum()))
    )


def _note_removed(name: str, holder: str, count: int) -> str:
    kind = "training" if name == "train" else name
    if count == 1:
        return f"1 {kind} row was removed: its text is also in {holder}."
    return f"{count:,} {kind} rows were removed: their text is also in {holder}."
