"""`insula data`: one file a verb."""
