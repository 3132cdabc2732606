"""Checks for safety: signals of risk in messages, and what a reply must not say."""
