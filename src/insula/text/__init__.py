"""Pure functions on strings: clean, segment, stop words, stem, language, emoji."""
