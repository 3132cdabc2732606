"""The audit log: a hash chain in files, with anchors outside, and its verification."""
