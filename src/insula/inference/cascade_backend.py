"""The `cascade` backend: a fast model predicts the texts that it is certain about, an accurate model the rest.

As in Viola and Jones (2001) and FrugalGPT (Chen et al. 2023), with two stages. The folder of a cascade contains two
model folders, `first` and `second`, and `cascade.json` with the switch point. The second stage runs on texts for which
the first is uncertain in relation to the length of the text. Labels are weighted, because a mistake about a rare label
costs more macro-F1 than one about a frequent label; length counts, because a text of twice the length takes twice the
time. The logits are calibrated: those of the first stage if it is certain, else a weighted mean of both stages, because
the first stage has already run and two models together are often better than one.
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
from insula.core.model_input import TextOrInput, get_text
from insula.inference.engine import DEFAULT, EngineSettings
from insula.inference.predictor import EncodedInputs, Predictor
from insula.text.context import Context

CASCADE = "cascade.json"
CASCADE_VERSION = 2  # version 1 had a limit of confidence instead of uncertainty
STAGES = ("first", "second")
# The cost of the first and last token of every text, in bytes. A token has about four bytes, in Chinese three.
BYTES_PER_TEXT = 8


@dataclass(frozen=True, slots=True)
class FirstStageResult:
    """The result of the first stage.

    logits   (rows, outputs) calibrated logits of the first stage
    rest     the rows that the first stage is uncertain about
    encoded  these rows, encoded for the second stage
    truncated  (rows,) whether the first stage did not read the end of a text
    """

    logits: NDArray[np.float64]
    rest: list[int]
    encoded: EncodedInputs
    truncated: NDArray[np.bool_]


class CascadeBackend:
    """Opens folders of the family `cascade`. It gets unprepared texts, because each stage has its own preparation.

    limit   the maximum uncertainty at which the first stage decides alone
    worth   (labels,) the cost of a mistake about each label
    price   the exponent of the text length, from 0 (ignored) to 1
    say     the weight of the first stage in the mean of both stages

    The attributes have the names of the keys in `cascade.json`.
    """

    def __init__(self, folder: Path, engine: EngineSettings = DEFAULT) -> None:
        try:
            settings = json.loads((folder / CASCADE).read_text(encoding="utf-8"))
            self.limit, self.price, self.say = (float(settings[name]) for name in ("limit", "price", "say"))
            self.worth = np.array(settings["worth"], dtype=np.float64)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelFolderError(
                f"The model folder {str(folder)!r} has no valid switch point in {CASCADE}: {error}. Copy it again."
            ) from error
        self.first, self.second = (Predictor.load(folder / stage, engine=_choose_engine(engine)) for stage in STAGES)

    @property
    def context(self) -> Context:
        """The context that either stage reads in addition to the text."""
        first, second = self.first.context, self.second.context
        return dataclasses.replace(second, turns=max(first.turns, second.turns), target=first.target or second.target)

    def count_unread(self, inputs: Sequence[TextOrInput]) -> int:
        """Return the number of inputs with turns or a target that the second stage does not read."""
        return self.second.count_unread(inputs)

    def logits(self, texts: Sequence[TextOrInput]) -> NDArray[np.floating[Any]]:
        """Return calibrated (rows, outputs) logits in the order of `texts`."""
        return self.compute(self.encode(texts))

    def encode(self, texts: Sequence[TextOrInput]) -> FirstStageResult:
        """Run the first stage, and encode the texts that it is uncertain about for the second."""
        logits, certain, truncated = self.run_first_stage(texts)
        rest = np.flatnonzero(~certain).tolist()
        return FirstStageResult(logits, rest, self.second.encode([texts[row] for row in rest]), truncated)

    def compute(self, result: FirstStageResult) -> NDArray[np.floating[Any]]:
        """Run the second stage; return the calibrated (rows, outputs) logits of all texts."""
        logits = result.logits.copy()
        if result.rest:
            second = calibrate_logits(self.second, self.second.compute(result.encoded))
            logits[result.rest] = mix_logits(logits[result.rest], second, self.say)
        return logits

    def truncated(self, result: FirstStageResult) -> NDArray[np.bool_]:
        """Return (rows,) whether the end of each text was not read by the last stage that read it."""
        found = result.truncated.copy()
        found[result.rest] = self.second.truncated(result.encoded)
        return found

    @property
    def reads(self) -> str:
        """The most that the second stage reads of a text."""
        return self.second.reads

    def run_first_stage(
        self, texts: Sequence[TextOrInput]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Return the calibrated (rows, outputs) logits of the first stage.

        Also (rows,) whether it is certain, and (rows,) whether it did not read the end of a text.
        """
        raw, truncated = self.first.read(texts)
        logits = calibrate_logits(self.first, raw)
        certain = (
            compute_uncertainty(self.first, logits, self.worth, measure_byte_lengths(texts), self.price) <= self.limit
        )
        return logits, certain, truncated


def calibrate_logits(stage: Predictor, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the (rows, outputs) logits of a stage after its calibration, as float64."""
    calibrated = stage.decision.calibration.apply(np.array(logits, dtype=np.float64), stage.scheme.kind)
    return np.asarray(calibrated, dtype=np.float64)


def measure_byte_lengths(texts: Sequence[TextOrInput]) -> NDArray[np.float64]:
    """Return (rows,) text lengths in bytes, an estimate of the time that the second stage takes."""
    sizes = [len(get_text(text).encode("utf-8", "surrogatepass")) + BYTES_PER_TEXT for text in texts]
    return np.array(sizes, dtype=np.float64)


def compute_uncertainty(
    stage: Predictor,
    logits: NDArray[np.float64],
    worth: NDArray[np.float64],
    byte_lengths: NDArray[np.float64],
    price: float,
) -> NDArray[np.float64]:
    """Return (rows,) the uncertainty of a stage: `sum(worth * p * (1 - p)) / byte_lengths ** price`.

    logits  (rows, outputs) calibrated logits, so that the scores p are probabilities
    worth   (labels,) the cost of a mistake about each label
    """
    scores = dataclasses.replace(stage.decision, calibration=Calibration()).scores(stage.scheme, logits)
    return np.asarray((scores * (1.0 - scores)) @ worth / byte_lengths**price, dtype=np.float64)


def mix_logits(first: NDArray[np.float64], second: NDArray[np.float64], say: float) -> NDArray[np.float64]:
    """Return the mean of the calibrated logits of both stages, with weight `say` for the first."""
    return say * first + (1 - say) * second


def _choose_engine(engine: EngineSettings) -> EngineSettings:
    return EngineSettings(threads=engine.threads, tokens=engine.tokens)
