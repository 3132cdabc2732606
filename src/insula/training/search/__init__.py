"""Hyperparameter search: spaces, studies, results."""
