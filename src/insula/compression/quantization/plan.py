"""`CompressionPlan`: the steps of compressing a model."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

Weights = Literal["float32", "int8", "8bit", "4bit"]
WEIGHTS: tuple[Weights, ...] = ("float32", "int8", "8bit", "4bit")


@dataclass(frozen=True)
class CompressionPlan:
    """A plan to compress a model.

    weights   matrix products: int8 (static, with activations), 8bit and 4bit (only weights), float32 (unchanged)
    tables    bits per value in embedding tables: 32, 8 or 4
    block     8bit and 4bit: the number of weights that share a scale
    float_activations   int8: the number of most sensitive activations that stay in float32; their weights have 8 bits
    least_tokens   the minimum number of occurrences of a token in the training texts to stay in the vocabulary; 0
              keeps all tokens
    """

    weights: Weights = "int8"
    tables: Literal[32, 8, 4] = 8
    block: int = 32
    float_activations: int = 0
    least_tokens: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return dataclasses.asdict(self)

    def without_matmuls(self) -> CompressionPlan:
        """Return the plan for a model without matrix products."""
        return CompressionPlan("float32", self.tables, least_tokens=self.least_tokens)

    @property
    def is_identity(self) -> bool:
        """Whether the plan changes nothing."""
        return (self.weights, self.tables, self.least_tokens) == ("float32", 32, 0)

    def __str__(self) -> str:
        steps: list[str] = [self.weights]
        if self.tables != 32:
            steps.append(f"tables {self.tables} bits")
        if self.weights in ("8bit", "4bit") and self.block != 32:
            steps.append(f"blocks of {self.block}")
        if self.float_activations:
            steps.append(f"{self.float_activations} float activations")
        if self.least_tokens:
            steps.append(f"tokens seen {self.least_tokens}x")
        return ", ".join(steps)
