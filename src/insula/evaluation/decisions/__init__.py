"""From logits to labels: calibration, thresholds, class offsets, abstention; fitted on validation rows."""
