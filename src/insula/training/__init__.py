"""Recipes, objectives, trainers: what turns a data set into a run."""
