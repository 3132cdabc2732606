"""Training a network: the trainer, batches, optimisers, precision, checkpoints."""
