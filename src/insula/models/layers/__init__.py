"""Layers of networks: heads, pooling, padding, adapters."""
