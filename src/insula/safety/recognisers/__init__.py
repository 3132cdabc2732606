"""Recognisers of personal data, one module for each kind, and their registry."""
