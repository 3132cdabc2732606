"""Recognisers of personal data: one file a kind, and their registry."""
