"""In which number format the products of training run."""

from __future__ import annotations

import os
from typing import Literal

import torch

Precision = Literal["auto", "float32", "bfloat16"]


def choose_precision(wanted: Precision) -> torch.dtype:
    """Return the type in which matrix products run; weights, optimiser and losses are float32 in any case.

    `auto` takes bfloat16 where the hardware multiplies it at least twice as fast as float32: tensor cores, and
    processors with AMX tiles or AVX-512 BF16. Elsewhere a processor only emulates it, up to a hundred times slower.
    """
    if wanted == "auto":
        return torch.bfloat16 if _multiplies_bfloat16_fast() else torch.float32
    return torch.bfloat16 if wanted == "bfloat16" else torch.float32


def _multiplies_bfloat16_fast() -> bool:
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # oneDNN, which does the products, can be held to an older instruction set than the processor has.
    allowed = os.environ.get("ONEDNN_MAX_CPU_ISA", "ALL").upper()
    known = torch.cpu.get_capabilities()
    free = allowed in ("ALL", "DEFAULT") or "AMX" in allowed
    return bool((known.get("amx_bf16") and free) or (known.get("avx512_bf16") and (free or "BF16" in allowed)))
