"""How well replies are scored for empathy, on EPITOME, and on invented replies in both languages.

    python benchmarks/empathy.py                            the shipped scorer: `results/empathy.json`
    python benchmarks/empathy.py --train linear --seeds 5   scorers trained on EPITOME, on 80% of its posts
    python benchmarks/empathy.py --train multilabel --balance 0.5 --set preparation.context_turns=0 \\
        --set train.freeze_layers=3 --set train.learning_rate=3e-4 --set train.batch_size=16 --seeds 5 --work FOLDER

EPITOME (Sharma et al., 2020; Reddit part, 3,084 pairs) is for research that is not commercial: nothing trained on it
ships. The weights of the shipped scorer come from invented pairs. Counts on one half of the posts decided two questions
of meaning: that "I'm sorry" names a feeling (level 2), and that a question to the other is specific (level 2) if it has
one word of content, not two. The other half, `held_out`, was measured twice, before and after the second change: its
lead in exploration was 0.024 (-0.019 to 0.068) before.

The baseline finds keywords (`KEYWORDS`) and gives level 2 to replies of at least `LONG` words and 1 to shorter ones,
where there is a keyword. `best_table` is the same with the levels of the four cells chosen in hindsight, on the rows
that it is measured on: more than any such baseline could reach. Intervals are from a paired bootstrap over posts.

Rationale F1 is that of characters, over replies whose level is at least 1 for the annotators: precision and recall of
the words shown, pooled. Where a scorer shows nothing, it finds nothing.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import statistics
import sys
import tempfile
import zlib
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from insula.api.empathy.score import score_empathy
from insula.api.empathy.train import train_empathy
from insula.core.files import write_json
from insula.empathy.scoring.result import LEVELS, MECHANISMS, EmpathyScore, Mechanism
from insula.empathy.scoring.training import compute_macro_f1, load_level_rows
from insula.inference.predictor import Predictor
from insula.training.recipe.recipe import parse_override
from provenance import provenance
from sets import READY

sys.path.append(str(Path(__file__).parent.parent / "scripts"))
from fit_empathy_scorer import build_pairs

RESULTS = Path(__file__).parent / "results" / "empathy.json"
FILES = {
    "emotional_reaction": "emotional-reactions", "interpretation": "interpretations", "exploration": "explorations",
}  # fmt: skip
KEYWORDS: dict[Mechanism, tuple[str, ...]] = {
    "emotional_reaction": ("sorry", "hope", "love", "hug", "luck", "care", "better", "strong"),
    "interpretation": ("understand", "feel", "know how", "same", "sounds", "must be", "been there", "relate"),
    "exploration": ("?",),
}
LONG = 25  # words
PUBLISHED = {  # macro-F1 from other splits: a run of the authors' bi-encoder by others, and a linear model
    "RoBERTa bi-encoder": {"emotional_reaction": 0.764, "interpretation": 0.657, "exploration": 0.717},
    "linear, replies alone": {"emotional_reaction": 0.704, "interpretation": 0.552, "exploration": 0.582},
}
SAME = 0.9  # similarity of the same reply in two files
DRAWS, SEED = 1000, 7
OWN_PAIRS = 500


class Row(NamedTuple):
    """A pair of EPITOME, with levels and rationales by mechanism."""

    post: str
    reply: str
    levels: dict[Mechanism, int]
    rationales: dict[Mechanism, tuple[str, ...]]

    @property
    def is_held_out(self) -> bool:
        """Whether its post is in the half that was not looked at."""
        return zlib.crc32(self.post.encode("utf-8")) % 2 == 1


def read_rows() -> list[Row]:
    """Return the pairs of EPITOME."""
    tables = {}
    for mechanism, name in FILES.items():
        with gzip.open(READY / "epitome" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            tables[mechanism] = [json.loads(line) for line in file]
    rows = []
    for some in zip(*tables.values(), strict=True):  # the same pairs in the same order, with other spaces and quotes
        pair = dict(zip(MECHANISMS, some, strict=True))
        post, reply = (_even(pair["exploration"][part]) for part in ("context", "text"))
        if any(SequenceMatcher(None, reply, _even(one["text"])).quick_ratio() < SAME for one in some):
            raise ValueError(f"The three files of EPITOME hold different pairs at row {len(rows) + 1}.")
        levels = {name: one["level"] for name, one in pair.items()}
        rows.append(
            Row(post, reply, levels, {name: tuple(map(_even, one["rationales"])) for name, one in pair.items()})
        )
    return rows


def _even(text: str) -> str:
    return " ".join(text.split())


def apply_baseline(reply: str, mechanism: Mechanism, cells: Sequence[int] = (0, 0, 1, 2)) -> int:
    """Return the level of the baseline: by keyword and length; `cells` are those of no keyword, then of one."""
    has = any(word in reply.lower() for word in KEYWORDS[mechanism])
    return cells[2 * has + (len(reply.split()) >= LONG)]


def measure_levels(rows: Sequence[Row], predicted: dict[Mechanism, list[int]]) -> dict[str, float]:
    """Return the macro-F1 of each mechanism."""
    return {
        name: round(compute_macro_f1([row.levels[name] for row in rows], predicted[name]), 4) for name in MECHANISMS
    }


def bootstrap(
    rows: Sequence[Row], one: dict[Mechanism, list[int]], other: dict[Mechanism, list[int]]
) -> dict[str, Any]:
    """Return, by mechanism, the 95% intervals of the macro-F1 of `one`, and of its lead over `other`."""
    posts: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        posts.setdefault(row.post, []).append(number)
    groups, draw = list(posts.values()), np.random.default_rng(SEED)
    gold = {name: np.array([row.levels[name] for row in rows]) for name in MECHANISMS}
    given = [{name: np.array(levels) for name, levels in some.items()} for some in (one, other)]
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in MECHANISMS}
    for _ in range(DRAWS):
        chosen = np.concatenate([groups[place] for place in draw.integers(0, len(groups), len(groups))])
        for name in MECHANISMS:
            first, second = (compute_macro_f1(gold[name][chosen], some[name][chosen]) for some in given)
            found[name].append((first, first - second))
    return {
        name: {
            key: [round(float(value), 4) for value in np.percentile([pair[place] for pair in pairs], [2.5, 97.5])]
            for place, key in enumerate(("interval", "lead_over_baseline"))
        }
        for name, pairs in found.items()
    }


def find_best_cells(rows: Sequence[Row], mechanism: Mechanism) -> tuple[int, ...]:
    """Return the levels of the four cells with the highest macro-F1 on these rows, in hindsight."""
    gold = [row.levels[mechanism] for row in rows]
    return max(
        itertools.product(LEVELS, repeat=4),
        key=lambda cells: compute_macro_f1(gold, [apply_baseline(row.reply, mechanism, cells) for row in rows]),
    )


def measure_rationales(rows: Sequence[Row], scores: Sequence[EmpathyScore]) -> dict[str, float]:
    """Return the F1 of characters by mechanism, over rows with a level of at least 1."""
    found = {}
    for name in MECHANISMS:
        hits = shown = wanted = 0
        for row, score in zip(rows, scores, strict=True):
            if not row.levels[name]:
                continue
            gold = _mark(row.reply, [_find(row.reply, text) for text in row.rationales[name]])
            given = _mark(row.reply, [(words.start, words.end) for words in score.mechanisms[name].words])
            hits, shown, wanted = hits + int((gold & given).sum()), shown + int(given.sum()), wanted + int(gold.sum())
        found[name] = round(2 * hits / (shown + wanted), 4)
    return found


def _find(reply: str, text: str) -> tuple[int, int]:
    start = reply.find(text)
    return (start, start + len(text)) if start >= 0 else (0, 0)


def _mark(reply: str, spans: Sequence[tuple[int, int]]) -> np.ndarray:
    marked = np.zeros(len(reply), dtype=bool)
    for start, end in spans:
        marked[start:end] = True
    return marked & np.array([not character.isspace() for character in reply], dtype=bool)


def measure_shipped(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the figures of the shipped scorer and the baseline on rows of EPITOME."""
    scores = score_empathy((row.post, row.reply) for row in rows)
    shipped = {name: [score.mechanisms[name].level for score in scores] for name in MECHANISMS}
    baseline = {name: [apply_baseline(row.reply, name) for row in rows] for name in MECHANISMS}
    cells = {name: find_best_cells(rows, name) for name in MECHANISMS}
    best = {name: [apply_baseline(row.reply, name, cells[name]) for row in rows] for name in MECHANISMS}
    return {
        "rows": len(rows),
        "macro_f1": measure_levels(rows, shipped),
        "intervals": bootstrap(rows, shipped, baseline),
        "rationale_f1": measure_rationales(rows, scores),
        "baseline": measure_levels(rows, baseline),
        "best_table": measure_levels(rows, best),
    }


