"""What the fitters of neural families share: texts into rows of tokens, a trained network into a model folder."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from insula.inference.token_backend import in_batches
from insula.models.onnx.export import export_onnx
from insula.models.quiet import quiet_transformers
from insula.models.tokens.tokenization import TextTokenizer, write_settings
from insula.text.context import Segments
from insula.training.fitting import FitInput, Fitted, Rows, Task
from insula.training.loss_terms.term import TermInput
from insula.training.loss_terms.total import LossTerms
from insula.training.neural.batches import TokenRows
from insula.training.neural.task_batches import rows_an_epoch
from insula.training.objectives.objective import Objective
from insula.training.objectives.registry import targets

VOCABULARY_SAMPLE = 1000
MOST_UNKNOWN = 0.05  # above it a vocabulary was made for another language or script


def tokenizer_folder(given: FitInput) -> Path:
    """Return where a fitter puts the files of its tokenizer while it trains; a finished run has none left."""
    return given.folder / "tokenizer"


def token_rows(given: FitInput, rows: Rows, tokenizer: TextTokenizer, terms: LossTerms | None = None) -> TokenRows:
    """Return the rows as the trainer reads them; training rows have the columns and views of the `terms`."""
    wanted = targets(given.scheme, rows.gold)
    found = TokenRows(tokenizer(rows.texts), wanted, rows.weights)
    if terms is not None:
        found.columns = terms.columns
        found.views = {name: tokenizer(texts) for name, texts in terms.views.items()}
    if rows.task is not None:
        found.task, found.targets = rows.task, _own_targets(rows.task, wanted, given.tasks)
        main, *others = np.bincount(rows.task, minlength=1 + len(given.tasks)).tolist()
        found.an_epoch = rows_an_epoch(main, others, given.auxiliary.alpha if given.auxiliary else 1.0)
    return found


def _own_targets(
    task: NDArray[np.intp], main: NDArray[np.float64], others: Sequence[Task]
) -> list[NDArray[np.float64]]:
    """Return the targets of each row under the labels of its own task."""
    wanted = list(main)
    for number, one in enumerate(others, start=1):
        own = targets(one.scheme, one.rows.gold)
        for row, target in zip(np.flatnonzero(task == number), own, strict=True):
            wanted[row] = target
    return wanted


def build_terms(given: FitInput, objective: Objective) -> LossTerms:
    """Return what the recipe asks a network to minimise; `RecipeError` where a term does not fit the scheme."""
    return LossTerms.of(
        TermInput(
            scheme=given.scheme,
            objective=objective,
            train=given.train,
            options=given.objective,
            distil=given.distil,
            auxiliary=given.auxiliary,
            tasks=given.tasks,
        )
    )


def set_base_rates(model: PreTrainedModel, objective: Objective, given: FitInput) -> None:
    """Let the head start at the frequencies of the labels in the training rows."""
    rows = given.train
    model.head.set_base_rates(objective.biases(targets(given.scheme, rows.gold), rows.labelled_weights))


def fitted_network(
    given: FitInput,
    model: PreTrainedModel,
    tokenizer: TextTokenizer,
    *,
    history: Sequence[dict[str, float]],
    base: str | None,
    anew: Callable[[], PreTrainedModel] | None,
    trainable: int | None = None,
    beside: Callable[[Path], None] | None = None,
    backend: str = "onnx",
    shares_weights: bool = False,
) -> Fitted:
    """Return a trained network as the run needs it.

    base       the pretrained network it came from
    anew       builds the network as it was before the first step: with a random head it is the baseline `untrained`;
               None where it had learnt the labels before
    trainable  how many numbers were learnt, None for all
    beside     writes what was learnt alone, for a model that is kept beside its base; None for a whole one
    backend    what opens a whole one
    shares_weights  `model.onnx` reads its weights from `model.safetensors`
    """
    outputs = given.scheme.output_count

    def save(folder: Path) -> None:
        with quiet_transformers():
            if beside is not None:
                beside(folder)
            else:
                model.save_pretrained(folder)
                weights = folder / "model.safetensors" if shares_weights else None
                export_onnx(model, folder / "model.onnx", weights=weights)
        for file in tokenizer_folder(given).iterdir():
            shutil.copy2(file, folder / file.name)
        write_settings(folder, max_tokens=tokenizer.max_tokens, outputs=outputs)

    def untrained(build: Callable[[], PreTrainedModel], texts: Sequence[Segments]) -> NDArray[np.float32]:
        network = build().eval()
        network.head.randomise(given.seed)
        return in_batches(tokenizer(texts), outputs, _runner(network))

    return Fitted(
        save=save,
        backend=backend if beside is None else "torch",
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        trainable=trainable,
        base=base,
        history=history,
        untrained=None if anew is None else functools.partial(untrained, anew),
    )


def _runner(network: PreTrainedModel) -> Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]:
    @torch.inference_mode()
    def run(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = network(torch.from_numpy(ids), torch.from_numpy(mask)).logits.numpy()
        return logits

    return run
