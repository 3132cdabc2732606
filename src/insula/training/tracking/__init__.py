"""Experiment trackers: one file each."""
