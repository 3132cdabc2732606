"""The program as a process of its own: exit statuses, closed pipes, full disks, what it loads."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_messages import FAST, PROGRAM, write_csv

from waiting import DEADLINE

HEAVY = ("numpy", "pandas", "torch", "transformers", "sklearn", "scipy", "fastapi", "ray", "onnxruntime", "pyarrow")
HEAVY += ("presidio_analyzer", "spacy")
Process = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize(
    "statement",
    [
        "import insula",
        "from insula.cli.app import app; from typer.testing import CliRunner\n"
        "for words in (['--help'], ['train', '--help'], ['predict', '--help'], ['evaluate', '-h'], ['data', '-h'],"
        " ['data', 'describe', '-h'], ['recipes', '-h'], ['--version']):\n"
        "    assert CliRunner().invoke(app, words).exit_code == 0, words",
    ],
    ids=["import", "help"],
)
def test_nothing_heavy_is_loaded(statement: str) -> None:
    code = f"{statement}\nimport sys\nprint([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=DEADLINE, check=True)
    assert done.stdout.strip() == "[]"


def test_errors_of_the_input_have_status_1(process: Process, here: Path) -> None:
    done = process("train", "nothing.csv")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("insula: The file or folder 'nothing.csv' does not exist.")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_wrong_usage_has_status_2(process: Process) -> None:
    done = process("train", "--nonsense")
    assert done.returncode == 2
    assert "--nonsense" in done.stderr


def test_the_installed_program_is_this_one(care: Path) -> None:
    program = Path(sys.executable).with_name("insula")
    if not program.exists():
        pytest.skip("insula is not installed as a program beside this Python")
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=DEADLINE, check=True)
    assert done.stdout.startswith("insula ")


def test_a_reader_that_leaves_is_no_error(care: Path, here: Path) -> None:
    lines = here / "lines.txt"
    lines.write_text("so happy and wonderful\n" * 30_000, encoding="utf-8")
    for extra in ((), ("--json",)):
        with lines.open() as stdin:
            writer = subprocess.Popen(
                [*PROGRAM, "predict", *extra, "-m", str(care / "runs/care")],
                stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
        assert writer.stdout is not None
        assert writer.stderr is not None
        assert "joy" in writer.stdout.readline()
        writer.stdout.close()
        errors = writer.stderr.read()
        writer.stderr.close()
        assert writer.wait(timeout=DEADLINE) == 0
        assert "Error" not in errors
        assert "Traceback" not in errors


def test_a_terminal_that_cannot_show_what_was_typed(care: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    typed = ["我很开心 😀".encode(), b"\xff\xfe so happy"]
    for extra in ((), ("--json",)):
        command = [*PROGRAM, "predict", *typed, *extra, "-m", str(care / "runs/care")]
        done = subprocess.run(command, capture_output=True, timeout=DEADLINE, check=False, env=environment)
        assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here to stand for a full disk")
@pytest.mark.parametrize("arguments", [("hello",), ("--input", "test.csv", "--json")])
def test_standard_output_on_a_full_disk(care: Path, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "predict", *arguments, "-q", "-m", "runs/care"],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=DEADLINE, check=False, cwd=care,
        )  # fmt: skip
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()
    assert "The disk is full" in sentence


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_a_file_that_may_not_grow(process: Process, care: Path, here: Path, name: str) -> None:
    rows = [{"message": os.urandom(300).hex()} for _ in range(300)]
    write_csv(here / "rows.csv", rows)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    # Python would cut its own compiled modules off at the limit as well, and trip over them ever after.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = process(
        "predict", "-i", "rows.csv", "-o", name, "-m", care / "runs/care", preexec_fn=limit, env=environment
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert f"The output '{name}' cannot be written: the disk is full" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert [path.name for path in here.iterdir()] == ["rows.csv"]


@pytest.mark.parametrize("size", ["12k", "128k"])
def test_training_on_a_full_disk(care: Path, here: Path, size: str) -> None:
    unshare = shutil.which("unshare")
    own_mounts = [unshare or "", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size={size} tmpfs {here}"
    if unshare is None or subprocess.run([*own_mounts, mount], capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here: that takes root and `unshare`")
    program = " ".join(f"'{word}'" for word in PROGRAM)
    train = f"{program} train {care}/messages.csv --output {here}/run -q {' '.join(FAST)}"
    after = f"ls -A {here}/run/model 2>/dev/null"
    done = subprocess.run(
        [*own_mounts, f"{mount} && {train}; echo status $?; {after}"],
        capture_output=True, text=True, timeout=DEADLINE, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["status 1"]
    (sentence,) = done.stderr.splitlines()
    assert sentence == (
        f"insula: The output '{here}/run' cannot be written: the disk is full; free some space, or choose another "
        "location."
    )
