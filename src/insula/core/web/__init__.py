"""Exchanges with services over HTTP."""
