"""The `static` network: its weights fold into the table, and torch, numpy and ONNX Runtime give the same numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray

from insula.core.errors import ModelFolderError
from insula.inference.onnx_backend import OnnxBackend
from insula.models.layers.heads import heads
from insula.models.layers.numpy_heads import numpy_heads
from insula.models.layers.padding import pad
from insula.models.networks.architectures import load_network
from insula.models.networks.averaged import MIN_SORTED_TEXTS, StaticNetwork
from insula.models.networks.static import StaticConfig, StaticForEmotion
from insula.models.onnx.export import export_onnx
from insula.models.tokens.tokenization import TOKENIZER, write_settings
from insula.models.tokens.vocabulary import train_vocabulary

TABLES = ("float32", "float16", "int8")
every_table = pytest.mark.parametrize("table", TABLES)


def _network(**settings: Any) -> StaticForEmotion:
    torch.manual_seed(0)
    network = StaticForEmotion(StaticConfig(**{"vocabulary": 60, "width": 16, "outputs": 4, "hidden": 8, **settings}))
    with torch.no_grad():
        network.weight.normal_(1.0, 0.5)
        network.embedding.weight[1:].normal_(0.0, 1.0)
    network.head.randomise(0)
    with torch.no_grad():
        network.head.output.weight.mul_(20)
    return network.eval()


def _rows(count: int = 9, seed: int = 0) -> list[NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(1, 60, size=int(size)) for size in rng.integers(1, 12, size=count)]


@torch.inference_mode()
def _in_torch(network: StaticForEmotion, rows: list[NDArray[np.int64]]) -> NDArray[np.float32]:
    ids, mask = pad(rows)
    logits: NDArray[np.float32] = network(torch.from_numpy(ids), torch.from_numpy(mask)).logits.numpy()
    return logits


def _in_numpy(folder: Path, rows: list[NDArray[np.int64]]) -> NDArray[np.float32]:
    lengths = np.array([len(row) for row in rows])
    return StaticNetwork.load(folder).logits(np.concatenate([*rows, np.zeros(0, np.int64)]), lengths)


def test_the_mean_by_hand() -> None:
    network = _network(hidden=0)
    table = (network.embedding.weight * network.weight).detach().numpy()
    mean = table[[5, 7, 7]].mean(axis=0)
    wanted = mean @ network.head.output.weight.detach().numpy().T + network.head.output.bias.detach().numpy()
    np.testing.assert_allclose(_in_torch(network, [np.array([5, 7, 7]), np.array([3])])[0], wanted, atol=1e-5)


def test_folding_changes_nothing_but_rounding() -> None:
    network, rows = _network(), _rows()
    wanted = _in_torch(network, rows)
    errors = {}
    for table in TABLES:
        network.config.table = table
        found = _in_torch(network.to_stored(), rows)
        errors[table] = float(np.abs(found - wanted).max() / np.abs(wanted).max())
    assert errors["float32"] < 1e-5 < errors["float16"] < 1e-3 < errors["int8"] < 2e-2
    np.testing.assert_array_equal(_in_torch(network, rows), wanted)  # and it can be trained on


@every_table
@pytest.mark.parametrize("head", heads)
@pytest.mark.parametrize("hidden", [0, 8])
def test_numpy_answers_as_torch(tmp_path: Path, table: str, head: str, hidden: int) -> None:
    network = _network(table=table, head=head, hidden=hidden).to_stored()
    network.save_pretrained(tmp_path)
    for count in (1, MIN_SORTED_TEXTS, MIN_SORTED_TEXTS + 1, 300):
        rows = _rows(count)
        np.testing.assert_allclose(_in_numpy(tmp_path, rows), _in_torch(network, rows), atol=1e-5)
    empty = [np.zeros(0, np.int64)]
    nothing = _in_torch(network, [np.array([0])])
    np.testing.assert_allclose(_in_numpy(tmp_path, empty), nothing, atol=1e-5)
    np.testing.assert_allclose(_in_numpy(tmp_path, [*_rows(MIN_SORTED_TEXTS), *empty])[-1:], nothing, atol=1e-5)


def test_numpy_has_every_head() -> None:
    assert set(numpy_heads) == set(heads)


@pytest.mark.parametrize("table", ["float32", pytest.param("float16", marks=pytest.mark.slow), "int8"])
def test_a_loaded_folder_and_its_onnx_answer_the_same(tmp_path: Path, table: str) -> None:
    train_vocabulary([" ".join(f"w{i}" for i in range(58))], tmp_path / TOKENIZER, kind="words", size=60, min_count=1)
    network, rows = _network(table=table, vocabulary=60, width=32).to_stored(), _rows()
    network.save_pretrained(tmp_path)
    export_onnx(network, tmp_path / "model.onnx", weights=tmp_path / "model.safetensors")
    write_settings(tmp_path, max_tokens=32, outputs=4)
    wanted = _in_torch(network, rows)
    restored = load_network(tmp_path)
    assert isinstance(restored, StaticForEmotion)
    np.testing.assert_allclose(_in_torch(restored, rows), wanted, atol=1e-6)
    np.testing.assert_allclose(OnnxBackend(tmp_path).run(*pad(rows)), wanted, atol=1e-5)
    np.testing.assert_allclose(_in_numpy(tmp_path, rows), wanted, atol=1e-5)


def test_onnx_reads_the_weights_that_stand_in_safetensors(tmp_path: Path) -> None:
    network = _network(vocabulary=5000, width=64, table="int8").to_stored()
    network.save_pretrained(tmp_path)
    export_onnx(network, tmp_path / "alone.onnx")
    export_onnx(network, tmp_path / "model.onnx", weights=tmp_path / "model.safetensors")
    size = {file.name: file.stat().st_size for file in tmp_path.iterdir()}
    assert size["alone.onnx"] > 5000 * 64
    assert size["model.onnx"] < 20_000
    assert size["model.safetensors"] < 1.1 * 5000 * (64 + 4)
    kinds = {node.op_type for node in onnx.load(tmp_path / "alone.onnx", load_external_data=False).graph.node}
    assert not any(kind.startswith(("Loop", "Scan", "If")) for kind in kinds)


def test_a_row_of_zeros_stays_zero_in_int8() -> None:
    network = _network(table="int8")
    with torch.no_grad():
        network.weight[9] = 0.0
    vectors = network.to_stored().embed(torch.tensor([[0, 9]]))
    assert not vectors.any()


def test_what_is_no_static_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="does not contain a static model"):
        StaticNetwork.load(tmp_path)
    (tmp_path / "config.json").write_text('{"head": "linear", "hidden": 0}', encoding="utf-8")
    with pytest.raises(ModelFolderError, match="does not contain a static model"):
        StaticNetwork.load(tmp_path)
