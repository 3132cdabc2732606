"""Exports a neural model as `model.onnx`: token ids to logits, for any number of rows and tokens."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from insula.models.onnx.attention import join_heads
from insula.models.onnx.features import show_features
from insula.models.onnx.shared import share_weights

OPSET = 23  # the first with attention as one operator


class _LogitsOnlyModel(nn.Module):
    """Returns a tensor, as the exporter needs, instead of an output object."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits


def export_onnx(model: PreTrainedModel, file: Path, *, weights: Path | None = None) -> None:
    """Write `file`: inputs `input_ids` and `attention_mask` (rows, tokens) int64, output `logits` (rows, outputs).

    A second output, `features` (rows, width), is what the last linear layer reads. Programs that do not ask for it
    compute no more than before.

    weights  a safetensors file in the same folder with the same weights; `file` then refers to it instead of a copy
    """
    program = trace_network(model)
    graph: Any = program.model.graph
    for item in (graph, *graph.all_nodes()):
        item.metadata_props.clear()  # stack traces with local paths
    join_heads(program.model)
    show_features(program.model)
    program.save(str(file))
    if weights is not None:
        share_weights(file, weights)


def trace_network(model: PreTrainedModel) -> torch.onnx.ONNXProgram:
    """Return a network as an ONNX program, before insula's own passes."""
    model.eval()
    # Two rows of different length, so that the exporter takes neither size for a constant.
    ids = torch.ones((2, 7), dtype=torch.long)
    mask = torch.ones((2, 7), dtype=torch.long)
    mask[1, 5:] = 0
    dynamic = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # deprecations inside torch and onnxscript, which users cannot act on
        program = torch.onnx.export(
            _LogitsOnlyModel(model),
            (ids, mask),
            dynamo=True,
            opset_version=OPSET,
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_shapes={"input_ids": dynamic, "attention_mask": dynamic},
            verbose=False,
        )
    if program is None:
        raise RuntimeError(
            "The ONNX exporter returned no program for this model. Install another version of torch or onnxscript."
        )
    return program
