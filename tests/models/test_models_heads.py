"""Heads for ordered classes, against their formulas."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from insula.models.layers.heads import heads
from insula.models.layers.ordinal_heads import MIN_GAP, CoralHead, CornHead
from insula.models.onnx.export import export_onnx

every_ordinal = pytest.mark.parametrize("name", ["corn", "coral"])


def _sigmoid(z: torch.Tensor) -> torch.Tensor:
    return 1 / (1 + torch.exp(-z))


def test_corn_s_probabilities_by_hand() -> None:
    head = CornHead(2, 4, 0.0).double()
    with torch.no_grad():
        head.output.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]]))
        head.output.bias.copy_(torch.tensor([0.1, 0.2, 0.3]))
    x = torch.tensor([[0.5, -1.0]], dtype=torch.float64)
    a, b, c = _sigmoid(torch.tensor([0.6, -0.8, 1.8], dtype=torch.float64))  # P(y > 0), P(y > 1 | y > 0), ...
    expected = torch.stack([1 - a, a * (1 - b), a * b * (1 - c), a * b * c])
    torch.testing.assert_close(head(x).exp()[0], expected)


def test_coral_s_probabilities_by_hand() -> None:
    head = CoralHead(2, 4, 0.0).double()
    with torch.no_grad():
        head.output.weight.copy_(torch.tensor([[1.0, 2.0]]))
        head.first_bias.fill_(0.7)
        head.gap_bias.copy_(torch.tensor([0.0, 1.0]))
    x = torch.tensor([[0.5, -0.2]], dtype=torch.float64)
    gaps = torch.log1p(torch.exp(torch.tensor([0.0, 1.0], dtype=torch.float64))) + MIN_GAP
    above = _sigmoid(0.1 + torch.tensor([0.7, 0.7 - gaps[0], 0.7 - gaps[0] - gaps[1]], dtype=torch.float64))
    expected = torch.cat([1 - above[:1], above[:-1] - above[1:], above[-1:]])
    torch.testing.assert_close(head(x).exp()[0], expected)


@every_ordinal
@pytest.mark.parametrize("classes", [2, 3, 7])
def test_ordinal_probabilities_sum_to_one(name: str, classes: int) -> None:
    head = heads[name](5, classes, 0.0).eval()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.normal_(0, 3, generator=torch.Generator().manual_seed(0))
        logits = head(torch.randn(50, 5, generator=torch.Generator().manual_seed(1)))
    assert logits.shape == (50, classes)
    torch.testing.assert_close(logits.exp().sum(dim=1), torch.ones(50))
    torch.testing.assert_close(logits.softmax(dim=1), logits.exp())


@pytest.mark.parametrize("name", list(heads))
def test_a_head_begins_at_the_base_rates(name: str) -> None:
    rates = np.array([0.5, 0.2, 0.05, 0.25])
    head = heads[name](3, 4, 0.1).eval()
    head.set_base_rates(np.log(rates).tolist())
    with torch.inference_mode():
        found = head(torch.randn(6, 3)).softmax(dim=1)
    np.testing.assert_allclose(found, np.tile(rates, (6, 1)), atol=1e-5)
    head.set_base_rates([0.0, -12.0, -12.0, -12.0])  # classes that almost no row has
    with torch.inference_mode():
        assert torch.isfinite(head(torch.zeros(1, 3))).all()


@every_ordinal
def test_huge_features_give_finite_values_and_gradients(name: str) -> None:
    head = heads[name](1, 4, 0.0)
    torch.nn.init.ones_(head.output.weight)
    x = torch.tensor([[1e4], [-1e4], [0.0]], requires_grad=True)
    logits = head(x)
    logits.sum().backward()
    assert torch.isfinite(logits).all()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


class _Words(nn.Module):
    """The smallest network that a head can stand on: the mean of word vectors."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.words = nn.Embedding(20, 5)
        self.head = head

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
        mask = attention_mask.unsqueeze(-1).float()
        return SimpleNamespace(logits=self.head((self.words(input_ids) * mask).sum(1) / mask.sum(1)))


@every_ordinal
def test_an_exported_ordinal_head_answers_the_same(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = _Words(heads[name](5, 4, 0.1)).eval()
    network.head.set_base_rates([-1.0, 0.0, 1.0, -2.0])
    network.head.randomise(0)
    export_onnx(network, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    ids, mask = np.arange(15).reshape(3, 5), np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 0, 0, 0, 0]])
    found = session.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0]
    with torch.inference_mode():
        np.testing.assert_allclose(found, network(torch.tensor(ids), torch.tensor(mask)).logits, atol=1e-5)
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1, atol=1e-5)
