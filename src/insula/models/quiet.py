"""Silences the progress bars and load reports of `transformers` during a block."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from transformers.utils import logging as transformers_logging


@contextlib.contextmanager
def silence_transformers() -> Iterator[None]:
    """Silence progress bars and messages below errors, and restore the previous settings afterwards."""
    verbosity = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    # The exporter warns about torchvision operators that it cannot register; no model here uses any.
    exporter = logging.getLogger("torch.onnx._internal.exporter._registration")
    exporter_level = exporter.level
    try:
        transformers_logging.set_verbosity_error()
        transformers_logging.disable_progress_bar()
        exporter.setLevel(logging.ERROR)
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        exporter.setLevel(exporter_level)
        if bars:
            transformers_logging.enable_progress_bar()
