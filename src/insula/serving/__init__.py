"""HTTP: models that other programs can ask, with micro-batches, limits and a plain refusal where there is too much."""
