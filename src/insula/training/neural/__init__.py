"""Training of networks: the trainer, batches, optimisers, precision, checkpoints."""
