"""Streams of messages: files that grow, standard input, and message brokers."""
