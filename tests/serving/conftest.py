"""Fixtures of a real service; all clients of tests share one set of trusted certificates, which takes long to read."""

import functools

from httpx2._transports import default as transports
from serving_conversations import conversing, joined_model, pair_model
from serving_held import held
from serving_running import encoder_model, linear_model, predictor, served

__all__ = ["conversing", "encoder_model", "held", "joined_model", "linear_model", "pair_model", "predictor", "served"]

transports.create_ssl_context = functools.cache(transports.create_ssl_context)
