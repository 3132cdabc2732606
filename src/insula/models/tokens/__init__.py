"""Token numbers: tokenizers, vocabularies, word vectors."""
