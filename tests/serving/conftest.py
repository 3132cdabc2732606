"""Fixtures of a real service."""

from serving_conversations import conversing, joined_model, pair_model
from serving_held import held
from serving_running import encoder_model, linear_model, predictor, served

__all__ = ["conversing", "encoder_model", "held", "joined_model", "linear_model", "pair_model", "predictor", "served"]
