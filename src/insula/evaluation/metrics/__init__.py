"""Metrics of predictions against gold, with intervals."""
