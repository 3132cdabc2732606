"""Recognisers of names of people."""