def measure_own() -> dict[str, dict[str, float]]:
    """Return the macro-F1 on invented pairs, by language, from sentences that the fit has not seen."""
    found = {}
    for language in ("en", "zh"):
        pairs = list(build_pairs(language, OWN_PAIRS, held_out=True))
        scores = score_empathy((pair.message, pair.reply) for pair in pairs)
        found[language] = {
            name: round(
                compute_macro_f1(
                    [pair.levels[place] for pair in pairs], [score.mechanisms[name].level for score in scores]
                ),
                4,
            )
            for place, name in enumerate(MECHANISMS)
        }
    return found


def train(
    rows: Sequence[Row], recipe: str, seed: int, work: Path, settings: dict[str, Any], balance: float
) -> dict[str, Any]:
    """Return the figures of a scorer trained on EPITOME, on the 20% of posts that the seed puts aside."""
    source = work / "epitome.jsonl"
    with source.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps({"message": row.post, "reply": row.reply, **row.levels}) + "\n")
    overrides = {"seed": seed, "data.test_fraction": 0.2, **settings}
    trained = train_empathy(
        source,
        output=work / f"{recipe}-{seed}",
        recipe=recipe,
        overrides=overrides,
        balance=balance,
        overwrite=True,
    )
    tested = load_level_rows(str(source), test_fraction=0.2, seed=seed).split("test")
    by_text = {(row.post, row.reply): row for row in rows}
    kept = [by_text[one.turns[0].text, one.text] for one in tested if (one.turns[0].text, one.text) in by_text]
    predictor = Predictor.load(trained.run.path)
    scores = score_empathy(((row.post, row.reply) for row in kept), predictor)
    return {
        "seed": seed,
        "test_rows": trained.rows,
        "macro_f1": {name: round(value, 4) for name, value in trained.macro_f1.items()},
        "rationale_f1": measure_rationales(kept, scores),
        "train_seconds": round(trained.run.document.time.train_seconds or 0),
    }


