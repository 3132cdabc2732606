"""What is measured: the cells of the quality table, one training (or one peer) on one data set each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from insula.text.preparation import ENCODER_STEPS, WORD_STEPS
from sentences import FILE as FILM_SENTENCES
from sets import E5, FOLDS, SETS

RUNS = Path(__file__).parent / "runs"


@dataclass(frozen=True)
class Cell:
    """One run on one data set, by the name it has in the tables.

    recipe, overrides   of an insula model
    peer                folder under `benchmarks/peers` of an outside system; `majority` needs none
    base                the cell whose weights are taken as they are, where only its decision rule is chosen anew
    options             of the peer
    fold                of sets that are judged by cross-validation
    """

    data: str
    model: str
    recipe: str = "standard"
    overrides: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    fold: int | None = None
    peer: str | None = None
    base: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the cell and of its result file."""
        return f"{self.data}-{self.model}-" + (str(self.seed) if self.fold is None else f"fold{self.fold}")


@dataclass(frozen=True)
class Lever:
    """One change to a model, measured as pairs of cells: the same set, the same seeds, without it and with it.

    base     the model without; its cells stand in `CELLS` under that name and with these seeds
    changes  the overrides that make the model with it; where all are of the section `decision`, nothing is trained anew
    metric   that the difference is of; the headline metric of the kind of labels where not given
    """

    name: str
    data: str
    base: str
    changes: Mapping[str, Any]
    seeds: tuple[int, ...] = (0, 1, 2)
    metric: str | None = None

    def pairs(self, cells: Mapping[str, Cell]) -> Iterator[tuple[Cell, Cell]]:
        """Yield the cells without and with it, a pair a seed."""
        decided = all(key.startswith("decision.") for key in self.changes)
        for seed in self.seeds:
            off = cells[f"{self.data}-{self.base}-{seed}"]
            overrides = {**off.overrides, **self.changes}
            base = off.name if decided else None
            yield off, Cell(self.data, f"{self.base}+{self.name}", off.recipe, overrides, seed, base=base)


def _seeds(data: str, model: str, seeds: int, recipe: str = "standard", **overrides: Any) -> Iterator[Cell]:
    """Yield a cell a seed; options of a section are given as `train_epochs=2`."""
    settings = {key.replace("__", "."): value for key, value in overrides.items()}
    for seed in range(seeds):
        yield Cell(data, model, recipe, settings, seed)


def _words_and(*more: str) -> dict[str, Any]:
    """Return the steps of `linear` with more of them, to see whether they help."""
    return {"preparation.steps": [*WORD_STEPS[:-1], *more, WORD_STEPS[-1]]}


FIVE = ("tweets", "goemotions", "carer", "sst2", "smp2020_usual")
BARS = ("goemotions", "carer", "tweeteval_emotion", "sst2", "smp2020_usual", "semeval_ec", "semeval_valence", "emobank")
LONG_RUNS = ("goemotions", "smp2020_usual", "tweets")  # over ten minutes: two seeds there, three elsewhere
RECIPES = {
    "accurate": "tweeteval_emotion",
    "standard": "tweeteval_emotion",
    "intensity": "semeval_valence",
    "multilabel": "semeval_ec",
    "static": "tweets",
    "tiny": "tweets",
    "chinese": "smp2020_virus",
    "long": "imdb",
}
FROM_SCRATCH = ("textcnn", "lstm", "gru", "transformer")


