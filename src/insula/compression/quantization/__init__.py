"""Quantisation of weights, activations and embedding tables."""
