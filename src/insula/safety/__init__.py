"""Finds and masks personal data in English and Chinese text."""
