"""Peak memory of a block of code."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class PeakMemory:
    """Measures a block: `with PeakMemory() as peak: ...; peak.megabytes`.

    The peak resident memory of this process during the block, including libraries; if torch uses a GPU, the peak that
    torch allocated there. None on systems that do not report it (Linux does).
    """

    megabytes: float | None = None

    def __enter__(self) -> Self:
        self._resettable = _reset()
        if (card := _get_card()) is not None:
            card.reset_peak_memory_stats()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if (card := _get_card()) is not None:
            self.megabytes = round(card.max_memory_allocated() / 1e6, 1)
        elif self._resettable and (found := re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text(encoding="ascii"))):
            self.megabytes = round(int(found[1]) * 1024 / 1e6, 1)


def _reset() -> bool:
    """Reset the kernel's high-water mark by writing 5 (see proc(5))."""
    try:
        RESET.write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _get_card() -> Any:
    torch = sys.modules.get("torch")  # not imported here: a linear model needs no torch
    return torch.cuda if torch is not None and torch.cuda.is_available() else None