def summarise(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the means over seeds, and the standard deviations of the macro-F1."""
    values = {name: [run["macro_f1"][name] for run in runs] for name in MECHANISMS}
    return {
        "macro_f1": {name: round(statistics.fmean(some), 4) for name, some in values.items()},
        "deviation": {name: round(statistics.stdev(some), 4) if some[1:] else None for name, some in values.items()},
        "rationale_f1": {
            name: round(statistics.fmean(run["rationale_f1"][name] for run in runs), 4) for name in MECHANISMS
        },
        "runs": list(runs),
    }


def main() -> None:
    """Measure and write the result file; a trained scorer is added to what the file holds."""
    parser = argparse.ArgumentParser(description="Measure scores of empathy.")
    parser.add_argument("--train", metavar="RECIPE", help="train scorers on EPITOME with this recipe")
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds, from --first (default: 5)")
    parser.add_argument("--first", type=int, default=0, help="first seed (default: 0)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="option of the recipe")
    parser.add_argument("--balance", type=float, default=0.0, help="as in `insula empathy train` (default: 0)")
    parser.add_argument("--work", type=Path, help="folder of the runs (default: removed at the end)")
    given = parser.parse_args()
    rows = read_rows()
    document: dict[str, Any] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {"trained": {}}
    if given.train is None:
        held_out = [row for row in rows if row.is_held_out]
        document |= {
            **provenance(),
            "epitome": {"held_out": measure_shipped(held_out), "all": measure_shipped(rows)},
            "own": measure_own(),
            "published": PUBLISHED,
        }
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(given.first, given.first + given.seeds if given.train else given.first):
            work = given.work or Path(folder)
            work.mkdir(parents=True, exist_ok=True)
            run = train(rows, given.train, seed, work, dict(map(parse_override, given.set)), given.balance)
            name = " ".join((given.train, *given.set, *([f"balance={given.balance:g}"] if given.balance else [])))
            known = document["trained"].get(name, {}).get("runs", ())
            runs = sorted((*(one for one in known if one["seed"] != seed), run), key=lambda one: one["seed"])
            document["trained"][name] = summarise(runs)
            write_json(RESULTS, document)
            print(name, json.dumps(run), flush=True)
    write_json(RESULTS, document)
    print(json.dumps({name: document[name] for name in ("epitome", "own") if name in document}, indent=1))


if __name__ == "__main__":
    main()
