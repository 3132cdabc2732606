"""`insula model`: one file per command."""
