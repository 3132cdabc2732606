"""Texts that wait for a model: micro-batches, admission, background jobs."""
