"""The queue of a model: admission control, micro-batches, and files at low priority."""
