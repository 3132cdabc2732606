"""`Plan`: which parts of a model become how small."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

Weights = Literal["float32", "int8", "8bit", "4bit"]
WEIGHTS: tuple[Weights, ...] = ("float32", "int8", "8bit", "4bit")


@dataclass(frozen=True)
class Plan:
    """What is done to a model.

    weights   of products: int8 (static, activations too), 8bit and 4bit (weights alone), float32 (as they are)
    tables    bits of a value in embedding tables: 32, 8 or 4
    block     how many weights share a scale, of 8bit and 4bit
    float_activations   so many activations, the most sensitive, stay in float32 (int8 alone); their weights have 8 bits
    least_tokens   tokens that stand fewer times in the training texts leave the vocabulary; 0 keeps all
    """

    weights: Weights = "int8"
    tables: Literal[32, 8, 4] = 8
    block: int = 32
    float_activations: int = 0
    least_tokens: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return dataclasses.asdict(self)

    def without_products(self) -> Plan:
        """Return what is left of the plan for a model that has no products."""
        return Plan("float32", self.tables, least_tokens=self.least_tokens)

    @property
    def changes_nothing(self) -> bool:
        """Whether every part stays as it is."""
        return (self.weights, self.tables, self.least_tokens) == ("float32", 32, 0)

    def __str__(self) -> str:
        parts: list[str] = [self.weights]
        if self.tables != 32:
            parts.append(f"tables {self.tables} bits")
        if self.weights in ("8bit", "4bit") and self.block != 32:
            parts.append(f"blocks of {self.block}")
        if self.float_activations:
            parts.append(f"{self.float_activations} float activations")
        if self.least_tokens:
            parts.append(f"tokens seen {self.least_tokens}x")
        return ", ".join(parts)
