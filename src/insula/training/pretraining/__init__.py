"""Pretraining an encoder on unlabelled text."""
