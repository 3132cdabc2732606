"""Attacks: changed texts that a reader understands alike and a model decides differently."""
