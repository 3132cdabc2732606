"""Describe a data set before training: balance, lengths, languages, duplicates, conflicts, missing values."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from insula.core.example import Example
from insula.core.scheme import LabelScheme
from insula.data.dataset import Dataset
from insula.data.description import Description
from insula.data.splits.compared import join_last_turn
from insula.data.splits.near_duplicates import cluster_near_duplicates
from insula.text.comparison import build_comparison_key
from insula.text.language import detect_language

LANGUAGE_SAMPLE = 2_000
COMPARED_ROWS = 50_000
SHOWN_CONFLICTS = 5
SHOWN_LENGTH = 120
CONFLICT_SPAN = 0.25
LONG_TEXTS = (128, 256, 512)  # words; a word is about 1.3 tokens of an encoder, a Chinese character one
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")


def describe(dataset: Dataset, *, seed: int = 0) -> Description:
    """Return the description of a data set; `.lines()` gives it as text, `.to_dict()` as JSON.

    Languages are detected in a random sample of 2,000 rows, near-duplicates in one of 50,000; `seed` draws both.
    """
    examples = [example for rows in dataset.splits.values() for example in rows]
    keys = {name: [_build_comparison_key(example) for example in rows] for name, rows in dataset.splits.items()}
    all_keys = [key for several in keys.values() for key in several]
    rng = np.random.default_rng(seed)
    language_rows = _sample_rows(len(examples), LANGUAGE_SAMPLE, rng)
    compared = _sample_rows(len(examples), COMPARED_ROWS, rng)
    clusters = cluster_near_duplicates([join_last_turn(examples[row]) for row in compared], seed=seed)
    conflicts = _find_conflicts(examples, all_keys, dataset.scheme)
    categorical = dataset.scheme.is_categorical
    unlabelled = bool(examples) and all(example.labels is None and example.values is None for example in examples)
    return Description(
        name=dataset.name,
        kind="unlabelled" if unlabelled else dataset.scheme.kind,
        labels=[] if unlabelled else list(dataset.scheme.names),
        rows={name: len(rows) for name, rows in dataset.splits.items()},
        languages=_compute_language_shares([examples[row] for row in language_rows]),
        language_rows=len(language_rows),
        lengths=_describe_lengths(examples),
        balance={n: _describe_balance(rows, dataset.scheme) for n, rows in dataset.splits.items()}
        if categorical and not unlabelled
        else {},
        labels_per_row={name: _count_labels_per_row(rows) for name, rows in dataset.splits.items()}
        if dataset.scheme.kind == "multi"
        else {},
        values={} if categorical else {n: _describe_values(rows, dataset.scheme) for n, rows in dataset.splits.items()},
        exact_duplicates=_count_repeats(all_keys),
        near_duplicates=len(compared) - len(set(clusters)) - _count_repeats([all_keys[row] for row in compared]),
        compared_rows=len(compared),
        conflicts=len(conflicts),
        conflict_examples=conflicts[:SHOWN_CONFLICTS],
        missing=_count_missing(examples, all_keys),
        both_sides={
            f"{one} and {other}": len((set(keys[one]) & set(keys[other])) - {""})
            for one, other in itertools.combinations(dataset.splits, 2)
        },
        overlaps={name: len(hashes) for name, hashes in dataset.overlaps.items()},
        notes=list(dataset.notes),
        context=_describe_context(examples),
        long_texts=_count_long_texts(examples),
    )


def _build_comparison_key(example: Example) -> str:
    """Return the key that rows are compared by, context included; empty for a text with nothing to compare."""
    key = build_comparison_key(example.text)
    if not key or (not example.turns and example.target is None):
        return key
    context = (*(turn.text for turn in example.turns), example.target or "")
    return "\n".join((key, *map(build_comparison_key, context)))


def _describe_context(examples: Sequence[Example]) -> dict[str, float]:
    """Return statistics of the context; empty if no text has any."""
    lengths = [len(example.turns) for example in examples if example.turns]
    speakers = {example.speaker for example in examples} | {turn.speaker for e in examples for turn in e.turns}
    targets = Counter(example.target for example in examples if example.target is not None)
    if not lengths and not targets and speakers <= {None}:
        return {}
    return {
        "share": len(lengths) / len(examples),
        "mean_turns": sum(lengths) / max(1, len(lengths)),
        "most_turns": max(lengths, default=0),
        "speakers": len(speakers - {None}),
        "targets": len(targets),
        "target_share": targets.total() / len(examples),
    }


def _sample_rows(count: int, size: int, rng: np.random.Generator) -> list[int]:
    if count <= size:
        return list(range(count))
    chosen: list[int] = np.sort(rng.choice(count, size, replace=False)).tolist()
    return chosen


def _compute_language_shares(examples: Sequence[Example]) -> dict[str, float]:
    counts = Counter(example.language or detect_language(example.text) or "unknown" for example in examples)
    return {language: count / len(examples) for language, count in counts.most_common()}


def _describe_lengths(examples: Sequence[Example]) -> dict[str, float]:
    if not examples:
        return {}
    lengths = np.array([len(example.text) for example in examples])
    return {
        "min": int(lengths.min()),
        "median": float(np.median(lengths)),
        "mean": float(lengths.mean()),
        "p95": float(np.percentile(lengths, 95)),
        "max": int(lengths.max()),
    }


def _count_long_texts(examples: Sequence[Example]) -> dict[str, int]:
    """Return how many texts have more words than each of `LONG_TEXTS`; only texts with enough characters are split."""
    sizes = [len(_WORD.findall(example.text)) for example in examples if len(example.text) > LONG_TEXTS[0]]
    return {str(most): sum(size > most for size in sizes) for most in LONG_TEXTS}


def _describe_balance(examples: Sequence[Example], scheme: LabelScheme) -> dict[str, dict[str, float]]:
    counts = Counter(label for example in examples for label in example.labels or ())
    return {name: {"count": counts[name], "share": counts[name] / max(1, len(examples))} for name in scheme.names}


def _count_labels_per_row(examples: Sequence[Example]) -> dict[str, float]:
    sizes = [len(example.labels) for example in examples if example.labels is not None]
    return {"mean": sum(sizes) / max(1, len(sizes)), "max": max(sizes, default=0), "none": sizes.count(0)}


def _describe_values(examples: Sequence[Example], scheme: LabelScheme) -> dict[str, dict[str, Any]]:
    labelled = [example.values for example in examples if example.values is not None]
    if not labelled:
        return {}
    found = {}
    for name, column in zip(scheme.names, np.array(labelled, dtype=float).T, strict=True):
        low, high = scheme.ranges[name]
        found[name] = {
            "min": float(column.min()),
            "mean": float(column.mean()),
            "max": float(column.max()),
            "std": float(column.std()),
            "histogram": np.histogram(column.clip(low, high), bins=10, range=(low, high))[0].tolist(),
        }
    return found


def _count_repeats(keys: Sequence[str]) -> int:
    counts = Counter(keys)
    del counts[""]
    return sum(counts.values()) - len(counts)


def _find_conflicts(examples: Sequence[Example], keys: Sequence[str], scheme: LabelScheme) -> list[dict[str, Any]]:
    """Return the texts that occur with different labels, each with its different sets of labels."""
    rows_of: dict[str, list[Example]] = {}
    for key, example in zip(keys, examples, strict=True):
        if key:
            rows_of.setdefault(key, []).append(example)
    found = []
    for rows in rows_of.values():
        labellings: list[tuple[Any, ...]]
        if scheme.is_categorical:
            labellings = list(dict.fromkeys(tuple(sorted(row.labels)) for row in rows if row.labels is not None))
            differ = len(labellings) > 1
        else:
            labellings = list(dict.fromkeys(row.values for row in rows if row.values is not None))
            differ = _are_far_apart(labellings, scheme)
        if differ:
            found.append({"text": rows[0].text[:SHOWN_LENGTH], "labels": [list(labels) for labels in labellings]})
    return found


def _are_far_apart(values: Sequence[tuple[float, ...]], scheme: LabelScheme) -> bool:
    if not values:
        return False
    limits = [scheme.ranges[name] for name in scheme.names]
    return any(
        max(column) - min(column) > CONFLICT_SPAN * (high - low)
        for column, (low, high) in zip(zip(*values, strict=True), limits, strict=True)
    )


def _count_missing(examples: Sequence[Example], keys: Sequence[str]) -> dict[str, int]:
    without_text = [not example.text.strip() and example.media is None for example in examples]
    return {
        "empty_texts": sum(without_text),
        "incomparable_texts": sum(bool(e.text.strip()) and not key for e, key in zip(examples, keys, strict=True)),
        "unlabelled": sum(example.labels is None and example.values is None for example in examples),
    }
