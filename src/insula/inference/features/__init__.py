"""Features: what a model makes of texts before its last layer."""
