"""Verbs for trained models: bench, calibrate, compress, export and prune."""
