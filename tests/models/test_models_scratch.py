"""Networks that start from nothing: padding never counts, and each computes what its paper says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from insula.models.networks.architectures import architectures
from insula.models.networks.recurrent import RecurrentConfig, RecurrentForEmotion
from insula.models.networks.scratch import PADDING, UNKNOWN, ScratchNetwork
from insula.models.networks.textcnn import TextCnnConfig, TextCnnForEmotion

SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "textcnn": ("insula-textcnn", {"maps": 6}),
    "lstm": ("insula-recurrent", {"cell": "lstm", "states": 5, "layers": 2}),
    "gru": ("insula-recurrent", {"cell": "gru", "states": 5, "layers": 2, "pooling": "mean"}),
    "one way": ("insula-recurrent", {"cell": "gru", "states": 5, "bidirectional": False}),
    "transformer": ("insula-transformer", {"layers": 2, "heads": 2, "max_tokens": 16}),
    "static": ("insula-static", {"hidden": 6}),
    "static without a layer": ("insula-static", {}),
}
every_network = pytest.mark.parametrize("name", SETTINGS)


def _network(name: str, **settings: Any) -> ScratchNetwork:
    architecture, own = SETTINGS[name]
    torch.manual_seed(0)
    known = architectures[architecture]
    config = known.config_class(**{"vocabulary": 40, "width": 8, "outputs": 3, **own, **settings})
    network: ScratchNetwork = known(config)
    network.head.randomise(0)
    return network.eval()


def _batch(lengths: tuple[int, ...] = (7, 4, 1)) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.randint(2, 40, (len(lengths), max(lengths)), generator=torch.Generator().manual_seed(1))
    mask = (torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]).long()
    return ids * mask, mask


@every_network
def test_padding_changes_no_logits(name: str) -> None:
    network, (ids, mask) = _network(name), _batch()
    with torch.inference_mode():
        together = network(ids, mask).logits
        alone = torch.cat([network(ids[i : i + 1, :n], mask[i : i + 1, :n]).logits for i, n in enumerate((7, 4, 1))])
        wide = nn.functional.pad(ids, (0, 9), value=3), nn.functional.pad(mask, (0, 9))  # whatever stands there
        padded = network(*wide).logits
    assert together.shape == (3, 3)
    torch.testing.assert_close(alone, together, atol=1e-6, rtol=0)
    torch.testing.assert_close(padded, together, atol=1e-6, rtol=0)
    assert (together[0] - together[1]).abs().max() > 1e-4  # and the texts themselves do count


@every_network
def test_a_saved_network_is_loaded_whole(name: str, tmp_path: Path) -> None:
    network, batch = _network(name), _batch()
    network.save_pretrained(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
    restored = architectures[SETTINGS[name][0]].from_pretrained(tmp_path).eval()
    assert restored.config.to_diff_dict() == network.config.to_diff_dict()
    with torch.inference_mode():
        assert torch.equal(restored(*batch).logits, network(*batch).logits)


@every_network
def test_every_weight_learns(name: str) -> None:
    network, (ids, mask) = _network(name, dropout=0.0), _batch()
    network.train()
    network(ids, mask).logits.square().sum().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        # What adds the same to every score of a softmax has no effect.
        assert key == "pooling.score.bias" or parameter.grad.abs().sum() > 0, key
    assert network.embedding.weight.grad[PADDING].abs().sum() == 0


@every_network
def test_bfloat16_is_near(name: str) -> None:
    network, (ids, mask) = _network(name, dropout=0.0), _batch()
    exact = network(ids, mask).logits
    if name == "lstm" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("oneDNN has no LSTM in bfloat16 for this processor")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(ids, mask).logits.float()
        logits.square().sum().backward()
    torch.testing.assert_close(logits, exact, atol=0.02, rtol=0.05)
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key


@every_network
def test_words_are_dropped_in_training_only(name: str) -> None:
    network, (ids, mask) = _network(name, dropout=0.0, word_dropout=1.0), _batch()
    unknown = torch.where(mask == 1, UNKNOWN, ids)
    with torch.inference_mode():
        as_it_is, all_unknown = network(ids, mask).logits, network(unknown, mask).logits
        assert (as_it_is - all_unknown).abs().max() > 1e-4
        network.train()
        torch.testing.assert_close(network(ids, mask).logits, all_unknown, atol=1e-6, rtol=0)


def test_given_vectors_are_taken_and_the_rest_stays_random() -> None:
    network = _network("textcnn")
    before = network.embedding.weight.detach().clone()
    vectors = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
    vectors[:, 5:] = 0.0
    network.set_vectors(vectors)
    after = network.embedding.weight.detach()
    torch.testing.assert_close(after[1:, :5], torch.from_numpy(vectors[1:, :5]) * network.vector_scale)
    assert torch.equal(after[:, 5:], before[:, 5:])
    assert not after[PADDING].any()


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_two_directions_equal_torch_s_own_on_packed_rows(cell: str) -> None:
    torch.manual_seed(0)
    settings: dict[str, Any] = {"vocabulary": 40, "width": 8, "states": 5, "layers": 2, "dropout": 0.0}
    network = RecurrentForEmotion(RecurrentConfig(cell=cell, **settings)).eval()
    own = {"lstm": nn.LSTM, "gru": nn.GRU}[cell](8, 5, num_layers=2, bidirectional=True, batch_first=True)
    weights = {}
    for layer in range(2):
        for direction, end in ((network.forwards[layer], ""), (network.backwards[layer], "_reverse")):
            for name, value in direction.state_dict().items():
                weights[name.removesuffix("l0") + f"l{layer}{end}"] = value
    own.load_state_dict(weights)
    ids, mask = _batch()
    embedded = network.embedding(ids)
    packed = pack_padded_sequence(embedded, mask.sum(1), batch_first=True, enforce_sorted=False)
    states, _ = pad_packed_sequence(own(packed)[0], batch_first=True)
    torch.testing.assert_close(network.pool(embedded, mask), network.pooling(states, mask), atol=1e-6, rtol=0)


def test_a_text_cnn_by_hand() -> None:
    torch.manual_seed(0)
    network = TextCnnForEmotion(TextCnnConfig(vocabulary=40, width=3, maps=2, filter_widths=(2,))).eval()
    convolution = network.filters[0]
    words = torch.randn(2, 3)
    zero = torch.zeros(3)
    windows = [torch.stack(pair) for pair in ((zero, words[0]), (words[0], words[1]), (words[1], zero))]
    values = [(convolution.weight * window.T).sum(dim=(1, 2)) + convolution.bias for window in windows]
    expected = torch.stack(values).amax(dim=0).relu()
    found = network.pool(torch.stack([words, words]), torch.ones(2, 2, dtype=torch.long))
    torch.testing.assert_close(found, torch.stack([expected, expected]))


@pytest.mark.parametrize("family", ["lstm", "gru"])
def test_recurrent_layers_are_one_node_of_onnx_each(trained_run: Callable[..., Any], family: str) -> None:
    import onnx

    graph = onnx.load(trained_run(family, "single").model / "model.onnx").graph
    kinds = [node.op_type for node in graph.node]
    assert kinds.count(family.upper()) == 2  # forwards and backwards
    assert "Loop" not in kinds
    assert "Scan" not in kinds
