"""Fit the weights of the empathy scorer on pairs built from invented sentences; no data set is read.

    python scripts/fit_empathy_scorer.py            write `src/insula/empathy/scoring/weights.toml`
    python scripts/fit_empathy_scorer.py --check    exit with 1 where the file differs from the fit

A pair is an invented message (`tests/empathy/messages.jsonl`, `ranking.jsonl`) and one to five sentences of
`empathy_sentences.toml` in random order; its level of a mechanism is the highest of its sentences. Every third sentence
of a list is held out (`build_pairs(held_out=True)`), to measure the fit on sentences that it has not seen.
"""

from __future__ import annotations

import argparse
import functools
import json
import random
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from scipy.optimize import minimize

from insula.empathy.scoring.result import MECHANISMS
from insula.empathy.scoring.shown_cues import find_reply_cues, list_cues

ROOT = Path(__file__).parent.parent
SENTENCES = Path(__file__).parent / "empathy_sentences.toml"
WEIGHTS = ROOT / "src" / "insula" / "empathy" / "scoring" / "weights.toml"
PAIRS, MAX_SENTENCES, SEED, PENALTY = 700, 5, 11, 0.001
T = TypeVar("T")
HEAD = """\
# Weights of the empathy scorer: what a cue adds, and the cuts before levels 1 and 2 (see rules.py).
# Written by `python scripts/fit_empathy_scorer.py`, from invented pairs.
"""


class Sentence(NamedTuple):
    """A sentence of a reply, with its level of each mechanism."""

    text: str
    levels: tuple[int, int, int]


class Pair(NamedTuple):
    """A message and a reply, with the levels of the reply."""

    language: str
    message: str
    reply: str
    levels: tuple[int, int, int]


@functools.cache
def read_table() -> dict[str, Any]:
    """Return the sentences of both languages."""
    return tomllib.loads(SENTENCES.read_text(encoding="utf-8"))


def read_sentences(language: str, *, held_out: bool) -> list[list[Sentence]]:
    """Return the lists of sentences of a language: every third of each if `held_out`, else the others."""
    table = read_table()[language]
    lists = [[Sentence(text, (0, 0, 0)) for text in table["plain"]]]
    lists.append([Sentence(row["text"], tuple(row["levels"])) for row in table["mixed"]])
    for place, mechanism in enumerate(MECHANISMS):
        for level, name in enumerate(("none", "weak", "strong")):
            levels = [0, 0, 0]
            levels[place] = level
            lists.append([Sentence(text, (levels[0], levels[1], levels[2])) for text in table[mechanism][name]])
    return [_choose_part(some, held_out) for some in lists]


def read_messages(language: str) -> dict[str, tuple[str, ...]]:
    """Return invented messages of a language with their feelings; none where they are not given."""
    folder = ROOT / "tests" / "empathy"
    rows = [
        json.loads(line)
        for name in ("messages.jsonl", "ranking.jsonl")
        for line in (folder / name).read_text(encoding="utf-8").splitlines()
    ]
    return {
        row.get("text", row.get("message")): tuple(row.get("feelings", ()))
        for row in rows
        if row["language"] == language
    }


def write_about(language: str, message: str, feelings: Sequence[str], *, held_out: bool) -> list[list[Sentence]]:
    """Return sentences that name a feeling of the message, and that restate it in the second person."""
    table = read_table()[language]["about"]
    nouns = [table["feelings"][name] for name in feelings if name in table["feelings"]]
    clause = address(re.split("(?<=[.!?。！？])", message)[0].strip(), language)
    named = [one.format(feeling=noun) for one in _choose_part(table["named"], held_out) for noun in nouns]
    restated = [one.format(clause=clause) for one in _choose_part(table["restated"], held_out)]
    lists = [[Sentence(text, (0, 2, 0)) for text in named]]
    if not clause.endswith(("?", "？")) and clause != message.split("\n")[0]:
        lists.append([Sentence(text, (0, 1, 0)) for text in restated])
    return [some for some in lists if some]


