"""Training with several processes: index and number of processes, starting and leaving the group."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence

from insula.core.environment import require


def count_processes() -> int:
    """Return the number of processes that train together, set by `accelerate launch` and `torchrun`; else 1."""
    return int(os.environ.get("WORLD_SIZE") or 1)


def get_process_index() -> int:
    """Return the index of this process; process 0 writes the run and measures the model."""
    return int(os.environ.get("RANK") or 0) if count_processes() > 1 else 0


def build_launch_command(processes: int) -> list[str]:
    """Return the command that starts a script or `-m MODULE` in several processes of this machine.

    `accelerate launch` ends all processes if one fails. Each process uses one GPU; without GPUs they use CPUs (gloo).
    """
    return [
        sys.executable, "-m", "accelerate.commands.launch",
        "--multi_gpu",  # its name for "several processes"; `--cpu` would start only one
        "--num_processes", str(processes), "--num_machines", "1", "--main_process_port", str(_find_free_port()),
        "--mixed_precision", "no", "--dynamo_backend", "no",
    ]  # fmt: skip


def launch(arguments: Sequence[str], processes: int) -> int:
    """Run `insula` with these arguments in several processes; return the exit status."""
    require("accelerate", extra="train", purpose="train by several processes")
    return subprocess.run([*build_launch_command(processes), "-m", "insula", *arguments], check=False).returncode


def leave_process_group() -> None:
    """Leave the process group: after training, process 0 continues without waiting for the others."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _find_free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
