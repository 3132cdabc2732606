"""Fitters: train a model of a family on prepared rows."""
