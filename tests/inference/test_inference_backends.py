"""What every backend keeps, and that they agree."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import insula.inference.token_backend as token_backend
import toy_data
from insula.core.errors import ModelFolderError, ParityError
from insula.core.scheme import KINDS, Kind
from insula.inference.backends import backends
from insula.inference.batching import iterate_batches
from insula.inference.features.embedding import EmbeddingBackend
from insula.inference.onnx_backend import OnnxBackend
from insula.inference.parity import PARITY, check_export
from insula.inference.predictor import Predictor
from insula.models.networks.averaged import StaticNetwork
from insula.training.families.registry import families
from waiting import DEADLINE

# Each backend with the family whose folders it opens; a new backend must be added here.
FAMILY_OF = {"linear": "linear", "onnx": "encoder", "static": "static", "torch": "encoder"}
NEURAL = tuple(name for name in families if name != "linear")
every_neural = pytest.mark.parametrize("family", NEURAL)
every_backend = pytest.mark.parametrize("backend", FAMILY_OF)
TrainedModel = Callable[[str, Kind], Any]
ODD = ["", " ", "a", "again " * 200, "🙂", "开心", "\ud83d", "x" * 5000]


def _texts(kind: Kind) -> list[str]:
    return [example.text for example in toy_data.toy_dataset(kind).split("test")] + ODD


def test_every_backend_is_tested() -> None:
    # A cascade is made of two trained models: tests/compression/test_compression_cascade.py.
    assert set(FAMILY_OF) == set(backends) - {"cascade"}


@every_backend
def test_logits_have_a_row_a_text_and_a_column_an_output(trained_run: TrainedModel, backend: str) -> None:
    family = FAMILY_OF[backend]
    kinds: tuple[Kind, ...] = ("single",) if family == "static" else ("single", "binary")
    for kind in kinds:
        folder, outputs = trained_run(family, kind).model, toy_data.SCHEMES[kind].output_count
        opened = backends[backend](folder)
        logits = opened.logits(ODD)
        assert logits.shape == (len(ODD), outputs)
        assert logits.dtype == np.float32
        assert np.isfinite(logits).all()
        assert opened.logits([]).shape == (0, outputs)


@every_backend
def test_order_and_company_do_not_matter(trained_run: TrainedModel, backend: str) -> None:
    opened = backends[backend](trained_run(FAMILY_OF[backend], "single").model)
    texts = _texts("single")
    together = opened.logits(texts)
    order = np.random.default_rng(0).permutation(len(texts))
    np.testing.assert_allclose(opened.logits([texts[i] for i in order]), together[order], atol=1e-5)
    np.testing.assert_allclose(np.concatenate([opened.logits([text]) for text in texts]), together, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_onnx_and_torch_agree(trained_run: TrainedModel, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = trained_run("encoder", kind).model
    onnx, torch = (Predictor.load(folder, backend=name) for name in ("onnx", "torch"))
    texts = _texts(kind)
    wanted = torch.decide(texts)
    for rows, tokens in ((256, 2048), (1, 2048), (5, 2048), (256, 64)):
        monkeypatch.setattr(
            token_backend,
            "iterate_batches",
            lambda lengths, r=rows, t=tokens, **_: iterate_batches(lengths, tokens=t, rows=r),
        )
        found = onnx.decide(texts)
        np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-5)
        np.testing.assert_array_equal(found.chosen, wanted.chosen)


@every_neural
def test_the_backends_agree_on_every_architecture(trained_run: TrainedModel, family: str) -> None:
    folder = trained_run(family, "single").model
    onnx, torch = (backends[name](folder) for name in ("onnx", "torch"))
    texts = _texts("single")
    np.testing.assert_allclose(onnx.logits(texts), torch.logits(texts), atol=1e-5)


@every_neural
def test_padding_to_any_width_gives_the_same_logits(trained_run: TrainedModel, family: str) -> None:
    folder = trained_run(family, "single").model
    for name in ("onnx", "torch"):
        backend: Any = backends[name](folder)
        tokens = backend.tokenizer(["lovely day with a friend"])[0]
        found = []
        for width in (len(tokens), len(tokens) + 1, 32):
            ids, mask = np.zeros((2, width), np.int64), np.zeros((2, width), np.int64)
            ids[:, : len(tokens)], mask[:, : len(tokens)] = tokens, 1
            found.append(backend.run(ids, mask))
        for logits in found[1:]:
            np.testing.assert_allclose(logits, found[0], atol=1e-5)


@pytest.mark.parametrize(
    ("family", "missing"),
    [("encoder", ("torch", "transformers")), ("static", ("torch", "transformers", "onnxruntime"))],
)
def test_predicting_needs_no_torch(trained_run: TrainedModel, family: str, missing: tuple[str, ...]) -> None:
    folder = trained_run(family, "single").model
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({missing}))\n"
        "from insula.inference.predictor import Predictor\n"
        f"print(Predictor.load({str(folder)!r}).predict(['lovely wonderful'])[0].label)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "positive"


@pytest.mark.parametrize(
    ("file", "message"), [("tokens.json", "has no tokens.json"), ("model.onnx", "cannot be opened")]
)
def test_a_missing_part_is_one_sentence(tmp_path: Path, trained_run: TrainedModel, file: str, message: str) -> None:
    for part in trained_run("encoder", "single").model.iterdir():
        if part.name != file:
            (tmp_path / part.name).symlink_to(part)
    with pytest.raises(ModelFolderError, match=message):
        backends["onnx"](tmp_path)


@pytest.mark.parametrize("content", [None, "{}", "not json"])
def test_weights_without_an_architecture_are_one_sentence(
    tmp_path: Path, trained_run: TrainedModel, content: str | None
) -> None:
    for part in trained_run("encoder", "single").model.iterdir():
        if part.name != "config.json":
            (tmp_path / part.name).symlink_to(part)
    if content is not None:
        (tmp_path / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelFolderError, match="names an architecture"):
        backends["torch"](tmp_path)


def test_static_is_held_against_the_trained_weights_too(
    trained_run: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = trained_run("static", "single").model
    kept = json.loads((folder / PARITY).read_text(encoding="utf-8"))["scores"]
    assert set(kept) == {
        "alone_and_in_batches", "onnx_and_torch", "static_alone_and_in_batches", "static_and_torch",
    }  # fmt: skip
    assert max(kept.values()) <= 1e-5
    scheme, texts = toy_data.SCHEMES["single"], _texts("single")
    as_it_is = StaticNetwork.logits
    monkeypatch.setattr(StaticNetwork, "logits", lambda model, *tokens: 1.1 * as_it_is(model, *tokens))
    with pytest.raises(ParityError, match=r"static and torch"):
        check_export(folder, scheme, texts, backend="static")
    assert check_export(folder, scheme, texts)["scores"]["onnx_and_torch"] <= 1e-5


@every_neural
def test_an_exported_network_gives_what_its_head_reads(trained_run: Callable[..., Any], family: str) -> None:
    folder = trained_run(family, "single").model
    backend = OnnxBackend(folder)
    assert isinstance(backend, EmbeddingBackend)
    found = backend.embed(texts := ["a lovely day", "a long and awful evening without any news", "开心"])
    assert found is not None
    weights = load_file(folder / "model.safetensors")
    matrix, bias = (next(value for name, value in weights.items() if name.endswith(f"head.output.{kind}"))
                    for kind in ("weight", "bias"))  # fmt: skip
    np.testing.assert_allclose(found @ matrix.T + bias, backend.logits(texts), atol=1e-4)
