"""What fits a family: one file each, from prepared rows to a trained model."""
