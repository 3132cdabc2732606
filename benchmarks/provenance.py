"""What stands in every result file beside its figures: commit, versions, processor, date."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

PACKAGES = ("insula", "torch", "transformers", "scikit-learn", "onnxruntime", "numpy")


def provenance() -> dict[str, Any]:
    """Return commit, versions, processor, flags and date of this run."""
    name, flags = _processor()
    return {
        "commit": subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        ).stdout.strip(),
        "versions": {"python": platform.python_version()}
        | {package: importlib.metadata.version(package) for package in PACKAGES},
        "processor": name,
        "flags": flags,
        "threads": threads(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def threads() -> int:
    """Return how many threads matrix products may use."""
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


def _processor() -> tuple[str, list[str]]:
    """Return the processor's name and those of its flags that decide how fast matrix products are."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    facts = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    telling = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
    return facts.get("model name", platform.processor()), [f for f in telling if f in facts.get("flags", "").split()]
