"""How much memory a piece of work took at its highest."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class PeakMemory:
    """Measures a block: `with PeakMemory() as peak: ...; peak.megabytes`.

    The highest resident memory of this process during the block, libraries and all; with a graphics card that torch
    uses, the highest that torch held there. None where the system does not say (Linux does).
    """

    megabytes: float | None = None

    def __enter__(self) -> Self:
        self._resettable = _reset()
        if (card := _card()) is not None:
            card.reset_peak_memory_stats()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if (card := _card()) is not None:
            self.megabytes = round(card.max_memory_allocated() / 1e6, 1)
        elif self._resettable and (found := re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text(encoding="ascii"))):
            self.megabytes = round(int(found[1]) * 1024 / 1e6, 1)


def _reset() -> bool:
    """Reset the kernel's high-water mark: 5 means that, see proc(5)."""
    try:
        RESET.write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _card() -> Any:
    torch = sys.modules.get("torch")  # not imported for this: a linear model needs none
    return torch.cuda if torch is not None and torch.cuda.is_available() else None
