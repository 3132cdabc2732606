"""Pooling, head, encoder, and the split into frozen and trained layers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from insula.core.errors import DataError, RecipeError
from insula.models.layers.heads import LinearHead
from insula.models.layers.pooling import POOLINGS, Pooling
from insula.models.networks.encoder import EncoderForEmotion
from insula.models.networks.layer_split import freeze_lower

EncoderFolder = Callable[..., Path]
every_pooling = pytest.mark.parametrize("kind", POOLINGS)


def _encoder(folder: Path, *, pooling: str = "mean", outputs: int = 3) -> EncoderForEmotion:
    torch.manual_seed(0)
    model = EncoderForEmotion.from_backbone(folder, outputs=outputs, pooling=pooling, dropout=0.0)
    model.head.randomise(0)
    return model.eval()


def _batch(rows: int = 3, tokens: int = 7) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(5, 60, (rows, tokens), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    mask[2, 2:] = 0
    return ids, mask


@every_pooling
def test_pooling_never_sees_padding(kind: str) -> None:
    torch.manual_seed(0)
    pooling, states = Pooling(kind, 8), torch.randn(2, 5, 8)
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    noisy = states.clone()
    noisy[0, 3:] = 1e6
    torch.testing.assert_close(pooling(states, mask), pooling(noisy, mask))
    torch.testing.assert_close(pooling(states[:1, :3], mask[:1, :3]), pooling(states, mask)[:1])


def test_mean_and_first_pooling_by_hand() -> None:
    states = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]]])
    mask = torch.tensor([[1, 1, 0]])
    assert Pooling("mean", 2)(states, mask).tolist() == [[2.0, 3.0]]
    assert Pooling("first", 2)(states, mask).tolist() == [[1.0, 2.0]]
    assert Pooling("mean", 2)(states, torch.zeros(1, 3)).tolist() == [[0.0, 0.0]]  # no token at all: no NaN


def test_attention_weights_sum_to_one() -> None:
    torch.manual_seed(0)
    pooling, mask = Pooling("attention", 4), torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0]])
    same = torch.randn(2, 1, 4).expand(2, 4, 4)  # where all states agree, any weights that sum to one give that state
    torch.testing.assert_close(pooling(same, mask), same[:, 0])
    states = torch.randn(2, 4, 4)
    scores = pooling.score(states).squeeze(-1)
    weights = torch.cat([scores[0, :3].softmax(0), torch.zeros(1)])
    torch.testing.assert_close(pooling(states, mask)[0], weights @ states[0])
    torch.testing.assert_close(pooling(states, mask)[1], states[1, 0])


def test_an_unknown_pooling_is_refused() -> None:
    with pytest.raises(ValueError, match="mean, first, attention"):
        Pooling("max", 4)


def test_the_head_starts_at_zero_and_then_at_the_base_rates() -> None:
    head = LinearHead(4, 3, 0.1).eval()
    pooled = torch.randn(5, 4)
    assert torch.equal(head(pooled), torch.zeros(5, 3))
    head.set_base_rates([-1.0, 0.5, 2.0])
    torch.testing.assert_close(head(pooled), torch.tensor([[-1.0, 0.5, 2.0]]).expand(5, 3))
    head.randomise(3)
    first = head.output.weight.clone()
    head.randomise(3)
    assert torch.equal(first, head.output.weight)
    head.randomise(4)
    assert not torch.equal(first, head.output.weight)


@every_pooling
def test_padding_changes_no_logits(encoder_folder: EncoderFolder, kind: str) -> None:
    model, (ids, mask) = _encoder(encoder_folder(), pooling=kind), _batch()
    with torch.inference_mode():
        together = model(ids, mask).logits
        alone = torch.cat([model(ids[i : i + 1, :n], mask[i : i + 1, :n]).logits for i, n in enumerate((7, 4, 2))])
    torch.testing.assert_close(alone, together, atol=1e-5, rtol=0)


@every_pooling
def test_a_saved_encoder_is_loaded_whole(encoder_folder: EncoderFolder, tmp_path: Path, kind: str) -> None:
    model, (ids, mask) = _encoder(encoder_folder(), pooling=kind), _batch()
    model.save_pretrained(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
    names = set(load_file(tmp_path / "model.safetensors"))
    assert names == set(model.state_dict())
    assert not any("pooler" in name for name in names)
    restored = EncoderForEmotion.from_pretrained(tmp_path).eval()
    with torch.inference_mode():
        assert torch.equal(restored(ids, mask).logits, model(ids, mask).logits)


def test_weights_are_float32_even_where_they_were_saved_in_half(encoder_folder: EncoderFolder) -> None:
    folder = encoder_folder(dtype=torch.float16)
    assert {tensor.dtype for tensor in load_file(folder / "model.safetensors").values()} == {torch.float16}
    model = _encoder(folder)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("frozen", [1, 2])
@every_pooling
def test_cached_lower_states_give_the_logits_of_the_whole(
    encoder_folder: EncoderFolder, frozen: int, kind: str
) -> None:
    model, (ids, mask) = _encoder(encoder_folder(layers=3), pooling=kind), _batch()
    with torch.inference_mode():
        whole = model(ids, mask).logits
        lower = freeze_lower(model, frozen)
        states = lower(input_ids=ids, attention_mask=mask).last_hidden_state
        split = model(lower_states=states, attention_mask=mask).logits
        assert torch.equal(model(ids, mask).logits, whole)  # and the whole one still runs
    torch.testing.assert_close(split, whole, atol=1e-5, rtol=0)


def test_frozen_layers_stay_and_the_upper_ones_move(encoder_folder: EncoderFolder) -> None:
    model, (ids, mask) = _encoder(encoder_folder(layers=3)), _batch()
    names = list(model.state_dict())
    lower = freeze_lower(model, 2)
    assert list(model.state_dict()) == names  # nothing is saved twice
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    with torch.no_grad():
        states = lower(input_ids=ids, attention_mask=mask).last_hidden_state
    model.train()
    model(lower_states=states, attention_mask=mask).logits.square().sum().backward()
    torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0).step()
    moved = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    frozen = {name for name in before if ".embeddings." in name or ".layer.0." in name or ".layer.1." in name}
    assert frozen == {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert not moved & frozen
    assert {name for name in before if ".layer.2." in name and not name.endswith("key.bias")} <= moved
    assert {"head.output.weight", "head.output.bias"} <= moved


@pytest.mark.parametrize("layers", [0, 3, 7])
def test_an_impossible_number_of_frozen_layers_is_refused(encoder_folder: EncoderFolder, layers: int) -> None:
    with pytest.raises(RecipeError, match=f"must be from 1 to 2 for this encoder. Got {layers}"):
        freeze_lower(_encoder(encoder_folder(layers=3)), layers)


def test_an_encoder_of_another_shape_cannot_be_split(encoder_folder: EncoderFolder) -> None:
    model = _encoder(encoder_folder())
    model.backbone = nn.Linear(2, 2)
    with pytest.raises(RecipeError, match=r"Linear.*freeze_layers=0"):
        freeze_lower(model, 1)


def test_states_without_a_split_are_refused(encoder_folder: EncoderFolder) -> None:
    with pytest.raises(ValueError, match="freeze_lower"):
        _encoder(encoder_folder())(lower_states=torch.zeros(1, 2, 32), attention_mask=torch.ones(1, 2))


def test_it_knows_how_many_tokens_it_can_take(encoder_folder: EncoderFolder) -> None:
    model = _encoder(encoder_folder(positions=64))
    assert model.max_positions == 64
    model.backbone.embeddings.position_embeddings = nn.Embedding(66, 32, padding_idx=1)  # as RoBERTa has it
    assert model.max_positions == 64
    del model.backbone.embeddings.position_embeddings
    assert model.max_positions is None


@pytest.mark.parametrize("damage", ["missing", "truncated", "other shape", "no json"])
def test_an_unreadable_encoder_is_one_sentence(encoder_folder: EncoderFolder, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "encoder"
    folder.mkdir()
    for file in encoder_folder().iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    weights = folder / "model.safetensors"
    if damage == "missing":
        weights.unlink()
    elif damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif damage == "other shape":
        save_file({name: tensor[:1] for name, tensor in load_file(weights).items()}, weights, {"format": "pt"})
    else:
        (folder / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"encoder in .* cannot be loaded"):
        _encoder(folder)


def test_logits_have_a_row_a_text(encoder_folder: EncoderFolder) -> None:
    ids, mask = _batch()
    with torch.inference_mode():
        assert np.shape(_encoder(encoder_folder(), outputs=5)(ids, mask).logits) == (3, 5)
