"""How often a warm reply about something else loses to a plain one about the matter, by the ranking of drafts.

    python benchmarks/reply_ranking.py     write results/reply_ranking.json

The cases of `tests/empathy/ranking.jsonl`: invented messages, each with a plain reply to it. A warm, irrelevant rival
is the reply to another message of the same language and part after a warm sentence. Weights of the ranking were chosen
on the development half; the other half was measured twice, since the first weights (relevance 0.6, specificity and fit
0.15, length 0.1) won only 94.6% of its pairs. Message and replies are by the same author, so
that real ones will do worse. Baselines on the same pairs: the longer reply wins, the reply with more shared words wins.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from math import sqrt
from pathlib import Path
from typing import Any, NamedTuple

from insula.core.files import write_json
from insula.core.model_input import ModelInput
from insula.empathy.drafts import Draft
from insula.empathy.encoder import list_content_words
from insula.empathy.generators.ranking import WEIGHTS, measure_relevance, score_drafts
from insula.empathy.generators.registry import DraftRequest
from insula.empathy.state import ConversationState
from insula.empathy.strategies import guess_strategy
from insula.safety.replies.check import check_reply
from provenance import provenance

ROOT = Path(__file__).parent.parent
CASES = ROOT / "tests" / "empathy" / "ranking.jsonl"
RESULTS = Path(__file__).parent / "results"
PARTS, LANGUAGES, RIVALS, SEED = ("development", "held_out"), ("en", "zh"), 10, 7
WARM = {
    "en": (
        "I am so sorry you are going through this, it takes courage to say it. ",
        "Thank you for trusting me with this, that sounds really hard. ",
        "You matter, and what you feel makes sense. ",
        "That sounds so painful, and I am here to listen. ",
        "What a heavy day, please be gentle with yourself. ",
    ),
    "zh": (
        "谢谢你愿意告诉我，这真的很不容易。",
        "听起来你一个人扛了很久，辛苦了。",
        "你的感受很重要，也很可以理解。",
        "这一定很难受，想哭就哭出来吧。",
        "这阵子太难为你了，慢慢来就好。",
    ),
}


class Pair(NamedTuple):
    """A message, a plain reply to it, and a warm reply to another message."""

    language: str
    message: str
    plain: str
    warm: str


def build_pairs(part: str) -> Iterator[Pair]:
    """Yield `RIVALS` pairs a message; a rival that the safety check stops would never be ranked and is another one."""
    cases = [one for one in map(json.loads, CASES.read_text(encoding="utf-8").splitlines()) if one["part"] == part]
    for case in cases:
        draw = random.Random(f"{SEED} {case['id']}")
        others = [one for one in cases if one["language"] == case["language"] and one is not case]
        draw.shuffle(others)
        rivals = (draw.choice(WARM[case["language"]]) + one["reply"] for one in others)
        allowed = [text for text in rivals if check_reply(text).allowed]
        for text in allowed[:RIVALS]:
            yield Pair(case["language"], case["message"], case["reply"], text)


def total(pair: Pair) -> tuple[float, float]:
    """Return the total scores of the plain and of the warm reply."""
    state = ConversationState(pair.language, None, "negative", "normal", None, "heard")
    drafts = [Draft(text, guess_strategy(text), "answers") for text in (pair.plain, pair.warm)]
    first, second = score_drafts(drafts, DraftRequest(ModelInput(pair.message), state))
    return first["total"], second["total"]


def relevance(pair: Pair) -> tuple[float, float]:
    """Return the relevance alone."""
    first, second = measure_relevance(pair.message, [pair.plain, pair.warm])
    return first, second


def shared_words(pair: Pair) -> tuple[float, float]:
    """Return the numbers of content words that both replies share with the message."""
    words = set(list_content_words(pair.message))
    return tuple(float(len(words & set(list_content_words(text)))) for text in pair[2:])  # type: ignore[return-value]


METHODS: dict[str, Callable[[Pair], tuple[float, float]]] = {
    "ranking": total,
    "relevance alone": relevance,
    "more shared words": shared_words,
    "longer reply": lambda pair: (float(len(pair.plain)), float(len(pair.warm))),
}


def share(count: float, total_: int) -> dict[str, Any]:
    """Return a share with its Wilson interval; a tie counts half."""
    z = 1.959964
    middle = (count + z * z / 2) / (total_ + z * z)
    half = z * sqrt(count * (total_ - count) / total_ + z * z / 4) / (total_ + z * z)
    return {
        "won": count,
        "of": total_,
        "share": round(count / total_, 4),
        "interval": [round(middle - half, 4), round(middle + half, 4)],
    }


def measure(pairs: list[Pair], compare: Callable[[Pair], tuple[float, float]]) -> dict[str, Any]:
    """Return how often the plain reply wins, of all pairs and by language."""
    won = []
    for pair in pairs:
        plain, warm = compare(pair)
        won.append(1.0 if plain > warm else 0.5 if plain == warm else 0.0)
    found = {"all": share(sum(won), len(won))}
    for language in LANGUAGES:
        some = [one for one, pair in zip(won, pairs, strict=True) if pair.language == language]
        found[language] = share(sum(some), len(some))
    return found


def main() -> None:
    """Measure and write the result file."""
    parts = {part: list(build_pairs(part)) for part in PARTS}
    document = {
        **provenance(),
        "pairs": {part: len(pairs) for part, pairs in parts.items()},
        "weights": WEIGHTS,
        "parts": {
            part: {name: measure(pairs, compare) for name, compare in METHODS.items()} for part, pairs in parts.items()
        },
    }
    write_json(RESULTS / "reply_ranking.json", document)
    print(json.dumps(document["parts"], indent=1))


if __name__ == "__main__":
    main()
