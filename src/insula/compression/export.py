"""Exports a trained model: as a model folder that needs no torch, or as a Hugging Face folder."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, PreTrainedModel, PreTrainedTokenizerFast

from insula.compression.huggingface import FOLDABLE_CALIBRATIONS, to_transformers
from insula.core.decision import Calibration, DecisionRule
from insula.core.errors import ModelFolderError, ParityError
from insula.core.files import atomic_folder, write_json, write_text
from insula.core.scheme import LabelScheme
from insula.evaluation.document import MetricsDocument
from insula.inference.backends import get_backend_entry
from insula.inference.parity import FLOAT_TOLERANCE, PARITY, build_score_function, check_export
from insula.inference.torch_backend import TorchBackend
from insula.knowledge.rule_file import RULES
from insula.models.adapter_folder import needs_base, open_with_base
from insula.models.folder import MANIFEST, ModelFolder, seal
from insula.models.networks.architectures import load_network
from insula.models.onnx.export import export_onnx
from insula.models.quiet import silence_transformers
from insula.models.tokens.tokenization import open_tokenizer

Format = Literal["onnx", "huggingface"]
FORMATS: tuple[Format, ...] = ("onnx", "huggingface")
_WEIGHTS = ("model.safetensors", "adapter.safetensors")
_TORCH_FILES = (*_WEIGHTS, "config.json", "adapter.json")
_TEXTS = (
    "Two hours on hold and nobody called back.", "I am so happy for you, this is wonderful!", "no", "",
    "等了两个小时，还是没人回电话。", "It was fine. " * 40, "Why would anyone do that?", "thanks, that helped a lot",
)  # fmt: skip


def export(source: ModelFolder, output: Path, kind: Format) -> dict[str, Any]:
    """Export a model to `output`; return the differences of its scores.

    onnx          a model folder that needs no torch, with preparation, tokenizer and decision rule
    huggingface   `config.json`, weights and tokenizer for `transformers.pipeline("text-classification")`

    Raises `ParityError`, and writes nothing, if scores differ; `ModelFolderError` if the model has no trained weights,
    or if no transformers class computes it.
    """
    get_backend_entry(source.backend).require_can("export", source)
    if not any((source.path / name).exists() for name in _WEIGHTS):
        exported = (source.path / "model.onnx").exists()
        raise ModelFolderError(
            f"The model {str(source.path)!r} cannot be exported: "
            + (
                "it was exported or compressed before and has no torch weights. Use its model.onnx, or name the "
                "model that it was made from."
                if exported
                else f"a model of family {source.family!r} has no torch weights (model.safetensors). Copy its folder, "
                "or train a neural model."
            )
        )
    if kind == "huggingface" and source.rules is not None:
        raise ModelFolderError(
            f"The model {str(source.path)!r} cannot be exported for transformers: only insula applies its {RULES}. "
            "Use the format onnx, or train without rules.file."
        )
    makers: dict[Format, Callable[[ModelFolder, Path], dict[str, Any]]] = {
        "onnx": _export_onnx,
        "huggingface": _export_huggingface,
    }
    with atomic_folder(output) as stage:
        return makers[kind](source, stage)


def _export_onnx(source: ModelFolder, stage: Path) -> dict[str, Any]:
    for file in sorted(source.path.iterdir()):
        if file.is_file() and file.name != MANIFEST:
            shutil.copy2(file, stage / file.name)
    network = _load_network(source.path)
    with silence_transformers():
        export_onnx(network, stage / "model.onnx")
    figures = check_export(stage, source.scheme, source.preparation.prepare_all(_TEXTS))
    for name in _TORCH_FILES:
        (stage / name).unlink(missing_ok=True)
    write_json(stage / PARITY, figures)
    seal(stage, family=source.family, backend="onnx")
    return figures


def _export_huggingface(source: ModelFolder, stage: Path) -> dict[str, Any]:
    network = _load_network(source.path)
    with silence_transformers():
        model = to_transformers(network, source.scheme, source.decision)
        _load_tokenizer(source.path, model).save_pretrained(stage)
        model.save_pretrained(stage)
        loaded = AutoModelForSequenceClassification.from_pretrained(
            stage, dtype=torch.float32, trust_remote_code=False, local_files_only=True
        ).eval()
    difference = _measure_score_difference(source, loaded, source.preparation.prepare_all(_TEXTS))
    if not difference <= FLOAT_TOLERANCE:
        raise ParityError(
            f"The exported model's scores must match the trained model's within {FLOAT_TOLERANCE}. Got a difference "
            f"of {difference:.2g}. Export it with --format onnx. Nothing was written."
        )
    write_text(stage / "README.md", _write_card(source))
    for name in ("decision.json", "preparation.json", "scheme.json"):
        shutil.copy2(source.path / name, stage / name)
    return {"kind": "huggingface", "rows": len(_TEXTS), "tolerance": FLOAT_TOLERANCE, "scores": difference}


def _load_network(folder: Path) -> PreTrainedModel:
    return open_with_base(folder) if needs_base(folder) else load_network(folder)


def _load_tokenizer(folder: Path, model: PreTrainedModel) -> PreTrainedTokenizerFast:
    own, _ = open_tokenizer(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    tokenizer.model_max_length = own.max_tokens
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    model.config.pad_token_id = tokenizer.pad_token_id
    return tokenizer


@torch.inference_mode()
def _measure_score_difference(source: ModelFolder, model: PreTrainedModel, texts: Sequence[str]) -> float:
    """Return the largest difference of a score, computing each text alone."""
    folded = source.decision.calibration.method in FOLDABLE_CALIBRATIONS
    rule = DecisionRule(calibration=source.decision.calibration if folded else Calibration())
    scores = build_score_function(source.scheme, rule)
    trained = TorchBackend(source.path)
    trained.windows = "none"  # as in the pipeline
    wanted = scores(trained.logits(texts))
    tokenizer, _ = open_tokenizer(source.path)
    plain = build_score_function(source.scheme, DecisionRule())
    found = []
    for row in tokenizer(texts):
        ids = torch.from_numpy(row)[None]
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits.numpy()
        if source.scheme.kind == "binary":
            logits = logits[:, 1:] - logits[:, :1]
        found.append(plain(logits))
    return float(np.abs(np.concatenate(found) - wanted).max())


def _write_card(source: ModelFolder) -> str:
    rule, name = source.decision, MetricsDocument.from_dict(source.metrics).name or "model"
    calibrated = (
        "calibrated"
        if rule.calibration.method in FOLDABLE_CALIBRATIONS
        else "not calibrated, because the format cannot store isotonic curves"
    )
    return (
        f'# {name}\n\nExported by insula for `transformers.pipeline("text-classification", model=FOLDER, '
        f"top_k=None)`. Call it with `truncation=True`, or long texts raise an error. Scores are {calibrated}.\n\n"
        f"The pipeline does not run the text steps of training: "
        f"{', '.join(source.preparation.steps) or 'none'}. Apply them to your texts to get the same scores as in "
        f"insula.\n\n{_describe_windows(source.path)}{_describe_decision(source.scheme, rule)}"
    )


def _describe_windows(folder: Path) -> str:
    """Describe how insula reads long texts if the pipeline cannot; empty if insula truncates them, too."""
    tokenizer, _ = open_tokenizer(folder)
    if tokenizer.windows == "none":
        return ""
    return (
        f"insula reads texts of more than {tokenizer.max_tokens:,} tokens in overlapping windows, and takes the "
        f"{tokenizer.windows} of their logits; the pipeline reads their start only.\n\n"
    )


def _describe_decision(scheme: LabelScheme, rule: DecisionRule) -> str:
    """Return a description of the decision rule, which the pipeline does not apply."""
    if scheme.kind == "dimensional":
        return "insula clips values to these ranges; the pipeline does not:\n\n" + _format_table(
            "range", {name: "{:g} to {:g}".format(*scheme.ranges[name]) for name in scheme.names}
        )
    if labels := scheme.threshold_labels:
        limits = rule.thresholds or (0.5,) * len(labels)
        text = "insula predicts the labels whose score reaches their threshold; the pipeline has no thresholds:\n\n"
        text += _format_table("threshold", {label: f"{limit:.4f}" for label, limit in zip(labels, limits, strict=True)})
    elif rule.offsets:
        factors = {label: f"{math.exp(one):.4f}" for label, one in zip(scheme.names, rule.offsets, strict=True)}
        text = (
            "insula predicts the label with the highest product of score and factor; the pipeline has no factors:\n\n"
        )
        text += _format_table("factor", factors)
    else:
        text = "insula predicts the label with the highest score.\n"
    reasons = [f"the confidence is below {rule.abstention:.4f}"] if rule.abstention else []
    if rule.energy is not None:
        reasons.append(f"minus the log-sum-exp of its logits after scale and bias is above {rule.energy:.4f}")
    return text + (f"\ninsula abstains if {' or '.join(reasons)}; the pipeline does not.\n" if reasons else "")


def _format_table(what: str, cells: Mapping[str, str]) -> str:
    rows = "".join(f"| {label} | {cell} |\n" for label, cell in cells.items())
    return f"| label | {what} |\n| --- | --- |\n{rows}"
