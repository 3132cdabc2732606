"""Small labelled data that can be learnt exactly: each label has words of its own, in English and in Chinese."""

from __future__ import annotations

import numpy as np

from insula.core.example import Example
from insula.core.scheme import Kind, LabelScheme
from insula.data.dataset import Dataset

_FILLERS = """
the day was and it we they this that with from work home train street morning evening friend paper window table call
about after before because while again today week 今天 我们 他们 这个 那个 工作 回家 早上 晚上 朋友
"""
_LABEL_WORDS = """
awful terrible horrid angry furious 糟糕 愤怒 讨厌
ordinary usual common plain regular 一般 普通 平常
lovely wonderful great happy delighted 开心 美好 喜欢
"""
FILLERS = _FILLERS.split()
LABEL_WORDS = [line.split() for line in _LABEL_WORDS.strip().splitlines()]
NAMES = ("negative", "neutral", "positive")

SCHEMES: dict[Kind, LabelScheme] = {
    "binary": LabelScheme("polarity", "binary", ("negative", "positive")),
    "single": LabelScheme("sentiment3", "single", NAMES),
    "multi": LabelScheme("several", "multi", NAMES),
    "ordinal": LabelScheme("levels", "ordinal", ("low", "medium", "high")),
    "dimensional": LabelScheme(
        "va", "dimensional", ("valence", "arousal"), ranges={"valence": (1.0, 5.0), "arousal": (0.0, 1.0)}
    ),
}


def words() -> list[str]:
    """Return every word that a toy text may hold."""
    return [*FILLERS, *(word for several in LABEL_WORDS for word in several)]


def toy_dataset(kind: Kind, *, train: int = 200, validation: int = 60, test: int = 60, seed: int = 0) -> Dataset:
    """Return a data set whose labels follow from the words, without repeated texts."""
    rng = np.random.default_rng(seed)
    splits: dict[str, list[Example]] = {}
    seen: set[frozenset[str]] = set()
    for name, rows in (("train", train), ("validation", validation), ("test", test)):
        examples: list[Example] = []
        while len(examples) < rows:
            example = _example(kind, len(examples), rng)
            if frozenset(example.text.split()) not in seen:
                seen.add(frozenset(example.text.split()))
                examples.append(example)
        if rows:
            splits[name] = examples
    return Dataset(f"toy-{kind}", SCHEMES[kind], splits)


def _example(kind: Kind, row: int, rng: np.random.Generator) -> Example:
    if kind == "multi":
        present = [i for i in range(3) if rng.random() < 0.45]
    elif kind == "binary":
        present = [2 * (row % 2)]
    else:
        present = [row % 3]
    said = [str(word) for word in rng.choice(FILLERS, size=int(rng.integers(2, 9)), replace=False)]
    for i in present:
        said += [str(word) for word in rng.choice(LABEL_WORDS[i], size=2, replace=False)]
    text = " ".join(rng.permutation(said))
    if kind == "dimensional":
        return Example(text=text, values=(1.0 + 2.0 * present[0], 0.1 + 0.4 * present[0]), id=str(row))
    names = SCHEMES[kind].names
    labels = tuple(names[min(i, 1) if kind == "binary" else i] for i in present)
    return Example(text=text, labels=labels, id=str(row))
