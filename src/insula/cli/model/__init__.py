"""`insula model`: one file a verb."""
