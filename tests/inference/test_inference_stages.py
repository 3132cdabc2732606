"""One way to compute: encode, compute, decide; and backends that say what they can instead of being known by name."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import insula
import insula.inference.predictor as predictor_module
import toy_data
from insula.compression.compressor import Compressor
from insula.core.decision import DecisionRule
from insula.core.errors import MissingExtraError, ModelFolderError
from insula.core.scheme import LabelScheme
from insula.inference.backends import (
    BackendEntry,
    backends,
    can_prefetch,
    get_backend_entry,
    has_token_stages,
    list_backends,
    open_backend,
)
from insula.inference.engine import EngineSettings
from insula.inference.predictor import Predictor
from insula.models.folder import open_folder, seal, write_common_files
from insula.text.preparation import Preparation

TrainedModel = Callable[..., Any]
SCHEME = LabelScheme("length", "single", ("long", "short"))
TEXTS = ["x" * (row % 7 + 1) for row in range(40)]


class Plain:
    """The least that a backend may be, as plug-ins were first written: one argument, and `logits`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def logits(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[len(text), 3.0] for text in texts], dtype=np.float32).reshape(len(texts), 2)


class Staged(Plain):
    """A backend that encodes ahead of time, and remembers in which threads."""

    prefetch = True

    def __init__(self, folder: Path = Path(), engine: EngineSettings | None = None) -> None:
        super().__init__(folder)
        self.engine = engine
        self.encoded: list[tuple[int, str]] = []
        self.computed: list[int] = []

    def encode(self, texts: Sequence[str]) -> list[int]:
        self.encoded.append((len(texts), threading.current_thread().name))
        return [len(text) for text in texts]

    def compute(self, lengths: Sequence[int]) -> np.ndarray:
        self.computed.append(len(lengths))
        return np.array([[length, 3.0] for length in lengths], dtype=np.float32)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Any], None]:
    """What registers a backend for one test."""
    monkeypatch.setattr(backends, "_members", dict(backends._members))
    monkeypatch.setattr(backends, "_loaded", dict(backends._loaded))
    return backends.register


def predictor_of(backend: Any) -> Predictor:
    return Predictor(scheme=SCHEME, preparation=Preparation(), decision=DecisionRule(), backend=backend)


def folder_run_by(name: str, folder: Path) -> Path:
    folder.mkdir()
    write_common_files(folder, scheme=SCHEME, preparation=Preparation(), decision=DecisionRule())
    seal(folder, family="lengths", backend=name)
    return folder


def test_every_way_to_predict_goes_through_the_same_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictor_module, "CHUNK", 16)
    wanted = predictor_of(Plain(Path())).predict(TEXTS)
    for ask in (
        lambda predictor: predictor.predict(TEXTS),
        lambda predictor: list(predictor.stream(iter(TEXTS))),
        lambda predictor: predictor.answer(TEXTS, predictor.logits(TEXTS)),
        lambda predictor: [
            one for at in (0, 16, 32) for one in predictor.finish(predictor.encode(TEXTS[at : at + 16]))
        ],
    ):
        staged = Staged()
        assert ask(predictor_of(staged)) == wanted
        assert [count for count, _ in staged.encoded] == staged.computed == [16, 16, 8]


@pytest.mark.parametrize(("prefetch", "thread"), [(True, "insula-ahead"), (False, "MainThread")])
def test_a_backend_says_whether_a_thread_encodes_ahead(
    prefetch: bool, thread: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictor_module, "CHUNK", 16)
    staged = Staged()
    staged.prefetch = prefetch
    predictor_of(staged).predict(TEXTS)
    assert {name for _, name in staged.encoded} == {thread}


def test_a_plain_plug_in_is_opened_and_answers(tmp_path: Path, registered: Callable[[str, Any], None]) -> None:
    registered("lengths", Plain)
    folder = folder_run_by("lengths", tmp_path / "model")
    assert get_backend_entry("lengths") == BackendEntry(Plain)
    predictor = Predictor.load(folder, engine=EngineSettings(threads=2))
    assert predictor.backend.folder == folder  # type: ignore[attr-defined]
    assert [one.label for one in predictor.predict(["12345", "1"])] == ["long", "short"]
    assert not has_token_stages(predictor.backend)
    assert can_prefetch(predictor.backend)
    assert list_backends(open_folder(folder)) == ["lengths"]


