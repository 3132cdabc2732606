"""Compression and export: quantisation, pruning, cascades, and the parity check that a smaller model must pass."""
