"""Empathy of a reply to a message: three mechanisms, levels 0 to 2, and the words that show them."""
