"""Augmentation: variants of labelled texts whose label is known."""
