"""Data sets: sources, label columns, splits, the leak guard, the description of a data set."""