def test_a_backend_that_takes_an_engine_is_given_it(tmp_path: Path, registered: Callable[[str, Any], None]) -> None:
    registered("lengths", BackendEntry(Staged, alternatives=("other", "absent")))
    registered("other", BackendEntry(Plain, whole=("scheme.json",)))
    registered("absent", BackendEntry(Plain, packages=("no_such_package",)))
    folder = folder_run_by("lengths", tmp_path / "model")
    opened: Any = open_backend("lengths", folder, EngineSettings(threads=2))
    assert opened.engine == EngineSettings(threads=2)
    assert list_backends(open_folder(folder)) == ["lengths", "other"]
    with pytest.raises(MissingExtraError, match="pip install no_such_package"):
        open_backend("absent", folder)


def test_a_backend_says_which_verbs_are_not_for_it(tmp_path: Path, registered: Callable[[str, Any], None]) -> None:
    registered("lengths", BackendEntry(Plain, cannot={"export": "{folder} is counted. Copy it."}))
    folder = open_folder(folder_run_by("lengths", tmp_path / "model"))
    with pytest.raises(ModelFolderError, match=r"cannot be exported: .*model is counted\. Copy it\."):
        get_backend_entry("lengths").require_can("export", folder)
    get_backend_entry("lengths").require_can("quantize", folder)


def test_compression_asks_what_a_plug_in_can(tmp_path: Path, registered: Callable[[str, Any], None]) -> None:
    """A plug-in is rejected by what its folder lacks, never because nobody knows its name."""
    registered("lengths", Plain)
    folder = folder_run_by("lengths", tmp_path / "model")
    with pytest.raises(ModelFolderError, match="a model of family 'lengths' has no torch weights"):
        insula.export_model(folder, tmp_path / "out")
    no_rows: Any = None  # it is rejected before they are looked at
    with pytest.raises(ModelFolderError, match=r"has no model\.onnx to compress"):
        Compressor(open_folder(folder), no_rows)
    (folder / "model.onnx").write_bytes(b"")
    seal(folder, family="lengths", backend="lengths")
    with pytest.raises(ModelFolderError, match=r"its backend 'lengths' does not use model\.onnx"):
        Compressor(open_folder(folder), no_rows)


def test_the_old_names_of_the_stages_warn_and_work() -> None:
    predictor = predictor_of(Staged())
    with pytest.warns(DeprecationWarning, match="use encode and finish"):
        assert predictor.begin(TEXTS)() == predictor.predict(TEXTS)
    with pytest.warns(DeprecationWarning, match="use encode and compute"):
        np.testing.assert_array_equal(predictor.begin_logits(TEXTS)(), predictor.logits(TEXTS))


@pytest.mark.parametrize("family", ["linear", "static", "encoder"])
def test_stages_of_a_trained_model_add_up_to_its_logits(trained_run: TrainedModel, family: str) -> None:
    predictor = Predictor.load(trained_run(family, "multi").model)
    texts = [example.text for example in toy_data.toy_dataset("multi").split("test")]
    encoded = predictor.encode(texts)
    np.testing.assert_array_equal(predictor.compute(encoded), predictor.logits(texts))
    assert predictor.finish(encoded) == predictor.predict(texts)
    assert predictor.finish(predictor.encode([])) == []
    if has_token_stages(predictor.backend):  # rows of several encodings are computed together
        half = dataclasses.replace(encoded, inputs=texts[::2], state=encoded.state[::2])
        np.testing.assert_allclose(predictor.compute(half), predictor.logits(texts)[::2], atol=1e-5)


def test_only_a_network_has_tokens(trained_run: TrainedModel) -> None:
    opened = {
        name: Predictor.load(trained_run(name, "multi").model).backend for name in ("linear", "static", "encoder")
    }
    assert {name: has_token_stages(one) for name, one in opened.items()} == {
        "linear": False, "static": False, "encoder": True,
    }  # fmt: skip
    assert {name: can_prefetch(one) for name, one in opened.items()} == {
        "linear": True, "static": False, "encoder": True,
    }  # fmt: skip
