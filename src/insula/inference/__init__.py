"""Prediction: batching, backends, the predictor, prediction of files."""
