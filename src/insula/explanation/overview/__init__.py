"""The global view: what each label of a model listens to, over many texts."""
