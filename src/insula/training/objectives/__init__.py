"""Objectives of training, their losses and weights."""
