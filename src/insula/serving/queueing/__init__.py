"""Texts that wait for a model: admission, micro-batches, and files at low priority."""
