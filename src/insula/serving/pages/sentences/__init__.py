"""The sentences of single pages, in both languages."""
