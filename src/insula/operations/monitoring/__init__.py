"""Monitoring: windows of event time over a stream of predicted messages, and alerts when they change."""
