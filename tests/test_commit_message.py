"""The check of commit messages: what it rejects, what it accepts, and that pre-commit runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from waiting import DEADLINE

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "scripts" / "check_commit_message.py"
LONGEST = "x" * 72


def _checked(folder: Path, message: str) -> subprocess.CompletedProcess[str]:
    file = folder / "COMMIT_EDITMSG"
    file.write_text(message, encoding="utf-8")
    return subprocess.run([sys.executable, str(SCRIPT), str(file)], capture_output=True, text=True, timeout=DEADLINE)


@pytest.mark.parametrize(
    "message",
    [
        LONGEST,
        f"{LONGEST}\n\nA body line may be as long as it needs to be, " + "x" * 90,
        f"Short\n# a comment of git, {LONGEST}",
        f"Short\n\n# ------------------------ >8 ------------------------\n+{LONGEST}\n+.",
        f'Revert "{LONGEST}"',
        "读取 GB18030 文件" * 5,
    ],
)
def test_a_good_commit_message_passes(tmp_path: Path, message: str) -> None:
    done = _checked(tmp_path, message)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (f"{LONGEST}x", "at most 72 characters. Got 73"),
        ("Read UTF-16.", "must not end with a period"),
        ("Read UTF-16\nwithout a mark", "second line must be blank"),
        ("\n# only a comment\n", "is empty"),
    ],
)
def test_a_bad_commit_message_is_rejected(tmp_path: Path, message: str, words: str) -> None:
    done = _checked(tmp_path, message)
    assert done.returncode == 1
    assert words in done.stderr


def test_the_hook_of_pre_commit_runs_the_check(tmp_path: Path) -> None:
    """Git calls the hook as pre-commit's configuration says, in a repository with this script and interpreter."""
    yaml = pytest.importorskip("yaml")
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    (hook,) = [hook for hook in hooks if hook["id"] == "commit-message"]
    assert hook["stages"] == ["commit-msg"]
    interpreter, script = hook["entry"].split()
    assert (interpreter, ROOT / script) == (".venv/bin/python", SCRIPT)
    person = {f"GIT_{role}_{part}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True, timeout=DEADLINE)
    file = tmp_path / ".git" / "hooks" / "commit-msg"
    file.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{SCRIPT}" "$1"\n', encoding="utf-8")
    file.chmod(0o755)
    for subject, status in ((LONGEST, 0), (f"{LONGEST}x", 1)):
        done = subprocess.run(
            [*git, "commit", "-q", "--allow-empty", "-m", subject],
            env={**os.environ, **person},
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == status
