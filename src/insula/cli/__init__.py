"""The command line: one file per command, which parses arguments, calls `api` and prints. Bodies import lazily."""
