"""Training by several processes: which one this is, and how the group is started and left."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence

from insula.core.environment import require


def process_count() -> int:
    """Return how many processes train together, as `accelerate launch` and `torchrun` say; 1 without these."""
    return int(os.environ.get("WORLD_SIZE") or 1)


def process_index() -> int:
    """Return the number of this process; 0 is the one that writes the run and measures the model."""
    return int(os.environ.get("RANK") or 0) if process_count() > 1 else 0


def launcher(processes: int) -> list[str]:
    """Return the command that starts what follows it, a script or `-m MODULE`, in so many processes of this machine.

    `accelerate launch` ends all where one fails; they train on graphics cards, one each, else on processors (gloo).
    """
    return [
        sys.executable, "-m", "accelerate.commands.launch",
        "--multi_gpu",  # its name for "several processes"; `--cpu` would start only one
        "--num_processes", str(processes), "--num_machines", "1", "--main_process_port", str(_free_port()),
        "--mixed_precision", "no", "--dynamo_backend", "no",
    ]  # fmt: skip


def launch(arguments: Sequence[str], processes: int) -> int:
    """Run `insula` with these arguments in so many processes; return the exit status."""
    require("accelerate", extra="train", purpose="train by several processes")
    return subprocess.run([*launcher(processes), "-m", "insula", *arguments], check=False).returncode


def leave_process_group() -> None:
    """Leave the group of processes: one of them does what follows training, without waiting for the others."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
