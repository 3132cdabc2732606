"""HTTP itself: JSON bodies, size and time limits, connections, problem documents, response headers."""
