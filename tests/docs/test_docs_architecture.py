"""The rules that docs/architecture.md says a test keeps."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from docs_pages import ROOT

SOURCES = sorted((ROOT / "src" / "insula").rglob("*.py"))
MOST_LINES = 400
HEAVY = {"numpy", "pyarrow", "scipy", "sklearn", "torch", "transformers", "onnxruntime", "pydantic", "fastapi"}
SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc"}


@pytest.mark.parametrize("arguments", [["import insula"], ["import sys; sys.argv = ['insula', '--help']"]])
def test_import_and_help_load_nothing_heavy(arguments: list[str]) -> None:
    program = "\n".join(
        [
            "import sys",
            *arguments,
            "if len(sys.argv) > 1:",
            "    from insula.cli.app import main",
            "    try:",
            "        main()",
            "    except SystemExit as end:",
            "        assert not end.code",
            f"print('loaded:', *sorted(set(sys.modules) & {HEAVY!r}))",
        ]
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().splitlines()[-1].split() == ["loaded:"]


def test_every_room_imports_only_from_below() -> None:
    program = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports())"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_are_short_and_their_names_say_something() -> None:
    for file in SOURCES:
        assert len(file.read_text(encoding="utf-8").splitlines()) <= MOST_LINES, file
        assert not {file.stem, file.parent.name} & SAY_NOTHING, file


def test_nothing_unpickles_in_the_library() -> None:
    """Pickles may be made by others (a trainer's checkpoints), but a model folder is never one."""
    for file in SOURCES:
        text = file.read_text(encoding="utf-8")
        assert "import pickle" not in text, file
        assert "joblib" not in text, file
        assert "trust_remote_code=True" not in text, file


def test_the_files_that_the_page_names_are_there() -> None:
    """Behind a room's name, or in `training` and `inference`, where the table is about that room."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/*]+(?:\.py|/))`", page)
    assert len(named) > 30
    source = ROOT / "src" / "insula"
    for name in named:
        rooms = (source, source / "training", source / "inference", ROOT)
        assert any(any(place.glob(name.rstrip("/"))) for place in rooms), name
