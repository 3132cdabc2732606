"""Explaining predictions: words, edits, effects, and files of explanations."""
