"""The audit log: a chain of hashes in files, anchored outside, and its verification."""
