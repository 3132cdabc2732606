"""Training: recipes, model families, objectives and the trainer that turn a data set into a run."""
