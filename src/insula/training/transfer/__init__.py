"""Learning from other models and other data sets: distillation, auxiliary tasks, trained bases."""
