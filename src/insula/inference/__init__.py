"""Examples in, predictions out: batching, backends, the predictor, file to file."""
