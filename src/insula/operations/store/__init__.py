"""The SQL store: keys and their use, predictions and feedback, which are deleted after a set time."""
