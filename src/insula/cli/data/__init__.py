"""`insula data`: one module per command."""
