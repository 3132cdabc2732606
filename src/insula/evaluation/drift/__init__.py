"""Drift: whether texts differ from those that a model was evaluated on, and how good it probably still is."""
