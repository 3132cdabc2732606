"""The number format of matrix products in training."""

from __future__ import annotations

import os
from typing import Literal

import torch

Precision = Literal["auto", "float32", "bfloat16"]


def choose_precision(precision: Precision) -> torch.dtype:
    """Return the type of matrix products; weights, optimiser and losses are always float32.

    `auto` uses bfloat16 on hardware that multiplies it at least twice as fast as float32: GPUs with tensor cores, and
    processors with AMX tiles or AVX-512 BF16. Other processors emulate it, up to a hundred times slower.
    """
    if precision == "auto":
        return torch.bfloat16 if _has_fast_bfloat16() else torch.float32
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def _has_fast_bfloat16() -> bool:
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # oneDNN computes the products and can be limited to an older instruction set.
    allowed = os.environ.get("ONEDNN_MAX_CPU_ISA", "ALL").upper()
    known = torch.cpu.get_capabilities()
    free = allowed in ("ALL", "DEFAULT") or "AMX" in allowed
    return bool((known.get("amx_bf16") and free) or (known.get("avx512_bf16") and (free or "BF16" in allowed)))
