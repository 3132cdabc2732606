"""The learned score of risk, on top of the hidden states of the starter model."""
