"""Recognisers of postal addresses."""
