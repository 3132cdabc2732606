"""Tokens: tokenizers, vocabularies, word vectors."""
