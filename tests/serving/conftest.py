"""Fixtures of a real service."""

from serving_held import held
from serving_running import encoder_model, linear_model, predictor, served

__all__ = ["encoder_model", "held", "linear_model", "predictor", "served"]
