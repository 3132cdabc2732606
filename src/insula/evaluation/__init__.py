"""Evaluation: metrics, calibration, thresholds, intervals, comparison, report."""
