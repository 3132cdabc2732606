"""The `cascade` backend: a cheap model answers the texts it is sure of, a better one the rest.

As in Viola and Jones (2001) and FrugalGPT (Chen et al. 2023), with two stages. A cascade's folder holds two model
folders, `first` and `second`, and `cascade.json` with the switch point. The second stage is asked where the first knows
least for the length of the text: a mistake about a rare label costs macro-F1 more than one about a frequent label, and
a text of twice the length takes twice the time. The logits are calibrated ones: the first stage's where it
is sure, else a weighted mean of both stages'. What the first stage said is known by then, and two models together are
often better than one.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.decision import Calibration
from insula.core.errors import ModelFolderError
from insula.core.model_input import TextOrInput, text_of
from insula.inference.engine import DEFAULT, Engine
from insula.inference.predictor import Encoded, Predictor
from insula.text.context import Context

CASCADE = "cascade.json"
CASCADE_VERSION = 2  # the limit was one of confidence before
STAGES = ("first", "second")
# What every text costs beside its own bytes: its first and last token. A token is four bytes or so, in Chinese three.
BYTES_PER_TEXT = 8


@dataclass(frozen=True, slots=True)
class FirstStageResult:
    """What the first stage was asked.

    logits   (rows, outputs) calibrated ones of the first stage
    rest     the rows that it is not sure of; `encoded` are these, for the second stage
    """

    logits: NDArray[np.float64]
    rest: list[int]
    encoded: Encoded


class CascadeBackend:
    """Opens the folders of the family `cascade`. Each stage prepares texts in its own way, so it is given raw ones.

    limit   the first stage answers where its doubt is at most this
    worth   what a mistake about each label costs, in the order of the scheme
    price   how much the length of a text counts: not at all (0) to fully (1)
    say     the first stage's weight in the mean where both answer
    """

    def __init__(self, folder: Path, engine: Engine = DEFAULT) -> None:
        try:
            settings = json.loads((folder / CASCADE).read_text(encoding="utf-8"))
            self.limit, self.price, self.say = (float(settings[name]) for name in ("limit", "price", "say"))
            self.worth = np.array(settings["worth"], dtype=np.float64)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelFolderError(
                f"The model folder {str(folder)!r} has no switch point in {CASCADE}: {error}. Copy it again."
            ) from error
        self.first, self.second = (Predictor.load(folder / stage, engine=_of_a_stage(engine)) for stage in STAGES)

    @property
    def context(self) -> Context:
        """What either stage reads besides the text."""
        first, second = self.first.context, self.second.context
        return dataclasses.replace(second, turns=max(first.turns, second.turns), target=first.target or second.target)

    def unread(self, inputs: Sequence[TextOrInput]) -> int:
        """Return how many inputs have earlier turns or a target that the second stage does not read."""
        return self.second.unread(inputs)

    def logits(self, texts: Sequence[TextOrInput]) -> NDArray[np.floating[Any]]:
        """Return calibrated (rows, outputs) logits in the order of `texts`."""
        return self.compute(self.encode(texts))

    def encode(self, texts: Sequence[TextOrInput]) -> FirstStageResult:
        """Ask the first stage, and encode what it is not sure of for the second."""
        cheap, sure = self.run_first(texts)
        rest = np.flatnonzero(~sure).tolist()
        return FirstStageResult(cheap, rest, self.second.encode([texts[row] for row in rest]))

    def compute(self, asked: FirstStageResult) -> NDArray[np.floating[Any]]:
        """Ask the second stage; return the calibrated (rows, outputs) logits of all texts."""
        logits = asked.logits.copy()
        if asked.rest:
            second = calibrate_logits(self.second, self.second.compute(asked.encoded))
            logits[asked.rest] = mix_logits(logits[asked.rest], second, self.say)
        return logits

    def run_first(self, texts: Sequence[TextOrInput]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the first stage's calibrated (rows, outputs) logits, and (rows,) of which it is sure."""
        logits = calibrate_logits(self.first, self.first.logits(texts))
        return logits, uncertainty(self.first, logits, self.worth, byte_lengths(texts), self.price) <= self.limit


def calibrate_logits(stage: Predictor, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return a stage's (rows, outputs) logits after its calibration, as float64."""
    found = stage.decision.calibration.apply(np.array(logits, dtype=np.float64), stage.scheme.kind)
    return np.asarray(found, dtype=np.float64)


def byte_lengths(texts: Sequence[TextOrInput]) -> NDArray[np.float64]:
    """Return (rows,) about how long the second stage takes for each text, in bytes."""
    sizes = [len(text_of(text).encode("utf-8", "surrogatepass")) + BYTES_PER_TEXT for text in texts]
    return np.array(sizes, dtype=np.float64)


def uncertainty(
    stage: Predictor,
    logits: NDArray[np.float64],
    worth: NDArray[np.float64],
    byte_lengths: NDArray[np.float64],
    price: float,
) -> NDArray[np.float64]:
    """Return (rows,) how little a stage knows: each label's variance p(1 - p), over length to the power of `price`.

    logits  (rows, outputs) calibrated ones, so that their scores are probabilities
    worth   (labels,) what a mistake about a label costs
    """
    scores = dataclasses.replace(stage.decision, calibration=Calibration()).scores(stage.scheme, logits)
    return np.asarray((scores * (1.0 - scores)) @ worth / byte_lengths**price, dtype=np.float64)


def mix_logits(first: NDArray[np.float64], second: NDArray[np.float64], say: float) -> NDArray[np.float64]:
    """Return the mean of both stages' calibrated logits, with the weight `say` for the first."""
    return say * first + (1 - say) * second


def _of_a_stage(engine: Engine) -> Engine:
    return Engine(threads=engine.threads, tokens=engine.tokens)
