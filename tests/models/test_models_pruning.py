"""Cutting layers, heads and neurons out of an encoder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from transformers import RobertaConfig, RobertaModel

import toy_data
from insula.compression.huggingface import to_transformers
from insula.compression.quantization.graph import Graph
from insula.core.decision import DecisionRule
from insula.core.errors import ModelFolderError, RecipeError
from insula.inference.onnx_backend import open_session
from insula.models.networks.architectures import load_network
from insula.models.networks.encoder import EncoderForEmotion
from insula.models.onnx.export import export_onnx
from insula.models.pruning import EncoderShape, PrunedShape, find_bert_layers, prune_encoder

EncoderFolder = Callable[..., Path]
IDS = torch.arange(5, 19).view(2, 7)
MASK = torch.tensor([[1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0, 0]])


def encoder(folder: Path) -> EncoderForEmotion:
    model = EncoderForEmotion.from_backbone(folder, outputs=3, pooling="mean", dropout=0.0)
    model.head.randomise(0)
    return model.eval()


@torch.no_grad()
def logits(model: EncoderForEmotion) -> torch.Tensor:
    answer: torch.Tensor = model(IDS, MASK).logits
    return answer


def test_an_encoder_with_all_its_parts_kept_is_the_same(encoder_folder: EncoderFolder) -> None:
    model = encoder(encoder_folder(layers=3))
    before = logits(model)
    shape = EncoderShape.of(model.backbone)
    assert shape == EncoderShape((4, 4, 4), (64, 64, 64))
    model.prune(PrunedShape.keep_first(shape))
    assert torch.equal(logits(model), before)


def test_matrices_shrink_and_what_is_kept_has_its_weights(encoder_folder: EncoderFolder) -> None:
    model, whole = encoder(encoder_folder(layers=3)), encoder(encoder_folder(layers=3))
    model.prune(PrunedShape((0, 2), ((1, 3), (0,)), (tuple(range(8)), tuple(range(0, 64, 2)))))
    assert model.config.pruned == {"layers": 2, "heads": [2, 1], "widths": [8, 32]}
    first, last = find_bert_layers(model.backbone)
    assert first.attention.self.query.weight.shape == (16, 32)
    assert last.attention.output.dense.weight.shape == (32, 8)
    was = find_bert_layers(whole.backbone)[2]
    assert torch.equal(last.attention.self.value.weight, was.attention.self.value.weight[:8])
    assert torch.equal(last.output.dense.weight, was.output.dense.weight[:, ::2])
    assert torch.equal(last.output.dense.bias, was.output.dense.bias)
    assert logits(model).shape == (2, 3)


@torch.no_grad()
def test_parts_without_output_weights_can_go_without_a_trace(encoder_folder: EncoderFolder) -> None:
    model = encoder(encoder_folder())
    for layer in find_bert_layers(model.backbone):
        layer.attention.output.dense.weight[:, 8:16] = 0  # head 1
        layer.output.dense.weight[:, 3] = 0
    before = logits(model)
    neurons = tuple(number for number in range(64) if number != 3)
    model.prune(PrunedShape((0, 1), ((0, 2, 3),) * 2, (neurons,) * 2))
    torch.testing.assert_close(logits(model), before, atol=1e-6, rtol=0)


def test_a_pruned_encoder_reopens_and_is_pruned_again(tmp_path: Path, encoder_folder: EncoderFolder) -> None:
    model = encoder(encoder_folder(layers=3))
    model.prune(PrunedShape((0, 2), ((1, 3), (0,)), (tuple(range(8)), tuple(range(32)))))
    model.save_pretrained(tmp_path)
    again: Any = load_network(tmp_path)
    assert torch.equal(logits(again), logits(model))
    again.prune(PrunedShape((1,), ((0,),), (tuple(range(16)),)))
    again.save_pretrained(tmp_path / "again")
    assert torch.equal(logits(load_network(tmp_path / "again")), logits(again))  # type: ignore[arg-type]


def test_its_export_has_the_small_matrices_and_the_same_answers(tmp_path: Path, encoder_folder: EncoderFolder) -> None:
    model, file = encoder(encoder_folder(layers=3)), tmp_path / "model.onnx"
    model.prune(PrunedShape((0, 2), ((1, 2, 3), (0, 3)), (tuple(range(40)), tuple(range(48)))))
    export_onnx(model, file)
    (found,) = open_session(file).run(["logits"], {"input_ids": IDS.numpy(), "attention_mask": MASK.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), logits(model), atol=1e-5, rtol=0)
    graph = Graph.load(file)
    shapes = [graph.read_constant(one.weight).shape for one in graph.find_products()]
    assert {(32, 40), (40, 32), (32, 48), (48, 32)} <= set(shapes)
    heads = [one.i for node in onnx.load(file).graph.node for one in node.attribute if one.name == "q_num_heads"]
    assert heads == [3, 2]


def test_roberta_is_built_alike(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = RobertaConfig(
        vocab_size=40, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64
    )
    RobertaModel(config).save_pretrained(tmp_path)
    model = encoder(tmp_path)
    model.prune(PrunedShape((1,), ((0, 3),), (tuple(range(24)),)))
    model.save_pretrained(tmp_path / "small")
    assert torch.equal(logits(load_network(tmp_path / "small")), logits(model))  # type: ignore[arg-type]


def test_another_kind_of_network_is_refused(decoder_folder: Callable[[], Path]) -> None:
    model = encoder(decoder_folder())
    with pytest.raises(RecipeError, match=r"must be a BERT-shaped encoder .* Got GPT2Model"):
        prune_encoder(model.backbone, PrunedShape((0,), ((0,),), ((0,),)))


def test_no_transformers_class_has_layers_of_several_shapes(encoder_folder: EncoderFolder) -> None:
    model = encoder(encoder_folder())
    model.prune(PrunedShape((0,), ((0,),), (tuple(range(8)),)))
    with pytest.raises(ModelFolderError, match="A pruned encoder"):
        to_transformers(model, toy_data.SCHEMES["single"], DecisionRule())
