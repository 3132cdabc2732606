"""Dropout by bytes, and plain attention: the same as torch's own in expectation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from insula.models.networks.encoder import EncoderForEmotion
from insula.training.neural.precision import choose_precision
from insula.training.neural.quick_dropout import (
    ATTENTION,
    QuickDropout,
    apply_dropout,
    use_plain_attention,
    use_quick_dropout,
)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_the_share_and_the_expectation(rate: float, kind: torch.dtype) -> None:
    torch.manual_seed(0)
    dropped = apply_dropout(torch.ones(333, 301, dtype=kind), rate)
    assert dropped.dtype == kind
    assert (dropped == 0).float().mean().item() == pytest.approx(rate, abs=0.006)
    assert dropped.float().mean().item() == pytest.approx(1.0, abs=0.02)
    assert dropped.unique().numel() == 2
    # No pattern by position in the byte or the row.
    assert (dropped == 0).float().mean(dim=0).std().item() < 0.06


def test_edges() -> None:
    ones = torch.ones(5, 3)
    assert apply_dropout(ones, 0.0).equal(ones)
    assert not apply_dropout(ones, 1.0).any()
    assert QuickDropout(0.5).eval()(ones).equal(ones)
    torch.manual_seed(1)
    first = apply_dropout(ones, 0.5)
    torch.manual_seed(1)
    assert apply_dropout(ones, 0.5).equal(first)


def test_the_gradient_is_the_mask() -> None:
    ones = torch.ones(100, requires_grad=True)
    dropped = apply_dropout(ones, 0.5)
    dropped.sum().backward()
    assert ones.grad is not None
    assert ones.grad.equal(dropped.detach())


def test_plain_attention_is_attention(encoder_folder: Callable[..., Path]) -> None:
    model = EncoderForEmotion.from_backbone(encoder_folder(), outputs=2, pooling="mean", dropout=0.1)
    model.head.randomise(0)
    model.eval()
    ids = torch.randint(1, 20, (3, 7))
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    before = model(ids, mask).logits
    use_quick_dropout(model)
    assert not [one for one in model.modules() if type(one) is nn.Dropout]
    changed = ids.clone()
    changed[1, 5] = 3  # padding
    with use_plain_attention(model, longest=7):
        assert model.backbone.config._attn_implementation == ATTENTION
        torch.testing.assert_close(model(ids, mask).logits, before, atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(model(changed, mask).logits, before, atol=1e-6, rtol=1e-5)
    assert model.backbone.config._attn_implementation == "sdpa"
    with use_plain_attention(model, longest=257):
        assert model.backbone.config._attn_implementation == "sdpa"


def test_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_precision("float32") is torch.float32
    assert choose_precision("bfloat16") is torch.bfloat16
    if torch.cuda.is_available():
        pytest.skip("what a processor can do does not count here")
    for unit, sufficient in (("amx_bf16", "AVX512_CORE_AMX"), ("avx512_bf16", "AVX512_CORE_BF16")):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda unit=unit: {unit: True})
        assert choose_precision("auto") is torch.bfloat16
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", sufficient)
        assert choose_precision("auto") is torch.bfloat16
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_VNNI")
        assert choose_precision("auto") is torch.float32
        monkeypatch.delenv("ONEDNN_MAX_CPU_ISA")
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert choose_precision("auto") is torch.float32
