"""Recipes: read, checked, written, recorded."""
