"""Predictions in, numbers out: metrics, calibration, thresholds, intervals, comparison, report."""
