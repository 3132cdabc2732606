"""The pages of stored predictions."""
