"""The command line: one file a verb; arguments in, a call of `api`, words out. Bodies import lazily."""
