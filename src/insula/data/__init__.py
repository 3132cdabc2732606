"""Rows in, examples out: sources, label columns, splits, leak guard, description."""
