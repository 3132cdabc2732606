"""HTTP itself: bodies, size limits, connections, problem documents, headers."""
