"""English spelling: a list of words, and the correction of words that are one error from it."""
