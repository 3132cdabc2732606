"""insula: models that perceive, understand and express human emotion."""

__version__ = "0.1.0"
