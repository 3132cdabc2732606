"""One file a kind of loss; each makes the entries that `training.objectives` registers."""
