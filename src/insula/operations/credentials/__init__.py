"""Access keys: how they are made, kept, spent and taken back."""
