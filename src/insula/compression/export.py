"""A trained model for use elsewhere: a model folder without torch's part, or a plain Hugging Face folder."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, PreTrainedModel, PreTrainedTokenizerFast

from insula.compression.huggingface import FOLDED, to_transformers
from insula.core.decision import Calibration, DecisionRule
from insula.core.errors import ModelFolderError, ParityError
from insula.core.files import atomic_folder, write_json, write_text
from insula.core.scheme import LabelScheme
from insula.evaluation.document import MetricsDocument
from insula.inference.backends import backend_entry
from insula.inference.parity import FLOAT_TOLERANCE, PARITY, check_export, score_function
from insula.inference.torch_backend import TorchBackend
from insula.models.adapter_folder import needs_base, open_with_base
from insula.models.folder import MANIFEST, ModelFolder, seal
from insula.models.networks.architectures import load_network
from insula.models.onnx.export import export_onnx
from insula.models.quiet import quiet_transformers
from insula.models.tokens.tokenization import open_tokenizer

Format = Literal["onnx", "huggingface"]
FORMATS: tuple[Format, ...] = ("onnx", "huggingface")
_WEIGHTS = ("model.safetensors", "adapter.safetensors")
_OF_TORCH = (*_WEIGHTS, "config.json", "adapter.json")
_TEXTS = (
    "Two hours on hold and nobody called back.", "I am so happy for you, this is wonderful!", "no", "",
    "等了两个小时，还是没人回电话。", "It was fine. " * 40, "Why would anyone do that?", "thanks, that helped a lot",
)  # fmt: skip


def export(source: ModelFolder, output: Path, kind: Format) -> dict[str, Any]:
    """Write `output` and return how near its scores are; `ParityError`, and nothing written, where they differ.

    onnx          a model folder that needs no torch; preparation, tokenizer and decision rule travel along
    huggingface   `config.json`, weights and tokenizer that `transformers.pipeline("text-classification")` loads

    Raises `ModelFolderError` where the model has no trained weights, or no class of transformers computes it.
    """
    backend_entry(source.backend).require_can("export", source)
    if not any((source.path / name).exists() for name in _WEIGHTS):
        exported = (source.path / "model.onnx").exists()
        raise ModelFolderError(
            f"The model {str(source.path)!r} cannot be exported: "
            + (
                "it was exported or made smaller before, and holds no trained weights. Its model.onnx is an export "
                "already: use the folder as it is, or name the model that it was made from."
                if exported
                else f"it is of family {source.family!r}, and holds no weights of torch (model.safetensors). Copy its "
                "folder, or train a neural model."
            )
        )
    makers: dict[Format, Callable[[ModelFolder, Path], dict[str, Any]]] = {"onnx": _onnx, "huggingface": _huggingface}
    with atomic_folder(output) as stage:
        return makers[kind](source, stage)


def _onnx(source: ModelFolder, stage: Path) -> dict[str, Any]:
    for file in sorted(source.path.iterdir()):
        if file.is_file() and file.name != MANIFEST:
            shutil.copy2(file, stage / file.name)
    network = _network(source.path)
    with quiet_transformers():
        export_onnx(network, stage / "model.onnx")
    figures = check_export(stage, source.scheme, source.preparation.many(_TEXTS))
    for name in _OF_TORCH:
        (stage / name).unlink(missing_ok=True)
    write_json(stage / PARITY, figures)
    seal(stage, family=source.family, backend="onnx")
    return figures


def _huggingface(source: ModelFolder, stage: Path) -> dict[str, Any]:
    network = _network(source.path)
    with quiet_transformers():
        model = to_transformers(network, source.scheme, source.decision)
        _tokenizer(source.path, model).save_pretrained(stage)
        model.save_pretrained(stage)
        loaded = AutoModelForSequenceClassification.from_pretrained(
            stage, dtype=torch.float32, trust_remote_code=False, local_files_only=True
        ).eval()
    apart = _apart(source, loaded, source.preparation.many(_TEXTS))
    if not apart <= FLOAT_TOLERANCE:
        raise ParityError(
            f"The exported model must give the scores of the trained one within {FLOAT_TOLERANCE}. Got "
            f"{apart:.2g} apart. Export it with --format onnx. Nothing was written."
        )
    write_text(stage / "README.md", _card(source))
    for name in ("decision.json", "preparation.json", "scheme.json"):
        shutil.copy2(source.path / name, stage / name)
    return {"kind": "huggingface", "rows": len(_TEXTS), "tolerance": FLOAT_TOLERANCE, "scores": apart}


def _network(folder: Path) -> PreTrainedModel:
    return open_with_base(folder) if needs_base(folder) else load_network(folder)


def _tokenizer(folder: Path, model: PreTrainedModel) -> PreTrainedTokenizerFast:
    texts, _ = open_tokenizer(folder)
    made = PreTrainedTokenizerFast.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    made.model_max_length = texts.max_tokens
    if made.pad_token is None:
        made.pad_token = made.eos_token or made.unk_token
    model.config.pad_token_id = made.pad_token_id
    return made


@torch.inference_mode()
def _apart(source: ModelFolder, model: PreTrainedModel, texts: Sequence[str]) -> float:
    """Return the largest difference of a score, each text alone."""
    folded = source.decision.calibration.method in FOLDED
    rule = DecisionRule(calibration=source.decision.calibration if folded else Calibration())
    scores = score_function(source.scheme, rule)
    wanted = scores(TorchBackend(source.path).logits(texts))
    tokenizer, _ = open_tokenizer(source.path)
    plain = score_function(source.scheme, DecisionRule())
    found = []
    for row in tokenizer(texts):
        ids = torch.from_numpy(row)[None]
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits.numpy()
        if source.scheme.kind == "binary":
            logits = logits[:, 1:] - logits[:, :1]
        found.append(plain(logits))
    return float(np.abs(np.concatenate(found) - wanted).max())


def _card(source: ModelFolder) -> str:
    rule, name = source.decision, MetricsDocument.from_dict(source.metrics).name or "model"
    calibrated = "calibrated" if rule.calibration.method in FOLDED else "not calibrated (isotonic curves do not fit)"
    return (
        f'# {name}\n\nExported by insula for `transformers.pipeline("text-classification", model=FOLDER, '
        f"top_k=None)`, asked with `truncation=True`: without it a long text is an error. Scores are {calibrated}.\n\n"
        f"Texts were prepared for training by these steps, which the pipeline does not run: "
        f"{', '.join(source.preparation.steps) or 'none'}. For the scores that insula gives, prepare texts the same "
        f"way.\n\n{_decided(source.scheme, rule)}"
    )


def _decided(scheme: LabelScheme, rule: DecisionRule) -> str:
    """Return what becomes of scores in insula, which the pipeline does not know."""
    if scheme.kind == "dimensional":
        return "Values beyond these ranges are cut; the pipeline does not know them:\n\n" + _table(
            "range", {name: "{:g} to {:g}".format(*scheme.ranges[name]) for name in scheme.names}
        )
    if labels := scheme.threshold_labels:
        limits = rule.thresholds or (0.5,) * len(labels)
        said = "Labels are given from these scores on; the pipeline does not know them:\n\n" + _table(
            "score", {label: f"{limit:.4f}" for label, limit in zip(labels, limits, strict=True)}
        )
    elif rule.offsets:
        said = (
            "The label whose score times its factor is highest is given; the pipeline does not know them:\n\n"
            + _table(
                "factor", {label: f"{math.exp(one):.4f}" for label, one in zip(scheme.names, rule.offsets, strict=True)}
            )
        )
    else:
        said = "The label with the highest score is given.\n"
    unsure = f"\nAnswers with a confidence below {rule.abstention:.4f} are marked as not sure by insula alone.\n"
    return said + (unsure if rule.abstention else "")


def _table(what: str, cells: Mapping[str, str]) -> str:
    rows = "".join(f"| {label} | {cell} |\n" for label, cell in cells.items())
    return f"| label | {what} |\n| --- | --- |\n{rows}"
