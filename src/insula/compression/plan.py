"""`Plan`: which parts of a model become how small."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Weights = Literal["float32", "int8", "8bit", "4bit"]
WEIGHTS: tuple[Weights, ...] = ("float32", "int8", "8bit", "4bit")


@dataclass(frozen=True)
class Plan:
    """What is done to a model.

    weights   of products: int8 (static, activations too), 8bit and 4bit (weights alone), float32 (as they are)
    tables    bits of a value in embedding tables: 32, 8 or 4
    """

    weights: Weights = "int8"
    tables: Literal[32, 8, 4] = 8

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"weights": self.weights, "tables": self.tables}

    def __str__(self) -> str:
        parts: list[str] = [self.weights]
        if self.tables != 32:
            parts.append(f"tables {self.tables} bits")
        return ", ".join(parts)
