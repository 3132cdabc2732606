"""The average of the weights of two stages of training."""

from __future__ import annotations

import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file

from insula.core.files import atomic_folder
from insula.models.folder import MANIFEST, open_folder, seal
from insula.models.networks.architectures import load_network
from insula.models.onnx.export import export_onnx

WEIGHTS = "model.safetensors"


def average_weights(first: Path, second: Path, share: float, output: Path) -> None:
    """Write `output`, a copy of the model folder `second` whose weights are moved towards those of `first`.

    share  of `second`: 1 keeps its weights

    Such an average often keeps what both stages know (Wortsman et al. 2022, robust fine-tuning of zero-shot models).
    Calibration and thresholds stay those of `second`; quantisation chooses them again.
    """
    folder = open_folder(second)
    with atomic_folder(output) as stage:
        shutil.copytree(second, stage, dirs_exist_ok=True)
        early, late = load_file(first / WEIGHTS), load_file(second / WEIGHTS)
        mixed = {name: early[name].lerp(one, share).contiguous() for name, one in late.items()}
        save_file(mixed, stage / WEIGHTS, metadata={"format": "pt"})
        export_onnx(load_network(stage), stage / "model.onnx")
        (stage / MANIFEST).unlink()
        seal(stage, family=folder.family, backend=folder.backend)
