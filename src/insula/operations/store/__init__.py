"""The SQL store: keys and their use, predictions and feedback under a retention."""
