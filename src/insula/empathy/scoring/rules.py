"""`score_by_rules`: levels of empathy from the cues of a reply and a small table of weights.

Each mechanism is a proportional-odds model (McCullagh, 1980): P(level >= k) = sigmoid(sum of the weights of its cues -
cut k). `scripts/fit_empathy_scorer.py` fits the weights on pairs written for the purpose.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from math import exp

from insula.empathy.scoring.result import EmpathyScore, Mechanism, MechanismScore, Rationale
from insula.empathy.scoring.shown_cues import find_reply_cues, read_cue_table
from insula.text.scripts import detect_language_by_script

MAX_SPANS = 5  # of a mechanism that are shown


@dataclass(frozen=True)
class Weights:
    """The weights of a mechanism: `cuts` before levels 1 and 2, and what each cue adds."""

    cuts: tuple[float, float]
    cues: Mapping[str, float]


def score_by_rules(message: str, reply: str, feeling: str | None = None) -> EmpathyScore:
    """Return the empathy that a reply shows, by rules.

    feeling  what the writer of the message feels, as in `ConversationState`; None if unknown
    """
    language = detect_language_by_script(reply)
    shown, table, weights = find_reply_cues(message, reply, language, feeling), read_cue_table(language), load_weights()
    scores: dict[str, MechanismScore] = {
        name: _score(shown[name], weights[name], table.missing[name]) for name in weights
    }
    return EmpathyScore(message, reply, language, scorer="rules", **scores)


@functools.cache
def load_weights() -> Mapping[Mechanism, Weights]:
    """Return the weights that come with insula: `empathy/scoring/weights.toml`."""
    table = tomllib.loads((files(__package__) / "weights.toml").read_text(encoding="utf-8"))
    return {name: Weights(tuple(row["cuts"]), row["cues"]) for name, row in table.items()}  # type: ignore[misc]


def build_mechanism_score(
    at_least: tuple[float, float], words: tuple[Rationale, ...], missing: tuple[str, ...]
) -> MechanismScore:
    """Return the score from P(level >= 1) and P(level >= 2)."""
    first, second = at_least[0], min(at_least)
    level = (first >= 0.5) + (second >= 0.5)
    return MechanismScore(
        level,
        (1 - first, first - second, second),
        words if level else (),
        missing[level] if level < len(missing) else None,
    )


def _score(cues: Mapping[str, tuple[Rationale, ...]], weights: Weights, missing: tuple[str, ...]) -> MechanismScore:
    value = sum(weights.cues.get(cue, 0.0) for cue in cues)
    first, second = (1 / (1 + exp(cut - value)) for cut in weights.cuts)
    places = {one for cue, some in cues.items() if weights.cues.get(cue, 0.0) > 0 for one in some}
    return build_mechanism_score((first, second), tuple(_drop_overlaps(places)), missing)


def _drop_overlaps(places: set[Rationale]) -> list[Rationale]:
    """Return at most `MAX_SPANS` places in order; of two that overlap, the longer."""
    kept: list[Rationale] = []
    for one in sorted(places, key=lambda one: (one.start - one.end, one.start)):
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda one: one.start)[:MAX_SPANS]
