"""The model that comes with insula: small, bilingual, there without torch, and the one that answers by default."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import insula
from insula.core.builtin_schemes import get_builtin_scheme
from insula.core.starter import STARTER
from insula.models.folder import open_folder
from insula.models.locate import STARTER_FOLDER, locate_model
from insula.models.pretrained import ALIASES
from insula.text.portable import PORTABLE
from waiting import DEADLINE

MAX_BYTES = 18_000_000
MOST_BYTES_IN_WHEEL = 14_000_000


def test_the_starter_is_small_and_complete(tmp_path: Path) -> None:
    folder = open_folder(STARTER_FOLDER)  # its checksums hold
    assert sum(file.stat().st_size for file in STARTER_FOLDER.rglob("*")) <= MAX_BYTES
    with zipfile.ZipFile(tmp_path / "wheel.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in STARTER_FOLDER.iterdir():
            archive.write(file, file.name)
    assert (tmp_path / "wheel.zip").stat().st_size <= MOST_BYTES_IN_WHEEL
    assert folder.scheme.kind == "multi"
    assert len(folder.scheme.names) == 28
    assert set(folder.preparation.steps) <= set(PORTABLE)


def test_names_are_those_of_the_built_in_scheme() -> None:
    """Where they differ: python scripts/refresh_starter.py"""
    folder = open_folder(STARTER_FOLDER)
    assert folder.scheme == get_builtin_scheme("goemotions")
    assert folder.metrics["scheme"]["display"] == folder.scheme.display
    card = (STARTER_FOLDER / "model_card.md").read_text(encoding="utf-8")
    for label, name in folder.scheme.display["zh"].items():
        assert f"| {label} {name} |" in card


def test_no_file_names_a_local_path() -> None:
    for file in STARTER_FOLDER.iterdir():
        if file.suffix in (".json", ".toml", ".md"):
            text = file.read_text(encoding="utf-8")
            assert "/work" not in text, file.name
            assert "/tmp" not in text, file.name
            assert "/home" not in text, file.name


def test_metrics_name_command_and_encoder_without_texts() -> None:
    metrics = open_folder(STARTER_FOLDER).metrics
    assert [metrics[split]["mistakes"] for split in ("validation", "test")] == [[], []]
    assert metrics["command"].startswith("python scripts/make_starter.py --data")
    assert list(metrics["data"]["languages"])[:2] == ["en", "zh"]
    assert metrics["model"]["base"] == ALIASES["e5-small-en-zh"].hub_id
    card = (STARTER_FOLDER / "model_card.md").read_text(encoding="utf-8")
    assert '- "en"\n- "zh"\n' in card
    assert 'base_model: "intfloat/multilingual-e5-small"\n' in card


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Thank you so much, you saved my day!", "gratitude"),
        ("I am so angry about this, it makes me furious.", "anger"),
        ("I love this so much", "love"),
        ("谢谢你们，太感谢了！", "gratitude"),
        ("我好害怕，吓死我了", "fear"),
        ("太难过了，哭了一晚上", "sadness"),
    ],
)
def test_plain_feelings_in_both_languages(text: str, label: str) -> None:
    [found] = insula.predict(text)
    assert label in found.labels, found.scores


def test_a_run_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "starter").mkdir()  # no model: not meant
    assert locate_model(STARTER) == STARTER_FOLDER
    mine = tmp_path / "runs" / "starter" / "model"
    mine.mkdir(parents=True)
    (mine / "manifest.json").write_text("{}", encoding="utf-8")
    assert locate_model(STARTER) == Path("runs") / "starter" / "model"


def test_the_command_answers_without_a_model_and_without_torch() -> None:
    script = (
        "import sys; sys.modules['torch'] = None; sys.modules['transformers'] = None\n"
        "from insula.cli.app import main\n"
        "sys.argv = ['insula', 'predict', '--json', 'What a lovely day, thank you!']; main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert len(row["scores"]) == 28
    assert row["labels"]
