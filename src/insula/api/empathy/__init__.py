"""Empathy of replies: scores, and scorers of your own."""
