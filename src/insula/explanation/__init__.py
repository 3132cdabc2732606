"""Explanation: which words raised or lowered a score, and how far that explanation can be trusted."""