def address(clause: str, language: str) -> str:
    """Return a clause of a message as somebody else says it: `I failed my exam` is `you failed your exam`."""
    if language == "zh":
        return clause.replace("我", "你")
    return re.sub(r"\b(?:I'm|I am|I was|I've|I|my|me|myself|mine)\b", lambda one: _SECOND[one[0]], clause)


_SECOND = {
    "I'm": "you're", "I am": "you are", "I was": "you were", "I've": "you've", "I": "you", "my": "your", "me": "you",
    "myself": "yourself", "mine": "yours",
}  # fmt: skip


def _choose_part(some: Sequence[T], held_out: bool) -> list[T]:
    return [one for number, one in enumerate(some) if (number % 3 == 2) == held_out]


def build_pairs(language: str, count: int = PAIRS, *, held_out: bool = False) -> Iterator[Pair]:
    """Yield random pairs of a language, always the same ones."""
    draw = random.Random(f"{SEED} {language} {held_out}")
    lists, messages = read_sentences(language, held_out=held_out), read_messages(language)
    for _ in range(count):
        message = draw.choice(list(messages))
        some = [*lists, *write_about(language, message, messages[message], held_out=held_out)]
        chosen = [draw.choice(draw.choice(some)) for _ in range(draw.randint(1, MAX_SENTENCES))]
        levels = tuple(max(one.levels[place] for one in chosen) for place in range(3))
        space = " " if language == "en" else ""
        yield Pair(language, message, space.join(one.text for one in chosen), levels)  # type: ignore[arg-type]


def fit(rows: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the two cuts and the weights of a proportional-odds model; weights are at least 0.

    rows    (pairs, cues), 1 where a cue is found
    levels  (pairs,), 0 to 2
    """

    def loss(given: np.ndarray) -> tuple[float, np.ndarray]:
        cuts, weights = np.array([given[0], given[0] + np.exp(given[1])]), given[2:]
        value, gradient = 0.0, np.zeros_like(given)
        for number, cut in enumerate(cuts):
            sign = np.where(levels > number, 1.0, -1.0)
            margin = sign * (rows @ weights - cut)
            value += float(np.logaddexp(0, -margin).mean())
            slope = -sign / (1 + np.exp(margin)) / len(levels)
            gradient[2:] += rows.T @ slope
            gradient[0] -= slope.sum()
            if number == 1:
                gradient[1] -= slope.sum() * np.exp(given[1])
        gradient[2:] += PENALTY * weights
        return value + PENALTY / 2 * float(weights @ weights), gradient

    start = np.concatenate([[1.0, 0.0], np.ones(rows.shape[1])])
    bounds = [(None, None), (-3, 3), *[(0, None)] * rows.shape[1]]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return np.array([found[0], found[0] + np.exp(found[1])]), found[2:]


def build_table() -> str:
    """Return the text of the weights file."""
    pairs = [pair for language in ("en", "zh") for pair in build_pairs(language)]
    shown = [find_reply_cues(pair.message, pair.reply, pair.language) for pair in pairs]
    lines = [HEAD]
    for place, mechanism in enumerate(MECHANISMS):
        names = list_cues(mechanism)
        rows = np.array([[name in one[mechanism] for name in names] for one in shown], dtype=float)
        cuts, weights = fit(rows, np.array([pair.levels[place] for pair in pairs]))
        lines += [f"[{mechanism}]", f"cuts = [{cuts[0]:.1f}, {cuts[1]:.1f}]", "", f"[{mechanism}.cues]"]
        lines += [f"{name} = {weight:.1f}" for name, weight in zip(names, weights, strict=True)]
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Write the file, or compare it."""
    parser = argparse.ArgumentParser(description="Fit the weights of the empathy scorer.")
    parser.add_argument("--check", action="store_true", help="compare only")
    table = build_table()
    if parser.parse_args().check:
        return int(WEIGHTS.read_text(encoding="utf-8") != table)
    WEIGHTS.write_text(table, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
