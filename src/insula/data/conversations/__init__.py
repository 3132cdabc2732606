"""Conversations in tables: cells that hold earlier turns, rows that follow each other in a dialogue."""
