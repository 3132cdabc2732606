"""Weights and tables in fewer bits."""
