"""The reference network as it is written in Keras."""

from __future__ import annotations

import os
import time
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np


def build(words: int, width: int, outputs: int, steps: int, kind: str, *, masking: bool) -> Any:
    """Return the compiled model."""
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((steps,), dtype="int32"),
            layers.Embedding(words, width, mask_zero=masking),
            layers.LSTM(width, return_sequences=True),
            layers.LSTM(width),
            layers.Dense(outputs, activation="softmax" if kind == "single" else "sigmoid"),
        ]
    )
    loss = "categorical_crossentropy" if kind == "single" else "binary_crossentropy"
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss)
    return model


def fit(model: Any, train: Any, validation: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Train with early stopping on validation loss, best weights restored; return the facts of it."""
    stop = keras.callbacks.EarlyStopping(patience=options["patience"], restore_best_weights=True)
    began = time.monotonic()
    history = model.fit(
        *train, validation_data=validation, epochs=options["epochs"], batch_size=options["batch"], callbacks=[stop],
        verbose=2,
    )  # fmt: skip
    losses = [float(loss) for loss in history.history["val_loss"]]
    return {"train_seconds": time.monotonic() - began, "epochs": len(losses), "validation_losses": losses}


def predict(model: Any, tokens: np.ndarray) -> np.ndarray:
    """Return (rows, outputs) probabilities."""
    return np.asarray(model.predict(tokens, batch_size=256, verbose=0))
