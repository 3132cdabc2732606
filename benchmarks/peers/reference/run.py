"""The reference network: Embedding 128, LSTM 128 returning sequences, LSTM 128, sigmoid or softmax.

Texts are padded behind to 200 words of a vocabulary of 20,000 by count; Adam 1e-3, batches of 32, early stopping with a
patience of 3 on validation loss. `options.engine` is `keras`, the model as written, or `twin`, the same in plain torch,
which is many times faster on a processor: there the Keras model is given the trained weights, and the largest
difference between both models' probabilities on test rows is written down as `largest_difference_to_keras`.
"""

from __future__ import annotations

import random
import time

import keras_model
import numpy as np
import torch
import twin

from exchange import Task, read_task, write_answer
from words import Vocabulary

WORDS, WIDTH, STEPS = 20_000, 128, 200
TRAINING = {"epochs": 20, "batch": 32, "patience": 3}
COMPARED = 64


def main() -> None:
    """Train, predict, answer."""
    task = read_task()
    random.seed(task.seed)
    np.random.seed(task.seed)
    keras_model.keras.utils.set_random_seed(task.seed)
    masking, engine = bool(task.options["masking"]), task.options["engine"]
    outputs = 1 if task.kind == "binary" else len(task.names)
    vocabulary = Vocabulary(task.texts["train"], task.language, WORDS)
    tokens = {split: _padded(task.texts[split], vocabulary) for split in ("train", "validation")}
    gold = {split: np.array(task.gold[split], np.float32)[:, -outputs:] for split in ("train", "validation")}
    reference = keras_model.build(WORDS, WIDTH, outputs, STEPS, task.kind, masking=masking)
    if engine == "keras":
        facts = keras_model.fit(
            reference, *((tokens[split], gold[split]) for split in ("train", "validation")), TRAINING
        )

        def scores(split: str) -> np.ndarray:
            return keras_model.predict(reference, _padded(task.texts[split], vocabulary))
    else:
        network = twin.Twin(WORDS, WIDTH, outputs, masking=masking)
        splits = [(torch.from_numpy(tokens[split]), torch.from_numpy(gold[split])) for split in ("train", "validation")]
        facts = twin.fit(network, task.kind, *splits, TRAINING, task.seed)
        few = _padded(task.texts["test"][:COMPARED], vocabulary)
        reference.set_weights(network.keras_weights())
        difference = (
            keras_model.predict(reference, few) - twin.predict(network, task.kind, torch.from_numpy(few)).numpy()
        )
        facts["largest_difference_to_keras"] = float(np.abs(difference).max())

        def scores(split: str) -> np.ndarray:
            padded = torch.from_numpy(_padded(task.texts[split], vocabulary))
            return twin.predict(network, task.kind, padded).numpy()

    began = time.monotonic()
    test = _by_label(task, scores("test"))
    seconds = time.monotonic() - began
    write_answer(
        task,
        test=test,
        validation=_by_label(task, scores("validation")),
        packages=("keras", "torch", "rjieba"),
        parameters=reference.count_params(),
        rows_per_second=len(test) / seconds,
        engine=engine,
        masking=masking,
        **facts,
    )


def _padded(texts: list[str], vocabulary: Vocabulary) -> np.ndarray:
    padded = np.zeros((len(texts), STEPS), np.int64)
    for row, text in enumerate(texts):
        numbers = vocabulary(text, STEPS)
        padded[row, : len(numbers)] = numbers
    return padded


def _by_label(task: Task, scores: np.ndarray) -> list[list[float]]:
    scores = scores.astype(np.float64)
    return (np.hstack([1 - scores, scores]) if task.kind == "binary" else scores).tolist()


if __name__ == "__main__":
    main()
