"""Read conversations from tables: cells with earlier turns, rows of a dialogue."""
