"""Objectives: the main loss, on the labels of a row, and its weights by label; `loss_terms` has the other losses."""
