"""Decision rules, fitted on validation rows: calibration, thresholds, class offsets, abstention."""
