"""Rows in files: readers, writers, encodings and addresses, one file a format."""
