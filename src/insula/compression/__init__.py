"""A model made small: quantised weights and tables, pruned vocabulary, what it costs, and the gate it must pass."""
