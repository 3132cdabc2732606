"""Stored predictions for reviewers, over HTTP and on a page."""