def _insula() -> Iterator[Cell]:
    alone = {"preparation.context_turns": 0}  # of dialogues: what earlier turns add is a lever
    for data, known in SETS.items():
        if not known.folds:
            yield Cell(data, "linear", "linear", alone if "dialogue" in known.options else {})
    yield from _seeds("meld", "minilm", 3, preparation__context_turns=0, train__epochs=3)
    yield Cell("tweets", "linear+stopwords", "linear", _words_and("stopwords"))
    yield Cell("tweets", "linear+stem", "linear", _words_and("stem"))
    yield Cell("smp2020_usual", "linear+stopwords", "linear", _words_and("stopwords"))
    yield from _seeds("tweets", "minilm-quick", 1, "quick")
    for data in (*BARS, "tweets"):
        seeds = 2 if data in LONG_RUNS else 3
        if data == "smp2020_usual":
            yield from _seeds(data, "e5-small-en-zh", seeds, model__base=E5, train__epochs=2)
        else:
            epochs = {
                "goemotions": 3,
                "tweeteval_emotion": 5,
                "semeval_ec": 5,
                "semeval_valence": 5,
                "emobank": 5,
                "sst2": 3,
            }
            yield from _seeds(data, "minilm", seeds, train__epochs=epochs.get(data, 2))
    # Each recipe as it comes, on a set that it is made for; `chinese` with the encoder that stands on the disk.
    for recipe, data in RECIPES.items():
        yield Cell(data, recipe, recipe, {"model.base": E5} if recipe == "chinese" else {})
    # An ensemble of the three seeds above teaches one model of the same size, also on sentences without labels.
    lesson = {"distil__teachers": [str(RUNS / f"sst2-minilm-{seed}") for seed in range(3)]}
    lesson |= {"distil__unlabelled": [str(FILM_SENTENCES)], "distil__weight": 0.8}
    yield from _seeds("sst2", "minilm-distilled", 3, train__epochs=2, **lesson)
    # Long texts: only the upper three of twelve layers are trained, on the first 64 tokens.
    upper = {"model__base": E5, "train__epochs": 1, "train__freeze_layers": 9, "model__max_tokens": 64}
    yield from _seeds("reviews-zh", "e5-small-en-zh", 1, **upper)
    for data in FIVE:
        for family in FROM_SCRATCH:
            yield from _seeds(data, family, 2 if data in LONG_RUNS else 3, model__name=family)
    for model, vectors in (("textcnn", "random"), ("textcnn-distilled", "distilled")):
        settings = {"model.name": "textcnn", "model.vectors": vectors}
        yield from (Cell("mr", model, overrides=settings, fold=fold) for fold in range(FOLDS))


def _peers() -> Iterator[Cell]:
    for data in (*FIVE, "tweeteval_emotion", "semeval_ec", "hotel_zh"):
        yield Cell(data, "majority", peer="majority")
    for data in ("tweets", "sst2"):
        yield Cell(data, "vader", peer="vader")
    yield Cell("hotel_zh", "snownlp", peer="snownlp")
    yield Cell("sst2", "reference-keras-masked", peer="reference", options={"engine": "keras", "masking": True})
    for data in FIVE:
        for masking in (True, False):
            model = "reference-masked" if masking else "reference"
            yield Cell(data, model, peer="reference", options={"engine": "twin", "masking": masking})
        yield Cell(data, "torch-lstm", peer="torch_lstm")


CELLS: Mapping[str, Cell] = {cell.name: cell for cell in (*_insula(), *_peers())}
# What minilm takes by itself, without `detokenize`.
_NOT_JOINED = [step for step in ENCODER_STEPS if step != "detokenize"]
# A lever enters a recipe only with a row of its own; add it here, run its cells, read the table.
LEVERS = [
    *(
        Lever("context", "meld", model, {"preparation.context_turns": 3}, seeds, metric="weighted_f1")
        for model, seeds in (("minilm", (0, 1, 2)), ("linear", (0,)))
    ),
    Lever("attention", "tweeteval_emotion", "minilm", {"model.pooling": "attention"}),
    Lever("cosine", "tweeteval_emotion", "minilm", {"train.schedule": "cosine"}),
    Lever("plain-head", "tweeteval_emotion", "minilm", {"train.head_rate_factor": 1.0}),
    Lever("plain-head", "sst2", "minilm", {"train.head_rate_factor": 1.0}),
    Lever("averaging", "tweeteval_emotion", "minilm", {"train.averaging": 0.99}),
    Lever("averaging", "sst2", "minilm", {"train.averaging": 0.99}),
    Lever("tokens-apart", "sst2", "minilm", {"preparation.steps": _NOT_JOINED}),
    Lever("r-drop", "tweeteval_emotion", "minilm", {"objective.r_drop": 1.0}),
    Lever("levels", "goemotions", "minilm", {"objective.levels": 1.0}, seeds=(0, 1)),
    Lever("lower-slower", "tweeteval_emotion", "minilm", {"train.layer_rate_decay": 0.8}),
    *(
        Lever(f"{thresholds}-thresholds", data, base, {"decision.thresholds": thresholds}, seeds)
        for data, base, seeds in (("goemotions", "minilm", (0, 1)), ("semeval_ec", "multilabel", (0,)))
        for thresholds in ("half", "pooled", "expected", "crossfit")
    ),
    *(
        Lever("class-offsets", data, base, {"decision.class_offsets": True}, seeds)
        for data, base, seeds in (
            ("tweeteval_emotion", "minilm", (0, 1, 2)),
            ("carer", "minilm", (2,)),
            ("smp2020_usual", "gru", (0,)),
            ("smp2020_usual", "textcnn", (0,)),
            ("smp2020_virus", "chinese", (0,)),
        )
    ),
]
ALL: Mapping[str, Cell] = {**CELLS, **{on.name: on for lever in LEVERS for _, on in lever.pairs(CELLS)}}
